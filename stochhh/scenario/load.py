"""Scenario files: find, inherit, override, validate, write resolved.

Layers are merged table by table before validation: the `base` first, then the
file's own keys, then ``--set`` overrides; arrays are replaced whole.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

from pydantic.json_schema import models_json_schema

from stochhh.errors import InputError, did_you_mean
from stochhh.fields import SchemaOfQuantities, read_toml, validate
from stochhh.input_files import parse_toml
from stochhh.scenario.circuits import Circuit
from stochhh.scenario.keys import retitled, set_key
from stochhh.scenario.models import Scenario
from stochhh.scenario.paths import (
    Reach,
    folders_of,
    map_paths,
    resolved,
    stores,
    with_absolute_paths,
)
from stochhh.words import cut, printable, said_name, said_value

_DEEPEST_BASE = 20
Tables = dict[str, Any]
Experiment = Scenario | Circuit
AnyExperiment = TypeVar("AnyExperiment", bound=Scenario | Circuit)


def library_folder() -> Path:
    """Return the folder of the scenarios that come with the package."""
    inside = Path(str(files("stochhh"))) / "scenarios"
    return inside if inside.is_dir() else inside.parents[1] / "scenarios"


def library_scenarios() -> dict[str, Path]:
    """Name and path of every scenario that comes with the package."""
    return {path.stem: path for path in sorted(library_folder().glob("*.toml"))}


def load_scenario(
    source: str | Path | Mapping[str, Any] | Scenario, overrides: Iterable[str] = ()
) -> Scenario:
    """Load and validate a scenario of one membrane; see `load_experiment`."""
    experiment = load_experiment(source, overrides)
    if isinstance(experiment, Circuit):
        raise InputError(
            f"{experiment.name}: has cells ([[cell]]), and this needs one membrane ([membrane]); "
            "'stochhh run' takes both"
        )
    return experiment


def load_experiment(
    source: str | Path | Mapping[str, Any] | Experiment, overrides: Iterable[str] = ()
) -> Experiment:
    """Load and validate a scenario, of one membrane or of a circuit of cells.

    Parameters
    ----------
    source : a file's path, the name of a scenario in the library, a mapping of
        tables as a file would hold them, or one already loaded. What a file names
        (its base, schemes, waveforms, results) must lie in its folder, below it, or in
        the library, unless within `stochhh.scenario.paths.allowing_outside`; tables
        given in Python may name anything.
    overrides : ``"key.path=value"`` texts that win over the file, and may name anything.

    Raises
    ------
    InputError
        Naming the file, the key, what it got and what it needs.
    """
    overrides = list(overrides)
    written: dict[str, str] = {}
    if isinstance(source, Scenario | Circuit):
        if not overrides:
            return source
        where, name, data = source.name, source.name, source.data
        written = source._written
    elif isinstance(source, Mapping):
        where, name = "scenario", "scenario"
        data = _inherit(dict(source), Reach((Path.cwd(),), None, where, written), ())
    else:
        path = find_scenario(source)
        where, name = str(path), printable(path.stem)
        data = read_toml(path)
        folders = folders_of(path)
        roots = (*map(resolved, folders), library_folder().resolve(), *stores(path.parent))
        data = _inherit(data, Reach(folders, roots, where, written), (resolved(path),))
    changed = data
    for override in overrides:
        changed = _override(changed, override)
    if not isinstance(source, Scenario | Circuit):
        changed = retitled(changed, data)
    try:
        experiment = _validated(changed, where, name)
    except InputError as error:
        if isinstance(source, Scenario | Circuit):  # what changes it is none of the user's texts
            raise
        raise _blamed(error, data, overrides, where, name) from None
    experiment._written = written
    return experiment


def load_stored(tables: Tables, folder: Path | None) -> Experiment:
    """Validate the tables of a result, which name only files that came with it.

    Parameters
    ----------
    tables : resolved, without a base
    folder : where these files are; None if there are none

    Raises
    ------
    InputError
        They name something else, or are not valid.
    """
    where = "scenario of the result"
    if not isinstance(tables, dict) or "base" in tables:
        raise InputError(f"{where}: need resolved tables, without a base")
    inside = None if folder is None else folder.resolve()
    written: dict[str, str] = {}

    def anchored(text: str, key: str) -> str:
        path = Path(text) if inside is None else (inside / text).resolve()
        if inside is None or not path.is_relative_to(inside):
            raise InputError(f"{where}: {key}: '{text}' is no file that the result holds")
        written[str(path)] = text
        return str(path)

    experiment = _validated(map_paths(tables, anchored), where, "scenario")
    experiment._written = written
    return experiment


def find_scenario(source: str | Path) -> Path:
    """Find a scenario file by path, or by name in the library."""
    path, library = Path(source), library_scenarios()
    if os.path.isfile(path):
        return path
    if str(source) in library:
        return library[str(source)]
    if path.suffix == ".toml" and path.stem not in library:
        raise InputError(f"{said_name(source)}: no such file")
    raise InputError(
        f"{said_name(source)}: neither a file nor a scenario that comes with stochhh; "
        f"{did_you_mean(path.stem, library)}"
    )


def file_schema() -> dict[str, Any]:
    """JSON Schema of scenario files, for editors."""
    _, schema = models_json_schema(
        [(Scenario, "validation"), (Circuit, "validation")],
        schema_generator=SchemaOfQuantities,
        title="a scenario of stochhh",
    )
    tables = schema["$defs"]
    properties: dict[str, Any] = {}
    for kind in ("Scenario", "Circuit"):
        tables[kind]["properties"]["base"] = {
            "type": "string",
            "description": "name or path of a scenario to inherit from; keys here win",
        }
        tables[kind].pop("required", None)
        for key, entry in tables[kind]["properties"].items():
            same = properties.setdefault(key, entry) == entry
            properties[key] = entry if same else {"anyOf": [properties[key], entry]}
    for table in ("MembranePatch", "LeakConductance", "Run", "CircuitRun"):
        tables[table].pop("required", None)  # the base may hold the rest
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "properties": properties,
        "required": ["format"],
        "anyOf": [{"$ref": "#/$defs/Scenario"}, {"$ref": "#/$defs/Circuit"}],
    }


def resolved_toml(scenario: Experiment) -> str:
    """Write a scenario as TOML with every default filled in and no base."""
    import tomli_w

    return tomli_w.dumps(scenario.model_dump(mode="json", by_alias=True, exclude_none=True))


def _validated(data: Tables, where: str, name: str) -> Experiment:
    """Validate tables as what they are: with cells a circuit, else one membrane."""
    if "cell" in data and "membrane" in data:
        raise InputError(
            f"{where}: both membrane and cell; [membrane] is one patch, [[cell]] a circuit with "
            "[membranes]; drop one"
        )
    if "cell" in data:
        return validated(Circuit, data, where, name)
    return validated(Scenario, data, where, name)


def validated(kind: type[AnyExperiment], data: Tables, where: str, name: str) -> AnyExperiment:
    """Make an experiment of merged tables; messages begin with `where`."""
    experiment = validate(kind, data, where)
    experiment._name, experiment._data = name, data
    return experiment


def _blamed(
    error: InputError, data: Tables, overrides: list[str], where: str, name: str
) -> InputError:
    """The error with the override in front that made it, if the file was right without."""
    try:
        for override in ["", *overrides]:
            where = f"--set {cut(override, 80)}" if override else where
            data = _override(data, override) if override else data
            _validated(data, where, name)
    except InputError as first:
        return first
    return error


def _inherit(data: Tables, reach: Reach, seen: tuple[Path, ...]) -> Tables:
    """Merge a file's tables over those of its base, relative paths made absolute."""
    where = reach.where
    data = with_absolute_paths(data, reach)
    base = data.pop("base", None)
    if base is None:
        return data
    if not isinstance(base, str):
        raise InputError(
            f"{where}: base: got {said_value(base)}, need the name or path of a scenario"
        )
    try:
        beside = reach.find(base)
        path = beside if os.path.isfile(beside) else find_scenario(base)
    except InputError as error:
        raise InputError(f"{where}: base: {error}") from None
    reach.check(path, "base", base)
    here = resolved(path)
    if here in seen or len(seen) > _DEEPEST_BASE:
        raise InputError(f"{where}: base: '{base}' leads back to itself")
    further = reach._replace(folders=folders_of(path), where=str(path))
    below = _inherit(read_toml(path), further, (*seen, here))
    below.pop("about", None)  # what is said of the base need not be true of this
    return _merge(below, data)


def _merge(below: Tables, above: Tables) -> Tables:
    merged = dict(below)
    for key, value in above.items():
        under = below.get(key)
        if isinstance(value, dict) and isinstance(under, dict):
            merged[key] = _merge(under, value)
        else:
            merged[key] = value
    return merged


def _override(data: Tables, override: str) -> Tables:
    key, equals, text = override.partition("=")
    key, text = key.strip(), text.strip()
    if not equals or not all(key.split(".")):
        raise InputError(f'--set {override}: need KEY=VALUE, such as membrane.area="50 um^2"')
    value: Any = text  # a shell takes the quotes of a text away
    try:
        read = parse_toml(f"value = {text}")
        value = read["value"] if len(read) == 1 else text
    except ValueError:
        pass
    changed: Tables = set_key(data, key, value, where=f"--set {override}")
    return changed
