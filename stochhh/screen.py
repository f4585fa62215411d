"""Where text meets the terminal: it is shown as it was written, and commands nothing."""

from __future__ import annotations

import sys
from typing import Any

from rich.console import Console
from rich.text import Text

from stochhh.words import printable


class Screen(Console):
    """A console to which square brackets, names of emoji and control characters are just text."""

    def __init__(self, *, stderr: bool = False, quiet: bool = False) -> None:
        super().__init__(stderr=stderr, quiet=quiet, markup=False, emoji=False, highlight=False)

    def render_str(self, text: str, **options: Any) -> Text:
        """Take up a text: of a message, a cell, a heading or a title."""
        return super().render_str(printable(text, kept="\n"), **options)

    def say(self, text: object, style: str = "") -> None:
        """Print a message of one line, whatever the names in it hold."""
        self.print(printable(text), style=style)


def say(text: object, err: bool = False, kept: str = "") -> None:
    """Print a line without a style on either stream; several where the ends of lines are kept."""
    print(printable(text, kept), file=sys.stderr if err else sys.stdout, flush=True)
