"""The exact kernel: its closed forms, its rare branches by scripted draws, its invariants."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal, localcontext
from typing import Any

import numpy as np
import pytest

import stochhh
from stochhh.errors import TrustError
from stochhh.exact import run_exact
from stochhh.kernels import exact, status
from stochhh.kernels.patch import relaxation, relaxation_integral, time_to, voltage_integral
from stochhh.kinetics.rates import RateLaw
from stochhh.kinetics.scheme import ChannelScheme, Transition
from stochhh.kinetics.tables import Bands, build_graph
from stochhh.limit import run_deterministic
from stochhh.membrane import Membrane, Population, build_patch
from stochhh.plan import Plan, generator
from stochhh.scenario import load_scenario
from stochhh.simulate import plan as work_out
from stochhh.state import begin, make_flips, make_records, tag_channels
from stochhh.stimulus import Breakpoints
from stochhh.trial import initial_occupancy

# ---------------------------------------------------------------- closed forms


def decimal_relaxation(x: float) -> float:
    """(1 - exp(-x)) / x to 60 digits."""
    with localcontext() as context:
        context.prec = 60
        exact_x = Decimal(x)
        return float((1 - (-exact_x).exp()) / exact_x)


def decimal_relaxation_integral(x: float) -> float:
    """(x - 1 + exp(-x)) / x² to 60 digits less those that cancel."""
    with localcontext() as context:
        context.prec = 100
        exact_x = Decimal(x)
        return float((exact_x - 1 + (-exact_x).exp()) / exact_x**2)


AROUND = [
    sign * point * (1.0 + nudge)
    for point in (1e-18, 1e-9, 1e-4, 0.03, 0.1, 0.5, 1.0, 5.0, 30.0, 500.0)
    for nudge in (-1e-3, -1e-15, 0.0, 1e-15, 1e-3)
    for sign in ((1.0, -1.0) if point < 30.0 else (1.0,))
]


@pytest.mark.parametrize("x", AROUND)
def test_relaxation_keeps_full_precision(x: float) -> None:
    """On both sides of the switch from a series to the formula, at 0.03."""
    assert relaxation(x) == pytest.approx(decimal_relaxation(x), rel=1e-15)


@pytest.mark.parametrize("x", AROUND)
def test_relaxation_integral_keeps_precision(x: float) -> None:
    """Its switch is at 0.1, where the formula's x - 1 + exp(-x) has lost two digits."""
    assert relaxation_integral(x) == pytest.approx(decimal_relaxation_integral(x), rel=5e-14)


def test_relaxation_at_zero_is_its_limit() -> None:
    assert relaxation(0.0) == 1.0
    assert relaxation_integral(0.0) == 0.5


@pytest.mark.parametrize("k", [0.0, 1e-9, 0.3, 50.0])
@pytest.mark.parametrize("asymptote", [-80.0, 20.0])
def test_time_to_inverts_the_relaxing_voltage(k: float, asymptote: float) -> None:
    start, slope = -65.0, 3.0 if asymptote > -65.0 else -0.5
    if k > 0.0:
        slope = k * (asymptote - start)
    for duration in (1e-12, 1e-3, 0.02, 0.1):
        rise = slope * duration * relaxation(k * duration)
        assert time_to(rise, slope, k, 1e9) == pytest.approx(duration, rel=1e-7)
        assert time_to(rise, slope, k, 0.5 * duration) == 0.5 * duration
    assert time_to(-slope * 1e-9, slope, k, 1.0) == 0.0  # an edge rounding has overtaken
    if k > 0.0:  # never reached, or by rounding only
        assert time_to(asymptote - start, slope, k, 0.25) == 0.25
        assert time_to(2.0 * (asymptote - start), slope, k, 0.25) == 0.25


def test_time_to_matches_logarithm() -> None:
    """-ln(1 - k rise / slope) / k to 60 digits."""
    for rise, slope, k in ((0.25, 3.0, 0.1), (1e-9, 2.0, 1.0), (-0.2, -0.5, 2.0), (5.0, 5.01, 1.0)):
        with localcontext() as context:
            context.prec = 60
            expected = -(1 - Decimal(k) * Decimal(rise) / Decimal(slope)).ln() / Decimal(k)
        assert time_to(rise, slope, k, 1e9) == pytest.approx(float(expected), rel=1e-13)


