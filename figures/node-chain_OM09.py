"""Noise carries impulses along a chain of nodes whose coupling is too weak.

Ochab-Marcinek, Schmid, Goychuk & Hänggi 2009, doi:10.1103/PhysRevE.79.011904. Without
noise there is a sharp threshold of the coupling between nodes of Ranvier: below it an
impulse dies, above it all nodes are passed. Channel noise removes the threshold, and
below it there is a number of channels with which impulses get farthest: fewer make the
nodes fire by themselves, more leave them still. Only these shapes are compared. A node
here is the squid's membrane, with the same conductance whatever its number of channels;
an impulse passes a node that fires within 10 ms after the one before it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from common import Check, main
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

import stochhh
from stochhh.analysis.cells import passages
from stochhh.analysis.estimates import mean_estimate
from stochhh.plot import style

SOURCE = "Ochab-Marcinek et al. 2009"
DIAMETER, COUNT = "cell.chain.section.internode.diameter", "membranes.node.count_factor"
DIAMETERS_UM = (0.12, 0.13, 0.14, 0.145, 0.15, 0.155, 0.16, 0.17, 0.18, 0.2)
WEAK_UM = 0.14
CURVES = (0.3, 1.0, 5.0)
FACTORS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 2.0, 5.0, 10.0)
CHANNELS = 16_965  # sodium channels of a node at factor 1: 60 / µm² of 282.7 µm²
SOME = 0.3  # as many channels as are best, by runs with other seeds
LATEST_MS, LONGEST_HOP_MS, SHORTEST_HOP_MS = 9.0, 10.0, 0.3


def coupling_pS(diameter_um: NDArray[np.float64]) -> NDArray[np.float64]:
    """Conductance of an internode of 100 µm and 100 ohm cm, between the nodes' middles."""
    internode = 100.0 / (np.pi * diameter_um**2 / 4.0)
    node = 30.0 / (np.pi * 3.0**2 / 4.0)
    return 1e6 / (internode + node)  # 1 µm / (1 ohm m) = 1 µS


def passed(data: xr.Dataset, deterministic: bool = False) -> list[float]:
    """How many nodes beyond the first the evoked impulse passes, in each trial."""
    nodes = np.flatnonzero(data["count"].values.sum(axis=1) > 0)
    trains = [passages(data, int(node), deterministic=deterministic) for node in nodes]
    return [float(_hops([of_node[trial] for of_node in trains])) for trial in range(len(trains[0]))]


def _hops(trains: list[NDArray[np.float64]]) -> int:
    """Nodes that fire one after the other, from the first impulse of the first node on."""
    evoked = trains[0][(trains[0] > 5.0) & (trains[0] < LATEST_MS)]
    if not len(evoked):
        return 0
    when = evoked[0]
    for hops, train in enumerate(trains[1:]):
        after = train[(train > when + SHORTEST_HOP_MS) & (train < when + LONGEST_HOP_MS)]
        if not len(after):
            return hops
        when = after[0]
    return len(trains) - 1


def run(diameters_um: Sequence[float], factors: Sequence[float], trials: int) -> stochhh.Result:
    """Impulses at all couplings and numbers of channels."""
    diameters = ", ".join(f'"{one} um"' for one in diameters_um)
    overrides = [
        f'sweep={{ "{DIAMETER}" = [{diameters}], "{COUNT}" = {list(factors)} }}',
        'run.record={ interval = "5 ms", variables = ["voltage"], where = ["chain end"] }',
    ]
    return stochhh.run("node-chain_OM09", overrides=overrides, seed=1, trials=trials)


