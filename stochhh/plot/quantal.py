"""The picture of quantal release: numbers of vesicles, responses, delays."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from scipy.stats import binom, poisson

from stochhh.plot import style


@style.as_written
def draw_quantal(findings: Any, heading: str) -> Figure:
    """Draw how many vesicles spikes released, what they did, and after which delay."""
    study = findings.data
    with style.style():
        figure = Figure(figsize=(style.WIDTH, 2.6), layout="constrained")
        counts, responses, delays = figure.subplots(1, 3)
        most = int(study.released.max(initial=1))
        k = np.arange(most + 2)
        n = len(study.released)
        seen = np.bincount(study.released.astype(int), minlength=len(k))[: len(k)]
        counts.bar(k, seen, color=style.VOLTAGE, alpha=0.6, label="spikes")
        law = n * binom.pmf(k, study.sites, study.probability)
        counts.plot(k, law, color=style.MEAN, marker="o", markersize=3, label="binomial")
        poissonian = n * poisson.pmf(k, study.released.mean())
        counts.plot(k, poissonian, label="Poisson", **style.LIMIT)
        counts.set_xlabel("vesicles of a spike")
        counts.set_ylabel("spikes")
        counts.legend()
        known = study.response_mV[np.isfinite(study.response_mV)]
        if len(known):
            edges = np.histogram_bin_edges(known, bins=min(40, max(len(known) // 5, 8)))
            responses.hist(known, edges, color=style.VOLTAGE, alpha=0.6, label="to spikes")
            if len(study.quantum_mV):
                responses.axvline(
                    study.quantum_mV.mean(), color=style.MEAN, label="one vesicle, mean"
                )
            responses.legend()
        responses.set_xlabel("response (mV)")
        responses.set_ylabel("spikes")
        if len(study.delay_ms):
            delays.hist(study.delay_ms, 30, color=style.VOLTAGE, alpha=0.6)
        delays.set_xlabel("synaptic delay (ms)")
        delays.set_ylabel("vesicles")
        figure.suptitle(heading, x=0.01, ha="left", fontsize=10, fontweight="bold")
    return figure