def test_voltage_integral_is_area_under_the_course() -> None:
    voltage, slope, k, duration = -65.0, 12.0, 0.7, 3.0
    grid = np.linspace(0.0, duration, 20_001)
    course = [voltage + slope * t * relaxation(k * t) for t in grid]
    area = np.trapezoid(course, grid)
    assert voltage_integral(voltage, slope, k, duration) == pytest.approx(area, rel=1e-8)


# ------------------------------------------------------- kernel and its twin


class Scripted:
    """A generator whose draws are written down; drawing more than that fails the test."""

    def __init__(self, exponentials: Sequence[float] = (), uniforms: Sequence[float] = ()) -> None:
        self.exponentials, self.uniforms = list(exponentials), list(uniforms)

    def standard_exponential(self) -> float:
        return self.exponentials.pop(0)

    def random(self) -> float:
        return self.uniforms.pop(0)


class Prepared:
    """A membrane ready for the kernel, in the hands of the test."""

    def __init__(
        self,
        membrane: Membrane,
        bands: Bands,
        occupancy: Sequence[int],
        voltage_mV: float,
        stimulus: Breakpoints,
        hazard: float,
        record_ms: Sequence[float] = (),
    ) -> None:
        self.graph, self.bands, self.stimulus = build_graph(membrane.schemes), bands, stimulus
        self.patch = build_patch(membrane, threshold_mV=0.0, rearm_mV=-30.0)
        counts = np.array(occupancy, dtype=np.int64)
        self.state = begin(
            membrane, self.patch, self.graph, bands, counts, voltage_mV, hazard, stimulus
        )
        wanted = ("charge", "occupancy")
        self.records = make_records(
            np.array(record_ms, dtype=float), len(counts), len(membrane.populations), wanted
        )
        self.spikes = np.zeros(8)
        nobody = np.random.default_rng(0)
        self.tags = tag_channels(nobody, counts, self.patch.state_start, 0)
        self.flips = make_flips(0)

    @property
    def clock(self) -> Any:
        return self.state.clock[0]

    def advance(
        self,
        rng: Any,
        budget: int = 1000,
        kernel: Callable[..., Any] = exact.simulate.py_func,
    ) -> tuple[int, int]:
        return kernel(
            rng, rng, self.graph, self.bands, self.patch, self.stimulus, self.state, budget,
            self.records, self.spikes, self.tags, self.flips,
        )  # fmt: skip


def two_state(count: int = 1, conductance_nS: float = 0.0, leak_nS: float = 0.0) -> Membrane:
    """Channels that shut at rate class 1 and open at class 0; 1 pF, everything reverses at -50."""
    scheme = ChannelScheme(
        name="two",
        title="",
        ion="K+",
        valence=1,
        states=("C", "O"),
        relative_conductance=(0.0, 1.0),
        rate_names=("opening", "closing"),
        rates=(RateLaw("constant", 1.0), RateLaw("constant", 1.0)),
        transitions=(Transition(0, 1, 1, 0), Transition(1, 0, 1, 1)),
    )
    population = Population("two", scheme, count, conductance_nS, -50.0)
    return Membrane(1.0, 1.0, leak_nS, -50.0, (population,) if count else ())


def plain_bands(ratio: float = 0.5, rate: float = 0.75, n_classes: int = 2) -> Bands:
    """Four bands with bounds of 1/ms and, by their polynomials, rates of `rate`/ms."""
    edge = np.array([-100.0, -70.0, -30.0, 0.0, 50.0])
    shape = (len(edge) - 1, n_classes)
    polynomial = np.zeros((*shape, 4))
    polynomial[..., 0] = rate
    return Bands(edge, np.ones(shape), np.ones(shape), np.full(shape, ratio), polynomial)


def for_ms(*end: float, current: Sequence[float] | None = None) -> Breakpoints:
    """Pieces of current that end at these times."""
    pieces = np.zeros(len(end)) if current is None else np.array(current, dtype=float)
    return Breakpoints(np.array(end, dtype=float), pieces)


