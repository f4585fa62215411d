"""Tables of the stepped methods, against matrix exponentials and the schemes themselves."""

from __future__ import annotations

from dataclasses import replace
from math import comb

import numpy as np
import pytest
from scipy.linalg import expm

from stochhh.errors import InputError
from stochhh.kernels import stepped
from stochhh.kinetics.files import load_scheme
from stochhh.kinetics.rates import RateLaw
from stochhh.kinetics.scheme import ChannelScheme, Transition
from stochhh.methods import METHODS
from stochhh.propagators import exponentials, in_turn, nearest_first
from stochhh.steps import Steps, StepTable, build_gates, build_pairs

SCHEMES = ["squid-k", "squid-na", "squid-na-markov", "purkinje-na", "neocortical-ca", "nachr"]


def scheme(name: str) -> ChannelScheme:
    found = load_scheme(name)
    return found.at(None, dict.fromkeys(found.ligands, 0.1))


def table(
    names: list[str], method: str = "leap", step_ms: float = 0.05, noisy: tuple[bool, ...] = ()
) -> StepTable:
    schemes = tuple(scheme(name) for name in names)
    return StepTable(schemes, noisy or (True,) * len(schemes), METHODS[method], step_ms)


def row(steps: Steps, knot: int, y: float, state: int) -> np.ndarray:
    """Chances to be in each state after a step from one state, as the kernels read them."""
    chances = np.zeros(len(steps.row_start) - 1)
    a, b = steps.row_start[state], steps.row_start[state + 1]
    leaving, *turns = (1 - y) * steps.chances[knot, a:b] + y * steps.chances[knot + 1, a:b]
    chances[state] = 1.0 - leaving
    for target, turn in zip(steps.move_target[a:b], [*turns, 1.0], strict=True):
        chances[target] = leaving * turn
        leaving -= leaving * turn
    return chances


# --------------------------------------------------------------- propagators


@pytest.mark.parametrize("name", SCHEMES)
@pytest.mark.parametrize("step_ms", [0.01, 0.05, 2.0])
def test_rows_are_those_of_the_matrix_exponential(name: str, step_ms: float) -> None:
    steps = table([name], step_ms=step_ms).covering(-100.0, 60.0)
    own = scheme(name)
    for voltage in (-100.0, -65.25, -40.0, 0.0, 59.75):
        knot = round((voltage - steps.first) / steps.spacing)
        exact = expm(own.generator(voltage) * step_ms)
        for state in range(len(own.states)):
            np.testing.assert_allclose(row(steps, knot, 0.0, state), exact[state], atol=1e-13)
            np.testing.assert_allclose(row(steps, knot - 1, 1.0, state), exact[state], atol=1e-13)


@pytest.mark.parametrize("name", SCHEMES)
def test_rows_between_knots_are_chances_close_to_it(name: str) -> None:
    steps = table([name]).covering(-100.0, 60.0)
    own = scheme(name)
    for voltage in (-77.13, -39.9, 12.34):
        knot, y = divmod((voltage - steps.first) / steps.spacing, 1.0)
        exact = expm(own.generator(voltage) * 0.05)
        for state in range(len(own.states)):
            chances = row(steps, int(knot), y, state)
            assert chances.min() >= 0.0
            np.testing.assert_allclose(chances, exact[state], atol=2e-4)
            off = np.arange(len(own.states)) != state
            np.testing.assert_allclose(chances[off], exact[state][off], rtol=3e-3, atol=1e-12)


def test_first_order_rows_hold_one_transition_and_no_more_than_all_channels() -> None:
    own = scheme("squid-na")
    for step_ms in (0.01, 0.5):
        steps = table(["squid-na"], "leap-first-order", step_ms).covering(-70.0, 20.0)
        for voltage in (-65.0, 20.0):
            knot = round((voltage - steps.first) / steps.spacing)
            generator = own.generator(voltage)
            np.fill_diagonal(generator, 0.0)
            leaving = np.maximum(generator.sum(axis=1) * step_ms, 1.0)
            for state in range(len(own.states)):
                chances = row(steps, knot, 0.0, state)
                chances[state] = 0.0
                expected = generator[state] * step_ms / leaving[state]
                np.testing.assert_allclose(chances, expected, atol=1e-15)
    assert (leaving > 1.0).any()  # the long step would have moved more than there are


def random_generator(rng: np.random.Generator, n: int, scale: float) -> np.ndarray:
    generator = rng.exponential(scale, (n, n))
    np.fill_diagonal(generator, 0.0)
    np.fill_diagonal(generator, -generator.sum(axis=1))
    return generator


