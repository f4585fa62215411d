"""The membrane of a skeletal muscle fibre: its rates, its rest and its action potential.

Rates are those of the fast-twitch fibre of Shorten et al. 2007
(doi:10.1007/s10974-007-9125-6), written as printed there and not as the scheme files do.
"""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

from stochhh import deterministic
from stochhh.kinetics.files import load_scheme
from stochhh.membrane import Membrane, Population
from stochhh.stimulus import Breakpoints
from stochhh.theory import stationary_law

Floats = NDArray[np.float64]

AREA_UM2 = 1000.0
# mS/cm², of which 1 is 10 nS on 1000 µm². Of the source's 134 for sodium a share of 0.581 is
# free of slow inactivation at rest. The leak stands for chloride and the inward rectifier:
# 0.37 and 0.10 are the slopes of their currents at -80 mV.
SODIUM, POTASSIUM, LEAK = 134.0 * 0.581, 10.8, 0.46
# mV, by Nernst from the source's 133 and 12.7 mM, 5.9 and 150.9 mM, at 293 K
E_SODIUM, E_POTASSIUM, E_LEAK = 59.3, -81.8, -81.8
SODIUM_PS, POTASSIUM_PS = 20.0, 15.0  # of one channel


def alpha_m(V: Floats | float) -> Floats:
    return np.asarray(0.288 * (V + 46) / (1 - np.exp(-(V + 46) / 10)))


def beta_m(V: Floats | float) -> Floats:
    return np.asarray(1.38 * np.exp(-(V + 46) / 18))


def alpha_h(V: Floats | float) -> Floats:
    return np.asarray(0.0081 * np.exp(-(V + 45) / 14.7))


def beta_h(V: Floats | float) -> Floats:
    return np.asarray(4.38 / (1 + np.exp(-(V + 45) / 9)))


def alpha_n(V: Floats | float) -> Floats:
    return np.asarray(0.0131 * (V + 40) / (1 - np.exp(-(V + 40) / 7)))


def beta_n(V: Floats | float) -> Floats:
    return np.asarray(0.067 * np.exp(-(V + 40) / 40))


PRINTED = {
    "muscle-na": (alpha_m, beta_m, alpha_h, beta_h),
    "muscle-k": (alpha_n, beta_n),
}


def population(
    name: str, maximal_mS_cm2: float, channel_pS: float, reversal_mV: float
) -> Population:
    count = round(maximal_mS_cm2 * 10.0 * AREA_UM2 / channel_pS)
    return Population(name, load_scheme(name), count, channel_pS * 1e-3, reversal_mV)


@pytest.fixture(scope="module")
def muscle() -> Membrane:
    """A patch of fibre without tubules, 1 µF/cm²."""
    return Membrane(
        area_um2=AREA_UM2,
        capacitance_pF=10.0,
        leak_nS=LEAK * 10.0,
        leak_reversal_mV=E_LEAK,
        populations=(
            population("muscle-na", SODIUM, SODIUM_PS, E_SODIUM),
            population("muscle-k", POTASSIUM, POTASSIUM_PS, E_POTASSIUM),
        ),
    )


def after(muscle: Membrane, displacement_mV: float, times_ms: Floats) -> deterministic.Course:
    """The deterministic patch, displaced from rest at time zero."""
    rest = muscle.resting_voltage_mV()
    nothing = Breakpoints(np.array([times_ms[-1]]), np.array([0.0]))
    laws = muscle.stationary_laws(rest)
    return deterministic.simulate(
        muscle, nothing, times_ms, rest + displacement_mV, laws, tolerance=1e-9
    )


@pytest.mark.parametrize("name", sorted(PRINTED))
def test_rates_are_the_printed_ones_all_the_way(name: str) -> None:
    V = np.linspace(-120.03, 60.07, 997)  # misses -46 and -40, where 0/0 is printed
    for rate, printed in zip(load_scheme(name).rates, PRINTED[name], strict=True):
        np.testing.assert_allclose(rate(V), printed(V), rtol=1e-11)


@pytest.mark.parametrize(
    ("name", "voltage", "limit"),
    [("muscle-na", -46.0, 0.288 * 10), ("muscle-k", -40.0, 0.0131 * 7)],
)
def test_opening_is_smooth_where_zero_over_zero_is_printed(
    name: str, voltage: float, limit: float
) -> None:
    opening = load_scheme(name).rates[0]
    for V in (voltage - 1e-12, voltage, voltage + 1e-12):
        assert opening(V) == pytest.approx(limit, rel=1e-9)


