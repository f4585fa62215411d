"""The stepped kernel: its order, its rare branches, its twin in plain Python."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest import mock

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.linalg import expm

from stochhh.kernels import binomial, frozen, langevin, leap, patch, status, stepped
from stochhh.kernels.frozen import gillespie
from stochhh.kernels.langevin import diffuse, diffuse_gates
from stochhh.kinetics.files import load_scheme
from stochhh.kinetics.rates import RateLaw
from stochhh.kinetics.scheme import ChannelScheme, Transition
from stochhh.kinetics.tables import build_graph
from stochhh.membrane import Membrane, Population, build_patch
from stochhh.methods import METHODS
from stochhh.propagators import in_turn
from stochhh.state import begin_stepped, make_records
from stochhh.steps import GATE, PAIR, StepTable
from stochhh.stimulus import Breakpoints

STEPPED = [name for name, method in METHODS.items() if method.step_ms is not None]

# ------------------------------------------------------------------- set-up


@contextmanager
def plain_python() -> Iterator[Callable[..., Any]]:
    """The kernel with all that it calls as plain Python."""
    names = {
        stepped: ["between", "gillespie", "diffuse", "diffuse_gates", "flow", "leap", "observe",
                  "reach", "relaxation", "settle", "start_settling", "time_to",
                  "sum_conductances"],
        leap: ["between", "binomial"],
        binomial: ["binomial_below_half"],
        patch: ["reach", "relaxation", "relaxation_integral", "voltage_integral"],
    }  # fmt: skip
    patches = [
        mock.patch.object(module, name, getattr(module, name).py_func)
        for module, wanted in names.items()
        for name in wanted
    ]
    for one in patches:
        one.start()
    try:
        yield stepped.simulate.py_func
    finally:
        for one in patches:
            one.stop()


class Prepared:
    """A membrane ready for the kernel, in the hands of the test."""

    def __init__(
        self,
        membrane: Membrane,
        method: str = "leap",
        *,
        occupancy: Sequence[float] | None = None,
        voltage_mV: float = -65.0,
        stimulus: Breakpoints,
        step_ms: float = 0.05,
        record_ms: Sequence[float] = (),
        covering: tuple[float, float] = (-100.0, 70.0),
        threshold_mV: float = 0.0,
        n_spikes: int = 50,
    ) -> None:
        noisy = tuple(population.noise for population in membrane.populations)
        self.steps = StepTable(membrane.schemes, noisy, METHODS[method], step_ms).covering(
            *covering
        )
        self.graph, self.stimulus = build_graph(membrane.schemes), stimulus
        self.patch = build_patch(membrane, threshold_mV=threshold_mV, rearm_mV=-30.0)
        if occupancy is None:
            laws = membrane.stationary_laws(voltage_mV)
            parts = [p.count * law for p, law in zip(membrane.populations, laws, strict=True)]
            if METHODS[method].whole:
                whole = [p if not n else np.floor(p) for p, n in zip(parts, noisy, strict=True)]
                for part, rest in zip(whole, parts, strict=True):
                    part[0] += np.rint(rest.sum() - part.sum())
                parts = whole
            occupancy = np.concatenate([*parts, np.zeros(0)])
        gates = np.full(self.steps.gate_start[-1], 0.3)
        self.state = begin_stepped(
            membrane, self.patch, self.graph, np.array(occupancy, dtype=float), gates,
            voltage_mV, stimulus,
        )  # fmt: skip
        if not self.steps.staggered and not len(stimulus.command):
            self.clock["settled_slope"] = 0.0
        self.records = make_records(
            np.array(record_ms, dtype=float), len(occupancy), len(membrane.populations),
            ("charge", "occupancy"), np.float64,
        )  # fmt: skip
        self.spikes = np.zeros(n_spikes)

    @property
    def clock(self) -> Any:
        return self.state.clock[0]

    def advance(
        self, rng: Any = None, budget: int = 10**6, kernel: Any = stepped.simulate
    ) -> tuple[int, int]:
        rng = np.random.default_rng(1) if rng is None else rng
        return kernel(
            rng, self.steps, self.graph, self.patch, self.stimulus, self.state, budget,
            self.records, self.spikes,
        )  # fmt: skip

    def outcome(self) -> list[bytes]:
        return [array.tobytes() for array in (*self.state, *self.records, self.spikes)]


def squid(area_um2: float, noise: tuple[bool, bool] = (True, True)) -> Membrane:
    populations = tuple(
        Population(name, load_scheme(name), round(density * area_um2), 0.02, reversal, noisy)
        for (name, density, reversal), noisy in zip(
            (("squid-na", 60, 50.0), ("squid-k", 18, -77.0)), noise, strict=True
        )
    )
    return Membrane(area_um2, 0.01 * area_um2, 0.003 * area_um2, -54.4, populations)


def constant(
    opening: float, closing: float, count: float, noise: bool = True, conductance_nS: float = 0.0
) -> Membrane:
    """Two-state channels with rates that know no voltage."""
    scheme = ChannelScheme(
        "two", "", "K+", 1, ("C", "O"), (0.0, 1.0), ("opening", "closing"),
        (RateLaw("constant", opening), RateLaw("constant", closing)),
        (Transition(0, 1, 1, 0), Transition(1, 0, 1, 1)),
    )  # fmt: skip
    population = Population("two", scheme, int(count), conductance_nS, -80.0, noise)
    return Membrane(1.0, 1.0, 0.1, -50.0, (population,))


def for_ms(*end: float, current: Sequence[float] | None = None) -> Breakpoints:
    pieces = np.zeros(len(end)) if current is None else np.array(current, dtype=float)
    return Breakpoints(np.array(end, dtype=float), pieces)


def command(end: Sequence[float], level: Sequence[float], slope: Sequence[float]) -> Breakpoints:
    n = len(end)
    return Breakpoints(np.array(end), np.zeros(n), np.array(level), np.array(slope))


PULSE = for_ms(0.52, 1.5, 4.0, 12.0, current=[0.0, 3.0, 0.0, 1.0])

# --------------------------------------------------------- twin, and cut runs


@pytest.mark.parametrize("noise", [(True, True), (True, False)])
@pytest.mark.parametrize("method", STEPPED)
def test_kernel_agrees_with_its_twin_bit_for_bit(method: str, noise: tuple[bool, bool]) -> None:
    outcomes = []
    with plain_python() as twin:
        for kernel in (stepped.simulate, twin):
            ready = Prepared(
                squid(8.0, noise), method, stimulus=PULSE, record_ms=np.arange(0, 12, 0.37)
            )
            rng = np.random.default_rng(5)
            assert ready.advance(rng, kernel=kernel)[1] == status.FINISHED
            outcomes.append([*ready.outcome(), rng.random()])
    assert ready.clock["spikes"] >= 1
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize("method", ["leap", "langevin", "frozen"])
def test_clamped_kernel_agrees_with_its_twin(method: str) -> None:
    stimulus = command([0.33, 1.0, 2.0], [-80.0, 10.0, -40.0], [0.0, 20.0, 0.0])
    outcomes = []
    with plain_python() as twin:
        for kernel in (stepped.simulate, twin):
            ready = Prepared(
                squid(5.0), method, stimulus=stimulus, voltage_mV=-80.0, record_ms=[0, 0.4, 2.0]
            )
            assert ready.advance(kernel=kernel)[1] == status.FINISHED
            outcomes.append(ready.outcome())
    assert ready.clock["spikes"] == 0
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize("budget", [1, 7])
@pytest.mark.parametrize("method", STEPPED)
def test_a_run_cut_into_calls_is_the_run(method: str, budget: int) -> None:
    outcomes = []
    for each in (10**6, budget):
        ready = Prepared(squid(8.0), method, stimulus=PULSE, record_ms=np.arange(0, 12, 0.37))
        rng, total, code = np.random.default_rng(5), 0, status.PAUSED
        while code == status.PAUSED:
            moved, code = ready.advance(rng, each)
            total += moved
        assert code == status.FINISHED
        assert total == ready.clock["transitions"]
        outcomes.append([*ready.outcome(), rng.random()])
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize("method", ["leap", "frozen"])
def test_full_buffers_and_small_tables_change_nothing(method: str) -> None:
    """Spikes one at a time, records four at a time, tables that grow as V leaves them."""
    times = np.arange(0, 12, 0.37)
    whole = Prepared(squid(8.0), method, stimulus=PULSE, record_ms=times)
    assert whole.advance(np.random.default_rng(5))[1] == status.FINISHED
    cut = Prepared(
        squid(8.0), method, stimulus=PULSE, record_ms=times[:4], covering=(-66.0, -64.0), n_spikes=1
    )
    rng, done, rows, spikes, left = np.random.default_rng(5), 0, [], [], 0
    cut.records.time[-1] = times[4]
    while True:
        _, code = cut.advance(rng)
        spikes.extend(cut.spikes[: cut.clock["spikes"]])
        cut.clock["spikes"] = 0
        if code in (status.RECORDS_FULL, status.FINISHED):
            n = int(cut.clock["recorded"])
            rows.extend(np.column_stack([cut.records.voltage, cut.records.charge])[:n].tolist())
            done += n
            cut.clock["recorded"] = 0
            following = times[done : done + 5]
            cut.records.time[: len(following)] = following
            cut.records.time[len(following) :] = np.inf
        if code == status.FINISHED:
            break
        if code == status.LEFT_TABLE:
            left += 1
            reach = sorted((cut.clock["voltage"], cut.clock["held"], -66.0))
            table = StepTable(
                tuple(p.scheme for p in squid(8.0).populations), (True, True),
                METHODS[method], 0.05,
            )  # fmt: skip
            low = min(cut.steps.first, reach[0] - 5.0)
            high = max(cut.steps.first + 0.125 * (len(cut.steps.rates) - 2), reach[-1] + 5.0)
            cut.steps = table.covering(low, high)
    assert left > 5
    assert len(spikes) == whole.clock["spikes"] >= 1
    assert spikes == whole.spikes[: len(spikes)].tolist()
    expected = np.column_stack([whole.records.voltage, whole.records.charge])
    np.testing.assert_allclose(rows, expected, rtol=1e-9)  # rows of larger tables round anew
    np.testing.assert_array_equal(cut.state.occupancy, whole.state.occupancy)


# ------------------------------------------------------------- order in the step


def mean_field_end(method: str, step_ms: float, stimulus: Breakpoints) -> np.ndarray:
    ready = Prepared(squid(10.0, (False, False)), method, stimulus=stimulus, step_ms=step_ms)
    assert ready.advance()[1] == status.FINISHED
    return np.append(ready.state.occupancy / 600.0, ready.clock["voltage"])


def mean_field_truth(stimulus: Breakpoints) -> np.ndarray:
    membrane = squid(10.0)
    na, k = membrane.populations

    def slope(t: float, y: np.ndarray, current: float) -> np.ndarray:
        law_na, law_k, V = y[:8], y[8:13], y[13]
        g_na = na.maximal_conductance_nS * law_na @ np.array(na.scheme.relative_conductance)
        g_k = k.maximal_conductance_nS * law_k @ np.array(k.scheme.relative_conductance)
        flow = g_na * (50.0 - V) + g_k * (-77.0 - V) + 0.03 * (-54.4 - V) + current
        moved = [law_na @ na.scheme.generator(V), law_k @ k.scheme.generator(V), [flow / 0.1]]
        return np.concatenate(moved)

    y = np.concatenate([*membrane.stationary_laws(-65.0), [-65.0]])
    start = 0.0
    for end, current in zip(stimulus.end, stimulus.current, strict=True):
        y = solve_ivp(slope, (start, end), y, "DOP853", args=(current,), rtol=1e-9, atol=1e-11).y[
            :, -1
        ]
        start = end
    y[8:13] *= 0.3  # as shares of 600 channels, like the others
    return y


@pytest.mark.parametrize(("method", "order"), [("leap", 2), ("leap-first-order", 1)])
def test_error_of_the_coupling_goes_with_the_order(method: str, order: int) -> None:
    """Mean-field channels and voltage, a pulse that ends at multiples of the step, by ODE solver.

    With a step halved the error falls to a quarter, or to half. In the middle of an
    upstroke, where every shift of half a step shows.
    """
    stimulus = for_ms(0.4, 1.6, 2.0, current=[0.0, 3.0, 0.0])
    truth = mean_field_truth(stimulus)
    assert -40.0 < truth[-1] < 45.0
    steps = (0.04, 0.02, 0.01) if order == 2 else (0.01, 0.005, 0.0025)
    errors = [np.abs(mean_field_end(method, dt, stimulus) - truth) for dt in steps]
    voltage = [error[-1] for error in errors]
    channels = [error[:-1].max() for error in errors]
    for found in (voltage, channels):
        fallen = np.log2(np.array(found[:-1]) / found[1:])
        assert fallen == pytest.approx(order, abs=0.35), found
    # Richardson: what is left after the leading term is far below it
    left, right = (
        mean_field_end(method, steps[-2], stimulus),
        mean_field_end(method, steps[-1], stimulus),
    )
    best = right + (right - left) / (2**order - 1)
    assert abs(best[-1] - truth[-1]) < 0.2 * voltage[-1]


@pytest.mark.parametrize("method", ["leap", "leap-first-order"])
def test_first_steps_are_the_formula(method: str) -> None:
    """Two-state mean field by hand: when channels move, and with which conductances V does."""
    dt, C, gL, EL, E, N, g = 0.1, 1.0, 0.1, -50.0, -80.0, 10, 0.3
    membrane = constant(0.7, 0.2, N, noise=False, conductance_nS=g)
    ready = Prepared(
        membrane, method, occupancy=[6.0, 4.0], stimulus=for_ms(0.3), step_ms=dt,
        record_ms=[0.0, 0.1, 0.2, 0.3],
    )  # fmt: skip
    assert ready.advance()[1] == status.FINISHED
    generator = np.array([[-0.7, 0.7], [0.2, -0.2]])
    counts = np.array([6.0, 4.0])
    V, charge = -65.0, 0.0
    voltages, occupancies, charges = [V], [counts], [0.0]
    for step in range(3):
        G, drive = g * counts[1] + gL, g * counts[1] * E + gL * EL
        if method == "leap":
            asymptote = drive / G
            for half in range(2):
                if half:
                    counts = counts @ expm(generator * dt)
                    G, drive = g * counts[1] + gL, g * counts[1] * E + gL * EL
                    asymptote = drive / G
                before = V
                V = asymptote + (V - asymptote) * np.exp(-G / C * dt / 2)
                area = asymptote * dt / 2 + (before - asymptote) * (1 - np.exp(-G / C * dt / 2)) / (
                    G / C
                )
                charge += g * counts[1] * (area - E * dt / 2)
        else:
            charge += g * counts[1] * (V - E) * dt
            V += (drive - G * V) / C * dt
            counts = counts @ (np.eye(2) + generator * dt)
        voltages.append(V)
        occupancies.append(counts)
        charges.append(charge)
        assert step == len(voltages) - 2
    np.testing.assert_allclose(ready.records.voltage, voltages, rtol=1e-12)
    np.testing.assert_allclose(ready.records.charge[:, 0], charges, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(ready.records.occupancy, occupancies, rtol=1e-12)
    np.testing.assert_allclose(ready.state.occupancy, counts, rtol=1e-12)
    np.testing.assert_allclose(ready.state.charge[0], charge, rtol=1e-10)


# -------------------------------------------- records, spikes and ends of segments


@pytest.mark.parametrize("method", ["leap", "frozen"])
def test_records_between_steps_lie_on_the_course(method: str) -> None:
    """At 100 instants a step; none of them moves anything."""
    sparse = Prepared(squid(5.0), method, stimulus=PULSE, record_ms=[0.0, 12.0])
    dense = Prepared(squid(5.0), method, stimulus=PULSE, record_ms=np.arange(0, 12, 5e-4))
    for ready in (sparse, dense):
        assert ready.advance()[1] == status.FINISHED
        assert ready.clock["recorded"] == len(ready.records.voltage)
    assert [part.tobytes() for part in sparse.state[:-1]] == [
        part.tobytes() for part in dense.state[:-1]
    ]
    jumps = np.abs(np.diff(dense.records.voltage))
    assert jumps.max() < 1.5  # mV in half a µs of a spike's upstroke; no step is a jump
    slopes = np.diff(dense.records.charge.sum(axis=1))
    assert np.abs(slopes).max() < 1.0
    # conductances stay put between the moments at which channels move
    moved = np.nonzero(np.diff(dense.records.conductance.sum(axis=1)))[0] * 5e-4
    phase = (moved / 0.05) % 1.0
    expected = 0.5 if method == "leap" else 0.0
    away = np.abs((phase - expected + 0.5) % 1.0 - 0.5)
    assert away.max() <= 0.0101


@pytest.mark.parametrize("method", ["leap", "leap-first-order"])
def test_spike_time_is_the_crossing_within_a_step(method: str) -> None:
    """A membrane that charges with 20 mV/ms, without channels."""
    membrane = Membrane(1.0, 1.0, 0.0, 0.0, ())
    ready = Prepared(membrane, method, stimulus=for_ms(4.0, 8.0, 12.0, current=[20.0, -20.0, 20.0]))
    assert ready.advance()[1] == status.FINISHED
    # up through 0 at 3.25 ms, back down through -30 at 6.25 ms, up again at 11.25 ms
    np.testing.assert_allclose(ready.spikes[: ready.clock["spikes"]], [3.25, 11.25], rtol=1e-12)
    # not re-armed above -30 mV: down to -25 mV only
    ready = Prepared(membrane, method, stimulus=for_ms(4.0, 6.0, 9.0, current=[20.0, -20.0, 20.0]))
    ready.advance()
    assert ready.clock["spikes"] == 1
    above = Prepared(membrane, method, stimulus=for_ms(1.0, current=[20.0]), voltage_mV=0.0)
    above.advance()
    assert above.clock["spikes"] == 0  # it starts at the threshold


def test_membrane_without_channels_relaxes_in_closed_form() -> None:
    membrane = Membrane(1.0, 1.0, 0.5, -54.4, ())
    ready = Prepared(membrane, "leap", stimulus=for_ms(0.33, 1.07, current=[4.0, 0.0]))
    assert ready.advance()[1] == status.FINISHED
    at_step = -46.4 + (-65.0 + 46.4) * np.exp(-0.5 * 0.33)
    expected = -54.4 + (at_step + 54.4) * np.exp(-0.5 * 0.74)
    assert ready.clock["voltage"] == pytest.approx(expected, rel=1e-13)
    assert ready.clock["time"] == 1.07


@pytest.mark.parametrize(("method", "end", "steps"), [
    ("leap", 1.0, 20), ("leap", 1.02, 20), ("leap", 1.03, 21),
    ("frozen", 1.0, 20), ("frozen", 1.02, 20), ("frozen", 1.04, 20),
])  # fmt: skip
def test_a_run_ends_at_its_end(method: str, end: float, steps: int) -> None:
    """Its channels are those of the nearest multiple of the step, or of the last one."""
    ready = Prepared(squid(5.0), method, stimulus=for_ms(end), record_ms=[0.0, end])
    assert ready.advance()[1] == status.FINISHED
    assert ready.clock["steps"] == steps
    assert ready.clock["time"] == end
    assert ready.clock["recorded"] == 2
    assert ready.records.voltage[-1] == ready.clock["voltage"]
    np.testing.assert_allclose(ready.records.charge[-1], ready.state.charge, rtol=1e-12)


@pytest.mark.parametrize("jump", [0.05 * k for k in range(1, 200, 13)])
@pytest.mark.parametrize("method", ["leap", "leap-first-order"])
def test_rounding_neither_loses_nor_doubles_a_step(method: str, jump: float) -> None:
    """Breakpoints at multiples of the step, or half of it, which rounding puts on either side."""
    for end in (jump, jump + 0.025):
        ready = Prepared(constant(1.0, 1.0, 50), method, occupancy=[50, 0], stimulus=for_ms(end))
        ready.stimulus = for_ms(end, end + 10.0)
        assert ready.advance()[1] == status.FINISHED
        assert ready.clock["steps"] in (
            round((end + 10.0) / 0.05), round((end + 10.0) / 0.05 + 0.5), int((end + 10.0) / 0.05)
        )  # fmt: skip
    ready = Prepared(constant(1.0, 1.0, 50), method, occupancy=[50, 0], stimulus=for_ms(jump, 10.0))
    ready.advance()
    assert ready.clock["steps"] == 200


@pytest.mark.parametrize("method", ["leap", "leap-first-order"])
@pytest.mark.parametrize(("jump", "steps_after"), [
    (0.2, 8), (0.22, 8), (0.24, 8), (0.26, 7), (0.28, 7), (0.3, 7),
])  # fmt: skip
def test_a_jump_of_the_command_counts_from_the_nearest_multiple(
    method: str, jump: float, steps_after: int
) -> None:
    """Channels that open at 40 mV only: how many steps of 0.1 ms were made there tells."""
    scheme = replace(
        constant(1.0, 0.0, 1).populations[0].scheme,
        rates=(
            RateLaw("table", points=((-100.0, 0.0), (0.0, 0.0), (40.0, 0.5), (80.0, 0.5))),
            RateLaw("constant", 0.0),
        ),
    )
    membrane = Membrane(
        1.0, 1.0, 0.1, -50.0, (Population("two", scheme, 10**6, 0.0, -80.0, False),)
    )
    ready = Prepared(
        membrane, method, occupancy=[1e6, 0.0], voltage_mV=-80.0, step_ms=0.1,
        stimulus=command([jump, 1.0], [-80.0, 40.0], [0.0, 0.0]),
    )  # fmt: skip
    assert ready.advance()[1] == status.FINISHED
    stay = np.exp(-0.05) if method == "leap" else 1.0 - 0.05
    assert ready.state.occupancy[0] / 1e6 == pytest.approx(stay**steps_after, rel=1e-9)


def test_a_ramp_counts_at_the_middle_of_each_step() -> None:
    """Staggered, channels see the command half-way through the step; first order its beginning."""
    slope = RateLaw("table", points=((-100.0, 0.0), (0.0, 1.0), (100.0, 2.0)))
    scheme = replace(
        constant(1.0, 0.0, 1).populations[0].scheme, rates=(slope, RateLaw("constant", 0.0))
    )
    membrane = Membrane(1.0, 1.0, 0.0, 0.0, (Population("two", scheme, 100, 0.0, 0.0, False),))
    seen = {}
    for method, phase in (("leap", 0.5), ("leap-first-order", 0.0)):
        ready = Prepared(
            membrane, method, occupancy=[100.0, 0.0], voltage_mV=-50.0, step_ms=0.1,
            stimulus=command([0.4], [-50.0], [100.0]), record_ms=[0.13, 0.4],
        )  # fmt: skip
        assert ready.advance()[1] == status.FINISHED
        rates = slope(-50.0 + 100.0 * 0.1 * (np.arange(4) + phase))
        stay = np.exp(-0.1 * rates) if method == "leap" else 1.0 - 0.1 * rates
        seen[method] = ready.state.occupancy[0]
        assert seen[method] == pytest.approx(100.0 * stay.prod(), rel=1e-4)
        np.testing.assert_allclose(ready.records.voltage, [-37.0, -10.0], rtol=1e-12)
    assert seen["leap"] != pytest.approx(seen["leap-first-order"], rel=1e-2)


# --------------------------------------------------------------- the table's edge


def test_voltages_beyond_the_table_are_handed_back() -> None:
    for method in ("leap", "frozen"):
        for voltage, inside in (
            (-70.01, False), (-70.0, True), (-60.0, True), (-49.88, True), (-49.875, False),
            (np.nextafter(-49.875, -100.0), True), (-40.0, False), (np.nan, False),
        ):  # fmt: skip
            ready = Prepared(
                squid(1.0), method, occupancy=[60, *[0] * 7, 18, *[0] * 4], voltage_mV=voltage,
                covering=(-70.0, -50.0), stimulus=command([1.0], [voltage], [0.0]),
            )  # fmt: skip
            _, code = ready.advance()
            assert (code == status.FINISHED) == inside, voltage
            assert code in (status.FINISHED, status.LEFT_TABLE)
            if not inside:
                assert ready.clock["steps"] == 0
                assert ready.state.occupancy.tolist() == [60, *[0] * 7, 18, *[0] * 4]


def test_a_voltage_that_rounds_onto_the_last_knot_is_beyond() -> None:
    """Just below 70 mV, but 167 mV above -97 mV in doubles: there is no knot after the last."""
    just_below = np.nextafter(70.0, 0.0)
    assert just_below - -97.0 == 167.0
    ready = Prepared(
        squid(1.0), voltage_mV=just_below, covering=(-97.0, 69.875), occupancy=[0.0] * 13,
        stimulus=command([1.0], [just_below], [0.0]),
    )  # fmt: skip
    assert ready.steps.first + 0.125 * (len(ready.steps.rates) - 1) == 70.0
    assert ready.advance()[1] == status.LEFT_TABLE


# -------------------------------------------------------- populations of all sizes


@pytest.mark.parametrize("method", STEPPED)
def test_none_of_a_kind_and_none_at_all(method: str) -> None:
    membrane = squid(10.0)
    na, k = membrane.populations
    for populations in ((replace(na, count=0), k), (replace(na, count=0), replace(k, count=0)), ()):
        ready = Prepared(
            replace(membrane, populations=populations), method, stimulus=for_ms(2.0),
            voltage_mV=-60.0, record_ms=[0.0, 1.0, 2.0],
        )  # fmt: skip
        assert ready.advance()[1] == status.FINISHED
        assert np.isfinite(ready.records.voltage).all()
        if populations:
            assert not ready.state.occupancy[:8].any()
            assert ready.state.occupancy.sum() == pytest.approx(populations[1].count, rel=1e-12)


@pytest.mark.parametrize("method", ["leap", "leap-first-order", "langevin", "shielded", "subunit"])
def test_a_billion_channels_are_conserved_and_near_their_mean(method: str) -> None:
    ready = Prepared(
        constant(1.0, 3.0, 10**9), method, occupancy=[10**9, 0], stimulus=for_ms(20.0), step_ms=0.05
    ) if method != "subunit" else Prepared(
        squid(1e7), method, stimulus=for_ms(5.0), step_ms=0.01
    )  # fmt: skip
    assert ready.advance()[1] == status.FINISHED
    if method == "subunit":
        assert ready.state.occupancy[:8].sum() == pytest.approx(6e8, rel=1e-12)
        assert ready.state.occupancy[8:].sum() == pytest.approx(1.8e8, rel=1e-12)
        return
    assert ready.state.occupancy.sum() == pytest.approx(1e9, rel=1e-14)
    sd = np.sqrt(1e9 * 0.25 * 0.75)
    assert ready.state.occupancy[1] == pytest.approx(2.5e8, abs=8 * sd)
    assert abs(ready.state.occupancy[1] - 2.5e8) > 1e-3 * sd  # it does fluctuate
    if METHODS[method].whole:
        assert (ready.state.occupancy % 1 == 0).all()


# ------------------------------------------------------ rare branches, scripted draws


class Scripted:
    """A generator whose draws are written down; drawing more than that fails the test."""

    def __init__(
        self,
        uniforms: Sequence[float] = (),
        exponentials: Sequence[float] = (),
        normals: Sequence[float] = (),
    ) -> None:
        self.uniforms, self.exponentials = list(uniforms), list(exponentials)
        self.normals = list(normals)

    def random(self) -> float:
        return self.uniforms.pop(0)

    def standard_exponential(self) -> float:
        return self.exponentials.pop(0)

    def standard_normal(self) -> float:
        return self.normals.pop(0)


LAST = float(np.nextafter(1.0, 0.0))


def flip(
    draws: Scripted, counts: Sequence[float], rates: Sequence[float], duration: float = 1.0
) -> tuple[list[float], list[float], int]:
    """One step of `gillespie` on three states A→O (3 ways), B→O, O→A."""
    scheme = replace(
        constant(1.0, 1.0, 1).populations[0].scheme,
        states=("A", "B", "O"),
        relative_conductance=(0.0, 0.0, 1.0),
        transitions=(Transition(0, 2, 3, 0), Transition(1, 2, 1, 0), Transition(2, 0, 1, 1)),
    )
    graph = build_graph([scheme])
    occupancy = np.array(counts, dtype=float)
    weight = graph.weights(occupancy)
    moved = gillespie.py_func(
        draws, graph, np.array(rates, dtype=float), 0, 2, occupancy, weight, duration
    )
    np.testing.assert_array_equal(weight, graph.weights(occupancy))
    assert draws.uniforms == draws.exponentials == []
    return occupancy.tolist(), weight.tolist(), moved


@pytest.mark.parametrize(
    ("u", "after"),
    [
        (0.0, [0, 2, 1]), (0.59, [0, 2, 1]), (0.61, [1, 1, 1]), (LAST, [1, 1, 1]),
    ],
)  # fmt: skip
def test_a_class_is_shared_by_multiplicity_and_occupancy(u: float, after: list[float]) -> None:
    """3 ways for one channel, 1 for two: 5 in all, at a rate of 2."""
    assert flip(Scripted([u], [1.0, 100.0]), [1, 2, 0], [2.0, 1.0])[0] == after


@pytest.mark.parametrize(("u", "after"), [(0.0, [0, 2, 2]), (0.9, [1, 1, 2]), (0.92, [2, 2, 0])])
def test_classes_share_by_propensity(u: float, after: list[float]) -> None:
    """10 of opening, 1 of closing."""
    assert flip(Scripted([u], [1.0, 100.0]), [1, 2, 1], [2.0, 1.0])[0] == after


def test_waits_use_up_the_step() -> None:
    """Total 10/ms: 0.4 ms, then 7/ms of what is left: 0.5 ms, and 0.1 ms is not enough."""
    drawn = Scripted([0.0, 0.0], [4.0, 3.5, 5.0])
    after, _, moved = flip(drawn, [1, 2, 0], [2.0, 3.0])
    assert moved == 2
    assert after == [0, 1, 2]
    assert flip(Scripted([], [10.0]), [1, 2, 0], [2.0, 1.0])[2] == 0  # exactly at the end
    assert flip(Scripted([], [5.0]), [1, 2, 0], [2.0, 1.0], duration=0.5)[2] == 0


def test_nothing_that_can_move_draws_nothing() -> None:
    assert flip(Scripted(), [1, 2, 0], [0.0, 1.0]) == ([1, 2, 0], [5, 0], 0)
    assert flip(Scripted(), [0, 0, 0], [1.0, 1.0])[2] == 0


def test_dead_last_class_is_not_chosen() -> None:
    """Nothing is left of the closing class, whatever u."""
    for u in (0.0, 0.5, LAST):
        after, _, _ = flip(Scripted([u], [1.0, 100.0]), [1, 2, 0], [2.0, 0.0])
        assert sum(after) == 3
        assert after[2] == 1


def pair(
    i: int, j: int, forward: float, backward: float, noisy: bool = True, classes: tuple = (0, 1)
) -> tuple:
    return (i, j, forward, classes[0], backward, classes[1], noisy)


def test_a_diffusion_step_is_the_formula() -> None:
    """Three states, A ⇌ B noisy, B ⇌ C not: means and one noise, by hand."""
    pairs = np.array([pair(0, 1, 3.0, 1.0), pair(1, 2, 2.0, 4.0, noisy=False)], dtype=PAIR)
    occupancy = np.array([100.0, 50.0, 30.0])
    hidden = occupancy.copy()
    draws = Scripted(normals=[0.7])
    diffuse.py_func(draws, pairs, np.array([0.5, 0.2]), 0, 2, 0, 3, occupancy, hidden, 0.1)
    forward, backward = 3 * 0.5 * 100, 0.2 * 50
    first = (forward - backward) * 0.1 + np.sqrt((forward + backward) * 0.1) * 0.7
    second = (2 * 0.5 * 50 - 4 * 0.2 * 30) * 0.1
    expected = [100 - first, 50 + first - second, 30 + second]
    np.testing.assert_allclose(occupancy, expected, rtol=1e-14)
    np.testing.assert_array_equal(hidden, occupancy)
    assert draws.normals == []


def test_truncation_takes_away_what_restoration_brings_back() -> None:
    """Huang, Rüdiger & Shuai 2013, doi:10.1103/PhysRevE.87.012716."""
    pairs = np.array([pair(0, 1, 1.0, 1.0), pair(1, 2, 1.0, 1.0)], dtype=PAIR)
    rates = np.array([1.0, 1.0])
    occupancy = np.array([90.0, 1.0, 9.0])
    hidden = occupancy.copy()
    diffuse.py_func(
        Scripted(normals=[-3.0, 0.0]), pairs, rates, 0, 2, 0, 3, occupancy, hidden, 0.01
    )
    moved = (90 - 1) * 0.01 - 3 * np.sqrt(91 * 0.01)
    raw = np.array([90 - moved, 1.0 + moved + 0.08, 9 - 0.08])
    assert raw[1] < 0.0
    np.testing.assert_allclose(hidden, raw, rtol=1e-14)  # nothing of it is lost
    kept = np.maximum(raw, 0.0)
    np.testing.assert_allclose(occupancy, kept * 100.0 / kept.sum(), rtol=1e-14)
    # the next step goes by what is shown, and adds to what is hidden
    shown = occupancy.copy()
    diffuse.py_func(Scripted(normals=[0.0, 0.0]), pairs, rates, 0, 2, 0, 3, occupancy, hidden, 0.01)
    first, second = (shown[0] - shown[1]) * 0.01, (shown[1] - shown[2]) * 0.01
    expected = raw + np.array([-first, first - second, second])
    np.testing.assert_allclose(hidden, expected, rtol=1e-13)
    assert occupancy.sum() == pytest.approx(100.0, rel=1e-14)
    assert occupancy.min() >= 0.0


def test_only_states_of_the_population_are_scaled() -> None:
    pairs = np.array([pair(1, 2, 1.0, 1.0)], dtype=PAIR)
    occupancy = np.array([7.0, 2.0, 1.0, 5.0])
    hidden = np.array([-3.0, 2.0, 1.0, 8.0])
    diffuse.py_func(
        Scripted(normals=[-9.0]), pairs, np.array([1.0, 1.0]), 0, 1, 1, 3, occupancy, hidden, 0.1
    )
    assert occupancy[[0, 3]].tolist() == [7.0, 5.0]
    assert hidden[[0, 3]].tolist() == [-3.0, 8.0]
    np.testing.assert_allclose(occupancy[1:3], [3.0, 0.0], atol=1e-14)


def test_a_step_of_gates_is_the_formula() -> None:
    """m³h with noise of Fox & Lu for each gate; channels spread binomially over their states."""
    gates = np.array([(0, 1, 3), (2, 3, 1)], dtype=GATE)
    n_open = np.array([(m, h) for m in range(4) for h in range(2)])
    ways = np.array([1.0, 1.0, 3.0, 3.0, 3.0, 3.0, 1.0, 1.0])
    rates, dt, N = np.array([0.3, 2.0, 0.1, 0.2]), 0.05, 400.0
    x, occupancy = np.array([0.2, 0.6]), np.full(8, N / 8)
    diffuse_gates.py_func(
        Scripted(normals=[0.5, -1.5]), gates, n_open, ways, rates, 0, 2, 0, 8, x, occupancy, dt
    )
    expected = []
    for old, z, (opening, closing) in zip(
        (0.2, 0.6), (0.5, -1.5), ((0.3, 2.0), (0.1, 0.2)), strict=True
    ):
        up, down = opening * (1 - old), closing * old
        expected.append(old + (up - down) * dt + np.sqrt((up + down) * dt / N) * z)
    np.testing.assert_allclose(x, expected, rtol=1e-14)
    m, h = x
    law = [ways[s] * m**a * (1 - m) ** (3 - a) * h**b * (1 - h) ** (1 - b)
           for s, (a, b) in enumerate(n_open)]  # fmt: skip
    np.testing.assert_allclose(occupancy, N * np.array(law), rtol=1e-13)
    for z, end in ((1e3, 1.0), (-1e3, 0.0)):
        diffuse_gates.py_func(
            Scripted(normals=[z, z]), gates, n_open, ways, rates, 0, 2, 0, 8, x, occupancy, dt
        )
        assert x.tolist() == [end, end]
        assert occupancy.sum() == pytest.approx(N, rel=1e-14)


def redistribute(
    counts: Sequence[float], targets: list[list[int]], chances: list[list[float]], draws: Scripted
) -> list[float]:
    """One call of `leap` with the same rows at both knots."""
    row_start = np.cumsum([0] + [len(row) for row in targets]).astype(np.uint64)
    row = np.concatenate([in_turn(np.array([row]))[0] for row in chances])
    occupancy = np.array(counts, dtype=float)
    scratch = np.full(len(counts), 99.0)  # whatever was in it must not matter
    with plain_python():
        leap.leap.py_func(
            draws, row_start, np.array([t for row in targets for t in row], dtype=np.uint64),
            np.stack([row, row]), 0, 0.25, 0, len(counts), occupancy, scratch,
        )  # fmt: skip
    assert draws.uniforms == []
    return occupancy.tolist()


def test_leavers_are_drawn_first_and_then_where_they_go() -> None:
    """Of 10, with chances 0.1 and 0.1: 3 leave (u below P(<= 3)), 2 of them to the first."""
    draws = Scripted([0.87, 0.6])
    assert redistribute([10, 0, 5], [[1, 2], [], []], [[0.1, 0.1], [], []], draws) == [7, 2, 6]


def test_arrivals_do_not_move_on_within_the_step() -> None:
    """All of A go to B, all of B to C; those that came to B stay there."""
    draws = Scripted()
    assert redistribute([10, 4, 0], [[1], [2], []], [[1.0], [1.0], []], draws) == [0, 10, 4]


def test_chances_beyond_one_by_rounding_move_all_and_no_more() -> None:
    draws = Scripted([0.5])
    after = redistribute([10, 0, 0], [[1, 2], [], []], [[0.5, 0.5 + 2e-16], [], []], draws)
    assert after == [0, 5, 5]


def test_rows_are_interpolated_between_knots() -> None:
    """Chance 0.2 + 0.25 (0.6 - 0.2) = 0.3, at knots 1 and 2 of three."""
    table = np.array([[0.9], [0.2], [0.6]])
    for move, script in ((leap.leap, True), (leap.flow, False)):
        occupancy, scratch = np.array([1.0, 0.0]), np.zeros(2)
        for u, stays in ((0.69, True), (0.71, False)):
            occupancy[:] = 1.0, 0.0
            starts, targets = np.array([0, 1, 1], np.uint64), np.array([1], np.uint64)
            rows = (starts, targets, table, 1, 0.25, 0, 2, occupancy, scratch)
            if script:
                with plain_python():
                    move.py_func(Scripted([u]), *rows)
                assert occupancy.tolist() == ([1.0, 0.0] if stays else [0.0, 1.0])
            else:
                with plain_python():
                    move.py_func(*rows)
                np.testing.assert_allclose(occupancy, [0.7, 0.3], rtol=1e-14)


def test_a_mean_field_never_moves_more_than_there_are() -> None:
    table = in_turn(np.array([[0.7, 0.4], [0.7, 0.4]]))  # a rounding far too large
    occupancy = np.array([10.0, 0.0, 0.0])
    starts, targets = np.array([0, 2, 2, 2], np.uint64), np.array([1, 2], np.uint64)
    with plain_python():
        leap.flow.py_func(starts, targets, table, 0, 0.5, 0, 3, occupancy, np.full(3, 99.0))
    np.testing.assert_allclose(occupancy, [0.0, 70.0 / 11.0, 40.0 / 11.0], atol=1e-14)


def test_modules_under_test_are_those_of_the_kernel() -> None:
    """The plain twin swaps names in these modules; it must not have missed one."""
    for module in (stepped, leap, binomial, patch, frozen, langevin):
        compiled = [n for n, v in vars(module).items() if hasattr(v, "py_func")]
        assert compiled
    with plain_python():
        left = [n for n, v in vars(stepped).items() if hasattr(v, "py_func")]
        assert left == ["simulate"]
