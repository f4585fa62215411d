"""The resolved membrane of a scenario: what its quantities amount to."""

from __future__ import annotations

from typing import Any

import numpy as np

from stochhh import theory
from stochhh.errors import InputError
from stochhh.kinetics.scheme import ChannelScheme
from stochhh.membrane import Membrane, build_membrane
from stochhh.planning import settle_ms
from stochhh.scenario import Scenario, points_of
from stochhh.thresholds import thresholds


def describe(scenario: Scenario) -> dict[str, Any]:
    """Work out counts, conductances, densities, rest and deterministic thresholds.

    With a sweep this is the membrane of its first point.

    Raises
    ------
    InputError
        The membrane is not fully or not consistently given.
    """
    scenario = next(points_of(scenario)).scenario
    membrane = build_membrane(scenario.membrane, scenario.name)
    try:
        rest: float | None = membrane.resting_voltage_mV()
    except InputError:
        rest = None
    return {
        "populations": _populations(membrane, rest),
        "facts": {**_passive(membrane), **_rest(scenario, membrane, rest)},
    }


def _populations(membrane: Membrane, rest: float | None) -> list[dict[str, Any]]:
    laws = None if rest is None else membrane.stationary_laws(rest)
    entries = []
    for index, population in enumerate(membrane.populations):
        fraction = float("nan") if laws is None else population.open_fraction(laws[index])
        entries.append(
            {
                "name": population.name,
                "scheme": population.scheme.name,
                "states": len(population.scheme.states),
                "count": population.count,
                "density_per_um2": population.count / membrane.area_um2,
                "conductance_pS": 1e3 * population.conductance_nS,
                "maximal_mS_per_cm2": 100 * population.maximal_conductance_nS / membrane.area_um2,
                "reversal_mV": population.reversal_mV,
                "open_fraction_at_rest": fraction,
                "open_at_rest": fraction * population.count,
            }
        )
    return entries


def _passive(membrane: Membrane) -> dict[str, str]:
    area = membrane.area_um2
    facts = {
        "area": f"{area:g} µm²",
        "channels": f"{membrane.n_channels:,d}",
        "capacitance": f"{membrane.capacitance_pF:.4g} pF "
        f"({100 * membrane.capacitance_pF / area:.4g} µF/cm²)",
        "leak": f"{membrane.leak_nS:.4g} nS ({100 * membrane.leak_nS / area:.4g} mS/cm²) "
        f"reversing at {membrane.leak_reversal_mV:g} mV"
        if membrane.leak_nS
        else "none",
    }
    temperatures = {scheme.temperature_degC for scheme in membrane.schemes}
    if temperatures:
        facts["temperature"] = " and ".join(f"{t:g} °C" for t in sorted(temperatures))
    return facts


def _rest(scenario: Scenario, membrane: Membrane, rest: float | None) -> dict[str, str]:
    if rest is None:
        return {"resting voltage": "none: no voltage at which the steady current vanishes"}
    spikes = scenario.analysis.spikes
    found = thresholds(membrane, float(spikes.threshold_mV), float(spikes.rearm_mV))

    def current(value_pA: float | None) -> str:
        if value_pA is None:
            return "none found"
        return f"{100 * value_pA / membrane.area_um2:.4g} µA/cm² ({value_pA:.4g} pA)"

    displacement = found.displacement_mV
    settling = settle_ms(scenario, membrane, rest)
    return {
        "resting voltage": f"{rest:.5f} mV",
        "left to settle before each trial": f"{settling:g} ms" if settling else "no",
        "threshold, instantaneous displacement": "none found"
        if displacement is None
        else f"{displacement:.4g} mV",
        "threshold, long step, one spike": current(found.rheobase_pA),
        "threshold, long step, repetitive firing": current(found.repetitive_pA),
    }


def describe_scheme(scheme: ChannelScheme, voltage_mV: float) -> dict[str, Any]:
    """Work out what a scheme does at one voltage.

    Returns
    -------
    dict
        ``states`` (name, relative conductance, occupancy), ``transitions`` (from,
        to, rate by name, rate in 1/ms), ``facts``, and ``irreversible``: the loops
        that violate microscopic reversibility.
    """
    generator = scheme.generator(voltage_mV)
    rates = scheme.rates_at(voltage_mV)
    facts = {"ion": f"{scheme.ion} (valence {scheme.valence:+d})"}
    facts["temperature"] = f"{scheme.temperature_degC:g} °C, Q10 {scheme.q10:g}"
    law = None
    try:
        law = theory.stationary_law(generator)
        open_fraction = float(law @ np.array(scheme.relative_conductance))
        facts["open at equilibrium"] = f"{open_fraction:.4g} of the full conductance"
        times = theory.relaxation_times_ms(generator)
        facts["time constants (ms)"] = ", ".join(f"{time:.4g}" for time in times)
    except ValueError as error:
        facts["equilibrium"] = str(error)
    loops = theory.fundamental_loops(generator, scheme.states)
    facts["loops"] = f"{len(loops)}, {sum(loop.balanced for loop in loops)} of them reversible"
    return {
        "states": [
            {"name": name, "conductance": share, "occupancy": None if law is None else law[i]}
            for i, (name, share) in enumerate(
                zip(scheme.states, scheme.relative_conductance, strict=True)
            )
        ],
        "transitions": [
            {
                "from": scheme.states[arrow.source],
                "to": scheme.states[arrow.target],
                "rate": f"{arrow.multiplicity} {scheme.rate_names[arrow.rate]}",
                "value": arrow.multiplicity * rates[arrow.rate],
            }
            for arrow in scheme.transitions
        ],
        "facts": facts,
        "irreversible": [loop for loop in loops if not loop.balanced],
    }
