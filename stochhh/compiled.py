"""Whether kernels are ready to run, or must be compiled first."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

from stochhh.methods import Method


def needs_compiling(methods: Iterable[Method]) -> bool:
    """Whether a kernel that one of the methods runs on has to be compiled on this machine."""
    from stochhh.kernels import deterministic, exact, stepped

    return any(
        _lacks_cache(
            deterministic
            if method.name == "deterministic"
            else exact
            if method.step_ms is None
            else stepped
        )
        for method in methods
    )


def circuits_need_compiling() -> bool:
    """Whether the kernel of circuits has to be compiled on this machine."""
    from stochhh.kernels import circuit

    return _lacks_cache(circuit)


def _lacks_cache(kernel: ModuleType) -> bool:
    """Whether Numba has no compiled form on disk that is newer than the source."""
    if not hasattr(kernel.simulate, "stats"):  # Numba's compiler is switched off
        return False
    folder = kernel.simulate.stats.cache_path
    if folder is None or kernel.__file__ is None:
        return True
    source = Path(kernel.__file__)
    indices = Path(folder).glob(f"{source.stem}.simulate-*.nbi")
    return not any(index.stat().st_mtime >= source.stat().st_mtime for index in indices)
