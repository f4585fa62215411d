"""The laws of the stepped methods: one step at a held voltage, and whole runs under clamp."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from harness import agrees, binomial_counts, counts_follow, mean_is, refuses, variance_is
from numba import njit
from scipy.linalg import expm

import stochhh
from stochhh.kernels.frozen import gillespie
from stochhh.kernels.langevin import diffuse
from stochhh.kernels.leap import leap
from stochhh.kinetics.files import load_scheme
from stochhh.kinetics.tables import build_graph
from stochhh.methods import METHODS
from stochhh.steps import StepTable
from stochhh.theory import stationary_law
from stochhh.verify.comparison import means_are

HELD_MV = -30.0  # a tabulated voltage, so that nothing is interpolated
STEP_MS = 0.5


def steps_of(name: str, method: str, step_ms: float = STEP_MS) -> Any:
    table = StepTable((load_scheme(name),), (True,), METHODS[method], step_ms)
    return table.covering(HELD_MV - 1.0, HELD_MV + 1.0)


def knot_of(steps: Any) -> Any:
    return np.uint64(round((HELD_MV - steps.first) / steps.spacing))


@njit
def leap_often(rng: Any, row_start: Any, target: Any, table: Any, knot: int, start: Any, out: Any):
    n_states = start.shape[0]
    arriving, begin = np.empty(n_states), np.uint64(0)
    for i in range(out.shape[0]):
        out[i] = start
        leap(rng, row_start, target, table, knot, 0.0, begin, np.uint64(n_states), out[i], arriving)


@njit
def flip_often(rng: Any, graph: Any, rates: Any, start: Any, begun: Any, duration: float, out: Any):
    total = 0
    for i in range(out.shape[0]):
        out[i] = start
        weight = begun.copy()
        total += gillespie(rng, graph, rates, 0, rates.shape[0], out[i], weight, duration)
    return total


@njit
def diffuse_often(rng: Any, pairs: Any, rates: Any, start: Any, n: int, dt: float, out: Any):
    for i in range(out.shape[0]):
        out[i] = start
        hidden = start.copy()
        for _ in range(n):
            diffuse(rng, pairs, rates, 0, pairs.shape[0], 0, start.shape[0], out[i], hidden, dt)


def one_step(name: str, method: str, start: np.ndarray, n: int, seed: int = 1) -> np.ndarray:
    """Occupancies (n, S) after one step from a given one, drawn by the kernels."""
    steps, rng = steps_of(name, method), np.random.default_rng(seed)
    out = np.zeros((n, len(start)))
    knot = knot_of(steps)
    if method == "frozen":
        graph = build_graph([load_scheme(name)])
        flip_often(rng, graph, steps.rates[knot], start, graph.weights(start), STEP_MS, out)
    else:
        leap_often(rng, steps.row_start, steps.move_target, steps.chances, knot, start, out)
    return out


def products(rows: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Products of deviations, one column a pair of states; the last state is what is left."""
    away = (rows - mean)[:, :-1]
    i, j = np.triu_indices(away.shape[1])
    return away[:, i] * away[:, j]