def test_kernel_agrees_with_its_twin_bit_for_bit() -> None:
    """A fifth of a millisecond would do; 15 ms see spikes, breakpoints and tags."""
    tables = small_patch("1 um^2", "15 ms", record={"interval": "0.1 ms", "channels": 4})
    tables["stimulus"] = [
        {"kind": "pulse", "amplitude": "30 uA/cm^2", "start": "2 ms", "duration": "1 ms"},
        {"kind": "noise", "sd": "5 uA/cm^2", "correlation_time": "1 ms", "resolution": "0.5 ms"},
    ]
    (plan,), _ = work_out(load_scenario(tables))
    outcomes = []
    for kernel in (exact.simulate, exact.simulate.py_func):
        rng, tag_rng = generator(plan.seed_sequence(0)), generator(plan.seed_sequence(0, 2))
        counts = initial_occupancy(plan, 0, rng)
        stimulus = plan.stimulus(0)
        state = begin(
            plan.membrane, plan.patch, plan.graph, plan.bands, counts, -65.0, 0.3, stimulus
        )
        records = make_records(plan.record_ms, len(counts), 2, ("charge", "occupancy"))
        tags = tag_channels(tag_rng, counts, plan.patch.state_start, 4)
        spikes, flips = np.zeros(100), make_flips(10_000)
        _, code = kernel(
            rng, tag_rng, plan.graph, plan.bands, plan.patch, stimulus, state, 10**6,
            records, spikes, tags, flips,
        )  # fmt: skip
        assert code == status.FINISHED
        outcomes.append([*state, *records, *tags, *flips, spikes, np.array([rng.random()])])
    assert outcomes[0][4]["transitions"] > 1000
    assert outcomes[0][4]["rejected"] > 0
    assert outcomes[0][4]["crossings"] > 50
    assert outcomes[0][4]["spikes"] >= 1
    assert outcomes[0][4]["flips"] > 10
    for compiled, plain in zip(*outcomes, strict=True):
        assert compiled.tobytes() == plain.tobytes()


def small_patch(area: str, duration: str, **run: Any) -> dict[str, Any]:
    """Tables of a small squid patch."""
    return {
        "format": 1,
        "title": "small",
        "base": "squid-patch",
        "membrane": {"area": area},
        "run": {"duration": duration, "trials": 1, "seed": 4, "deterministic": False, **run},
    }


# -------------------------------------------------- rare branches, scripted


def test_u_zero_takes_first_class_that_is_alive() -> None:
    """All channels are open, so the opening class has no weight and cannot be chosen."""
    ready = Prepared(two_state(3), plain_bands(), [0, 3], -50.0, for_ms(1.0), hazard=0.3)
    ready.advance(Scripted([50.0], [0.0]))
    assert ready.state.occupancy.tolist() == [1, 2]
    assert ready.clock["transitions"] == 1


def test_u_just_below_one_takes_last_transition_or_nothing() -> None:
    """With the largest u the last channel of the last class moves, if at all."""
    last = np.nextafter(1.0, 0.0)
    ready = Prepared(two_state(4), plain_bands(), [2, 2], -50.0, for_ms(1.0), hazard=0.4)
    ready.advance(Scripted([50.0], [last]))
    assert ready.clock["transitions"] == 0  # its fraction lies above the rate
    assert ready.clock["rejected"] == 1
    sure = plain_bands(ratio=1.0, rate=1.0)
    ready = Prepared(two_state(4), sure, [2, 2], -50.0, for_ms(1.0), hazard=0.4)
    ready.advance(Scripted([50.0], [last]))
    assert ready.state.occupancy.tolist() == [3, 1]


def test_u_beyond_all_weight_by_rounding_is_rejected() -> None:
    """A bound grown by rounding must not move a channel that is not there."""
    ready = Prepared(two_state(2), plain_bands(), [2, 0], -50.0, for_ms(1.0), hazard=0.4)
    ready.clock["bound"] = 2.0 * (1.0 + 1e-9)
    ready.advance(Scripted([50.0], [np.nextafter(1.0, 0.0)]))
    assert ready.clock["rejected"] == 1
    assert ready.state.occupancy.tolist() == [2, 0]


@pytest.mark.parametrize(
    ("u", "accepted"),
    [
        (0.0, True),
        (np.nextafter(0.5, 0.0), True),  # below the lower bound: at once
        (0.5, True),  # exactly the lower bound: compared with the rate
        (np.nextafter(0.75, 0.0), True),
        (0.75, False),  # exactly the rate
        (np.nextafter(1.0, 0.0), False),
    ],
)
def test_fraction_is_accepted_below_the_rate(u: float, accepted: bool) -> None:
    ready = Prepared(two_state(), plain_bands(), [1, 0], -50.0, for_ms(1.0), hazard=0.5)
    ready.advance(Scripted([50.0], [u]))
    assert ready.clock["transitions"] == accepted
    assert ready.clock["rejected"] == (not accepted)
    assert ready.state.occupancy.tolist() == ([0, 1] if accepted else [1, 0])


