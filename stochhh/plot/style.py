"""One look for all pictures: colour-blind-safe colours, print sizes, and how curves are told apart.

Trials are thin coloured lines, the deterministic limit is a dashed black one.
Colours are those of Okabe & Ito (https://jfly.uni-koeln.de/color/).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.figure import Figure
    from matplotlib.text import Text

Arguments = ParamSpec("Arguments")

VOLTAGE = "#0072B2"
MEAN = "#D55E00"
DETERMINISTIC = "#000000"
STIMULUS = "#7F7F7F"
_IONS = {"Na+": "#D55E00", "K+": "#009E73", "Ca2+": "#CC79A7"}
_OTHERS = ("#56B4E9", "#E69F00", "#CC79A7", "#F0E442", "#999999")

WIDTH = 7.0  # inches: the width of a page of text
#: Settings of matplotlib outside of all that is drawn in this style, and whether what is
#: drawn is a part of a larger picture.
_users: ContextVar[dict[Any, Any] | None] = ContextVar("settings_of_user", default=None)
_is_part: ContextVar[bool] = ContextVar("is_part", default=False)

DASHES: Any = (0, (4, 1.6))
TRIAL: dict[str, Any] = {"linewidth": 0.7}
LIMIT: dict[str, Any] = {"color": DETERMINISTIC, "linewidth": 1.3, "linestyle": DASHES}


@contextmanager
def style() -> Iterator[None]:
    """Draw in the style of this package, and leave matplotlib's own settings alone.

    Fonts, grids and how files are written stay the user's where they were changed; colours
    and sizes of letters are taken up when a figure is finished (`as_written`).

    Seaborn's ticks on paper, in the copy that comes with matplotlib: to import seaborn
    for it takes a simple run half a second longer.
    """
    import matplotlib as mpl
    from matplotlib.style import library

    from stochhh.plot.user_settings import kept

    settings: dict[Any, Any] = {
        **library["seaborn-v0_8-ticks"],
        **library["seaborn-v0_8-paper"],
        "font.size": 8,
        "lines.linewidth": 1.2,
        "lines.markersize": 4.8,
        "lines.markeredgewidth": 1.0,
        "patch.linewidth": 0.8,
        "xtick.major.size": 4.8,
        "ytick.major.size": 4.8,
        "axes.labelsize": 8,
        "axes.titlesize": 9,
        "xtick.labelsize": 7,
        "ytick.labelsize": 7,
        "legend.fontsize": 7,
        "legend.frameon": False,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.linewidth": 0.8,
        "xtick.major.width": 0.8,
        "ytick.major.width": 0.8,
        "savefig.dpi": 200,
        "figure.dpi": 100,
        "pdf.fonttype": 42,
        **kept(dict[str, Any](mpl.rcParams)),  # type: ignore[arg-type]
        "text.usetex": False,  # texts are no programs
    }
    token = _users.set(_users.get() or dict(mpl.rcParams))
    try:
        with mpl.rc_context(settings):
            yield
    finally:
        _users.reset(token)


def as_written(draw: Callable[Arguments, Figure]) -> Callable[Arguments, Figure]:
    """Show the texts of the figure that a function draws as they were written.

    To matplotlib what stands between dollar signs is a formula, which may be none. The
    finished figure takes up the user's ink, paper and size of letters.
    """

    @wraps(draw)
    def drawn(*given: Arguments.args, **named: Arguments.kwargs) -> Figure:
        import matplotlib as mpl

        from stochhh.plot.user_settings import take_up

        if _is_part.get():
            return draw(*given, **named)
        settings: dict[Any, Any] = _users.get() or dict(mpl.rcParams)
        tokens = _users.set(settings), _is_part.set(True)
        try:
            figure = draw(*given, **named)
        finally:
            _users.reset(tokens[0])
            _is_part.reset(tokens[1])
        read_literally(figure)
        take_up(figure, settings)
        return figure

    return drawn


def on_dark() -> bool:
    """Whether what is being drawn will stand on dark paper."""
    from stochhh.plot.user_settings import is_dark

    settings = _users.get()
    return settings is not None and is_dark(settings)


def read_literally(figure: Figure) -> None:
    """Take no text that a figure has so far for a formula."""
    for text in _texts(figure):
        if "$" in text.get_text():
            text.set_parse_math(False)


def _texts(artist: Artist) -> Iterator[Text]:
    """Texts of an artist and of all it holds, without working out where ticks will be."""
    from matplotlib.axis import Axis
    from matplotlib.text import Text

    if isinstance(artist, Text):
        yield artist
    if isinstance(artist, Axis):
        inside: list[Artist] = [artist.label]
        for tick in artist.majorTicks:
            inside += [tick.label1, tick.label2]
    else:
        inside = artist.get_children()
    for one in inside:
        yield from _texts(one)


def population_colors(ions: Sequence[str]) -> list[str]:
    """Colour of each population: by its ion, or else the next one free."""
    colors: list[str] = []
    for ion in ions:
        preferred = [_IONS[ion]] if ion in _IONS else []
        unused = [color for color in (*preferred, *_OTHERS) if color not in colors]
        colors.append(unused[0] if unused else _OTHERS[len(colors) % len(_OTHERS)])
    return colors


def ion_label(ion: str) -> str:
    """Write an ion with its charge raised: ``Na+`` as Na⁺."""
    return ion.translate(str.maketrans("+-0123456789", "⁺⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
