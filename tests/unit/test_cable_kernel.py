"""Voltages of compartments over one step, against dense linear algebra and matrix exponentials."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import expm

from stochhh.kernels.cable import solve, solve_sheathed

#: A tree with a branch point and, last, a second cell of two compartments.
PARENT = np.array([-1, 0, 1, 1, 3, 2, -1, 6])


def tree(seed: int) -> dict[str, np.ndarray]:
    """Random capacitances (pF), conductances (nS), drives and currents (pA), voltages (mV)."""
    rng = np.random.default_rng(seed)
    n = len(PARENT)
    axial, along = rng.uniform(0.5, 5.0, (2, n))
    axial[PARENT < 0] = along[PARENT < 0] = 0.0
    return {
        "axial": axial,
        "along": along,
        "capacitance": rng.uniform(0.5, 2.0, n),
        "conductance": rng.uniform(0.1, 3.0, n),
        "drive": rng.normal(0.0, 50.0, n),
        "injected": rng.normal(0.0, 50.0, n),
        "sheath_capacitance": rng.uniform(0.01, 0.1, n),
        "sheath": rng.uniform(0.01, 0.1, n),
        "V": rng.normal(-65.0, 10.0, n),
        "U": rng.normal(0.0, 5.0, n),
        "end": rng.uniform(0.1, 3.0, n),
    }


def laplacian(axial: np.ndarray) -> np.ndarray:
    """Matrix of the currents that leave each compartment along the cable, nS."""
    matrix = np.zeros((len(axial), len(axial)))
    for i, p in enumerate(PARENT):
        if p >= 0:
            matrix[[i, p], [i, p]] += axial[i]
            matrix[[i, p], [p, i]] -= axial[i]
    return matrix


def stepped(one: dict[str, np.ndarray], h: float, n_steps: int) -> np.ndarray:
    """Voltages after steps of `h` (ms)."""
    V = one["V"].copy()
    for _ in range(n_steps):
        middle = one["injected"].copy()
        solve(
            PARENT,
            one["axial"],
            2.0 * one["capacitance"] / h,
            one["conductance"],
            one["drive"],
            V,
            np.empty_like(V),
            middle,
        )
        V = 2.0 * middle - V
    return V


def relaxed(one: dict[str, np.ndarray], duration: float) -> np.ndarray:
    """The same in closed form."""
    matrix = laplacian(one["axial"]) + np.diag(one["conductance"])
    steady = np.linalg.solve(matrix, one["drive"] + one["injected"])
    decay = expm(-duration * matrix / one["capacitance"][:, None])
    return steady + decay @ (one["V"] - steady)


@pytest.mark.parametrize("seed", range(5))
def test_middle_of_a_step_solves_the_equations(seed: int) -> None:
    one, h = tree(seed), 0.05
    stored = 2.0 * one["capacitance"] / h
    middle = one["injected"].copy()
    solve(
        PARENT, one["axial"], stored, one["conductance"], one["drive"], one["V"],
        np.empty(len(PARENT)), middle,
    )  # fmt: skip
    matrix = laplacian(one["axial"]) + np.diag(stored + one["conductance"])
    right = stored * one["V"] + one["drive"] + one["injected"]
    np.testing.assert_allclose(middle, np.linalg.solve(matrix, right), rtol=1e-12)


def test_error_falls_with_the_square_of_the_step() -> None:
    one, duration = tree(1), 0.2
    truth = relaxed(one, duration)
    errors = [np.abs(stepped(one, duration / n, n) - truth).max() for n in (40, 80, 160)]
    np.testing.assert_allclose(np.log2(errors[:-1]) - np.log2(errors[1:]), 2.0, atol=0.05)
    assert errors[-1] < 1e-3


def test_a_step_conserves_charge() -> None:
    one, h = tree(2), 0.1
    V = stepped(one, h, 1)
    middle = 0.5 * (V + one["V"])
    stored = one["capacitance"] @ (V - one["V"])
    outward = h * np.sum(one["conductance"] * middle - one["drive"])
    assert stored + outward == pytest.approx(h * one["injected"].sum(), rel=1e-10)


def sheathed(one: dict[str, np.ndarray], h: float) -> tuple[np.ndarray, np.ndarray]:
    """Potentials (mV) of axoplasm and periaxonal space in the middle of a step."""
    inside, outside = one["injected"].copy(), np.empty(len(PARENT))
    solve_sheathed(
        PARENT,
        one["axial"],
        one["along"],
        one["sheath"],
        one["end"],
        2.0 * one["capacitance"] / h,
        2.0 * one["sheath_capacitance"] / h,
        one["conductance"],
        one["drive"],
        one["V"],
        one["U"],
        inside,
        outside,
        np.empty((len(PARENT), 3)),
    )
    return inside, outside


@pytest.mark.parametrize("seed", range(5))
def test_two_layers_solve_the_equations(seed: int) -> None:
    one, h = tree(seed), 0.05
    inside, outside = sheathed(one, h)
    across = 2.0 * one["capacitance"] / h + one["conductance"]
    myelin = 2.0 * one["sheath_capacitance"] / h + one["sheath"]
    inward = 2.0 * one["capacitance"] / h * one["V"] + one["drive"]
    membrane = np.diag(across)
    matrix = np.block(
        [
            [laplacian(one["axial"]) + membrane + np.diag(one["end"]), -membrane],
            [-membrane, laplacian(one["along"]) + membrane + np.diag(myelin)],
        ]
    )
    stored = 2.0 * one["sheath_capacitance"] / h * one["U"]
    truth = np.linalg.solve(matrix, np.concatenate([inward + one["injected"], stored - inward]))
    np.testing.assert_allclose(np.concatenate([inside, outside]), truth, rtol=1e-10)


def test_without_myelin_the_space_is_the_bath() -> None:
    one, h = tree(3), 0.05
    one["U"], one["sheath"] = np.zeros(len(PARENT)), np.full(len(PARENT), 1e12)
    one["end"] = np.zeros(len(PARENT))
    inside, outside = sheathed(one, h)
    plain = 0.5 * (stepped(one, h, 1) + one["V"])
    np.testing.assert_allclose(inside - outside, plain, rtol=1e-9)
    leaky = {**one, "sheath": np.full(len(PARENT), 1.0)}
    assert np.abs(np.subtract(*sheathed(leaky, h)) - plain).max() > 1.0