def test_rate_is_that_at_the_voltage_of_the_candidate() -> None:
    """Rate 0.5 + 0.4 y at -60 mV, a quarter of the way from -70 to -30 mV."""
    for u, accepted in ((0.6 - 1e-12, True), (0.6 + 1e-12, False)):
        bands = plain_bands()
        bands.polynomial[..., :2] = 0.5, 0.4
        ready = Prepared(two_state(), bands, [1, 0], -60.0, for_ms(1.0), hazard=0.5)
        ready.advance(Scripted([50.0], [u]))
        assert ready.clock["transitions"] == accepted


def test_multiplicity_and_occupancy_share_a_class() -> None:
    """Two arrows of one class, 3 on one channel and 1 on two: u picks the first up to 3/5."""
    scheme = replace(
        two_state().populations[0].scheme,
        states=("A", "B", "O"),
        relative_conductance=(0.0, 0.0, 1.0),
        transitions=(Transition(0, 2, 3, 0), Transition(1, 2, 1, 0), Transition(2, 0, 1, 1)),
    )
    population = Population("three", scheme, 3, 0.0, -50.0)
    membrane = Membrane(1.0, 1.0, 0.0, -50.0, (population,))
    expected = {0.0: [0, 2, 1], 0.59: [0, 2, 1], 0.6: [1, 1, 1], 0.99: [1, 1, 1]}
    for u, after in expected.items():
        sure = plain_bands(ratio=1.0, rate=1.0)
        ready = Prepared(membrane, sure, [1, 2, 0], -50.0, for_ms(1.0), hazard=0.5)
        ready.advance(Scripted([50.0], [u]))
        assert ready.state.occupancy.tolist() == after
        assert ready.clock["time"] == 1.0
        # weights follow: class 0 counts 3 A + B, class 1 counts O
        assert ready.state.weight.tolist() == [3 * after[0] + after[1], after[2]]


def test_membrane_without_propensity_draws_nothing() -> None:
    """No channels, and channels that nothing can move."""
    ready = Prepared(
        two_state(0, leak_nS=0.1), plain_bands(n_classes=0), [], -60.0, for_ms(5.0), 0.1
    )
    assert ready.advance(Scripted()) == (0, status.FINISHED)
    assert ready.clock["voltage"] == pytest.approx(-50.0 - 10.0 * np.exp(-0.5))
    dead = plain_bands()
    dead.upper[:] = dead.inverse[:] = 0.0
    ready = Prepared(two_state(5), dead, [5, 0], -50.0, for_ms(5.0), 0.1)
    assert ready.advance(Scripted()) == (0, status.FINISHED)
    assert ready.clock["hazard"] == 0.1


def test_event_exactly_at_the_end_does_not_happen() -> None:
    ready = Prepared(two_state(), plain_bands(), [1, 0], -50.0, for_ms(2.0), hazard=2.0)
    assert ready.advance(Scripted()) == (0, status.FINISHED)
    assert ready.clock["time"] == 2.0
    assert ready.clock["hazard"] == 0.0


def test_event_and_record_exactly_at_a_breakpoint() -> None:
    """The record shows the membrane before the event, the event follows the breakpoint at once."""
    ready = Prepared(
        two_state(conductance_nS=1e-9), plain_bands(), [1, 0], -50.0, for_ms(1.0, 3.0), hazard=1.0,
        record_ms=(0.0, 1.0, 2.0, 3.0),
    )  # fmt: skip
    assert ready.advance(Scripted([50.0], [0.1])) == (1, status.FINISHED)
    assert ready.records.occupancy.tolist() == [[1, 0], [1, 0], [0, 1], [0, 1]]
    assert ready.records.open.ravel().tolist() == [0, 0, 1, 1]
    assert ready.clock["recorded"] == 4


