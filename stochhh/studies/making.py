"""Make the studies of a result: check, fill in the settings, compute, write."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from stochhh.analysis.applicable import filled_settings, settings_across, spans_sweep
from stochhh.analysis.axes import place_label
from stochhh.analysis.estimates import approximate_names
from stochhh.analysis.setup import Setup
from stochhh.errors import InputError, did_you_mean
from stochhh.membrane import build_membrane
from stochhh.plot.overview import save_figure
from stochhh.result import Result
from stochhh.scenario import Circuit, Experiment, expand_sweep, load_experiment
from stochhh.studies.circuits import CircuitOccasion, circuit_occasions
from stochhh.studies.registry import find_study
from stochhh.studies.study import Findings, Numbers, Occasion, Survey
from stochhh.words import printable
from stochhh.writing import replacing


class Outcome(NamedTuple):
    """One study, of one point of a sweep or of all: what it found, or why it found nothing.

    Attributes
    ----------
    name : of the study.
    point : place along dim ``point``, 0 without a sweep; None where it is of all points.
    heading : of its table and picture.
    findings : None if the data did not allow it.
    problem : why not.
    """

    name: str
    point: int | None
    heading: str
    findings: Findings | None
    problem: str = ""

    @property
    def numbers(self) -> Numbers:
        """What was found, as in ``summary.json``; empty where nothing was."""
        return {} if self.findings is None else self.findings.numbers

    def figure(self) -> Figure:
        """Draw its picture.

        Raises
        ------
        InputError
            Nothing was found.
        """
        if self.findings is None:
            raise InputError(self.problem)
        return find_study(self.name).draw(self.findings, self.heading)

    def __repr__(self) -> str:
        """Heading, and what it says in words."""
        said = self.problem if self.findings is None else find_study(self.name).says(self.numbers)
        return printable(f"<{self.heading}>\n{said}", kept="\n")


def analyse(
    result: Result,
    names: str | Sequence[str] | None = None,
    overrides: Iterable[str] = (),
    strict: bool = True,
    **settings: Any,
) -> list[Outcome]:
    """Make studies of a result, one after another, at each point of its sweep or of all.

    Parameters
    ----------
    result : of a run, fresh or loaded.
    names : of studies (`STUDY_NAMES`), or one; by default those that its scenario names.
    overrides : ``"dwell_times.population=squid-k"`` texts that win over the scenario's
        settings; what neither gives is worked out from the protocol.
    strict : raise where the data do not allow a study, instead of saying so in its outcome.
    settings : of the one study that is named, as in ``population="squid-k"``; they win.

    Returns
    -------
    list of Outcome
        One for each study and point, or for all points where the study is of a sweep. Each
        has `numbers` and `figure`.

    Raises
    ------
    InputError
        An unknown study or setting, or a study that cannot be made of this result.
    """
    names = [names] if isinstance(names, str) else names
    if settings:
        if names is None or len(names) != 1:
            raise InputError(
                f"{', '.join(settings)}: settings go with the name of one study, as in "
                'analyse(result, "reliability", sigma="3 ms")'
            )
        given = [f"{names[0]}.{key}={json.dumps(value)}" for key, value in settings.items()]
        overrides = [*overrides, *given]
    scenario = _with_settings(result.experiment, names, overrides)
    wanted = tuple(scenario.analysis.studies) if names is None else tuple(dict.fromkeys(names))
    if isinstance(scenario, Circuit):
        return [
            _outcome(name, place, about, _titled(name, result, at), scenario.name, strict)
            for name, place, about, at in circuit_occasions(result, scenario, wanted)
        ]
    setups = [
        Setup(point.scenario, build_membrane(point.scenario.membrane, scenario.name), point.values)
        for point in expand_sweep(scenario)
    ]
    labels = result.dataset["point"].values if "point" in result.dataset.dims else [0]
    made = tuple(setups[int(label)] for label in labels)
    asked: list[tuple[str, int | None, Occasion | Survey]] = []
    for name in wanted:
        if spans_sweep(name):
            settings = settings_across(name, setups, scenario.name)
            asked.append((name, None, Survey(result, made, settings)))
            continue
        for place, setup in enumerate(made):
            settings = filled_settings(name, setup, scenario.name)
            asked.append((name, place, Occasion(result, place, setup, settings)))
    return [
        _outcome(name, place, about, _heading(name, about), scenario.name, strict)
        for name, place, about in asked
    ]


def numbers_of(outcomes: Iterable[Outcome], point: int | None = 0) -> dict[str, Numbers]:
    """Numbers of each study of a point, or of all points for None.

    ``{"problem": why}`` where there are none.
    """
    return {
        one.name: {"problem": one.problem} if one.findings is None else one.findings.numbers
        for one in outcomes
        if one.point == point
    }


def write_outcomes(outcomes: Sequence[Outcome], folder: str | Path) -> list[Path]:
    """Write the picture of each study and its data files into a folder, and list them.

    They are named after the study, and numbered by its point if it is made of several.
    Each is written whole or not at all.
    """
    several = len({outcome.point for outcome in outcomes} - {None}) > 1
    written = []
    for one in outcomes:
        if one.findings is None:
            continue
        study = find_study(one.name)
        numbered = several and one.point is not None
        stem = Path(folder) / (f"{one.name}_{one.point}" if numbered else one.name)
        picture = stem.with_name(f"{stem.name}.png")
        with replacing(picture) as temporary:
            save_figure(study.draw(one.findings, one.heading), temporary)
        written.append(picture)
        written.extend(study.write(one.findings, stem))
    return written


def _with_settings(
    scenario: Experiment, names: Sequence[str] | None, overrides: Iterable[str]
) -> Experiment:
    """Take up settings given beside the scenario, and empty ones for studies it does not name."""
    asked = list(scenario.analysis.studies if names is None else names)
    for name in asked:
        find_study(name)
    given = [f"analysis.{name}={{}}" for name in asked if name not in scenario.analysis.studies]
    for override in overrides:
        study = override.partition(".")[0].strip()
        if study not in asked:
            known = did_you_mean(study, asked) if asked else "none is asked for"
            raise InputError(
                f"--set {override}: need STUDY.KEY=VALUE of a study that is asked for; {known}"
            )
        given.append(f"analysis.{override}")
    try:
        return load_experiment(scenario, given)
    except InputError as error:  # what the scenario itself holds is right
        raise InputError(str(error).replace(f"{scenario.name}: analysis.", "--set ")) from None


def _outcome(
    name: str,
    place: int | None,
    about: Occasion | Survey | CircuitOccasion,
    heading: str,
    where: str,
    strict: bool,
) -> Outcome:
    try:
        findings = find_study(name).compute(about)
    except InputError as error:
        problem = f"{where}: analysis.{name}: {error}"
        if strict:
            raise InputError(problem) from None
        return Outcome(name, place, heading, None, problem)
    numbers = _as_json(findings.numbers)
    if names := approximate_names(numbers):
        numbers["approximate"] = names
    return Outcome(name, place, heading, findings._replace(numbers=numbers))


def _heading(name: str, about: Occasion | Survey) -> str:
    place = {} if isinstance(about, Survey) else about.setup.place
    return _titled(name, about.result, place)


def _titled(name: str, result: Result, place: Mapping[str, Any]) -> str:
    heading = f"{find_study(name).title}: {result.title}"
    return f"{heading} ({place_label(place)})" if place else heading


def _as_json(value: Any) -> Any:
    """Plain numbers, lists and tables; what is not finite becomes None."""
    if isinstance(value, dict):
        return {str(key): _as_json(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_as_json(entry) for entry in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not np.isfinite(value) else value
