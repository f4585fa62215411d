"""What is asked for and will not be had, and beginnings other than equilibrium."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.linalg import expm

import stochhh
from stochhh import doubts
from stochhh.errors import InputError
from stochhh.simulate import prepare, resolve_experiment

#: C ⇌ O → B: a blocker that is never left.
BLOCKED = """
format = 1
title = "a channel that is blocked for ever"
ion = "K+"
state = [{ name = "C" }, { name = "O", conductance = 1 }, { name = "B" }]
transition = [
    { from = "C", to = "O", rate = "a" },
    { from = "O", to = "C", rate = "b" },
    { from = "O", to = "B", rate = "c" },
]
[rates]
a = { law = "constant", rate = "1 / ms" }
b = { law = "constant", rate = "0.5 / ms" }
c = { law = "constant", rate = "0.1 / ms" }
"""
GENERATOR = np.array([[-1.0, 1.0, 0.0], [0.5, -0.6, 0.1], [0.0, 0.0, 0.0]])


@pytest.fixture
def blocked(tmp_path: Path) -> dict[str, Any]:
    """A membrane of 2000 such channels."""
    (tmp_path / "blocked.toml").write_text(BLOCKED)
    scheme = str(tmp_path / "blocked.toml")
    channels = {"scheme": scheme, "count": 2000, "conductance": "1 pS", "reversal": "-77 mV"}
    leak = {"conductance": "0.3 mS/cm^2", "reversal": "-54.4 mV"}
    return {"capacitance": "1 uF/cm^2", "leak": leak, "channels": [channels]}


def as_patch(membrane: dict[str, Any], **run: Any) -> dict[str, Any]:
    """Held at 0 mV."""
    return {
        "format": 1,
        "title": "a patch",
        "membrane": {**membrane, "area": "10 um^2"},
        "clamp": {"holding": "0 mV"},
        "run": {"duration": "2 ms", "seed": 1, **run},
    }


def as_cell(membrane: dict[str, Any], **run: Any) -> dict[str, Any]:
    """One compartment of it."""
    section = {"name": "soma", "membrane": "its", "area": "10 um^2"}
    return {
        "format": 1,
        "title": "a cell",
        "membranes": {"its": membrane},
        "cell": [{"name": "cell", "section": [section]}],
        "run": {"duration": "2 ms", "seed": 1, **run},
    }


@pytest.mark.parametrize("made", [as_patch, as_cell])
def test_channels_that_begin_in_a_trap_are_said(blocked: dict[str, Any], made: Any) -> None:
    message = (
        r"channels\[0\]: all of '.*blocked.*' begin in 'B', which they never leave; to begin "
        'elsewhere give a state, as in initial_state = "C"'
    )
    with pytest.warns(UserWarning, match=message) as said:
        prepare(resolve_experiment(made(blocked)))
    assert len(said) == 1
    blocked["channels"][0]["initial_state"] = "C"
    prepare(resolve_experiment(made(blocked)))
    blocked["channels"][0]["initial_state"] = "c"
    with pytest.raises(InputError, match=r"channels\[0\]\.initial_state: '.*' has no state 'c'"):
        prepare(resolve_experiment(made(blocked)))


@pytest.mark.parametrize("method", ["exact", "leap", "langevin"])
def test_channels_begin_where_they_are_told(blocked: dict[str, Any], method: str) -> None:
    """At a held voltage their numbers are multinomial, with the law of the master equation."""
    blocked["channels"][0]["initial_state"] = "C"
    record = {"interval": "1 ms", "variables": ["occupancy"]}
    result = stochhh.run(as_patch(blocked, method=method, record=record))
    found = result["occupancy"].values[0]
    assert found[0].tolist() == [2000, 0, 0]
    law = expm(GENERATOR * 2.0)[0]
    np.testing.assert_allclose(result["deterministic_occupancy"].values[-1], 2000 * law, rtol=1e-6)
    limit = 4.9 * np.sqrt(2000 * law * (1 - law))
    assert np.all(np.abs(found[-1] - 2000 * law) < limit)
    assert np.any(np.abs(found[-1] - 2000 * expm(GENERATOR * 1.0)[0]) > limit)  # control


def test_channels_of_cells_begin_where_they_are_told(blocked: dict[str, Any]) -> None:
    blocked["channels"][0]["initial_state"] = "C"
    record = {"interval": "1 ms", "variables": ["open"]}
    result = stochhh.run(as_cell(blocked, record=record, step="0.01 ms"))
    law = expm(GENERATOR * 2.0)[0]
    assert result["open"].values[0, 0, 0, 0] == 0.0
    limit = result["deterministic_open"].values.ravel()[-1]
    assert limit == pytest.approx(2000 * law[1], rel=1e-6)
    found = result["open"].values.ravel()[-1]
    assert abs(found - limit) < 4.9 * np.sqrt(2000 * law[1] * (1 - law[1]))


@pytest.mark.parametrize("made", [as_patch, as_cell])
def test_channels_rounded_to_none_are_said(made: Any) -> None:
    few = {"scheme": "squid-na", "density": "0.04 / um^2", "conductance": "20 pS"}
    membrane = {
        "capacitance": "1 uF/cm^2",
        "leak": {"conductance": "0.3 mS/cm^2", "reversal": "-54.4 mV"},
        "channels": [{**few, "reversal": "50 mV"}],
    }
    with pytest.warns(UserWarning, match=r"channels\[0\]: there are none of 'squid-na'.*half a"):
        prepare(resolve_experiment(made(membrane)))
    for density in ("0.06 / um^2", "0 / um^2"):  # none are none
        membrane["channels"] = [{**few, "reversal": "50 mV", "density": density}]
        prepare(resolve_experiment(made(membrane)))


def free(tables: dict[str, Any]) -> dict[str, Any]:
    """The same without a clamp."""
    return {key: value for key, value in tables.items() if key != "clamp"}


def test_an_accuracy_that_chooses_nothing_is_said() -> None:
    asked = ["run.duration=1 ms", "run.accuracy=0.1"]
    with pytest.warns(UserWarning, match=r"run\.accuracy: 0\.1 does nothing, as method 'exact'"):
        prepare(resolve_experiment("squid-patch", asked))
    prepare(resolve_experiment("squid-patch", [*asked, "run.method=auto"]))  # warnings are errors
    prepare(resolve_experiment("squid-patch", ["run.duration=1 ms", "run.accuracy=0.02"]))


@pytest.mark.parametrize("made", [as_patch, as_cell])
def test_settling_that_takes_far_longer_than_the_run_is_said(made: Any) -> None:
    """A square centimetre for a microsecond settled for hours without a word."""
    channels = {"scheme": "squid-na", "density": "60 / um^2", "conductance": "20 pS"}
    membrane = {
        "capacitance": "1 uF/cm^2",
        "leak": {"conductance": "0.3 mS/cm^2", "reversal": "-54.4 mV"},
        "channels": [{**channels, "reversal": "50 mV"}],
    }
    brief = {"duration": "0.001 ms", "record": {"interval": "0.001 ms"}}
    with pytest.warns(UserWarning, match=r"run\.initial\.settle: trials of 0\.001 ms settle for"):
        prepare(resolve_experiment(free(made(membrane, **brief))))
    prepare(resolve_experiment(free(made(membrane, **brief, initial={"settle": "0 ms"}))))


def test_doubts_are_said_once_and_few() -> None:
    with pytest.warns(UserWarning, match="doubt|more") as said:
        doubts.say([f"doubt {i // 2}" for i in range(20)])
    texts = [str(one.message) for one in said]
    assert texts == [*(f"doubt {i}" for i in range(5)), "5 more such notes are left out"]
