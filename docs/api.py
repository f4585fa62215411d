"""Build the reference of all modules from their docstrings: python docs/api.py [FOLDER].

Needs pdoc (`pip install -e ".[docs]"`). The folder is build/api by default; open its index.html.
A warning is an error.
"""

from __future__ import annotations

import pkgutil
import sys
import warnings
from importlib import import_module
from pathlib import Path
from typing import get_type_hints

import pdoc

import stochhh


def build(folder: Path) -> int:
    """Write the pages and return how many there are."""
    for name in stochhh.__all__:
        getattr(stochhh, name)  # public names are imported when first used
    modules = [module.name for module in pkgutil.walk_packages(stochhh.__path__, "stochhh.")]
    modules.remove("stochhh.__main__")
    for name in modules:
        _resolve_tuples(name)
    modules = [name for name in modules if _is_left_out(name)]
    pdoc.render.configure(docformat="numpy", math=True, show_source=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pdoc.pdoc("stochhh", *modules, output_directory=folder)
    return len(list(folder.rglob("*.html")))


def _resolve_tuples(module: str) -> None:
    """Put types for their names in named tuples, whose constructors have no module to look in."""
    for value in list(vars(import_module(module)).values()):
        if isinstance(value, type) and issubclass(value, tuple) and hasattr(value, "_fields"):
            value.__new__.__annotations__ = get_type_hints(value)


def _is_left_out(module: str) -> bool:
    """Whether pdoc does not come to a module by itself: its package names what is public."""
    package, _, name = module.rpartition(".")
    public = getattr(import_module(package), "__all__", None)
    return public is not None and name not in public


if __name__ == "__main__":
    target = Path(sys.argv[1] if len(sys.argv) > 1 else "build/api")
    print(f"{build(target)} pages in {target}; begin with {target / 'index.html'}")
