"""Scenario files: find, inherit, override, validate, write resolved.

Layers are merged table by table before validation: the `base` first, then the
file's own keys, then ``--set`` overrides; arrays are replaced whole.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

from pydantic.json_schema import models_json_schema

from stochhh.errors import InputError, did_you_mean
from stochhh.fields import SchemaOfQuantities, read_toml, validate
from stochhh.scenario.circuits import Circuit
from stochhh.scenario.keys import set_key
from stochhh.scenario.models import Scenario

_DEEPEST_BASE = 20
Tables = dict[str, Any]
Experiment = Scenario | Circuit
AnyExperiment = TypeVar("AnyExperiment", Scenario, Circuit)


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
        tables as a file would hold them, or one already loaded.
    overrides : ``"key.path=value"`` texts that win over the file.

    Raises
    ------
    InputError
        Naming the file, the key, what it got and what it needs.
    """
    overrides = list(overrides)
    if isinstance(source, Scenario | Circuit):
        if not overrides:
            return source
        where, name, data = source.name, source.name, source.data
    elif isinstance(source, Mapping):
        where, name = "scenario", "scenario"
        data = _inherit(dict(source), Path.cwd(), where, ())
    else:
        path = find_scenario(source)
        where, name = str(path), path.stem
        data = _inherit(read_toml(path), path.parent, where, (path.resolve(),))
    for override in overrides:
        data = _override(data, override)
    return _validated(data, where, name)


def find_scenario(source: str | Path) -> Path:
    """Find a scenario file by path, or by name in the library."""
    path, library = Path(source), library_scenarios()
    if os.path.isfile(path):
        return path
    if str(source) in library:
        return library[str(source)]
    if path.suffix == ".toml" and path.stem not in library:
        raise InputError(f"{source}: no such file")
    raise InputError(
        f"{source}: neither a file nor a scenario that comes with stochhh; "
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


def _inherit(data: Tables, folder: Path, where: str, seen: tuple[Path, ...]) -> Tables:
    """Merge a file's tables over those of its base, relative paths made absolute."""
    data = _with_absolute_paths(data, folder)
    base = data.pop("base", None)
    if base is None:
        return data
    if not isinstance(base, str):
        raise InputError(f"{where}: base: got {base!r}, need the name or path of a scenario")
    try:
        beside = folder / base
        path = beside if os.path.isfile(beside) else find_scenario(base)
    except InputError as error:
        raise InputError(f"{where}: base: {error}") from None
    if path.resolve() in seen or len(seen) > _DEEPEST_BASE:
        raise InputError(f"{where}: base: '{base}' leads back to itself")
    below = _inherit(read_toml(path), path.parent, str(path), (*seen, path.resolve()))
    return _merge(below, data)


def _with_absolute_paths(data: Tables, folder: Path) -> Tables:
    """Anchor the relative paths in a file's tables at the file's folder."""

    def anchored(entry: Any, key: str, is_path: bool) -> Any:
        text = entry.get(key) if isinstance(entry, dict) else None
        if not is_path or not isinstance(text, str) or "\0" in text:
            return entry
        return {**entry, key: str((folder / text).resolve())}

    def is_scheme_path(entry: Any) -> bool:
        return isinstance(entry, dict) and str(entry.get("scheme", "")).endswith(".toml")

    def with_schemes(membrane: Any) -> Any:
        if not isinstance(membrane, dict) or not isinstance(membrane.get("channels"), list):
            return membrane
        channels = [
            anchored(entry, "scheme", is_scheme_path(entry)) for entry in membrane["channels"]
        ]
        return {**membrane, "channels": channels}

    def within(entry: Any, table: str, key: str, paths_only: bool) -> Any:
        if not isinstance(entry, dict) or table not in entry:
            return entry
        below = entry[table]
        return {**entry, table: anchored(below, key, not paths_only or is_scheme_path(below))}

    data = dict(data)
    stimuli, run, clamp = data.get("stimulus"), data.get("run"), data.get("clamp")
    if "membrane" in data:
        data["membrane"] = with_schemes(data["membrane"])
    if isinstance(data.get("membranes"), dict):
        data["membranes"] = {key: with_schemes(m) for key, m in data["membranes"].items()}
    if isinstance(data.get("cell"), list):
        data["cell"] = [within(entry, "morphology", "file", False) for entry in data["cell"]]
    if isinstance(data.get("synapse"), list):
        data["synapse"] = [within(entry, "receptors", "scheme", True) for entry in data["synapse"]]
    if isinstance(stimuli, list):
        data["stimulus"] = [anchored(entry, "path", True) for entry in stimuli]
    if isinstance(clamp, dict) and isinstance(clamp.get("segment"), list):
        segments = [anchored(entry, "path", True) for entry in clamp["segment"]]
        data["clamp"] = {**clamp, "segment": segments}
    if isinstance(run, dict) and isinstance(run.get("initial"), dict):
        data["run"] = {**run, "initial": anchored(run["initial"], "result", True)}
    if isinstance(data.get("sweep"), dict):
        data["sweep"] = {
            key: [_anchored_value(key, value, folder) for value in values]
            if isinstance(values, list)
            else values
            for key, values in data["sweep"].items()
        }
    return data


def _anchored_value(key: str, value: Any, folder: Path) -> Any:
    """Anchor a swept value that is a path; names of library schemes are none."""
    last = key.rpartition(".")[2]
    is_path = last in ("path", "result") or (last == "scheme" and str(value).endswith(".toml"))
    if not is_path or not isinstance(value, str) or "\0" in value:
        return value
    return str((folder / value).resolve())


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
        read = tomllib.loads(f"value = {text}")
        value = read["value"] if len(read) == 1 else text
    except (ValueError, RecursionError):
        pass
    changed: Tables = set_key(data, key, value, where=f"--set {override}")
    return changed
