"""Draw the pictures of tutorial.md anew by copying its commands: python docs/tutorial.py.

A block of commands ends with the files to open. The first of them is the picture below
the block, made smaller.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from PIL import Image

PAGE = Path(__file__).with_name("tutorial.md")
_BLOCK = re.compile(r"```sh\n(.*?)```\n\n!\[[^\]]+\]\((\S+)\)", re.DOTALL)
_WIDTH = 900  # pixels


class Step(NamedTuple):
    """A block of commands, the files that it says to open, and the picture below it."""

    commands: str
    opened: list[str]
    picture: str


def steps(page: str) -> list[Step]:
    """Blocks of commands of a page."""
    found = [
        Step(commands, re.findall(r"^# open (\S+)$", commands, re.MULTILINE), picture)
        for commands, picture in _BLOCK.findall(page)
    ]
    if len(found) != page.count("```sh") or not all(step.opened for step in found):
        raise ValueError("a block of commands opens nothing, or has no picture below it")
    return found


def follow(step: Step, folder: Path) -> None:
    """Run the commands of a step in a folder, as a reader does; they have to succeed."""
    subprocess.run(["bash", "-euc", step.commands], cwd=folder, check=True)


def main() -> None:
    """Follow the page from top to bottom and keep its pictures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for step in steps(PAGE.read_text("utf-8")):
            follow(step, folder)
            target = PAGE.parent / step.picture
            target.parent.mkdir(exist_ok=True)
            with Image.open(folder / step.opened[0]) as whole:
                small = whole.convert("RGB")
                small.thumbnail((_WIDTH, 10 * _WIDTH))
                octree = Image.Quantize.FASTOCTREE  # keeps the colours of thin lines
                small.quantize(256, method=octree).save(target, optimize=True)
            print(f"{target.relative_to(PAGE.parent)}  {target.stat().st_size // 1000} kB")


if __name__ == "__main__":
    sys.exit(main())
