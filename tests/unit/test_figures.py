"""The page of the figures, and what their checks call agreement."""

from __future__ import annotations

import importlib.util
import json
import math
import sys
from pathlib import Path
from types import ModuleType

import pytest

FIGURES = Path(__file__).parents[2] / "figures"


def loaded(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"figures_{name}", FIGURES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


PAGE, COMMON = loaded("all"), loaded("common")


@pytest.mark.parametrize(
    ("text", "doi"),
    [
        ("1996, doi:10.1016/S0006-3495(96)79494-8: no", "10.1016/S0006-3495(96)79494-8"),
        ("(Mino 2002, doi:10.1114/1.1475343).", "10.1114/1.1475343"),
        ("doi:10.1023/A:1008967807741. Steady", "10.1023/A:1008967807741"),
        ("doi:10.1162/neco.1993.5.6.843", "10.1162/neco.1993.5.6.843"),
    ],
)
def test_dois_are_linked_without_the_punctuation_behind_them(text: str, doi: str) -> None:
    assert f"[doi:{doi}](https://doi.org/{doi})" in PAGE.linked(text)


@pytest.mark.parametrize(
    ("relation", "published", "interval", "agrees"),
    [
        ("=", 1.0, (0.9, 1.1), True),
        ("=", 1.3, (0.9, 1.1), False),
        ("=", 1.15, (0.9, 1.1), True),
        (">", 0.9, (0.9, 1.1), True),
        (">", 1.0, (0.9, 1.1), False),
        ("<", 1.1, (0.9, 1.1), True),
        ("<", 1.0, (0.9, 1.1), False),
    ],
)
def test_a_check_agrees_where_its_whole_interval_does(
    relation: str, published: float, interval: tuple[float, float], agrees: bool
) -> None:
    one = COMMON.Check("what", "source", published, 1.0, 0.06, interval, relation)
    assert one.agrees is agrees


def test_what_is_not_a_number_disagrees() -> None:
    for relation in ("=", "<", ">"):
        assert not COMMON.Check("what", "source", 1.0, math.nan, 1.0, None, relation).agrees


def test_any_script_is_on_the_page_and_disagreement_is_shown(tmp_path: Path) -> None:
    script = tmp_path / "new_X99.py"
    script.write_text('"""A new figure.\n\nX 1999, doi:10.1000/x(9)9. More.\n"""\n')
    check = {"what": "rate (Hz)", "source": "X 1999", "published": 1.0, "ours": 2.0}
    check |= {"tolerance": 0.1, "interval": [1.9, 2.1], "relation": "=", "agrees": False}
    checks = [check, check | {"published": 2.0, "agrees": True, "interval": None}]
    told = {"compute_s": 90.0, "checks": checks}
    (tmp_path / "new_X99.json").write_text(json.dumps(told))
    page = PAGE.page([script], tmp_path)
    row = next(line for line in page.splitlines() if "python figures/new_X99.py" in line)
    assert "A new figure" in row
    assert "https://doi.org/10.1000/x(9)9" in row
    assert "1.5" in row
    assert "**1 of 2 disagree**" in row
    assert "| rate (Hz) | X 1999 | 1 | 2 | 1.9 to 2.1 | 0.1 | **disagrees** |" in page
