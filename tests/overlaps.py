"""Find texts of a figure that overprint each other, leave it, or are cut off.

    assert not overlaps(figure)

Boxes are those that matplotlib draws texts in, without the room that lines keep above and
below their letters.
"""

from __future__ import annotations

from itertools import combinations
from unittest.mock import patch

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.path import Path
from matplotlib.text import Annotation, Text
from matplotlib.transforms import Bbox

_ABOVE, _BESIDE = 0.16, 0.04  # of the size of letters, that their box is larger at each side
_OUT = 1.0  # pixels that letters may stand out of the figure


def drawn_texts(figure: Figure) -> list[Text]:
    """Texts that a drawing of the figure shows, ticks' labels among them, each once."""
    found: dict[int, Text] = {}
    draw = Text.draw

    def noted(text: Text, *given: object, **named: object) -> object:
        if text.get_visible() and text.get_text().strip():
            found[id(text)] = text
        return draw(text, *given, **named)

    canvas = figure.canvas if isinstance(figure.canvas, FigureCanvasAgg) else None
    canvas = canvas or FigureCanvasAgg(figure)
    with patch.object(Text, "draw", noted):
        canvas.draw()
    return list(found.values())


def letters(text: Text) -> Bbox:
    """Box (pixels) of the letters of a text that was drawn."""
    box = Text.get_window_extent(text)  # an annotation's own counts its arrow
    size = text.get_fontsize() * text.get_figure(root=True).dpi / 72
    room = np.array([_BESIDE, _ABOVE]) * size
    if text.get_rotation() % 180 == 90:
        room = room[::-1]
    room = np.minimum(room, 0.4 * box.size)
    return Bbox([box.min + room, box.max - room])


def overlaps(figure: Figure) -> list[str]:
    """What is wrong with the texts of a figure, a line each; draws it."""
    texts = drawn_texts(figure)
    boxes = [letters(text) for text in texts]
    wrong = []
    for (one, its), (other, box) in combinations(zip(texts, boxes, strict=True), 2):
        if its.x0 < box.x1 and box.x0 < its.x1 and its.y0 < box.y1 and box.y0 < its.y1:
            wrong.append(f"{one.get_text()!r} overprints {other.get_text()!r}")
    page = figure.get_window_extent()
    for text, box in zip(texts, boxes, strict=True):
        out = max(page.x0 - box.x0, box.x1 - page.x1, page.y0 - box.y0, box.y1 - page.y1)
        if out > _OUT:
            wrong.append(f"{text.get_text()!r} leaves the figure by {out:.0f} pixels")
        clip = text.get_clip_box() if text.get_clip_on() else None
        if clip is not None and not (
            clip.x0 <= box.x0 + _OUT
            and box.x1 - _OUT <= clip.x1
            and clip.y0 <= box.y0 + _OUT
            and box.y1 - _OUT <= clip.y1
        ):
            wrong.append(f"{text.get_text()!r} is cut off")
    return wrong


def struck(figure: Figure) -> list[str]:
    """Texts that an arrow of another text crosses, a line each; draws the figure."""
    texts = drawn_texts(figure)
    notes = figure.findobj(Annotation)
    arrows = [note.arrow_patch for note in notes if isinstance(note, Annotation)]
    wrong = []
    for text in texts:
        box = letters(text)
        own = getattr(text, "arrow_patch", None)
        for arrow in arrows:
            if arrow is None or arrow is own or not arrow.get_visible():
                continue
            path = arrow.get_transform().transform_path(arrow.get_path())
            parts = path.to_polygons(closed_only=False)
            if any(Path(part).intersects_bbox(box, filled=False) for part in parts):
                wrong.append(f"an arrow crosses {text.get_text()!r}")
    return wrong