def test_exponentials_of_matrices_of_all_sizes_at_once() -> None:
    """A very fast one beside must not cost the slow ones their digits."""
    rng = np.random.default_rng(1)
    scales = (1e-12, 1e-3, 0.05, 1.0, 30.0, 1e15)
    many = np.stack([random_generator(rng, 5, scale) for scale in scales])
    found = exponentials(many)
    for generator, matrix in zip(many[:-1], found, strict=False):
        np.testing.assert_allclose(matrix, expm(generator), rtol=1e-12, atol=1e-300)
    np.testing.assert_allclose(found.sum(axis=2), 1.0, rtol=1e-13)
    settled = expm(many[-1] / 1e14)  # long before the end
    np.testing.assert_allclose(found[-1], settled, rtol=1e-6)


def test_exponentials_of_none_and_of_nothing() -> None:
    assert exponentials(np.zeros((0, 3, 3))).shape == (0, 3, 3)
    np.testing.assert_array_equal(exponentials(np.zeros((2, 2, 2))), [np.eye(2)] * 2)


def test_far_voltages_change_no_row_at_near_ones() -> None:
    """At -700 mV rates are 1e15 times those at rest."""
    near = table(["squid-na"]).covering(-90.0, 40.0)
    far = table(["squid-na"]).covering(-700.0, 60.0)
    shift = round((near.first - far.first) / near.spacing)
    same = far.chances[shift : shift + len(near.chances)]
    np.testing.assert_allclose(same, near.chances, rtol=1e-13)
    assert far.chances.min() >= 0.0
    assert far.chances.max() <= 1.0


def test_chances_in_turn_are_those_of_the_moves() -> None:
    turns = in_turn(
        np.array([[0.2, 0.1, 0.3], [0.0, 0.0, 0.0], [0.7, 0.3, 1e-17], [0.0, 0.0, 0.4]])
    )
    np.testing.assert_allclose(turns[0], [0.6, 0.2 / 0.6, 0.1 / 0.4], rtol=1e-15)
    np.testing.assert_array_equal(turns[1], 0.0)
    np.testing.assert_allclose(turns[2], [1.0, 0.7, 1.0], rtol=1e-15)  # never beyond one
    np.testing.assert_allclose(turns[3], [0.4, 0.0, 0.0], rtol=1e-15)
    assert in_turn(np.zeros((2, 0))).shape == (2, 0)


def test_moves_go_to_the_nearest_states_first() -> None:
    assert nearest_first(scheme("squid-k"), any_number=True)[1] == [0, 2, 3, 4]
    assert nearest_first(scheme("squid-k"), any_number=False) == [[1], [0, 2], [1, 3], [2, 4], [3]]
    one_way = ChannelScheme(
        "w", "", "K+", 1, ("A", "B", "C"), (0.0, 0.0, 1.0), ("r",), (RateLaw("constant", 1.0),),
        (Transition(0, 1, 1, 0), Transition(1, 2, 1, 0)),
    )  # fmt: skip
    assert nearest_first(one_way, any_number=True) == [[1, 2], [2], []]


# --------------------------------------------------------------------- layout


def test_populations_lie_behind_each_other() -> None:
    steps = table(["squid-na", "squid-k"]).covering(-80.0, 20.0)
    assert steps.state_start.tolist() == [0, 8, 13]
    assert steps.rate_start.tolist() == [0, 4, 6]
    assert steps.row_start.tolist() == [*range(0, 57, 7), *range(60, 77, 4)]
    assert set(steps.move_target[56:]) == set(range(8, 13))
    assert steps.how.tolist() == [stepped.LEAP] * 2
    assert steps.duration == 0.05
    assert steps.staggered


def test_rates_are_those_of_the_laws() -> None:
    steps = table(["squid-na", "squid-k"], "frozen").covering(-80.1, 20.1)
    voltage = steps.first + steps.spacing * np.arange(len(steps.rates))
    assert voltage[0] <= -80.1
    assert voltage[-1] > 20.1
    laws = [rate for name in ("squid-na", "squid-k") for rate in scheme(name).rates]
    for column, law in enumerate(laws):
        np.testing.assert_array_equal(steps.rates[:, column], law(voltage))
    assert steps.chances.shape[1] == 0  # nothing to leap


def test_only_mean_fields_have_moves_beside_a_diffusion() -> None:
    steps = table(["squid-na", "squid-k"], "langevin", noisy=(True, False)).covering(-80.0, 20.0)
    assert steps.how.tolist() == [stepped.DIFFUSE, stepped.FLOW]
    assert steps.row_start.tolist() == [0] * 8 + list(range(0, 21, 4))
    exact = expm(scheme("squid-k").generator(-80.0) * 0.05)
    np.testing.assert_allclose(row(steps, 0, 0.0, 10)[8:], exact[2], atol=1e-13)


