"""Channel schemes: the state graphs typed out, temperature, ligands, equilibrium."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest

from stochhh.kinetics.files import load_scheme
from stochhh.kinetics.rates import RateLaw
from stochhh.kinetics.scheme import ChannelScheme, Gate, Transition, expand_gates
from stochhh.theory import stationary_law

# The graphs of m3h and n4: Conti & Wanke 1975 (doi:10.1017/S0033583500001967). State, state,
# multiplicity and rate of going there, and of coming back.
M3H = [
    ("m0h0", "m1h0", (3, "alpha_m"), (1, "beta_m")),
    ("m1h0", "m2h0", (2, "alpha_m"), (2, "beta_m")),
    ("m2h0", "m3h0", (1, "alpha_m"), (3, "beta_m")),
    ("m0h1", "m1h1", (3, "alpha_m"), (1, "beta_m")),
    ("m1h1", "m2h1", (2, "alpha_m"), (2, "beta_m")),
    ("m2h1", "m3h1", (1, "alpha_m"), (3, "beta_m")),
    ("m0h0", "m0h1", (1, "alpha_h"), (1, "beta_h")),
    ("m1h0", "m1h1", (1, "alpha_h"), (1, "beta_h")),
    ("m2h0", "m2h1", (1, "alpha_h"), (1, "beta_h")),
    ("m3h0", "m3h1", (1, "alpha_h"), (1, "beta_h")),
]
N4 = [
    ("n0", "n1", (4, "alpha_n"), (1, "beta_n")),
    ("n1", "n2", (3, "alpha_n"), (2, "beta_n")),
    ("n2", "n3", (2, "alpha_n"), (3, "beta_n")),
    ("n3", "n4", (1, "alpha_n"), (4, "beta_n")),
]


@pytest.mark.parametrize(
    ("name", "graph", "open_state", "n_states", "n_transitions"),
    [("squid-na", M3H, "m3h1", 8, 20), ("squid-k", N4, "n4", 5, 8)],
)
def test_gates_expand_into_the_published_graph(name, graph, open_state, n_states, n_transitions):
    scheme = load_scheme(name)
    expected = set()
    for low, high, there, back in graph:
        expected |= {(low, high, *there), (high, low, *back)}
    found = {
        (
            scheme.states[arrow.source],
            scheme.states[arrow.target],
            arrow.multiplicity,
            scheme.rate_names[arrow.rate],
        )
        for arrow in scheme.transitions
    }
    assert found == expected
    assert (len(scheme.states), len(scheme.transitions)) == (n_states, n_transitions)
    assert [s for s, conducts in zip(scheme.states, scheme.is_open, strict=True) if conducts] == [
        open_state
    ]
    assert set(scheme.relative_conductance) == {0.0, 1.0}


def test_library_schemes_say_what_they_carry():
    sodium, potassium = load_scheme("squid-na"), load_scheme("squid-k")
    assert (sodium.ion, sodium.valence, potassium.ion, potassium.valence) == ("Na+", 1, "K+", 1)
    assert sodium.temperature_degC == potassium.temperature_degC == 6.3
    assert sodium.q10 == potassium.q10 == 3.0
    assert sodium.ligands == potassium.ligands == frozenset()
    assert all(cite.startswith("doi:") for cite in (*sodium.cite, *potassium.cite))


def test_no_gates_expand_into_one_open_state():
    assert expand_gates(()) == (("",), (1.0,), ())


def test_three_gates_expand_into_every_combination():
    gates = (Gate("m", 2, 0, 1), Gate("h", 1, 2, 3), Gate("s", 1, 4, 5))
    states, conducting, transitions = expand_gates(gates)
    assert len(states) == 3 * 2 * 2
    assert sum(conducting) == 1.0
    assert conducting[states.index("m2h1s1")] == 1.0
    # each of the 4 (h, s) pairs has 4 m arrows, each of the 6 others 2 of h, and 2 of s
    assert len(transitions) == 4 * 4 + 6 * 2 + 6 * 2
    for arrow in transitions:  # one gate changes by one
        before, after = states[arrow.source], states[arrow.target]
        assert sum(a != b for a, b in zip(before, after, strict=True)) == 1


@pytest.mark.parametrize(
    ("temperature", "factor"),
    # 3^((T - 6.3)/10): Hodgkin & Huxley 1952 (doi:10.1113/jphysiol.1952.sp004764)
    [(6.3, 1.0), (16.3, 3.0), (26.3, 9.0), (-3.7, 1 / 3), (11.3, 3**0.5), (18.5, 3**1.22)],
)
@pytest.mark.parametrize("name", ["squid-na", "squid-k"])
def test_rates_speed_up_threefold_every_ten_degrees(name, temperature, factor):
    cold = load_scheme(name)
    warm = cold.at(temperature)
    for voltage in (-65.0, -40.0, 0.0):
        np.testing.assert_allclose(
            warm.rates_at(voltage), factor * cold.rates_at(voltage), rtol=1e-13
        )
    assert warm.temperature_degC == temperature
    # warming further starts from the temperature the rates now have
    again = warm.at(cold.temperature_degC)
    np.testing.assert_allclose(again.rates_at(-50.0), cold.rates_at(-50.0), rtol=1e-13)


def test_without_a_temperature_rates_stay_as_published():
    scheme = load_scheme("squid-na")
    assert scheme.at(None) == scheme


def ligand_gated() -> ChannelScheme:
    """Del Castillo & Katz: R - AR - AR*."""
    return ChannelScheme(
        name="receptor",
        title="",
        ion="Na+",
        valence=1,
        states=("R", "AR", "open"),
        relative_conductance=(0.0, 0.0, 1.0),
        rate_names=("on", "off", "beta", "alpha"),
        rates=(
            RateLaw("binding", 5.0, ligand="ACh"),
            RateLaw("constant", 8.0),
            RateLaw("constant", 30.0),
            RateLaw("constant", 1.0),
        ),
        transitions=(
            Transition(0, 1, 1, 0),
            Transition(1, 0, 1, 1),
            Transition(1, 2, 1, 2),
            Transition(2, 1, 1, 3),
        ),
        temperature_degC=20.0,
        q10=2.0,
    )


def test_binding_is_proportional_to_the_concentration_and_warms_like_other_rates():
    scheme = ligand_gated()
    assert scheme.ligands == {"ACh"}
    bathed = scheme.at(None, {"ACh": 0.4, "other": 7.0})
    np.testing.assert_allclose(bathed.rates_at(0.0), [2.0, 8.0, 30.0, 1.0], rtol=1e-15)
    warm = scheme.at(30.0, {"ACh": 0.4})
    np.testing.assert_allclose(warm.rates_at(0.0), [4.0, 16.0, 60.0, 2.0], rtol=1e-15)
    assert scheme.at(None, {"ACh": 0.0}).rates_at(0.0)[0] == 0.0


def test_the_dose_response_of_a_receptor_is_its_closed_form():
    """Weights 1, x and 30 x, with x = [A] on/off and 30 of opening over shutting."""
    for concentration in (1e-6, 1e-3, 1.0, 100.0):
        law = stationary_law(ligand_gated().at(None, {"ACh": concentration}).generator(0.0))
        x = concentration * 5.0 / 8.0
        np.testing.assert_allclose(law, np.array([1, x, 30 * x]) / (1 + x + 30 * x), rtol=1e-13)


@pytest.mark.parametrize("voltage", [-100.0, -65.0, -55.0, -40.0, 0.0, 50.0])
@pytest.mark.parametrize("name", ["squid-na", "squid-k"])
def test_the_generator_holds_every_arrow_and_its_rows_sum_to_zero(name, voltage):
    scheme = load_scheme(name)
    matrix, rates = scheme.generator(voltage), scheme.rates_at(voltage)
    expected = np.zeros_like(matrix)
    for arrow in scheme.transitions:
        expected[arrow.source, arrow.target] = arrow.multiplicity * rates[arrow.rate]
    off_diagonal = ~np.eye(len(matrix), dtype=bool)
    np.testing.assert_allclose(matrix[off_diagonal], expected[off_diagonal], rtol=1e-15)
    assert np.count_nonzero(matrix[off_diagonal]) == len(scheme.transitions)
    np.testing.assert_allclose(matrix.sum(axis=1), 0.0, atol=1e-13 * abs(matrix).max())


def test_parallel_arrows_add_up():
    scheme = ligand_gated()
    doubled = ChannelScheme(
        **{**vars(scheme), "transitions": (*scheme.transitions, Transition(0, 1, 2, 1))}
    )
    assert doubled.generator(0.0)[0, 1] == 5.0 + 2 * 8.0


@pytest.mark.parametrize("voltage", [-100.0, -65.0, -55.0, -40.0, 0.0, 50.0])
@pytest.mark.parametrize(("name", "powers"), [("squid-na", (3, 1)), ("squid-k", (4,))])
def test_equilibrium_is_a_product_of_binomials_in_detailed_balance(name, powers, voltage):
    """Gates are independent: P(j of k open) = C(k, j) p^j (1-p)^(k-j), p of one gate."""
    scheme = load_scheme(name)
    rates = scheme.rates_at(voltage)
    open_gate = rates[0::2] / (rates[0::2] + rates[1::2])
    expected = np.ones(1)
    for power, p in zip(powers, open_gate, strict=True):
        gate = [comb(power, j) * p**j * (1 - p) ** (power - j) for j in range(power + 1)]
        expected = np.outer(expected, gate).ravel()
    law = stationary_law(scheme.generator(voltage))
    np.testing.assert_allclose(law, expected, rtol=1e-12)
    flux = law[:, None] * scheme.generator(voltage)
    off_diagonal = ~np.eye(len(law), dtype=bool)
    np.testing.assert_allclose(flux[off_diagonal], flux.T[off_diagonal], rtol=1e-12)
    np.testing.assert_allclose(law @ scheme.generator(voltage), 0.0, atol=1e-14)
    # the conducting state: m³h and n⁴
    share = float(law @ np.array(scheme.relative_conductance))
    assert share == pytest.approx(np.prod(open_gate ** np.array(powers)), rel=1e-12)


def test_resting_open_probabilities_are_the_published_ones():
    """m, h, n at rest: 0.0529, 0.5961, 0.3177 (Hodgkin & Huxley 1952 parameters)."""
    sodium, potassium = load_scheme("squid-na"), load_scheme("squid-k")
    (am, bm, ah, bh), (an, bn) = sodium.rates_at(-65.0), potassium.rates_at(-65.0)
    m, h, n = am / (am + bm), ah / (ah + bh), an / (an + bn)
    assert (round(m, 4), round(h, 4), round(n, 4)) == (0.0529, 0.5961, 0.3177)


@pytest.mark.parametrize("q10", [0.01, 100.0])
@pytest.mark.parametrize("temperature", [-273.0, 100.0])
def test_no_temperature_allowed_overflows(q10, temperature):
    scheme = ChannelScheme(**{**vars(ligand_gated()), "q10": q10})
    rates = scheme.at(temperature, {"ACh": 1.0}).rates_at(0.0)
    assert np.all(rates > 0)
    assert np.all(np.isfinite(rates))