def test_hazard_is_spent_at_breakpoints_and_edges() -> None:
    """A unit exponential of 2.5 at a bound of 1/ms, then 2/ms, whatever lies between."""
    bands = plain_bands()
    bands.upper[0] = 2.0  # below -70 mV
    bands.inverse[0] = 0.5
    # falls 10 mV/ms from -60: at the edge after 1 ms, so the event is due at 1 + 1.5/2 ms
    stimulus = for_ms(0.25, 0.5, 0.8, 4.0, current=[-10.0] * 4)
    ready = Prepared(two_state(), bands, [1, 0], -60.0, stimulus, 2.5, record_ms=(1.7499, 1.7501))
    ready.advance(Scripted([50.0], [0.1]))
    assert ready.records.occupancy.tolist() == [[1, 0], [0, 1]]
    assert ready.clock["crossings"] == 1


def test_without_conductance_voltage_moves_linearly() -> None:
    """50 pA into 1 pF: 50 mV/ms across three edges, a spike at 0 mV, re-armed at -30 mV."""
    stimulus = for_ms(1.5, 3.0, 4.5, current=[50.0, -50.0, 50.0])
    ready = Prepared(
        two_state(0), plain_bands(n_classes=0), [], -60.0, stimulus, 0.1, record_ms=(0.3, 1.5, 2.9)
    )
    assert ready.advance(Scripted()) == (0, status.FINISHED)
    assert ready.records.voltage == pytest.approx([-45.0, 15.0, -55.0], abs=1e-12)
    assert ready.spikes[: ready.clock["spikes"]] == pytest.approx([1.2, 4.2], abs=1e-12)
    assert ready.clock["voltage"] == pytest.approx(15.0, abs=1e-12)
    assert ready.state.charge.tolist() == [0.0]


def test_voltage_leaving_the_table_stops_there_with_what_is_left() -> None:
    for current, edge, band in ((100.0, 50.0, 4), (-100.0, -100.0, -1)):
        ready = Prepared(
            two_state(), plain_bands(), [1, 0], -50.0, for_ms(9.0, current=[current]), 20.0
        )
        assert ready.advance(Scripted()) == (0, status.LEFT_TABLE)
        assert ready.clock["voltage"] == edge
        assert ready.clock["band"] == band
        assert ready.clock["time"] == pytest.approx(abs(edge + 50.0) / 100.0)
        assert ready.clock["hazard"] == pytest.approx(20.0 - ready.clock["time"])


def test_full_spike_buffer_stops_before_the_next_spike_is_lost() -> None:
    stimulus = for_ms(1.5, 3.0, 4.5, current=[50.0, -50.0, 50.0])
    ready = Prepared(two_state(0), plain_bands(n_classes=0), [], -60.0, stimulus, 0.1)
    ready.spikes = np.zeros(1)
    assert ready.advance(Scripted()) == (0, status.SPIKES_FULL)
    assert ready.spikes == pytest.approx([1.2])
    ready.clock["spikes"] = 0
    assert ready.advance(Scripted()) == (0, status.SPIKES_FULL)
    assert ready.spikes == pytest.approx([4.2])
    ready.clock["spikes"] = 0
    assert ready.advance(Scripted()) == (0, status.FINISHED)


def test_pause_spends_its_budget_only() -> None:
    ready = Prepared(two_state(), plain_bands(), [1, 0], -50.0, for_ms(10.0), hazard=1.0)
    assert ready.advance(Scripted([2.0], [0.1]), budget=1) == (1, status.PAUSED)
    assert ready.clock["time"] == 1.0
    assert ready.advance(Scripted([50.0], [0.9]), budget=1) == (0, status.PAUSED)
    assert ready.clock["time"] == 3.0
    assert ready.advance(Scripted()) == (0, status.FINISHED)


def test_membrane_resting_on_an_edge_does_not_hop_for_ever() -> None:
    """A slope of one rounding error leads out of the upper band, and nowhere in the lower one.

    Numbers of a run that hung: with the wait drawn in the upper band the voltage
    falls by a unit in the last place, with that in the lower one it stays.
    """
    edge = np.array([-100.0, -40.0, -30.0, 0.0, 50.0])
    bands = plain_bands()._replace(edge=edge)
    bands.upper[0], bands.upper[1] = 1.0, 0.9
    membrane = two_state(642)
    ready = Prepared(membrane, bands, [642, 0], -40.0, for_ms(0.01), hazard=0.42772104306499403)
    ready.clock["conductance"], ready.clock["drive"] = 999.9999999999999, -40000.0
    ready.advance(Scripted([50.0], [0.1]), budget=20)
    assert ready.clock["transitions"] == 1
    assert ready.clock["crossings"] <= 1


# ----------------------------------------------------------------- invariants


