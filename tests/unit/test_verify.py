"""What a verification is made of: its verdict, its experiments, its subject and its controls."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from stochhh import theory
from stochhh.errors import InputError
from stochhh.kinetics.files import library_schemes, load_scheme
from stochhh.verify import verdict, verify, with_multiplicity, with_rate
from stochhh.verify.claims import CLAIMS, LAWS
from stochhh.verify.comparison import Comparison
from stochhh.verify.controls import wrong_multiplicities, wrong_rates
from stochhh.verify.design import FULL, QUICK, protocols, setting_for_rate, setting_of, voltages_mV
from stochhh.verify.subject import half_effect_mM, subject_of
from stochhh.verify.table import verification_table
from stochhh.verify.verdict import Row, adjusted


def row(p_value, law="law", **more):
    return Row(law, "here", Comparison(p_value, "1", "2"), **more)


def test_p_values_are_adjusted_as_holm_did():
    np.testing.assert_allclose(adjusted([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_allclose(adjusted([0.9, 0.6]), [1.0, 1.0])


def test_the_level_is_that_of_all_rows_together():
    many = [row(0.5)] * 99
    assert verdict([*many, row(2e-8)]).agrees
    found = verdict([*many, row(0.9e-8, "bad")])
    assert not found.agrees
    assert [one.law for one in found.refused] == ["bad"]
    assert found.smallest_p == pytest.approx(0.9e-6)
    assert "disagrees" in str(found)


def test_nothing_compared_is_no_agreement():
    assert not verdict([]).agrees
    assert not verdict([Row("law", "", None, "skipped")]).agrees


def test_a_p_value_that_is_no_number_is_refused():
    assert not verdict([row(0.5), row(float("nan"))]).agrees


def test_controls_are_judged_apart():
    rows = [row(0.5), row(1e-9, "seen", control=True), row(1e-3, "unseen", control=True)]
    found = verdict(rows)
    assert found.agrees
    assert found.n_laws == 1
    assert [one.law for one in found.told] == ["seen"]
    assert [one.law for one in found.untold] == ["unseen"]


def test_table_has_one_line_a_law_or_all_of_them():
    rows = [row(0.5), row(0.2), row(0.7, "other"), row(1e-9, "control", control=True)]
    rows.append(Row("skipped", "", None, "no time"))
    found = verdict(rows)
    assert verification_table("", rows, found).row_count == 5  # one says that controls follow
    assert verification_table("", rows, found, every_row=True).row_count == 6


@pytest.mark.parametrize("name", library_schemes())
def test_experiments_hold_voltages_and_step_between_them(name):
    with subject_of(name) as subject:
        scheme = subject.scheme
    for budget in (FULL, QUICK):
        pairs = protocols(scheme, budget)
        held = [after for before, after in pairs if before == after]
        assert len(set(held)) >= min(budget.n_held, 3)
        assert len(pairs) - len(held) >= 2
        for before, after in pairs:
            setting = setting_of(scheme, before, after, budget)
            assert setting.n_channels * setting.n_trials >= 1000
            assert setting.n_tagged <= setting.n_channels


def test_voltages_begin_where_half_as_many_are_open_as_ever():
    scheme = load_scheme("squid-k")
    is_open = np.array(scheme.is_open)
    shares = [
        theory.stationary_law(scheme.generator(v))[is_open].sum()
        for v in (voltages_mV(scheme)[0] - 1.0, voltages_mV(scheme)[0], 120.0)
    ]
    assert shares[0] < 0.5 * shares[2] <= shares[1]


def test_voltages_asked_for_are_held_and_stepped_between():
    pairs = protocols(load_scheme("squid-k"), QUICK, [-40.0, 0.0, -40.0])
    assert pairs == [(-40.0, -40.0), (0.0, 0.0), (-40.0, 0.0), (0.0, -40.0)]
    (held, *steps) = protocols(load_scheme("squid-k"), QUICK, [-40.0])
    assert held == (-40.0, -40.0)
    assert len(steps) == 2
    assert all(-40.0 in pair for pair in steps)


def test_ligands_are_at_half_their_effect():
    scheme = load_scheme("nachr")
    assert half_effect_mM(load_scheme("squid-k")) == {}
    concentrations = half_effect_mM(scheme)
    assert set(concentrations) == set(scheme.ligands)

    def open_share(factor):
        bound = scheme.at(None, {name: factor * c for name, c in concentrations.items()})
        return theory.stationary_law(bound.generator(-65.0))[np.array(bound.is_open)].sum()

    assert open_share(0.7) < 0.55 * open_share(1e6)
    assert open_share(1.3) > 0.45 * open_share(1e6)


@pytest.mark.parametrize("name", library_schemes())
def test_a_scheme_at_hand_is_the_same_through_a_file(name):
    with subject_of(name) as subject:
        scheme = subject.scheme
    with subject_of(scheme) as other:
        again = load_scheme(other.reference)
    assert again.states == scheme.states
    assert again.relative_conductance == scheme.relative_conductance
    for voltage in (-80.0, 0.0):
        found, expected = again.generator(voltage), scheme.generator(voltage)
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-300)


def test_controls_are_wrong_in_one_place():
    scheme = load_scheme("squid-na")
    right = scheme.generator(-30.0)
    for rate_class, wrong in enumerate(wrong_rates(scheme).values()):
        found, expected = wrong.rates_at(-30.0), np.array(scheme.rates_at(-30.0))
        expected[rate_class] *= 1.03
        np.testing.assert_allclose(found, expected)
    for arrow, wrong in zip(scheme.transitions, wrong_multiplicities(scheme).values(), strict=True):
        changed = wrong.generator(-30.0) != right
        np.fill_diagonal(changed, False)
        assert list(zip(*np.nonzero(changed), strict=True)) == [(arrow.source, arrow.target)]
    assert with_rate(scheme, 0, 1.0).generator(-30.0) == pytest.approx(right)
    assert with_multiplicity(scheme, 0, 0) == scheme


def test_rare_rate_classes_get_experiments_of_their_own():
    """Without them a slow inactivation off by 3 % would go unseen."""
    found = verdict(verify("squid-na", quick=True, seed=3))
    assert found.agrees
    assert len(found.told) == 4
    assert not found.untold
    held = verdict(verify("squid-na", quick=True, seed=3, at_mV=[-65.0, -40.0]))
    assert held.untold  # voltages asked for are the only ones


def test_an_experiment_for_a_class_holds_where_most_transitions_are_of_it():
    squid = load_scheme("squid-na")
    beta_h = squid.rate_names.index("beta_h")
    one = setting_for_rate(squid, beta_h, 1000.0, QUICK)
    shares = [closed_form_share(squid, v, beta_h) for v in (-100.0, -65.0, -30.0, 0.0, 40.0)]
    assert closed_form_share(squid, one.voltage_mV, beta_h) >= max(shares) > 0.0
    dead = replace(squid, rates=tuple(replace(r, factor=0.0) if k == beta_h else r
                                      for k, r in enumerate(squid.rates)))  # fmt: skip
    assert setting_for_rate(dead, beta_h, 1000.0, QUICK) is None


def closed_form_share(scheme, voltage_mV, rate_class):
    """Gates apart: three m gates and one h gate, each flips at its own rate."""
    a_m, b_m, a_h, b_h = scheme.rates_at(voltage_mV)
    flux = [3 * a_m * b_m / (a_m + b_m)] * 2 + [a_h * b_h / (a_h + b_h)] * 2
    return flux[rate_class] / sum(flux)


def test_claims_name_laws_that_there_are():
    assert set(CLAIMS["exact"].laws) == set(LAWS)
    assert all(set(claim.laws) <= set(LAWS) for claim in CLAIMS.values())
    assert all(claim.note for name, claim in CLAIMS.items() if name != "exact")


def test_rows_do_not_depend_on_workers():
    run = {"at_mV": [-40.0], "quick": True, "seed": 3}
    assert verify("squid-k", workers=1, **run) == verify("squid-k", workers=2, **run)


def test_a_scheme_without_an_equilibrium_is_bad_input():
    scheme = load_scheme("squid-k")
    lame = [arrow for arrow in scheme.transitions if arrow.source < arrow.target]
    split = scheme.__class__(
        **{**scheme.__dict__, "transitions": tuple(lame[:1] + lame[3:]), "gates": ()}
    )
    with pytest.raises(InputError, match="no equilibrium"):
        verify(split, quick=True)
