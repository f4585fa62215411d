"""Matplotlib's settings of a user, taken up by a figure that was drawn in this package's style.

Pictures are drawn dark on white at the sizes of print, in greys where no colour means
anything. Their greys then become mixtures of the user's ink and paper, and their letters,
and the page with them, as large as asked for: so nothing overprints that did not before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import matplotlib as mpl
from matplotlib.axis import Axis
from matplotlib.collections import Collection
from matplotlib.colors import to_rgb, to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Annotation, Text

_DEFAULT_SIZE = 10.0  # points, of letters in matplotlib
_OWN = ("font.", "mathtext.", "axes.grid", "savefig.", "axes.formatter.", "axes.unicode_minus")
_GREY = 0.02  # most that red, green and blue of a grey differ
Recolour = Callable[[Any], Any]


def kept(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings that win over this package's: fonts but for their size, grids, numbers, files."""
    default: dict[Any, Any] = dict(mpl.rcParamsDefault)
    return {
        key: value
        for key, value in settings.items()
        if key.startswith(_OWN) and key != "font.size" and value != default[key]
    }


def is_dark(settings: Mapping[str, Any]) -> bool:
    """Whether the paper is darker than the ink."""
    return sum(to_rgb(settings["axes.facecolor"])) < sum(to_rgb(settings["text.color"]))


def take_up(figure: Figure, settings: Mapping[str, Any]) -> None:
    """Give a finished figure the ink, paper and size of letters of settings.

    Parameters
    ----------
    figure : drawn dark on white
    settings : as `matplotlib.rcParams`, of the user; what is matplotlib's default is left alone
    """
    default: dict[Any, Any] = dict(mpl.rcParamsDefault)
    names = ("text.color", "axes.facecolor", "figure.facecolor")
    if any(to_rgba(settings[name]) != to_rgba(default[name]) for name in names):
        ink, panel, page = (to_rgb(settings[name]) for name in names)
        _recolour(figure, lambda color: _mixed(color, ink, panel))
        figure.patch.set_facecolor(page)
        for sub in figure.subfigs:
            sub.patch.set_facecolor(page)
    factor = float(settings["font.size"]) / _DEFAULT_SIZE
    if factor != 1.0:
        _enlarge(figure, factor)
    for axis in _axes_of(figure):
        _set_ticks(axis, factor, settings)


def _mixed(color: Any, ink: tuple[float, ...], paper: tuple[float, ...]) -> Any:
    """Colour on paper: of a grey the mixture of both, anything else as it is."""
    if isinstance(color, str) and color == "none":
        return color
    *rgb, alpha = to_rgba(color)
    if max(rgb) - min(rgb) > _GREY or alpha == 0.0:
        return color
    level = sum(rgb) / 3
    return (*(level * p + (1.0 - level) * i for p, i in zip(paper, ink, strict=True)), alpha)


def _recolour(figure: Figure, change: Recolour) -> None:
    for artist in figure.findobj(include_self=False):
        if artist.get_path_effects():  # on a map, whatever the paper is
            continue
        if isinstance(artist, Text):
            artist.set_color(change(artist.get_color()))
            boxed = artist.get_bbox_patch()
            if boxed is not None:
                _recolour_patch(boxed, change)
            if isinstance(artist, Annotation) and artist.arrow_patch is not None:
                _recolour_patch(artist.arrow_patch, change)
        elif isinstance(artist, Line2D):
            for name in ("color", "markerfacecolor", "markeredgecolor"):
                getattr(artist, f"set_{name}")(change(getattr(artist, f"get_{name}")()))
        elif isinstance(artist, Patch):
            _recolour_patch(artist, change)
        elif isinstance(artist, Collection) and artist.get_array() is None:
            for name in ("facecolor", "edgecolor"):
                colors = getattr(artist, f"get_{name}")()
                if len(colors):
                    getattr(artist, f"set_{name}")([change(color) for color in colors])


def _recolour_patch(patch: Patch, change: Recolour) -> None:
    face, edge = patch.get_facecolor(), patch.get_edgecolor()
    patch.set_facecolor(change(face))
    patch.set_edgecolor(change(edge))


def _enlarge(figure: Figure, factor: float) -> None:
    """Make letters and the page larger alike, so that nothing meets that did not before."""
    figure.set_size_inches(*(factor * figure.get_size_inches()))
    of_ticks = {id(text) for axis in _axes_of(figure) for text in axis.findobj(Text)}
    of_ticks -= {id(axis.label) for axis in _axes_of(figure)}
    for text in figure.findobj(Text):
        if id(text) not in of_ticks:
            size: Any = text.get_fontsize()
            text.set_fontsize(factor * size)


def _axes_of(figure: Figure) -> list[Axis]:
    return [axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)]


def _set_ticks(axis: Axis, factor: float, settings: Mapping[str, Any]) -> None:
    """Settle how ticks look, which matplotlib makes when it draws."""
    size: Any = axis.majorTicks[0].label1.get_fontsize()
    ink, paper = to_rgb(settings["text.color"]), to_rgb(settings["figure.facecolor"])
    axis.set_tick_params(
        which="both",
        labelsize=factor * size,
        color=_mixed("0.15", ink, paper),
        labelcolor=_mixed("0.15", ink, paper),
    )