def compute(quick: bool) -> xr.Dataset:
    diameters = (0.14, 0.17) if quick else DIAMETERS_UM
    factors = (0.02, 0.3, 10.0) if quick else FACTORS
    trials = 40 if quick else 300
    strengths = run(diameters, CURVES, trials)
    sizes = run([WEAK_UM], factors, 300 if quick else trials)
    rows = [passed(strengths.point(k)) for k in range(strengths.n_points)]
    still = [passed(strengths.point(k), deterministic=True) for k in range(strengths.n_points)]
    shape = (len(diameters), len(CURVES))
    return xr.Dataset(
        {
            "passed": (("diameter", "curve", "trial"), np.reshape(rows, (*shape, trials))),
            "deterministic": ("diameter", np.reshape(still, shape)[:, 0]),
            "weak": (
                ("factor", "weak_trial"),
                [passed(sizes.point(k)) for k in range(len(factors))],
            ),
            "weak_deterministic": ((), passed(sizes.point(0), deterministic=True)[0]),
        },
        coords={"diameter": list(diameters), "curve": list(CURVES), "factor": list(factors)},
    )


def plot(data: xr.Dataset) -> Figure:
    figure = Figure(figsize=(style.WIDTH, 2.9), layout="constrained")
    left, right = figure.subplots(1, 2)
    x = coupling_pS(data["diameter"].values)
    for factor, color in zip(data["curve"].values, ("#E69F00", style.VOLTAGE, "#009E73"),
                             strict=True):  # fmt: skip
        label = f"{round(factor * CHANNELS, -2):,.0f} Na⁺ channels a node"
        _draw(left, x, data["passed"].sel(curve=factor).values, color, label)
    left.plot(x, data["deterministic"], label="deterministic", drawstyle="steps-mid", **style.LIMIT)
    left.set_xlabel("coupling between nodes (pS)")
    left.set_ylabel("nodes passed, of 9")
    left.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    channels = data["factor"].values * CHANNELS
    pS = float(coupling_pS(np.array(WEAK_UM)))
    _draw(right, channels, data["weak"].values, style.VOLTAGE, f"at {pS:.0f} pS (mean, 95 %)")
    right.axhline(float(data["weak_deterministic"]), label="deterministic", **style.LIMIT)
    right.set_xscale("log")
    right.set_xlabel("Na⁺ channels a node")
    right.set_ylabel("nodes passed, of 9")
    right.set_ylim(bottom=-0.05)
    right.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    return figure


def _draw(axes: Axes, x: NDArray[np.float64], rows: NDArray[np.float64], color: str,
          label: str) -> None:  # fmt: skip
    mean = rows.mean(axis=1)
    error = 1.96 * rows.std(axis=1, ddof=1) / np.sqrt(rows.shape[1])
    axes.errorbar(x, mean, error, fmt="o-", color=color, markersize=3, linewidth=0.9, label=label)


def check(data: xr.Dataset) -> Sequence[Check]:
    strong = data.sel(diameter=0.17)
    above = mean_estimate(strong["passed"].sel(curve=0.3).values)
    some = data["weak"].sel(factor=SOME).values
    at_some = mean_estimate(some)
    channels = f"{SOME * CHANNELS:,.0f} channels"
    return [
        Check("deterministic: nodes passed below the threshold", SOURCE, 9.0,
              float(data["deterministic"].sel(diameter=WEAK_UM)), 0.0, None, "<"),
        Check("deterministic: nodes passed above it", SOURCE, 9.0,
              float(strong["deterministic"]), 0.0),
        Check(f"above it, {channels}: nodes passed", SOURCE, 9.0, above.value, 0.0,
              above.interval, "<"),
        Check(f"below it, {channels}: nodes passed, against the limit", SOURCE,
              float(data["weak_deterministic"]), at_some.value, 0.0, at_some.interval, ">"),
        *(
            _difference(f"below it, {channels}: nodes passed more than with {what}", some,
                        data["weak"].values[k])
            for k, what in ((0, "fewest"), (-1, "most"))
        ),
    ]  # fmt: skip


def _difference(what: str, ours: NDArray[np.float64], other: NDArray[np.float64]) -> Check:
    """That one mean lies above another."""
    found = float(ours.mean() - other.mean())
    error = 1.96 * np.sqrt((ours.var(ddof=1) + other.var(ddof=1)) / len(ours))
    return Check(what, SOURCE, 0.0, found, 0.0, (found - error, found + error), ">")


if __name__ == "__main__":
    main("node-chain_OM09", compute, plot, check)
