"""Brian2 with a leap of its user's own, as generated C++.

Brian2 (Stimberg, Brette & Goodman 2019, doi:10.7554/eLife.47314;
https://brian2.readthedocs.io) has no channels that are counted, but its equations
take functions of the user's. Here the states of a patch are variables of a neuron;
once a step (`run_regularly`) channels leave each state by a binomial draw with
1 - exp(-exit rate dt) and are dealt out to the exits by further binomial draws,
which is the usual binomial leap (Tian & Burrage 2004, doi:10.1063/1.1810475).
Then `exponential_euler`, which is exact for the conductances of the step, moves V.
`binomial` is C++: inversion for small means, `std::binomial_distribution` above.

A channel makes one transition a step at most, at the rates of the voltage at its
beginning. Standalone code of one duration is compiled once for each setting, which
is the time step in ms; counts and area are given to it at run time. Brian2 seeds
that program from the operating system unless its seed is compiled in, so trials
differ from one benchmark to the next.
"""

from __future__ import annotations

import os
from functools import cache
from typing import Any

import numpy as np

from peers import squid
from peers.work import Floats, Patch, PatchSimulator, build_folder

DISTRIBUTION = "brian2"
TRIAL_MS = 5000.0

_BINOMIAL = """
#include <random>
struct UniformBits {
    int where;
    typedef unsigned int result_type;
    static constexpr result_type min() { return 0u; }
    static constexpr result_type max() { return 4294967295u; }
    result_type operator()() { return (result_type)(_rand(where) * 4294967296.0); }
};
static inline double binomial(double n, double p, const int where) {
    if (n < 0.5 || p <= 0.0) return 0.0;
    if (p >= 1.0) return n;
    if (n * p < 15.0) {
        const double odds = p / (1.0 - p);
        double chance = pow(1.0 - p, n), left = _rand(where);
        int k = 0;
        while (left > chance && k < n) {
            left -= chance;
            k++;
            chance *= odds * (n - k + 1.0) / k;
        }
        return k;
    }
    UniformBits bits{where};
    std::binomial_distribution<int> draw((int)(n + 0.5), p);
    return draw(bits);
}
"""


def prepare_patch(patch: Patch, setting: str) -> PatchSimulator:
    """Build the program for a time step of `setting` ms and give it a patch."""
    import brian2

    device, group, monitor = _build(float(setting))
    results = f"results-{os.getpid()}"

    def run(seed: int, duration_ms: float) -> Floats:
        rng = np.random.default_rng(seed)
        occupancies = np.concatenate(squid.at_rest(patch.area_um2, rng))
        names = (*squid.SODIUM_STATES, *squid.POTASSIUM_STATES)
        arguments: dict[Any, Any] = {
            getattr(group, name): float(n) for name, n in zip(names, occupancies, strict=True)
        }
        arguments[group.area] = patch.area_um2
        arguments[group.stimulus] = patch.current_uA_cm2
        device.run(results_directory=results, with_output=False, run_args=arguments)
        return np.asarray(monitor.t / brian2.ms)

    return PatchSimulator(run, TRIAL_MS)


@cache
def _build(step_ms: float) -> tuple[Any, Any, Any]:
    import brian2 as b

    folder = build_folder(f"brian2-{step_ms:g}")
    b.set_device("cpp_standalone", build_on_run=False)
    b.defaultclock.dt = step_ms * b.ms
    binomial = b.Function(
        np.random.binomial, arg_units=[1, 1], return_unit=1, stateless=False, auto_vectorise=True
    )
    binomial.implementations.add_implementation(
        "cpp", _BINOMIAL, name="binomial", dependencies={"_rand": b.DEFAULT_FUNCTIONS["rand"]}
    )
    states = [*squid.SODIUM_STATES, *squid.POTASSIUM_STATES]
    unitary = f"{0.1 * squid.CONDUCTANCE_PS!r} / area"  # of one channel, mS/cm²
    currents = " - ".join(
        squid.current_through(conductance, reversal)
        for conductance, reversal in (
            (repr(squid.LEAK_MS_CM2), squid.LEAK_REVERSAL_MV),
            (f"{unitary} * {squid.SODIUM_STATES[-1]}", squid.SODIUM_REVERSAL_MV),
            (f"{unitary} * {squid.POTASSIUM_STATES[-1]}", squid.POTASSIUM_REVERSAL_MV),
        )
    )
    equations = f"""
    dV/dt = (stimulus - {currents}) / ({squid.CAPACITANCE_UF_CM2} * ms) : 1
    area : 1 (constant)
    stimulus : 1 (constant)
    """ + "".join(f"{state} : 1\n" for state in states)
    group = b.NeuronGroup(
        1,
        equations,
        method="exponential_euler",
        threshold=f"V >= {squid.THRESHOLD_MV}",
        refractory=f"V >= {squid.REARM_MV}",
        namespace={"binomial": binomial},
        name="patch",
    )
    group.V = squid.REST_MV
    group.run_regularly(_leap(step_ms), when="start", name="leap")
    monitor = b.SpikeMonitor(group, name="spikes")
    network = b.Network(group, *group.contained_objects, monitor)
    network.run(TRIAL_MS * b.ms)
    b.device.build(directory=str(folder), compile=True, run=False, clean=False)
    return b.device, group, monitor


def _leap(step_ms: float) -> str:
    """Statements of one step: draw who leaves at the old occupancies, then move them all."""
    lines = [f"{name}_ = {squid.formula(name)} * {step_ms!r}" for name in squid.LAWS]
    gains: dict[str, list[str]] = {}
    for states, pairs in (
        (squid.SODIUM_STATES, squid.SODIUM_PAIRS),
        (squid.POTASSIUM_STATES, squid.POTASSIUM_PAIRS),
    ):
        exits: dict[str, list[tuple[str, str]]] = {state: [] for state in states}
        for pair in pairs:
            ends = (
                (pair.source, pair.target, pair.forward),
                (pair.target, pair.source, pair.backward),
            )
            for source, target, (multiplicity, rate) in ends:
                exits[states[source]].append((states[target], f"{multiplicity} * {rate}_"))
        for state, ways in exits.items():
            total = " + ".join(rate for _, rate in ways)
            lines.append(f"left_{state} = binomial({state}, 1.0 - exp(-({total})))")
            rest, remaining = f"left_{state}", total
            gains.setdefault(state, []).append(f"- left_{state}")
            for index, (target, rate) in enumerate(ways):
                moved = f"{state}_to_{target}"
                if index == len(ways) - 1:
                    lines.append(f"{moved} = {rest}")
                else:
                    lines.append(f"{moved} = binomial({rest}, ({rate}) / ({remaining}))")
                    rest = f"({rest} - {moved})"
                    remaining = " + ".join(other for _, other in ways[index + 1 :])
                gains.setdefault(target, []).append(f"+ {moved}")
    lines += [f"{state} = {state} {' '.join(terms)}" for state, terms in gains.items()]
    return "\n".join(lines)
