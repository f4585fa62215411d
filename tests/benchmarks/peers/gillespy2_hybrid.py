"""GillesPy2's hybrid solver: V a continuous species, channels discrete ones.

`TauHybridCSolver` (https://gillespy2.readthedocs.io) integrates V by CVODE together
with the propensities of all transitions, and fires transitions as their integrals
run out, over steps of `tau_step` at most (0.03 ms) or what `tau_tol` allows. The
setting is `tau_tol`; 0.03 is the default. A negative initial value would be taken for
an option by the compiled program, so the species is U = V + 200 mV.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from peers import squid
from peers.gillespy2_model import DISTRIBUTION, add_channels, load
from peers.work import Floats, Patch, PatchSimulator

__all__ = ["DISTRIBUTION", "prepare_patch"]

SAMPLED_MS = 0.05
_SHIFT_MV = 200.0
_VOLTAGE = f"(U - {_SHIFT_MV!r})"


def prepare_patch(patch: Patch, setting: str) -> PatchSimulator:
    """Compile the membrane, once a process; its patches are parameters."""
    solver = _compiled()
    names = (*squid.SODIUM_STATES, *squid.POTASSIUM_STATES)
    given = {
        "unitary": 0.1 * squid.CONDUCTANCE_PS / patch.area_um2,  # mS/cm²
        "stimulus": patch.current_uA_cm2,
    }

    def run(seed: int, duration_ms: float) -> Floats:
        drawn = np.concatenate(squid.at_rest(patch.area_um2, np.random.default_rng(seed)))
        start = {name: int(n) for name, n in zip(names, drawn, strict=True)}
        solver.model.tspan = None
        results = solver.run(
            t=duration_ms,
            increment=SAMPLED_MS,
            seed=seed,
            variables=given | start,
            tau_tol=float(setting),
        )
        return squid.spikes_of(np.asarray(results[0]["U"]) - _SHIFT_MV, SAMPLED_MS)

    return PatchSimulator(run)


@cache
def _compiled() -> Any:
    g = load()
    model = g.Model(name="patch")
    model.add_species(
        g.Species(name="U", initial_value=squid.REST_MV + _SHIFT_MV, mode="continuous")
    )
    model.add_parameter(
        [g.Parameter(name=name, expression=1.0) for name in ("unitary", "stimulus")]
    )
    rates = {name: squid.formula(name, _VOLTAGE) for name in squid.LAWS}
    add_channels(g, model, squid.SODIUM_STATES, squid.SODIUM_PAIRS, rates)
    add_channels(g, model, squid.POTASSIUM_STATES, squid.POTASSIUM_PAIRS, rates)
    currents = " - ".join(
        squid.current_through(conductance, reversal, _VOLTAGE)
        for conductance, reversal in (
            (repr(squid.LEAK_MS_CM2), squid.LEAK_REVERSAL_MV),
            (f"unitary * {squid.SODIUM_STATES[-1]}", squid.SODIUM_REVERSAL_MV),
            (f"unitary * {squid.POTASSIUM_STATES[-1]}", squid.POTASSIUM_REVERSAL_MV),
        )
    )
    formula = f"(stimulus - {currents}) / {squid.CAPACITANCE_UF_CM2}"
    model.add_rate_rule(g.RateRule(name="membrane", variable="U", formula=formula))
    return g.TauHybridCSolver(model, variable=True)
