"""Labels never overprint: the pictures of every scenario, made small, and of its studies."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from overlaps import overlaps

import stochhh
from stochhh.scenario import Circuit, library_scenarios, load_experiment
from stochhh.studies import analyse, find_study


def _small() -> tuple[tuple[str, ...], dict[str, list[str]]]:
    path = Path(__file__).with_name("test_scenarios.py")
    spec = importlib.util.spec_from_file_location("small_scenarios", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.USUAL, module.SMALL


USUAL, SMALL = _small()
PATCHES = sorted(
    name for name in library_scenarios() if not isinstance(load_experiment(name), Circuit)
)


@pytest.mark.parametrize("name", PATCHES)
def test_no_label_overprints_another(name):
    small = SMALL.get(name, USUAL)
    quick = ["run.trials=2", 'run.initial.settle="0 ms"']
    result = stochhh.run(name, overrides=[*quick, *small], seed=1)
    assert overlaps(stochhh.overview(result)) == []
    for outcome in analyse(result, strict=False):
        if outcome.findings is not None:
            drawn = find_study(outcome.name).draw(outcome.findings, outcome.heading)
            assert overlaps(drawn) == [], outcome.name
