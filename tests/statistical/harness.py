"""One harness for every test in which chance plays a part.

Each test of a hypothesis returns a `Comparison`: a p-value with what theory says
and what the simulation gave (`stochhh.verify.comparison`, which `stochhh verify`
uses too). `agrees` asserts that it is above `LEVEL`, `refuses`
that it is below. Every claim comes with a negative control, the same test given a
law that is wrong by a few per cent: a test that cannot refuse it claims nothing.

Seeds are fixed, so a test that passes passes always. At a level of 1e-6 a change
of the draws (another seed, another order of draws) makes one of a thousand
comparisons fail once in a thousand times.

At the end stand the membranes that several of these tests are made on.
"""

from __future__ import annotations

from typing import Any

from stochhh.verify.comparison import (
    Comparison,
    binomial_counts,
    binomial_variance,
    counts_follow,
    follows_exponential,
    mean_is,
    power_is,
    same_law,
    same_mean,
    variance_is,
)
from stochhh.verify.verdict import LEVEL

__all__ = [
    "LEVEL",
    "Comparison",
    "agrees",
    "binomial_counts",
    "binomial_variance",
    "counts_follow",
    "follows_exponential",
    "held",
    "mean_is",
    "power_is",
    "refuses",
    "same_law",
    "same_mean",
    "squid_patch",
    "variance_is",
]


def agrees(comparison: Comparison, what: str) -> None:
    """Assert that a simulation is as likely as not to follow the law it was compared with."""
    assert comparison.p_value > LEVEL, (
        f"{what}: theory {comparison.theory}, simulation {comparison.simulation} "
        f"(p = {comparison.p_value:.2g}, level {LEVEL:g})"
    )


def refuses(comparison: Comparison, what: str) -> None:
    """Assert a negative control: this wrong law would not have got past `agrees`."""
    assert comparison.p_value < LEVEL, (
        f"negative control {what}: a wrong law passed: theory {comparison.theory}, "
        f"simulation {comparison.simulation} (p = {comparison.p_value:.2g})"
    )


def held(schemes: dict[str, int], voltage_mV: float, **run: Any) -> dict[str, Any]:
    """Tables of a membrane whose leak holds it at a voltage, with a time constant of 1 µs.

    Its channels, `schemes` gives how many of each, conduct too little to move it.
    """
    channels = [
        {"scheme": name, "count": count, "conductance": "1e-9 pS", "reversal": "0 mV"}
        for name, count in schemes.items()
    ]
    membrane = {
        "area": "1 um^2",
        "temperature": "6.3 degC",
        "capacitance": "1 pF",
        "leak": {"conductance": "1000 nS", "reversal": f"{voltage_mV} mV"},
        "channels": channels,
    }
    initial = {"voltage": f"{voltage_mV} mV"}
    return {
        "format": 1,
        "title": "held",
        "membrane": membrane,
        "run": {"seed": 1, "deterministic": False, "initial": initial, **run},
    }


def squid_patch(area_um2: float, **run: Any) -> dict[str, Any]:
    """Tables of a patch of squid axon (Chow & White 1996, doi:10.1016/S0006-3495(96)79494-8)."""
    channels = [
        {"scheme": "squid-na", "density": "60 / um^2", "reversal": "50 mV"},
        {"scheme": "squid-k", "density": "18 / um^2", "reversal": "-77 mV"},
    ]
    membrane = {
        "area": f"{area_um2} um^2",
        "temperature": "6.3 degC",
        "capacitance": "1 uF/cm^2",
        "leak": {"conductance": "0.3 mS/cm^2", "reversal": "-54.4 mV"},
        "channels": [{**table, "conductance": "20 pS"} for table in channels],
    }
    return {
        "format": 1,
        "title": "squid patch",
        "membrane": membrane,
        "run": {"seed": 1, "deterministic": False, **run},
    }
