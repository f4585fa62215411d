"""Whatever the channels and the membrane: what every exact run conserves, and keeps in law."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from harness import agrees, refuses, same_law, same_mean
from hypothesis import given, settings
from hypothesis import strategies as st

from stochhh.exact import run_exact
from stochhh.kinetics.files import load_scheme
from stochhh.kinetics.rates import RateLaw
from stochhh.kinetics.scheme import ChannelScheme, Transition
from stochhh.membrane import Membrane, Population
from stochhh.plan import Plan
from stochhh.scenario.stimuli import Pulse, Stimulus


def one_of(*choices: object) -> st.SearchStrategy:
    return st.sampled_from(choices)


@st.composite
def rate_laws(draw: st.DrawFn) -> RateLaw:
    """Any law, at most some 1000 / ms at the voltages a run visits."""
    law = draw(one_of("constant", "exponential", "sigmoid", "linoid", "table"))
    if law == "table":
        voltages = sorted(draw(st.sets(st.integers(-100, 60), min_size=2, max_size=5)))
        rates = [draw(st.floats(0.01, 5.0)) for _ in voltages]
        return RateLaw("table", points=tuple(zip(map(float, voltages), rates, strict=True)))
    scale = draw(one_of(-1.0, 1.0)) * draw(st.floats(25.0, 60.0))
    midpoint = draw(st.floats(-90.0, 30.0))
    return RateLaw(law, draw(st.floats(0.01, 3.0)), midpoint, scale)


@st.composite
def schemes(draw: st.DrawFn) -> ChannelScheme:
    """Two to five states in a row that leads both ways, and any arrows besides."""
    n = draw(st.integers(2, 5))
    rates = draw(st.lists(rate_laws(), min_size=1, max_size=4))
    row = [(i, i + 1) for i in range(n - 1)] + [(i + 1, i) for i in range(n - 1)]
    arrow = st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)).filter(lambda a: a[0] != a[1])
    more = draw(st.lists(arrow, max_size=4))
    transitions = tuple(
        Transition(i, j, draw(st.integers(1, 4)), draw(st.integers(0, len(rates) - 1)))
        for i, j in row + more
    )
    shares = [draw(one_of(0.0, 0.0, 0.3, 1.0)) for _ in range(n - 1)]
    return ChannelScheme(
        name="random",
        title="",
        ion="K+",
        valence=1,
        states=tuple(f"S{i}" for i in range(n)),
        relative_conductance=(*shares, 1.0),
        rate_names=tuple(f"r{i}" for i in range(len(rates))),
        rates=tuple(rates),
        transitions=transitions,
    )


@st.composite
def membranes(draw: st.DrawFn) -> Membrane:
    """Up to three populations of up to 30 channels, with or without a leak."""
    populations = tuple(
        Population(
            name=f"p{index}",
            scheme=draw(schemes()),
            count=draw(st.integers(0, 30)),
            conductance_nS=draw(st.floats(1e-4, 0.1)),
            reversal_mV=draw(st.floats(-95.0, 55.0)),
        )
        for index in range(draw(st.integers(1, 3)))
    )
    return Membrane(
        area_um2=1.0,
        capacitance_pF=draw(st.floats(0.05, 2.0)),
        leak_nS=draw(one_of(0.0, 0.01, 1.0)),
        leak_reversal_mV=draw(st.floats(-80.0, 0.0)),
        populations=populations,
    )


def plan_of(
    membrane: Membrane,
    *,
    voltage_mV: float = -65.0,
    displacement_mV: float = 0.0,
    duration_ms: float = 3.0,
    stimuli: tuple[Stimulus, ...] = (),
    band_width_mV: float | None = None,
    tagged: int | None = 0,
    seed: int = 1,
) -> Plan:
    """Plan of a run recorded 60 times, occupancies and charges included."""
    return Plan(
        name="random",
        point=0,
        seed=seed,
        membrane=membrane,
        stimuli=stimuli,
        duration_ms=duration_ms,
        record_ms=np.linspace(0.0, duration_ms, 61),
        variables=("voltage", "charge", "occupancy"),
        tagged=tagged,
        voltage_mV=voltage_mV,
        displacement_mV=displacement_mV,
        threshold_mV=0.0,
        rearm_mV=-30.0,
        band_width_mV=band_width_mV,
    )


def pulse(amplitude_pA: float) -> Pulse:
    tables = {"kind": "pulse", "amplitude": f"{amplitude_pA} pA"}
    return Pulse.model_validate({**tables, "start": "0.7 ms", "duration": "1.1 ms"})


@settings(max_examples=100)
@given(
    membrane=membranes(),
    voltage_mV=st.floats(-90.0, 20.0),
    displacement_mV=st.floats(-40.0, 40.0),
    band_width_mV=st.sampled_from([None, 0.1, 0.7]),
    amplitude_pA=st.sampled_from([0.0, 0.0, 5.0, -5.0]),
    seed=st.integers(0, 2**32),
)
def test_every_run_conserves_channels_and_charge(
    membrane: Membrane,
    voltage_mV: float,
    displacement_mV: float,
    band_width_mV: float | None,
    amplitude_pA: float,
    seed: int,
) -> None:
    plan = plan_of(
        membrane,
        voltage_mV=voltage_mV,
        displacement_mV=displacement_mV,
        stimuli=(pulse(amplitude_pA),) if amplitude_pA else (),
        band_width_mV=band_width_mV,
        tagged=None,
        seed=seed,
    )
    trial = run_exact(plan, 0)

    # channels: whole, none lost, none below zero
    starts = plan.graph.state_start
    occupancy = np.asarray(trial.records.occupancy)
    assert occupancy.min() >= 0
    for p, population in enumerate(membrane.populations):
        inside = occupancy[:, starts[p] : starts[p + 1]]
        assert (inside.sum(axis=1) == population.count).all()
        conducting = np.array(population.scheme.is_open)
        np.testing.assert_array_equal(trial.records.open[:, p], inside[:, conducting].sum(axis=1))
        relative = np.array(population.scheme.relative_conductance)
        np.testing.assert_allclose(
            trial.records.conductance[:, p],
            inside @ relative * population.conductance_nS,
            atol=1e-12,
        )

    # charge: injected = stored + moved, at every record
    t = np.asarray(plan.record_ms)
    injected = amplitude_pA * np.clip(t - 0.7, 0.0, 1.1)
    stored = membrane.capacitance_pF * (trial.records.voltage - trial.records.voltage[0])
    np.testing.assert_allclose(trial.records.charge.sum(axis=1), injected - stored, atol=1e-8)
    assert trial.records.voltage[0] == voltage_mV + displacement_mV

    # without a stimulus the voltage stays between its start and the reversal potentials
    if not amplitude_pA:
        bounds = [*membrane.reversals_mV, trial.records.voltage[0]]
        assert trial.records.voltage.min() >= min(bounds) - 1e-9
        assert trial.records.voltage.max() <= max(bounds) + 1e-9

    # times increase: strictly for spikes, and for the transitions of one channel
    assert (np.diff(trial.spike_ms) > 0).all()
    assert (np.diff(trial.flips.time) >= 0).all()
    assert len(trial.flips.time) == trial.transitions
    for channel in range(min(10, len(trial.channel_start))):
        mine = trial.flips.channel == channel
        assert (np.diff(trial.flips.time[mine]) > 0).all()
        states = np.append(trial.channel_start[channel], trial.flips.state[mine])
        assert (np.diff(states) != 0).all()


def relabelled(scheme: ChannelScheme, states: list[int], rates: list[int]) -> ChannelScheme:
    """The same channel with its states and rate classes listed in another order.

    State s of the new scheme is state ``states[s]`` of the old one; rates likewise.
    """
    new_state = {old: new for new, old in enumerate(states)}
    new_rate = {old: new for new, old in enumerate(rates)}
    return replace(
        scheme,
        states=tuple(scheme.states[old] for old in states),
        relative_conductance=tuple(scheme.relative_conductance[old] for old in states),
        rate_names=tuple(scheme.rate_names[old] for old in rates),
        rates=tuple(scheme.rates[old] for old in rates),
        transitions=tuple(
            Transition(new_state[a.source], new_state[a.target], a.multiplicity, new_rate[a.rate])
            for a in reversed(scheme.transitions)
        ),
        gates=(),
    )


def squid_with(sodium: ChannelScheme, potassium: ChannelScheme) -> Membrane:
    """2 µm² of squid axon with these schemes."""
    populations = (
        Population("na", sodium, 120, 0.02, 50.0),
        Population("k", potassium, 36, 0.02, -77.0),
    )
    return Membrane(2.0, 0.02, 0.006, -54.4, populations)


def outcomes(membrane: Membrane, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Final voltage, open K+ channels and transitions of 600 trials of 3 ms after a shock."""
    plan = plan_of(membrane, displacement_mV=12.0, seed=seed)
    trials = [run_exact(plan, index) for index in range(600)]
    return (
        np.array([trial.final_voltage_mV for trial in trials]),
        np.array([trial.records.open[-1, 1] for trial in trials]),
        np.array([trial.transitions for trial in trials]),
    )


