"""Figures that show themselves in a notebook and are written as print needs them."""

from __future__ import annotations

import io
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

#: How figures are written: letters in PDF stay letters (Type 42) that any program can edit.
WRITTEN: dict[Any, Any] = {"pdf.fonttype": 42, "ps.fonttype": 42, "savefig.dpi": 200}


class Picture(Figure):
    """A figure of this package, apart from pyplot and its windows.

    Jupyter shows it without ``%matplotlib inline``; `savefig` writes fonts of Type 42 and, if
    no resolution was asked for, 200 dots an inch.
    """

    def savefig(self, fname: Any, **options: Any) -> None:
        """Write the figure to a file, whose ending names the format; options are matplotlib's."""
        asked = {} if mpl.rcParams["savefig.dpi"] == "figure" else {"savefig.dpi"}
        written = {key: value for key, value in WRITTEN.items() if key not in asked}
        with mpl.rc_context(written):
            super().savefig(fname, **options)

    def _repr_png_(self) -> bytes:
        """The picture for a notebook."""
        stream = io.BytesIO()
        self.savefig(stream, format="png")
        return stream.getvalue()
