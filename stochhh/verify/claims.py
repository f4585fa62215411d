"""Which laws each method claims to have under clamp, and with which step.

One row of data a method; a method that is not listed claims nothing. Every law has
its function in `LAWS`.
"""

from __future__ import annotations

from typing import NamedTuple

from stochhh.errors import InputError
from stochhh.verify import laws, single_channel
from stochhh.verify.laws import Law

#: Every law by its name here, in the order of a table.
LAWS: dict[str, Law] = {
    "states": laws.states,
    "spread": laws.spread,
    "open mean": laws.open_mean,
    "open variance": laws.open_variance,
    "open law": laws.open_law,
    "transitions": laws.transitions,
    "rates": single_channel.rates,
    "transitions by kind": single_channel.transitions_by_kind,
    "stays": single_channel.stays_in_states,
    "dwell times": single_channel.dwell_times,
    "first latency": single_channel.first_latency,
    "covariance": laws.covariance,
    "spectrum": laws.spectrum,
}

RECORDS = ("rates", "transitions by kind", "stays", "dwell times", "first latency")
COUNTS = ("states", "spread", "open mean", "open variance", "open law", "covariance", "spectrum")


class Claim(NamedTuple):
    """What a method claims of channels at a known voltage.

    Attributes
    ----------
    laws : keys of `LAWS`.
    note : why not the others, for the table.
    steps : steps between records; 0 for a method without a step.
    finest : longest step times the fastest rate at which a channel leaves a state;
        infinite if a step of any length will do.
    slack : relative error of means and variances that this step may make.
    fewest : channels expected in the rarer of open and shut, below which nothing is
        claimed of them.
    n_channels : how many channels suit it; 0 for as many as the budget of
        transitions allows.
    right : False for a method that is known to be wrong and must be refused.
    """

    laws: tuple[str, ...]
    note: str = ""
    steps: int = 0
    finest: float = float("inf")
    slack: float = 0.0
    fewest: float = 0.0
    n_channels: int = 0
    right: bool = True


_NO_RECORDS = "it follows no channel one by one"
_FIRST_ORDER = "first order in its step, a Gaussian noise: mean and variance, of many channels"
_MOMENTS = ("open mean", "open variance")

#: Frozen rates and leaps of any length are exact while the voltage is held. The
#: first-order methods err by about half a step times the fastest rate.
CLAIMS: dict[str, Claim] = {
    "exact": Claim(tuple(LAWS)),
    "frozen": Claim((*COUNTS, "transitions"), _NO_RECORDS, steps=1),
    "leap": Claim(COUNTS, _NO_RECORDS, steps=1, n_channels=2000),
    "leap-first-order": Claim(
        _MOMENTS,
        "first order in its step: mean and variance",
        steps=1,
        finest=0.02,
        slack=0.02,
        n_channels=2000,
    ),
    "langevin": Claim(
        _MOMENTS, _FIRST_ORDER, steps=1, finest=0.02, slack=0.03, fewest=200.0, n_channels=20_000
    ),
    "shielded": Claim(
        ("open mean",),
        "it leaves noise out: mean only",
        steps=1,
        finest=0.02,
        slack=0.03,
        fewest=200.0,
        n_channels=20_000,
    ),
    "subunit": Claim(
        _MOMENTS,
        "known to be wrong; what langevin claims is compared",
        steps=1,
        finest=0.02,
        slack=0.03,
        fewest=200.0,
        n_channels=20_000,
        right=False,
    ),
}


def claim_of(method: str) -> Claim:
    """Look up what a method claims under clamp.

    Raises
    ------
    InputError
        It claims nothing that could be verified.
    """
    if method not in CLAIMS:
        known = ", ".join(CLAIMS)
        raise InputError(f"method: nothing can be verified of '{method}'; need one of {known}")
    return CLAIMS[method]