@pytest.mark.parametrize("scale", [0.5, 1.5])
def test_rate_outside_its_bounds_is_noticed(scale: float) -> None:
    bands = plain_bands(ratio=0.6)
    bands.polynomial[...] *= scale
    ready = Prepared(two_state(), bands, [1, 0], -50.0, for_ms(1.0), hazard=0.5)
    assert ready.advance(Scripted([50.0], [0.61])) == (0, status.BOUND_BROKEN)
    assert ready.state.occupancy.tolist() == [1, 0]


@pytest.mark.parametrize("scale", [0.9, 1.1])
def test_corrupted_table_is_never_trusted(monkeypatch: pytest.MonkeyPatch, scale: float) -> None:
    """A bound 10 % below the rate, and a rate 10 % below its lower bound."""

    def corrupted(plan: Plan) -> Bands:
        good = plan.band_table.covering(-100.0, 70.0)
        return good._replace(polynomial=good.polynomial * scale)

    monkeypatch.setattr(Plan, "bands", property(corrupted))
    with pytest.raises(TrustError, match=r"trial 0: a rate left its bounds at .* mV; nothing"):
        stochhh.run(small_patch("10 um^2", "20 ms"))


def broken(monkeypatch: pytest.MonkeyPatch, damage: Callable[[Any], None]) -> None:
    """Have the kernel damage its state when it finishes."""
    genuine = exact.simulate

    def simulate(*args: Any) -> tuple[int, int]:
        outcome = genuine(*args)
        damage(args[6])
        return outcome

    monkeypatch.setattr(exact, "simulate", simulate)


def lose_channel(state: Any) -> None:
    state.occupancy[3] -= 1


def swap_channel(state: Any) -> None:
    state.occupancy[0] += 1 + state.occupancy[1]
    state.occupancy[1] = -1


def move_to_other_population(state: Any) -> None:
    state.occupancy[np.argmax(state.occupancy[:8])] -= 1
    state.occupancy[12] += 1


@pytest.mark.parametrize("damage", [lose_channel, swap_channel, move_to_other_population])
def test_lost_channels_are_noticed(
    monkeypatch: pytest.MonkeyPatch, damage: Callable[[Any], None]
) -> None:
    broken(monkeypatch, damage)
    with pytest.raises(TrustError, match="trial 0: channels were not conserved; nothing was kept"):
        stochhh.run(small_patch("10 um^2", "5 ms"))


@pytest.mark.parametrize("population", [0, 1, 2])
def test_lost_charge_is_noticed(monkeypatch: pytest.MonkeyPatch, population: int) -> None:
    def damage(state: Any) -> None:
        state.charge[population] *= 1.0 + 1e-5

    broken(monkeypatch, damage)
    with pytest.raises(TrustError, match=r"trial 0: charge was not conserved \(.* fC\); nothing"):
        stochhh.run(small_patch("10 um^2", "5 ms"))


def test_charge_that_is_not_a_number_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def damage(state: Any) -> None:
        state.charge[0] = np.nan

    broken(monkeypatch, damage)
    with pytest.raises(TrustError, match="charge was not conserved"):
        stochhh.run(small_patch("10 um^2", "5 ms"))


# ------------------------------------------------------------ passive membrane

TAU_MS, LEAK_NS, REST_MV = 10.0, 0.1, -65.0  # 1 pF


def passive(stimulus: list[dict[str, Any]], duration: str, **initial: str) -> Plan:
    """Plan of a membrane with nothing but a leak."""
    tables = {
        "format": 1,
        "title": "passive",
        "membrane": {
            "area": "100 um^2",
            "capacitance": "1 pF",
            "leak": {"conductance": f"{LEAK_NS} nS", "reversal": f"{REST_MV} mV"},
        },
        "stimulus": stimulus,
        "run": {
            "duration": duration,
            "seed": 1,
            "initial": initial,
            "record": {"interval": "0.5 ms", "variables": ["voltage", "charge"]},
        },
    }
    (plan,), _ = work_out(load_scenario(tables))
    return plan


def current(amplitude_pA: float, start_ms: float, duration_ms: float) -> dict[str, Any]:
    return {
        "kind": "pulse",
        "amplitude": f"{amplitude_pA} pA",
        "start": f"{start_ms} ms",
        "duration": f"{duration_ms} ms",
    }