def multinomial(start: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance of channels that scatter by the row of their state."""
    covariance = np.diag(start @ rows) - np.einsum("s,si,sj->ij", start, rows, rows)
    return start @ rows, covariance[np.triu_indices(len(start) - 1)]


@pytest.mark.parametrize("method", ["leap", "frozen"])
@pytest.mark.parametrize("name", ["squid-k", "squid-na", "squid-na-markov"])
def test_one_step_is_a_multinomial_draw_from_each_row(name: str, method: str) -> None:
    """Given the voltage: mean and covariance of all states, channels conserved."""
    generator = load_scheme(name).generator(HELD_MV)
    n_states = len(generator)
    start = np.arange(n_states, dtype=float) * 7.0 + 40.0
    rows = one_step(name, method, start, 40_000)
    np.testing.assert_array_equal(rows.sum(axis=1), start.sum())
    assert rows.min() >= 0
    mean, covariance = multinomial(start, expm(generator * STEP_MS))
    agrees(means_are(rows[:, :-1], mean[:-1]), f"{method}: mean of {name}")
    agrees(means_are(products(rows, mean), covariance), f"{method}: covariance of {name}")
    other, _ = multinomial(start, expm(generator * STEP_MS * 1.02))
    refuses(means_are(rows[:, :-1], other[:-1]), "a step 2 % longer")
    # as if all had been drawn from one law: the same means, too large a spread
    share = mean / start.sum()
    mixed = start.sum() * (np.diag(share) - np.outer(share, share))
    refuses(
        means_are(products(rows, mean), mixed[np.triu_indices(n_states - 1)]), "one multinomial"
    )


@pytest.mark.parametrize("method", ["leap", "frozen"])
def test_one_channel_gets_where_its_row_says(method: str) -> None:
    """From every state of the sodium channel by itself."""
    generator = load_scheme("squid-na").generator(HELD_MV)
    rows, wrong = expm(generator * STEP_MS), expm(generator * STEP_MS * 1.2)
    for state in range(8):
        start = np.eye(8)[state]
        found = one_step("squid-na", method, start, 60_000, seed=state).sum(axis=0)
        agrees(counts_follow(found, rows[state]), f"{method} from state {state}")
        refuses(counts_follow(found, wrong[state]), "a step 20 % longer")


def test_a_first_order_leap_makes_one_transition_at_most() -> None:
    generator = load_scheme("squid-k").generator(HELD_MV)
    rows = np.eye(5) + generator * STEP_MS
    assert rows.min() >= 0.0
    start = np.full(5, 60.0)
    found = one_step("squid-k", "leap-first-order", start, 20_000)
    mean, covariance = multinomial(start, rows)
    agrees(means_are(found[:, :-1], mean[:-1]), "mean")
    agrees(means_are(products(found, mean), covariance), "covariance")
    exact, _ = multinomial(start, expm(generator * STEP_MS))
    refuses(means_are(found[:, :-1], exact[:-1]), "the propagator")


@pytest.mark.parametrize("method", ["langevin", "shielded"])
@pytest.mark.parametrize("name", ["squid-k", "squid-na"])
def test_diffusions_have_the_moments_of_their_recursion(name: str, method: str) -> None:
    """Mean and covariance over 20 steps, exactly those of Euler and Maruyama.

    With so many channels nothing is truncated, and moments close: with A = 1 + Q dt,
    m' = m A and S' = Aᵀ S A + D(m) dt, D the sum over noisy pairs of their fluxes.
    """
    scheme, n_steps, dt = load_scheme(name), 20, 0.02
    generator = scheme.generator(HELD_MV)
    n_states = len(generator)
    start = np.full(n_states, 1e6)
    steps = steps_of(name, method, dt)
    rows = np.zeros((20_000, n_states))
    rates = steps.rates[knot_of(steps)]
    diffuse_often(np.random.default_rng(2), steps.pairs, rates, start, n_steps, dt, rows)
    assert rows.min() > 0
    np.testing.assert_allclose(rows.sum(axis=1), start.sum(), rtol=1e-12)
    is_open = np.array(scheme.is_open)

    def moments(dt: float, noisy: Any) -> tuple[np.ndarray, np.ndarray]:
        A, mean, S = np.eye(n_states) + generator * dt, start, np.zeros((n_states, n_states))
        for _ in range(n_steps):
            D = np.zeros_like(S)
            for i in range(n_states):
                for j in range(n_states):
                    if i != j and noisy(i, j):
                        along = np.eye(n_states)[j] - np.eye(n_states)[i]
                        D += generator[i, j] * mean[i] * np.outer(along, along)
            S, mean = A.T @ S @ A + D * dt, mean @ A
        return mean, S[np.triu_indices(n_states - 1)]

    def everywhere(i: int, j: int) -> bool:
        return True

    def at_open(i: int, j: int) -> bool:
        return bool(is_open[i] or is_open[j])

    ours, others = (everywhere, at_open) if method == "langevin" else (at_open, everywhere)
    mean, covariance = moments(dt, ours)
    agrees(means_are(rows[:, :-1], mean[:-1]), f"{method}: mean of {name}")
    agrees(means_are(products(rows, mean), covariance), f"{method}: covariance of {name}")
    refuses(means_are(rows[:, :-1], moments(dt * 1.01, ours)[0][:-1]), "steps 1 % longer")
    refuses(means_are(products(rows, mean), covariance * 1.05), "noise 5 % stronger")
    refuses(means_are(products(rows, mean), moments(dt, others)[1]), "noise on the wrong pairs")


# --------------------------------------------------------------- whole runs under clamp

COUNT, TRIALS = 300, 3000


def clamped(method: str, segment: dict[str, Any], step: str | None = None) -> np.ndarray:
    """Open K+ channels (TRIALS, 3) at 1, 2 and 3 ms after -90 mV."""
    channel = {"scheme": "squid-k", "count": COUNT, "conductance": "20 pS", "reversal": "-77 mV"}
    run = {"duration": "3 ms", "trials": TRIALS, "seed": 5, "deterministic": False,
           "method": method, "record": {"interval": "1 ms"}}  # fmt: skip
    if step is not None:
        run["step"] = step
    tables = {
        "format": 1, "title": "clamp",
        "membrane": {"area": "10 um^2", "temperature": "6.3 degC",
                     "capacitance": "1 uF/cm^2", "channels": [channel]},
        "clamp": {"holding": "-90 mV", "segment": [{**segment, "duration": "3 ms"}]},
        "run": run,
    }  # fmt: skip
    return np.asarray(stochhh.run(tables)["open"].values[:, 1:, 0])


def law_after(step_at: Any, n_steps: int) -> float:
    law = stationary_law(load_scheme("squid-k").generator(-90.0))
    for k in range(n_steps):
        law = law @ step_at(k)
    return float(law[-1])


@pytest.mark.parametrize(
    ("method", "step"),
    [("leap", None), ("leap", "0.5 ms"), ("frozen", "0.04 ms"), ("frozen", "0.3 ms")],
)
def test_steps_of_any_length_are_exact_at_a_held_voltage(method: str, step: str | None) -> None:
    """The whole binomial law of open counts."""
    found = clamped(method, {"kind": "step", "level": "-30 mV"}, step)
    generator = load_scheme("squid-k").generator(-30.0)
    # a record between multiples of 0.3 ms shows the channels of the one before
    times = {0: 0.9 if step == "0.3 ms" else 1.0, 2: 3.0}
    for column, time in times.items():
        p = law_after(lambda _, t=time: expm(generator * t), 1)
        agrees(binomial_counts(found[:, column], COUNT, p), f"{method} at {time} ms")
    wrong = law_after(lambda _: expm(generator * times[2] * 1.05), 1)
    refuses(binomial_counts(found[:, 2], COUNT, wrong), "rates 5 % too fast")


def test_leap_sees_the_middle_of_each_step_of_a_ramp() -> None:
    found = clamped("leap", {"kind": "ramp", "from": "-90 mV", "to": "60 mV"}, "0.5 ms")[:, 2]
    scheme = load_scheme("squid-k")

    def step(k: float) -> np.ndarray:
        return expm(scheme.generator(-90.0 + 25.0 * (k + 0.5)) * 0.5)

    agrees(binomial_counts(found, COUNT, law_after(step, 6)), "ramp")
    refuses(binomial_counts(found, COUNT, law_after(lambda k: step(k - 0.1), 6)), "too early")


@pytest.mark.parametrize("method", ["langevin", "shielded"])
def test_diffusions_come_near_the_mean_and_variance_of_counts(method: str) -> None:
    """From nearly all channels shut, where truncation works; a first-order error is allowed.

    Shielded noise keeps the mean, but too little of the variance while the law moves.
    """
    found = clamped(method, {"kind": "step", "level": "20 mV"})[:, 2]
    p = law_after(lambda _: expm(load_scheme("squid-k").generator(20.0) * 3.0), 1)
    mean, variance = COUNT * p, COUNT * p * (1.0 - p)
    agrees(mean_is(found, mean, slack=0.005 * mean), f"{method}: mean")
    judged = agrees if method == "langevin" else refuses
    judged(variance_is(found, variance, slack=0.02 * variance), f"{method}: variance")
    refuses(mean_is(found, 1.03 * mean, slack=0.005 * mean), "mean 3 % higher")
    refuses(variance_is(found, 1.4 * variance, slack=0.02 * variance), "variance 40 % larger")


def test_subunit_noise_has_the_wrong_variance() -> None:
    """Channels that share their gates scatter more than channels that do not."""
    found = clamped("subunit", {"kind": "step", "level": "-30 mV"})[:, 2]
    p = law_after(lambda _: expm(load_scheme("squid-k").generator(-30.0) * 3.0), 1)
    refuses(variance_is(found, COUNT * p * (1.0 - p), slack=0.02 * COUNT * p), "subunit noise")
    assert found.mean() == pytest.approx(COUNT * p, rel=0.2)
