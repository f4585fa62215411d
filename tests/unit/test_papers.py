"""What a run cites: every source that the package names is in its list, and a run finds its own."""

from __future__ import annotations

import re
from importlib import import_module

import pytest
from typer.testing import CliRunner

from stochhh.cli import app
from stochhh.kinetics.files import library_schemes, load_scheme
from stochhh.methods import METHODS
from stochhh.papers import bibliography, dois_in, papers_behind
from stochhh.scenario import library_scenarios, load_experiment
from stochhh.scenario.analyses import STUDY_NAMES
from stochhh.scenario.circuits import CIRCUIT_STUDY_NAMES
from stochhh.simulate import resolve_experiment

CITED = (
    {f"scenario {name}": load_experiment(path).cite for name, path in library_scenarios().items()}
    | {f"channel {name}": load_scheme(name).cite for name in library_schemes()}
    | {f"method {name}": method.cite for name, method in METHODS.items()}
    | {
        f"study {name}": tuple(dois_in(import_module(f"stochhh.studies.{name}").__doc__ or ""))
        for name in (*STUDY_NAMES, *CIRCUIT_STUDY_NAMES)
    }
)


@pytest.mark.parametrize("who", CITED)
def test_every_source_is_in_the_list(who):
    for citation in CITED[who]:
        dois = dois_in(citation)
        assert dois, f"{citation!r} holds no DOI"
        assert all(doi.lower() in bibliography() for doi in dois)


def test_nothing_is_in_the_list_that_nobody_cites():
    cited = {doi.lower() for citations in CITED.values() for c in citations for doi in dois_in(c)}
    assert set(bibliography()) <= cited


def test_entries_are_whole():
    keys = []
    for entry in bibliography().values():
        kind, key = re.match(r"@(\w+)\{(\w+),\n", entry).groups()
        keys.append(key)
        fields = dict(re.findall(r"^  (\w+) = \{(.*)\},$", entry, re.MULTILINE))
        needed = {"author", "title", "year", "doi"}
        needed |= {"journal", "volume", "pages"} if kind == "article" else {"publisher"}
        assert needed <= set(fields), key
        assert entry.count("{") == entry.count("}"), key
        assert re.search(r"\d{4}", key)[0] == fields["year"], key
        assert entry.endswith("\n}")
        assert entry.isascii(), key  # old BibTeX reads it too
    assert len(set(keys)) == len(keys)


def test_dois_with_brackets_and_stops_are_read():
    text = "Chow 1996 (doi:10.1016/S0006-3495(96)79494-8). See doi:10.1038/14731, and 10.1/x"
    assert dois_in(text) == ["10.1016/S0006-3495(96)79494-8", "10.1038/14731"]


def reasons(name, *overrides):
    found = papers_behind(resolve_experiment(name, overrides))
    return {paper.source: paper.reasons for paper in found}


def test_a_run_cites_its_channels_method_limit_and_studies():
    found = reasons("patch-size_CW96", 'run.method="leap"')
    assert "channel squid-na" in found["10.1113/jphysiol.1952.sp004764"]
    assert found["10.1137/0705041"] == ("method leap",)
    assert "10.1002/nav.3800260304" not in found  # thinning is not what runs
    assert found["10.1209/epl/i2001-00482-6"] == ("analysis.patch_size",)
    limit = "10.1007/978-3-540-78862-1"  # patch-size_CW96 runs none
    assert limit not in found
    assert limit in reasons("patch-size_CW96", "run.deterministic=true")


def test_auto_cites_what_it_chooses_at_each_point():
    sizes = 'sweep={"membrane.area"=["1 um^2", "100000 um^2"]}'
    found = reasons("squid-patch", 'run.method="auto"', sizes)
    assert found["10.1002/nav.3800260304"] == ("method exact",)
    assert found["10.1137/0705041"] == ("method leap",)


def test_a_circuit_cites_cable_receptors_and_its_way_of_being_exact():
    found = reasons("neuromuscular_DCK54", 'run.method="exact"')
    assert found["10.1016/0020-7101(84)90008-4"] == ("the cable",)
    assert found["10.1021/j100540a008"] == ("method exact",)
    assert "channel nachr" in found["10.1098/rstb.1982.0156"]
    assert "analysis.quantal" in found["10.1113/jphysiol.1954.sp005129"]


def test_the_command_prints_bibtex_and_says_what_it_does_not_know():
    cites = 'cite=["doi:10.1234/mine", "a talk"]'
    told = CliRunner().invoke(app, ["cite", "squid-patch", "--set", cites])
    assert told.exit_code == 0
    assert told.stdout.startswith("@software{stochhh,\n")
    assert "\n% the scenario\n@misc{cited1,\n  doi = {10.1234/mine},\n}\n" in told.stdout
    assert "\n% the scenario\n@misc{cited2,\n  note = {a talk},\n}\n" in told.stdout
    assert told.stderr == "not in our list, so without title or year: 10.1234/mine, a talk\n"