def test_passive_membrane_is_the_analytic_one() -> None:
    """Voltage and leak charge of an RC membrane with a pulse, displaced at the start."""
    plan = passive([current(2.0, 5.0, 7.0)], "30 ms", displacement="12 mV")
    trial = run_exact(plan, 0)
    t = np.asarray(plan.record_ms)
    on, off = np.clip(t - 5.0, 0.0, None), np.clip(t - 12.0, 0.0, None)
    above = 12.0 * np.exp(-t / TAU_MS)  # mV above rest
    above += 20.0 * (np.exp(-off / TAU_MS) - np.exp(-on / TAU_MS))
    np.testing.assert_allclose(trial.records.voltage, REST_MV + above, atol=1e-10)
    # injected = stored + leaked
    injected = 2.0 * (on - off)
    np.testing.assert_allclose(trial.records.charge[:, 0], injected - (above - 12.0), atol=1e-9)
    assert trial.total_charge_fC == pytest.approx(injected[-1] - (above[-1] - 12.0), abs=1e-9)
    assert trial.transitions == 0


def test_spike_times_of_a_driven_passive_membrane_are_exact() -> None:
    """Three pushes above 0 mV; before the second the voltage stays above -30 mV."""
    rest, high = REST_MV, REST_MV + 115.0

    def decayed(voltage: float, towards: float, duration: float) -> float:
        return towards + (voltage - towards) * np.exp(-duration / TAU_MS)

    def crossing(voltage: float) -> float:
        return TAU_MS * np.log((high - voltage) / high)

    pushes = [current(11.5, start, 12.0) for start in (3.0, 20.0, 60.0)]
    trial = run_exact(passive(pushes, "90 ms"), 0)
    peak = decayed(rest, high, 12.0)
    first = 3.0 + crossing(rest)
    valley = decayed(peak, rest, 5.0)
    assert -30.0 < valley < 0.0 < peak
    low = decayed(decayed(valley, high, 12.0), rest, 28.0)
    assert low < -30.0
    third = 60.0 + crossing(low)
    assert trial.spike_ms == pytest.approx([first, third], abs=1e-9)


def test_start_above_threshold_is_no_spike() -> None:
    trial = run_exact(passive([current(11.5, 30.0, 20.0)], "60 ms", displacement="90 mV"), 0)
    above = 90.0 * np.exp(-3.0)
    expected = 30.0 + TAU_MS * np.log((115.0 - above) / 50.0)
    assert trial.spike_ms == pytest.approx([expected], abs=1e-9)


def test_charge_of_every_population_is_the_integral_of_its_current() -> None:
    """Recorded charges against the currents integrated on a grid of 1 µs."""
    variables = ["voltage", "current", "charge"]
    record = {"interval": "0.001 ms", "variables": variables}
    result = stochhh.run(small_patch("2 um^2", "8 ms", record=record))
    summed = result["current"].values[0, :-1].sum(axis=0) * 0.001
    moved = result["charge"].values[0, -1]
    np.testing.assert_allclose(moved, summed, rtol=0.01)
    np.testing.assert_array_equal(result["total_charge"].values[0], moved)


@pytest.mark.parametrize(("lowest", "n_spikes"), [(-29.95, 1), (-30.05, 2)])
def test_a_second_spike_needs_the_voltage_to_pass_the_rearming_level(lowest, n_spikes):
    """A passive membrane driven to +20 mV, down to just above or below -30 mV, and up again.

    It settles at EL + I/gL with a time constant of 3.3 ms, so 60 ms are plenty.
    """
    leak, reversal = 0.3, -65.0  # mS/cm², mV
    drive = [f"{leak * (level - reversal)} uA/cm^2" for level in (20.0, lowest, 20.0)]
    stimuli = [
        {"kind": "pulse", "amplitude": amplitude, "start": f"{60 * k} ms", "duration": "60 ms"}
        for k, amplitude in enumerate(drive)
    ]
    tables = {
        "format": 1,
        "title": "passive",
        "membrane": {
            "area": "10 um^2",
            "capacitance": "1 uF/cm^2",
            "leak": {"conductance": f"{leak} mS/cm^2", "reversal": f"{reversal} mV"},
        },
        "stimulus": stimuli,
        "run": {"duration": "180 ms", "seed": 1, "record": {"interval": "10 ms"}},
    }
    (plan,), _ = work_out(load_scenario(tables))
    assert len(run_exact(plan, 0).spike_ms) == n_spikes
    assert len(run_deterministic(plan, 0).spike_ms) == n_spikes
