"""Myokit's `DiscreteSimulation` of a Markov model at one voltage.

Myokit (Clerx et al. 2016, doi:10.1016/j.pbiomolbio.2015.12.008;
https://myokit.readthedocs.io/en/stable/api_simulations/markov.html) simulates channels of one
population by Gillespie's direct method under a voltage protocol; the voltage cannot
depend on them. Initial states are drawn from equilibrium by us and given by
`set_state`; Myokit alone would round them. At the end of each stretch of constant
voltage it draws once more for transitions in the time that was left, although that
time was already known to hold none: the more stretches, the faster its channels.
The setting is the number of stretches into which each interval is cut.
"""

from __future__ import annotations

import numpy as np

from peers import squid
from peers.work import ClampSimulator, Floats, Held, Ints

DISTRIBUTION = "myokit"


def prepare_clamp(held: Held, setting: str) -> ClampSimulator:
    """Set up channels at one voltage, run in `setting` stretches."""
    import myokit
    from myokit.lib import markov

    names, pieces = squid.POTASSIUM_STATES, int(setting)
    model = myokit.parse_model(model_text())
    linear = markov.LinearModel.from_component(model.get("potassium"))
    simulation = markov.DiscreteSimulation(linear, nchannels=held.count)
    simulation.set_membrane_potential(held.voltage_mV)
    law = squid.potassium_law(held.before_mV)
    assert [name.rpartition(".")[2] for name in linear.states()] == list(names)

    def begin(rng: np.random.Generator) -> None:
        simulation.set_state(rng.multinomial(held.count, law))

    def sweeps(seed: int, n_sweeps: int, times_ms: Floats) -> Ints:
        rng = np.random.default_rng(seed)
        np.random.seed(seed)  # noqa: NPY002  the only stream that Myokit draws from
        counts = np.zeros((n_sweeps, len(times_ms)), dtype=np.int64)
        for sweep in range(n_sweeps):
            begin(rng)
            for index, stretch in enumerate(np.diff(times_ms, prepend=0.0)):
                for _ in range(pieces):
                    simulation.run(stretch / pieces)
                counts[sweep, index] = simulation.state()[-1]
        return counts

    def hold(seed: int, duration_ms: float) -> None:
        np.random.seed(seed)  # noqa: NPY002
        begin(np.random.default_rng(seed))
        simulation.run(duration_ms)

    return ClampSimulator(sweeps, hold)


def model_text() -> str:
    """Return the K+ channel in Myokit's language."""
    last = len(squid.POTASSIUM_STATES) - 1
    initial = [f"potassium.n{k} = {float(k == 0)}" for k in range(last + 1)]
    equations = [
        f"dot(n{k}) = "
        + " + ".join(
            ([f"{last - k + 1} * a * n{k - 1} - {k} * b * n{k}"] if k else [])
            + ([f"{k + 1} * b * n{k + 1} - {last - k} * a * n{k}"] if k < last else [])
        )
        for k in range(last + 1)
    ]
    return "\n".join(
        [
            "[[model]]",
            *initial,
            "[engine]",
            "time = 0 bind time",
            "[membrane]",
            f"V = {squid.REST_MV} label membrane_potential",
            "[potassium]",
            "use membrane.V",
            f"a = {squid.formula('an')}",
            f"b = {squid.formula('bn')}",
            *equations,
            f"opened = n{last}",
        ]
    )