def test_gates_at_rest_are_those_the_model_starts_with() -> None:
    """The source's own start at -79.974 mV: m 0.0358, h 0.4981, n 0.009466, four digits."""
    for name, gates, power in (
        ("muscle-na", (0.0358, 0.4981), 3),
        ("muscle-k", (0.009466,), 4),
    ):
        scheme = load_scheme(name)
        law = stationary_law(scheme.generator(-79.974))
        found = float(law @ np.array(scheme.relative_conductance))
        expected = gates[0] ** power * float(np.prod(gates[1:]))
        assert found == pytest.approx(expected, rel=5e-3)


def test_the_patch_rests_and_returns_to_rest(muscle: Membrane) -> None:
    rest = muscle.resting_voltage_mV()
    assert rest == pytest.approx(-81.4, abs=0.2)
    times = np.linspace(0.0, 60.0, 121)
    for displacement in (-5.0, 0.0, 5.0):
        course = after(muscle, displacement, times)
        assert len(course.spike_ms) == 0
        assert course.voltage_mV[-1] == pytest.approx(rest, abs=1e-3)


def test_the_action_potential_is_all_or_none(muscle: Membrane) -> None:
    """Half a millivolt below the threshold nothing happens, half above it nearly all of it.

    Five millivolts more make the spike higher by an eighth.
    """
    times = np.linspace(0.0, 25.0, 2501)
    rest = muscle.resting_voltage_mV()
    low, high = 5.0, 60.0
    while high - low > 0.01:
        middle = (low + high) / 2
        fires = len(after(muscle, middle, times).spike_ms) > 0
        low, high = (low, middle) if fires else (middle, high)
    assert 8.0 < high < 20.0
    below, above, far = (after(muscle, high + more, times) for more in (-0.5, 0.5, 5.0))
    assert len(below.spike_ms) == 0
    assert below.voltage_mV.max() == below.voltage_mV[0]  # it only falls
    assert len(above.spike_ms) == 1
    peak = above.voltage_mV.max()
    assert 20.0 < peak < 45.0
    assert far.voltage_mV.max() - rest < 1.2 * (peak - rest)
    width_ms = np.sum(above.voltage_mV > (peak + rest) / 2) * (times[1] - times[0])
    assert 0.5 < width_ms < 2.5


def test_the_states_follow_the_gates(muscle: Membrane) -> None:
    """Thirteen states against m, h and n of the printed equations, by another solver."""

    def slope(_: float, y: Floats) -> list[float]:
        V, m, h, n = y
        current = (
            SODIUM * m**3 * h * (V - E_SODIUM)
            + POTASSIUM * n**4 * (V - E_POTASSIUM)
            + LEAK * (V - E_LEAK)
        )  # µA/cm², and 1 µF/cm²
        return [
            -current,
            float(alpha_m(V) * (1 - m) - beta_m(V) * m),
            float(alpha_h(V) * (1 - h) - beta_h(V) * h),
            float(alpha_n(V) * (1 - n) - beta_n(V) * n),
        ]

    rest = muscle.resting_voltage_mV()
    start = [
        rest + 40.0,
        *(
            float(a(rest) / (a(rest) + b(rest)))
            for a, b in ((alpha_m, beta_m), (alpha_h, beta_h), (alpha_n, beta_n))
        ),
    ]
    times = np.linspace(0.0, 15.0, 301)
    solved = solve_ivp(slope, (0.0, 15.0), start, "Radau", times, rtol=1e-9, atol=1e-11)
    assert solved.success
    found = after(muscle, 40.0, times).voltage_mV
    np.testing.assert_allclose(found, solved.y[0], atol=2e-3)


def test_without_sodium_channels_a_displacement_only_decays(muscle: Membrane) -> None:
    """The negative control of the action potential."""
    times = np.linspace(0.0, 25.0, 501)
    passive = Membrane(
        muscle.area_um2,
        muscle.capacitance_pF,
        muscle.leak_nS,
        muscle.leak_reversal_mV,
        muscle.populations[1:],
    )
    course = after(passive, 40.0, times)
    assert len(course.spike_ms) == 0
    assert np.all(np.diff(course.voltage_mV) <= 1e-6)
