"""Papers behind an experiment, as BibTeX.

What an experiment rests on says its own sources: scenario files and channel schemes under
``cite``, methods in `stochhh.methods`, studies in their docstrings. `papers.bib` says what
these papers are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from stochhh.assemble import provenance
from stochhh.kinetics.files import load_scheme
from stochhh.methods import METHODS
from stochhh.planning import plan_point, resolve_experiment
from stochhh.scenario import Circuit, Experiment, expand_sweep
from stochhh.words import printable

_DOI = re.compile(r"\b10\.\d{4,9}/(?:[^\s()\"'<>,;{}]|\([^\s()]*\))+")  # brackets come in pairs
_GILLESPIE, _CABLE = "doi:10.1021/j100540a008", "doi:10.1016/0020-7101(84)90008-4"


class Paper(NamedTuple):
    """A paper, and what of an experiment rests on it.

    Attributes
    ----------
    source : its DOI, or the words of who cites it where those hold none.
    reasons : such as "the scenario", "channel squid-na", "method leap".
    bibtex : its entry.
    known : whether it is in the list that comes with stochhh; else the entry has its DOI only.
    """

    source: str
    reasons: tuple[str, ...]
    bibtex: str
    known: bool


def cite(
    scenario: str | Path | Mapping[str, Any] | Experiment, overrides: Iterable[str] = ()
) -> str:
    """Papers behind a run as BibTeX, this program's own entry first.

    Parameters
    ----------
    scenario, overrides : as for `stochhh.run`

    Raises
    ------
    InputError
        Something in them is wrong.
    """
    return written(papers_behind(resolve_experiment(scenario, overrides)))


def written(papers: Iterable[Paper]) -> str:
    """Entries of papers, each with what rests on it, after this program's own."""
    each = [f"% {printable(', '.join(paper.reasons))}\n{paper.bibtex}" for paper in papers]
    return "\n\n".join([software_entry(provenance()["stochhh_version"]).rstrip(), *each])


def papers_behind(experiment: Experiment) -> list[Paper]:
    """List the papers that an experiment rests on, at all points of its sweep.

    Parameters
    ----------
    experiment : resolved, as `stochhh.simulate.resolve_experiment` gives it

    Raises
    ------
    InputError
        The experiment cannot be run, so that its methods are not known.
    """
    reasons: dict[str, dict[str, None]] = {}
    for reason, citations in _sources(experiment):
        for citation in citations:
            for source in dois_in(citation) or [citation]:
                reasons.setdefault(source, {})[reason] = None
    return [
        Paper(source, tuple(why), _entry(source, n), source.lower() in bibliography())
        for n, (source, why) in enumerate(reasons.items(), 1)
    ]


def software_entry(version: str) -> str:
    """Entry of stochhh itself, as BibTeX."""
    return _written(
        "software", "stochhh",
        author="{The stochhh developers}", version=version,
        title="stochhh: exact simulation of ion-channel noise",
    )  # fmt: skip


def dois_in(text: str) -> list[str]:
    """DOIs that a text names, each once, in order."""
    return list(dict.fromkeys(doi.rstrip(".:") for doi in _DOI.findall(text)))


@cache
def bibliography() -> dict[str, str]:
    """Entries of the papers that come with stochhh, by DOI in small letters."""
    text = files(__name__).joinpath("papers.bib").read_text("utf-8")
    entries = [entry for entry in text.split("\n\n") if entry.startswith("@")]
    return {dois_in(entry)[0].lower(): entry.strip() for entry in entries}


def _sources(experiment: Experiment) -> Iterator[tuple[str, Iterable[str]]]:
    """What an experiment is made of, each with what it cites."""
    yield "the scenario", experiment.cite
    points = [point.scenario for point in expand_sweep(experiment, any_key=True)]
    for scheme in dict.fromkeys(scheme for point in points for scheme in _schemes(point)):
        yield f"channel {scheme}", load_scheme(scheme).cite
    if isinstance(experiment, Circuit):
        yield "the cable", [_CABLE]
    names = (name for index, point in enumerate(points) for name in _methods(point, index))
    for name in dict.fromkeys(names):
        exact_in_steps = name == "exact" and isinstance(experiment, Circuit)
        yield f"method {name}", [_GILLESPIE] if exact_in_steps else METHODS[name].cite
    for study in dict.fromkeys(study for point in points for study in point.analysis.studies):
        yield f"analysis.{study}", dois_in(import_module(f"stochhh.studies.{study}").__doc__ or "")


def _schemes(experiment: Experiment) -> list[str]:
    if not isinstance(experiment, Circuit):
        return [table.scheme for table in experiment.membrane.channels]
    membranes = [table.scheme for kind in experiment.membranes.values() for table in kind.channels]
    return membranes + [synapse.receptors.scheme for synapse in experiment.synapse]


def _methods(experiment: Experiment, index: int) -> list[str]:
    """Methods that move channels at one point, and that of the limit where it runs beside."""
    if isinstance(experiment, Circuit):
        from stochhh.circuit.planning import plan_circuit_point

        names = list(plan_circuit_point(experiment, index).methods)
        names += [synapse.receptors.method for synapse in experiment.synapse]
    else:
        names = [plan_point(experiment, index).method.name]
    return [*names, "deterministic"] if experiment.run.deterministic else names


def _entry(source: str, n: int) -> str:
    if source.lower() in bibliography():
        return bibliography()[source.lower()]
    if dois_in(source):
        return _written("misc", f"cited{n}", doi=source)
    return _written("misc", f"cited{n}", note=source)


def _written(kind: str, key: str, **fields: str) -> str:
    rows = "".join(f"  {name} = {{{value}}},\n" for name, value in fields.items())
    return f"@{kind}{{{key},\n{rows}}}"
