"""The resting state of a circuit: every voltage and every channel in equilibrium."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import sparse
from scipy.interpolate import CubicSpline
from scipy.sparse.linalg import spsolve

from stochhh.circuit.build import Network
from stochhh.circuit.crowd import Pool
from stochhh.circuit.network import Floats, Ints
from stochhh.errors import InputError
from stochhh.kinetics.scheme import ChannelScheme
from stochhh.theory import stationary_law

_SPACING_MV = 0.25
_BEYOND_MV = 20.0
_FARTHEST_MV = 1e4  # ten volts: far beyond any membrane
_LONGEST_MOVE_MV = 5.0
_TOLERANCE_MV = 1e-9
_MOST_MOVES = 500


def equilibrium_laws(scheme: ChannelScheme, voltage_mV: Floats) -> Floats:
    """Laws of the states at many voltages, (n, S), interpolated between tabulated ones."""
    low = np.floor(voltage_mV.min() / _SPACING_MV)
    knots = np.arange(low, np.floor(voltage_mV.max() / _SPACING_MV) + 2) * _SPACING_MV
    laws = np.array([stationary_law(scheme.generator(float(knot))) for knot in knots])
    place = voltage_mV / _SPACING_MV - low
    below = place.astype(np.int64)
    part = (place - below)[:, None]
    return np.asarray((1 - part) * laws[below] + part * laws[below + 1])


def resting_state(network: Network, name: str) -> tuple[Floats, Floats]:
    """Voltages of the membranes and of the periaxonal space at rest, (C,) and (C or 0,) mV.

    Newton's method on the balance of currents of all compartments, from where each
    membrane would rest by itself.

    Raises
    ------
    InputError
        There is no resting state, or it was not found.
    """
    cable = network.cable
    n = network.n_compartments
    axial = _laplacian(cable.parent, cable.axial)
    sheathed = len(cable.sheath_axial) > 0
    if sheathed:
        along = _laplacian(cable.parent, cable.sheath_axial)
        along = along + sparse.diags(cable.sheath_conductance)
    if max(abs(reversal) for reversal in [*network.reversals_mV, 0.0]) > _FARTHEST_MV:
        raise InputError(
            f"{name}: reversal potentials reach from {min(network.reversals_mV):g} to "
            f"{max(network.reversals_mV):g} mV, among which no rest is looked for; need them "
            f'between ±{_FARTHEST_MV:g} mV, or run.initial.voltage, as in "-65 mV"'
        )
    steady = _SteadyCurrent(network)
    voltage, space = _alone(network, name), np.zeros(n)
    for _ in range(_MOST_MOVES):
        current, slope = steady(voltage)
        inside = axial @ (voltage + space) + current
        if sheathed:
            inside += cable.end * (voltage + space)
            outside = along @ space - current
            matrix = sparse.bmat(
                [
                    [axial + sparse.diags(slope + cable.end), axial + sparse.diags(cable.end)],
                    [-sparse.diags(slope), along],
                ],
                format="csc",
            )
            move = spsolve(matrix, -np.concatenate([inside, outside]))
        else:
            move = spsolve(sparse.csc_matrix(axial + sparse.diags(slope)), -inside)
        if not np.isfinite(move).all():
            break
        largest = float(np.abs(move).max())
        move *= min(1.0, _LONGEST_MOVE_MV / largest) if largest > 0 else 1.0
        voltage = voltage + move[:n]
        if sheathed:
            space = space + move[n:]
        if largest < _TOLERANCE_MV:
            return voltage, space if sheathed else np.zeros(0)
    raise InputError(
        f'{name}: no resting state of all cells was found; set run.initial.voltage, as in "-65 mV"'
    )


class _SteadyCurrent:
    """Outward current of each compartment with all channels in equilibrium, and its slope."""

    def __init__(self, network: Network) -> None:
        self._network = network
        reversals = [*network.reversals_mV, 0.0]
        low, high = min(reversals) - _BEYOND_MV, max(reversals) + _BEYOND_MV
        self._range = low, high
        knots = np.arange(low, high + _SPACING_MV, _SPACING_MV)
        self._open = []
        for kind in network.kinds[: network.n_channel_kinds]:
            share = np.array(kind.scheme.relative_conductance)
            laws = [stationary_law(kind.scheme.generator(float(knot))) for knot in knots]
            self._open.append(CubicSpline(knots, np.array(laws) @ share))
        self._pools: list[tuple[Ints, Floats, Floats]] = []
        of_kind: list[list[Pool]] = [[] for _ in self._open]
        for pool in network.pools:
            of_kind[pool.kind].append(pool)
        for own in of_kind:
            self._pools.append(
                (
                    np.array([pool.compartment for pool in own], dtype=np.int64),
                    np.array([pool.count * pool.conductance_nS for pool in own]),
                    np.array([pool.reversal_mV for pool in own]),
                )
            )

    def __call__(self, voltage_mV: Floats) -> tuple[Floats, Floats]:
        cable = self._network.cable
        slope = cable.leak if len(cable.sheath_axial) else cable.leak + cable.end
        current = slope * voltage_mV - cable.leak_drive
        slope = slope.copy()
        inside = np.clip(voltage_mV, *self._range)
        for open_fraction, (where, conductance, reversal) in zip(
            self._open, self._pools, strict=True
        ):
            V = inside[where]
            force = voltage_mV[where] - reversal
            g = conductance * open_fraction(V)
            np.add.at(current, where, g * force)
            np.add.at(slope, where, g + conductance * open_fraction(V, 1) * force)
        return current, slope


def _laplacian(parent: Ints, axial: Floats) -> sparse.csr_matrix:
    """Matrix that takes potentials to the currents that leave along the cell, nS."""
    n = len(parent)
    child = np.nonzero((parent >= 0) & (axial > 0))[0]
    above, g = parent[child], axial[child]
    rows = np.concatenate([child, above, child, above])
    columns = np.concatenate([child, above, above, child])
    return sparse.csr_matrix((np.concatenate([g, g, -g, -g]), (rows, columns)), shape=(n, n))


def _alone(network: Network, name: str) -> Floats:
    """Where each compartment would rest by itself, (C,) mV; where nowhere, as the others."""
    known: dict[str, float] = {}
    for (membrane_name, _), membrane in network.membranes.items():
        if membrane_name not in known and membrane.reversals_mV:
            try:
                known[membrane_name] = membrane.resting_voltage_mV()
            except InputError:
                continue
    if not known:
        raise InputError(
            f'{name}: no membrane has a resting potential; set run.initial.voltage, as in "-65 mV"'
        )
    usual = float(np.median(list(known.values())))
    names: Sequence[str] = [
        cell.membranes[section] for cell in network.shapes for section in cell.geometry.section
    ]
    return np.array([known.get(one, usual) for one in names])