@pytest.mark.parametrize(
    ("method", "code"),
    [
        ("leap", stepped.LEAP),
        ("leap-first-order", stepped.LEAP),
        ("langevin", stepped.DIFFUSE),
        ("shielded", stepped.DIFFUSE),
        ("frozen", stepped.GILLESPIE),
        ("subunit", stepped.DIFFUSE_GATES),
    ],
)
def test_each_method_moves_channels_its_own_way(method: str, code: int) -> None:
    steps = table(["squid-na"], method).covering(-70.0, -60.0)
    assert steps.how.tolist() == [code]
    assert steps.staggered == METHODS[method].staggered


# ---------------------------------------------------------------------- pairs


def test_every_transition_is_in_one_pair_with_its_opposite() -> None:
    schemes = [scheme("squid-na"), scheme("purkinje-na")]
    start, pairs = build_pairs(schemes, shielded=False)
    assert pairs["noisy"].all()
    for p, own in enumerate(schemes):
        state, rate = (0, 0) if p == 0 else (8, 4)
        found = []
        for pair in pairs[start[p] : start[p + 1]]:
            i, j = pair["source"] - state, pair["target"] - state
            found.append((i, j, pair["forward"], pair["forward_class"] - rate))
            if pair["backward"]:
                found.append((j, i, pair["backward"], pair["backward_class"] - rate))
        expected = [(a.source, a.target, a.multiplicity, a.rate) for a in own.transitions]
        assert sorted(found) == sorted(expected)
    assert start[1] == 10  # squid Na+: 20 transitions, all of them reversible


def test_shielded_noise_is_at_conducting_states_only() -> None:
    own = scheme("squid-na")
    _, pairs = build_pairs([own], shielded=True)
    noisy = {frozenset((int(p["source"]), int(p["target"]))) for p in pairs if p["noisy"]}
    (opened,) = np.nonzero(own.is_open)[0]
    touching = {
        frozenset((a.source, a.target)) for a in own.transitions if opened in (a.source, a.target)
    }
    assert noisy == touching
    assert len(noisy) == 2


def test_one_way_and_doubled_transitions_stay_alone() -> None:
    own = ChannelScheme(
        "w", "", "K+", 1, ("A", "B"), (0.0, 1.0), ("r", "s"),
        (RateLaw("constant", 1.0), RateLaw("constant", 2.0)),
        (Transition(0, 1, 3, 0), Transition(0, 1, 1, 1), Transition(1, 0, 2, 1)),
    )  # fmt: skip
    _, pairs = build_pairs([own], shielded=False)
    told = [tuple(pair)[:6] for pair in pairs.tolist()]
    assert told == [(0, 1, 3.0, 0, 2.0, 1), (0, 1, 1.0, 1, 0.0, 1)]


# ---------------------------------------------------------------------- gates


def test_states_of_a_gated_channel_are_counts_of_open_gates() -> None:
    steps = table(["squid-na", "squid-k"], "subunit", noisy=(True, True)).covering(-70.0, 0.0)
    assert steps.gate_start.tolist() == [0, 2, 3]
    assert steps.gates.tolist() == [(0, 1, 3), (2, 3, 1), (4, 5, 4)]
    counts = [(m, h) for m in range(4) for h in range(2)]
    assert steps.n_open[:8, :2].tolist() == [list(pair) for pair in counts]
    assert steps.n_open[8:, 2].tolist() == [0, 1, 2, 3, 4]
    assert not steps.n_open[:8, 2].any()
    assert not steps.n_open[8:, :2].any()
    expected = [comb(3, m) for m, _ in counts] + [comb(4, n) for n in range(5)]
    assert steps.ways.tolist() == expected


def test_subunit_noise_needs_gates() -> None:
    with pytest.raises(InputError, match=r"run\.method: subunit noise.*'purkinje-na'.*langevin"):
        build_gates([scheme("purkinje-na")], [True])
    start, gates = build_gates([scheme("purkinje-na")], [False])  # a mean field does not
    assert start.tolist() == [0, 0]
    assert len(gates) == 0


# --------------------------------------------------------------------- errors


@pytest.mark.parametrize(("low", "high"), [(-2e4, 0.0), (0.0, 1e4), (np.nan, 0.0), (0.0, np.inf)])
def test_absurd_voltages_are_refused(low: float, high: float) -> None:
    with pytest.raises(InputError, match=r"the membrane was driven to .* mV; .*run\.step"):
        table(["squid-k"]).covering(low, high)


def test_rates_that_overflow_are_refused() -> None:
    own = scheme("squid-k")
    steep = replace(own.rates[0], law="exponential", rate=1.0, midpoint=0.0, scale=0.5)
    broken = replace(own, rates=(steep, own.rates[1]))
    with pytest.raises(InputError, match="a rate is not finite between -80 and"):
        StepTable((broken,), (True,), METHODS["leap"], 0.05).covering(-80.0, 500.0)
