"""Voltages of a forest of compartments over one Crank-Nicolson step.

Compartments hang on their parents by axial conductances, parents first, so the
matrix is eliminated from the tips to the roots and solved back in one pass each
(Hines 1984, doi:10.1016/0020-7101(84)90008-4). The step is second order and stable
for any length (Crank & Nicolson 1947, doi:10.1017/S0305004100023197). What is solved
for is the voltage in the middle of the step; that of its end lies as far beyond.
"""

from __future__ import annotations

from stochhh.kernels.patch import jit


@jit
def solve(parent, axial, stored, conductance, drive, V, diagonal, middle):
    """Voltages in the middle of a step.

    Parameters
    ----------
    parent : int64 (C,), -1 at roots; every parent before its children
    axial : float64 (C,) nS to the parent, 0 at roots
    stored : float64 (C,) nS, capacitance over half the step
    conductance, drive : float64 (C,) nS and pA, of the membrane
    V : float64 (C,) mV at the beginning
    diagonal : float64 (C,) scratch
    middle : float64 (C,), holds the injected current (pA) and is overwritten: mV
    """
    n = parent.shape[0]
    for i in range(n):
        diagonal[i] = stored[i] + conductance[i] + axial[i]
        middle[i] += stored[i] * V[i] + drive[i]
    for i in range(n):
        if parent[i] >= 0:
            diagonal[parent[i]] += axial[i]
    for i in range(n - 1, -1, -1):
        inverse = 1.0 / diagonal[i]
        diagonal[i] = inverse
        p = parent[i]
        if p >= 0:
            share = axial[i] * inverse
            diagonal[p] -= share * axial[i]
            middle[p] += share * middle[i]
    for i in range(n):
        p = parent[i]
        inflow = axial[i] * middle[p] if p >= 0 else 0.0
        middle[i] = (middle[i] + inflow) * diagonal[i]


@jit
def solve_sheathed(
    parent, axial, along, sheath, end, stored, stored_sheath, conductance, drive, V, U, inside,
    outside, block,
):  # fmt: skip
    """Voltages in the middle of a step where myelin encloses a thin space.

    Each compartment has two unknowns, the potential of the axoplasm and that of the
    periaxonal space, U; the membrane sees their difference. Without a sheath the
    space is the bath.

    Parameters
    ----------
    parent : int64 (C,), -1 at roots; every parent before its children
    axial, along : float64 (C,) nS to the parent, through the axoplasm and the space; 0 at roots
    sheath : float64 (C,) nS from the space to the bath, very large where there is no myelin
    end : float64 (C,) nS from the axoplasm to the bath, through cut ends
    stored, stored_sheath : float64 (C,) nS, capacitances over half the step
    conductance, drive : float64 (C,) nS and pA, of the membrane
    V, U : float64 (C,) mV at the beginning, of the membrane and of the space
    inside, outside : float64 (C,), the first holds the injected current (pA) and both
        are overwritten: potentials (mV) in the middle of the step
    block : float64 (C, 3), scratch
    """
    n = parent.shape[0]
    for i in range(n):
        a = stored[i] + conductance[i]
        block[i, 0] = a + axial[i] + end[i]
        block[i, 1] = -a
        block[i, 2] = a + stored_sheath[i] + sheath[i] + along[i]
        inward = stored[i] * V[i] + drive[i]
        inside[i] += inward
        outside[i] = stored_sheath[i] * U[i] - inward
    for i in range(n):
        if parent[i] >= 0:
            block[parent[i], 0] += axial[i]
            block[parent[i], 2] += along[i]
    for i in range(n - 1, -1, -1):
        determinant = block[i, 0] * block[i, 2] - block[i, 1] * block[i, 1]
        first = block[i, 2] / determinant
        mixed = -block[i, 1] / determinant
        last = block[i, 0] / determinant
        block[i, 0], block[i, 1], block[i, 2] = first, mixed, last
        p = parent[i]
        if p >= 0:
            g, q = axial[i], along[i]
            block[p, 0] -= g * first * g
            block[p, 1] -= g * mixed * q
            block[p, 2] -= q * last * q
            inside[p] += g * (first * inside[i] + mixed * outside[i])
            outside[p] += q * (mixed * inside[i] + last * outside[i])
    for i in range(n):
        p = parent[i]
        x, y = inside[i], outside[i]
        if p >= 0:
            x += axial[i] * inside[p]
            y += along[i] * outside[p]
        inside[i] = block[i, 0] * x + block[i, 1] * y
        outside[i] = block[i, 1] * x + block[i, 2] * y
