"""The picture of quantal release: numbers of vesicles, responses, delays."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import poisson

from stochhh.analysis.release import count_law
from stochhh.plot import style
from stochhh.plot.estimates import headline
from stochhh.plot.picture import Picture


@style.as_written
def draw_quantal(findings: Any, heading: str) -> Figure:
    """Draw how many vesicles spikes released, what they did, and after which delay."""
    study = findings.data
    with style.style():
        figure = Picture(figsize=(style.WIDTH, 2.6), layout="constrained")
        counts, responses, delays = figure.subplots(1, 3)
        most = int(study.released.max(initial=1))
        k = np.arange(most + 2)
        n = len(study.released)
        seen = np.bincount(study.released.astype(int), minlength=len(k))[: len(k)]
        counts.bar(k, seen, color=style.VOLTAGE, alpha=0.6, label="counted")
        law = n * count_law(study.sites, study.full, k)
        counts.plot(k, law, color=style.MEAN, marker="o", markersize=3, label="theory")
        poissonian = n * poisson.pmf(k, study.released.mean())
        counts.plot(k, poissonian, label="Poisson, same mean", **style.LIMIT)
        counts.set_xlabel("vesicles of a spike")
        counts.set_ylabel("spikes")
        _above(counts)
        known = study.response_mV[study.kept]
        if len(known):
            edges = np.histogram_bin_edges(known, bins=min(40, max(len(known) // 5, 8)))
            left_out = int(np.isfinite(study.response_mV).sum()) - len(known)
            label = f"to spikes ({left_out} left out)" if left_out else "to spikes"
            responses.hist(known, edges, color=style.VOLTAGE, alpha=0.6, label=label)
            if len(study.quantum_mV):
                responses.axvline(
                    study.quantum_mV.mean(), color=style.MEAN, label="to one vesicle, mean"
                )
            _above(responses)
        responses.set_xlabel("response (mV)")
        responses.set_ylabel("spikes")
        if len(study.delay_ms):
            delays.hist(study.delay_ms, 30, color=style.VOLTAGE, alpha=0.6)
        delays.set_xlabel("synaptic delay (ms)")
        delays.set_ylabel("vesicles")
        headline(figure, heading)
    return figure


def _above(axes: Axes) -> None:
    """Put the legend above the panel, where it covers no data."""
    axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), borderaxespad=0.2)
