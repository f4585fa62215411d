"""Stepped methods err by the power of the step that they claim, in a voltage that moves.

A membrane charges with a time constant of 1 ms; its squid K+ channels conduct so little that
they do not change this, and are so many that the fraction of open ones shows its mean. The
mean obeys the master equation along the known voltage.
"""

from __future__ import annotations

import numpy as np
import pytest
from harness import agrees, held, power_is, refuses
from scipy.integrate import solve_ivp

import stochhh
from stochhh import theory
from stochhh.kinetics.files import load_scheme
from stochhh.methods import METHODS

pytestmark = pytest.mark.filterwarnings(  # orders show in steps that are far too long
    "ignore:.*times what the fastest channels:UserWarning"
)

SCHEME = load_scheme("squid-k")
LOW_MV, HIGH_MV, DURATION_MS = -65.0, 0.0, 1.6
STEPS_MS = np.array([0.1, 0.2, 0.4])
HIGHER_ORDERS = 0.1  # of an error, at steps that are not yet very small


def open_fraction(method: str, step_ms: float, count: int, trials: int) -> tuple[float, float]:
    """Fraction of open channels at the end, mean over trials, and its standard error."""
    tables = held(
        {"squid-k": count},
        LOW_MV,
        duration=f"{DURATION_MS} ms",
        trials=trials,
        method=method,
        step=f"{step_ms} ms",
        record={"interval": f"{DURATION_MS} ms", "variables": ["open"]},
    )
    tables["membrane"]["leak"]["conductance"] = "1 nS"  # 1 pF makes 1 ms
    tables["membrane"]["channels"][0]["conductance"] = "1e-14 pS"
    amplitude = f"{HIGH_MV - LOW_MV} pA"
    tables["stimulus"] = [{"kind": "constant", "amplitude": amplitude}]
    shares = stochhh.run(tables)["open"].values[:, -1, 0] / count
    return float(shares.mean()), float(shares.std(ddof=1) / np.sqrt(trials))


def true_fraction() -> float:
    """The same from the master equation."""
    law = theory.stationary_law(SCHEME.generator(LOW_MV))
    solution = solve_ivp(
        lambda t, p: p @ SCHEME.generator(HIGH_MV + (LOW_MV - HIGH_MV) * np.exp(-t)),
        (0.0, DURATION_MS),
        law,
        rtol=1e-11,
        atol=1e-14,
    )
    return float(solution.y[np.array(SCHEME.is_open), -1].sum())


@pytest.mark.parametrize(
    ("method", "count"),
    [("leap", 10**12), ("leap-first-order", 10**9), ("langevin", 10**9), ("frozen", 500_000)],
)
def test_error_falls_with_the_step_as_claimed(method: str, count: int) -> None:
    found = [open_fraction(method, float(step), count, 20) for step in STEPS_MS]
    error = np.abs(np.array([share for share, _ in found]) - true_fraction())
    noise = np.array([one for _, one in found]) / error
    order = METHODS[method].order
    assert order == (2 if method == "leap" else 1)
    compared = np.hypot(noise, HIGHER_ORDERS)
    agrees(power_is(STEPS_MS, error, compared, order), f"order of {method}")
    refuses(power_is(STEPS_MS, error, compared, 3 - order), f"another order of {method}")
