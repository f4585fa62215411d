"""What is verified: a channel scheme, as a clamp scenario names it and as theory knows it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stochhh import theory
from stochhh.errors import InputError
from stochhh.kinetics.files import load_scheme
from stochhh.kinetics.rates import RateLaw
from stochhh.kinetics.scheme import ChannelScheme
from stochhh.simulate import run
from stochhh.verify.experiment import Observed, Setting

Floats = NDArray[np.float64]

_CONCENTRATIONS_MM = np.geomspace(1e-6, 1e3, 91)
_ANYWHERE_MV = -65.0


@dataclass(frozen=True)
class Subject:
    """A channel scheme under the conditions it is verified in.

    Attributes
    ----------
    name : for tables.
    reference : what a scenario calls it: a name in the library, or a path.
    temperature_degC : None for its own.
    ligands_mM : concentration of each ligand it binds.
    scheme : the scheme at that temperature and in these ligands.
    """

    name: str
    reference: str
    temperature_degC: float | None
    ligands_mM: Mapping[str, float]
    scheme: ChannelScheme

    @property
    def conditions(self) -> str:
        """Temperature and ligands, in words."""
        ligands = "".join(f", {c:.3g} mM of {name}" for name, c in sorted(self.ligands_mM.items()))
        return f"{self.scheme.temperature_degC:g} °C{ligands}"


@contextmanager
def subject_of(scheme: str | Path | ChannelScheme) -> Iterator[Subject]:
    """Find a scheme by name or path, or write one that is at hand to a file a scenario can name.

    A scheme that binds ligands gets each at the concentration near half its effect.

    Raises
    ------
    InputError
        No such scheme, or not a valid one.
    """
    if not isinstance(scheme, ChannelScheme):
        loaded = load_scheme(str(scheme))
        ligands = half_effect_mM(loaded)
        yield Subject(loaded.name, str(scheme), None, ligands, loaded.at(None, ligands))
        return
    import tomli_w

    with TemporaryDirectory(prefix="stochhh-") as folder:
        path = Path(folder) / "scheme.toml"
        path.write_text(tomli_w.dumps(scheme_tables(scheme)), encoding="utf-8")
        yield Subject(scheme.name, str(path), None, {}, scheme)


def half_effect_mM(scheme: ChannelScheme) -> dict[str, float]:
    """Concentration of the ligands, all the same, at which half as many open as ever do (mM)."""
    if not scheme.ligands:
        return {}
    is_open = np.array(scheme.is_open)
    found = []
    for concentration in _CONCENTRATIONS_MM:
        bound = scheme.at(None, dict.fromkeys(scheme.ligands, float(concentration)))
        try:
            law = theory.stationary_law(bound.generator(_ANYWHERE_MV))
        except ValueError:
            return dict.fromkeys(scheme.ligands, 1.0)
        found.append(law[is_open].sum())
    half = int(np.argmax(np.array(found) >= 0.5 * max(found)))
    return dict.fromkeys(scheme.ligands, float(f"{_CONCENTRATIONS_MM[half]:.2g}"))


def scheme_tables(scheme: ChannelScheme) -> dict[str, Any]:
    """Write a scheme, with its temperature and ligands settled, as the tables of a scheme file."""
    return {
        "format": 1,
        "title": scheme.title,
        "ion": scheme.ion,
        "valence": scheme.valence,
        "temperature": f"{scheme.temperature_degC!r} degC",
        "state": [
            {"name": name, "conductance": float(share)}
            for name, share in zip(scheme.states, scheme.relative_conductance, strict=True)
        ],
        "rates": {
            name: _rate_table(law)
            for name, law in zip(scheme.rate_names, scheme.rates, strict=True)
        },
        "transition": [
            {
                "from": scheme.states[arrow.source],
                "to": scheme.states[arrow.target],
                "rate": scheme.rate_names[arrow.rate],
                "multiplicity": arrow.multiplicity,
            }
            for arrow in scheme.transitions
        ],
    }


def _rate_table(law: RateLaw) -> dict[str, Any]:
    if law.law == "table":
        points = [[f"{v!r} mV", f"{law.factor * rate!r} / ms"] for v, rate in law.points]
        return {"law": "table", "points": points}
    rate = f"{law.factor * law.rate!r} / ms"
    if law.law in ("constant", "binding"):
        return {"law": "constant", "rate": rate}
    midpoint, scale = f"{law.midpoint!r} mV", f"{law.scale!r} mV"
    return {"law": law.law, "rate": rate, "midpoint": midpoint, "scale": scale}


def observe(
    subject: Subject,
    setting: Setting,
    seed: int,
    workers: int | None = None,
    on_advance: Callable[[float], None] | None = None,
) -> Observed:
    """Make a clamp experiment.

    Raises
    ------
    InputError
        The scheme has no equilibrium to start from, or the method cannot simulate it.
    """
    run_tables: dict[str, Any] = {
        "duration": f"{setting.duration_ms!r} ms",
        "trials": setting.n_trials,
        "seed": seed,
        "method": setting.method,
        "deterministic": False,
        "record": {
            "interval": f"{setting.interval_ms!r} ms",
            "variables": ["open", "occupancy"],
            "channels": setting.n_tagged,
        },
    }
    if setting.step_ms is not None:
        run_tables["step"] = f"{setting.step_ms!r} ms"
    channels = {
        "scheme": subject.reference,
        "name": "verified",
        "count": setting.n_channels,
        "conductance": "1 pS",
        "reversal": "0 mV",
    }
    membrane: dict[str, Any] = {"area": "1 um^2", "capacitance": "1 pF", "channels": [channels]}
    if subject.temperature_degC is not None:
        membrane["temperature"] = f"{subject.temperature_degC!r} degC"
    if subject.ligands_mM:
        membrane["ligands"] = {name: f"{c!r} mM" for name, c in subject.ligands_mM.items()}
    step = {
        "kind": "step",
        "level": f"{setting.voltage_mV!r} mV",
        "duration": f"{2.0 * setting.duration_ms!r} ms",
    }
    result = run(
        {
            "format": 1,
            "title": f"{subject.name}, {setting.where}",
            "membrane": membrane,
            "clamp": {"holding": f"{setting.before_mV!r} mV", "segment": [step]},
            "run": run_tables,
        },
        workers=workers,
        on_advance=on_advance,
    )
    if result.interrupted:
        raise KeyboardInterrupt
    return Observed(result)


def checked_voltage(scheme: ChannelScheme, voltage_mV: float) -> float:
    """Make sure a scheme has an equilibrium at a voltage.

    Raises
    ------
    InputError
        It has none.
    """
    try:
        theory.stationary_law(scheme.generator(voltage_mV))
    except ValueError as error:
        raise InputError(f"{scheme.name} at {voltage_mV:g} mV: {error}") from None
    return voltage_mV