SODIUM, POTASSIUM = load_scheme("squid-na"), load_scheme("squid-k")


# 600 trials tell laws apart that differ by 0.16 in distribution
@settings(max_examples=4, derandomize=True)
@given(
    na=st.permutations(range(8)),
    k=st.permutations(range(5)),
    na_rates=st.permutations(range(4)),
    k_rates=st.permutations(range(2)),
)
def test_relabelling_changes_nothing_in_law(
    na: list[int], k: list[int], na_rates: list[int], k_rates: list[int]
) -> None:
    one = outcomes(squid_with(SODIUM, POTASSIUM), seed=1)
    other = outcomes(
        squid_with(relabelled(SODIUM, na, na_rates), relabelled(POTASSIUM, k, k_rates)), seed=2
    )
    for name, ours, theirs in zip(("voltage", "open K+", "transitions"), one, other, strict=True):
        agrees(same_law(ours, theirs), f"{name} with relabelled states")
        agrees(same_mean(ours, theirs), f"{name} with relabelled states")


def test_another_open_state_is_told() -> None:
    """Negative control of the comparison above: n3 conducts instead of n4."""
    wrong = replace(POTASSIUM, relative_conductance=(0.0, 0.0, 0.0, 1.0, 0.0))
    one = outcomes(squid_with(SODIUM, POTASSIUM), seed=1)
    other = outcomes(squid_with(SODIUM, wrong), seed=2)
    refuses(same_law(one[0], other[0]), "final voltage, another open state")
    refuses(same_mean(one[1], other[1]), "open K+, another open state")
