"""The resolved cells and synapses of a circuit: what their quantities amount to."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from stochhh.circuit.build import Network, build_network
from stochhh.circuit.geometry import tips
from stochhh.circuit.planning import settle_ms
from stochhh.circuit.rest import resting_state
from stochhh.errors import InputError
from stochhh.scenario import Circuit, points_of


def describe_circuit(circuit: Circuit) -> dict[str, Any]:
    """Work out compartments, channels and rest of each cell, and what each synapse can do.

    With a sweep this is the circuit of its first point.

    Raises
    ------
    InputError
        A cell, a membrane or a synapse that cannot be.
    """
    circuit = next(points_of(circuit)).scenario
    network = build_network(circuit)
    try:
        rest = resting_state(network, circuit.name)[0]
    except InputError:
        rest = np.full(network.n_compartments, np.nan)
    return {
        "settle_ms": settle_ms(circuit, network, rest) if np.isfinite(rest).all() else 0.0,
        "cells": [
            _cell(network, index, channels, rest)
            for index, channels in enumerate(_channels(network))
        ],
        "synapses": [
            {
                "name": one.name,
                "way": f"{one.source} {one.source_at} to {one.target} {one.target_at}",
                "sites": one.release.sites,
                "content": one.release.sites * one.release.probability,
                "receptors": f"{one.receptors.count:,d} {one.receptors.scheme} a site",
                "conductance_pS": 1e3 * float(one.receptors.conductance_nS),
            }
            for one in circuit.synapse
        ],
    }


def _channels(network: Network) -> list[Counter[str]]:
    """How many channels of each name each cell has."""
    counts: list[Counter[str]] = [Counter() for _ in network.shapes]
    cells = np.searchsorted(network.first, [pool.compartment for pool in network.pools], "right")
    for cell, pool in zip(cells - 1, network.pools, strict=True):
        counts[cell][network.kinds[pool.kind].name] += pool.count
    return counts


def _cell(network: Network, index: int, channels: Counter[str], rest_mV: Any) -> dict[str, Any]:
    shape = network.shapes[index]
    geometry = shape.geometry
    own = slice(network.first[index], network.first[index + 1])
    ways = geometry.position_um + 0.5 * geometry.length_um
    is_patch = geometry.position_um[0] == 0.0  # of a given area: it has no length
    return {
        "name": shape.name,
        "sections": len(shape.sections),
        "tips": len(tips(geometry)),
        "compartments": len(geometry.parent),
        "longest_um": None if is_patch else float(geometry.length_um.max()),
        "resolved": {one.what: str(one) for one in shape.resolved},
        "reach_um": None if is_patch else float(ways.max()),
        "area_um2": float(geometry.area_um2.sum()),
        "capacitance_pF": float(network.cable.capacitance[own].sum()),
        "channels": dict(channels),
        "rest_mV": [float(np.min(rest_mV[own])), float(np.max(rest_mV[own]))],
    }
