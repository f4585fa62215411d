"""GillesPy2's Gillespie solvers on K+ channels at one voltage, where they are exact.

Their propensities cannot follow a voltage that moves between transitions, so they
are asked for voltage clamp only (https://gillespy2.readthedocs.io, `SSACSolver` and
`NumPySSASolver`). The setting is "C++" or "NumPy". Initial states are drawn from
equilibrium by us: a trajectory starts from given numbers.
"""

from __future__ import annotations

import numpy as np

from peers import squid
from peers.gillespy2_model import DISTRIBUTION, add_channels, load
from peers.work import ClampSimulator, Floats, Held, Ints

__all__ = ["DISTRIBUTION", "prepare_clamp"]


def prepare_clamp(held: Held, setting: str) -> ClampSimulator:
    """Compile (C++) or set up (NumPy) channels at one voltage."""
    g = load()
    names = squid.POTASSIUM_STATES
    rates = {name: repr(squid.rate(name, held.voltage_mV)) for name in ("an", "bn")}
    model = g.Model(name="potassium")
    add_channels(g, model, names, squid.POTASSIUM_PAIRS, rates)
    compiled = g.SSACSolver(model, variable=True) if setting == "C++" else None
    law = squid.potassium_law(held.before_mV)

    def run(seed: int, times_ms: Floats) -> Ints:
        drawn = np.random.default_rng(seed).multinomial(held.count, law)
        start = {name: int(n) for name, n in zip(names, drawn, strict=True)}
        if compiled is not None:
            compiled.model.tspan = None
            compiled.model.timespan(np.concatenate([[0.0], times_ms]))
            trajectory = compiled.run(seed=seed, variables=start)[0]
        else:
            for name, n in start.items():
                model.get_species(name).set_initial_value(n)
            model.tspan = None
            model.timespan(np.concatenate([[0.0], times_ms]))
            trajectory = g.NumPySSASolver(model).run(seed=seed)[0]
        return np.asarray(trajectory[names[-1]])[1:].astype(np.int64)

    def sweeps(seed: int, n_sweeps: int, times_ms: Floats) -> Ints:
        return np.array([run(seed * 1_000_003 + sweep, times_ms) for sweep in range(n_sweeps)])

    def hold(seed: int, duration_ms: float) -> Ints:
        return run(seed, np.array([duration_ms]))

    return ClampSimulator(sweeps, hold)
