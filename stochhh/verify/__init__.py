"""Verify that a simulation has the laws that theory gives it.

>>> from stochhh.verify import verify, verdict
>>> rows = verify("squid-k")
>>> print(verdict(rows))

================  ==================================================================
comparison        p-values of a simulation against a law, or of two simulations
verdict           rows, and the one statement they make together
laws              laws of the numbers of channels at a known voltage
single_channel    laws of single-channel records
tagged            those records, as flat arrays
claims            which laws each method claims
experiment        a clamp experiment: what is done, seen, and expected
subject           a scheme, and making clamp experiments on it
design            which voltages, and how large each experiment is
scheme            verifying a scheme
controls          schemes that are a little wrong, which must be refused
clamped           a clamped scenario along its command
linear_noise      variance of the voltage at rest
variations        other runs of a scenario, and two of them compared
membrane          verifying a scenario
table             the table on a terminal
================  ==================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from stochhh.errors import InputError
from stochhh.kinetics.files import load_scheme
from stochhh.kinetics.scheme import ChannelScheme
from stochhh.planning import names_scheme
from stochhh.scenario import load_scenario
from stochhh.verify.claims import claim_of
from stochhh.verify.controls import with_multiplicity, with_rate
from stochhh.verify.design import FULL, QUICK
from stochhh.verify.membrane import verify_membrane
from stochhh.verify.scheme import verify_scheme
from stochhh.verify.subject import subject_of
from stochhh.verify.verdict import LEVEL, Row, Verdict, verdict

__all__ = [
    "LEVEL",
    "Row",
    "Verdict",
    "verdict",
    "verify",
    "with_multiplicity",
    "with_rate",
]


def verify(
    scheme_or_scenario: str | Path | ChannelScheme,
    method: str = "exact",
    *,
    at_mV: Sequence[float] = (),
    seed: int = 1,
    quick: bool = False,
    against: str | ChannelScheme | None = None,
    overrides: Iterable[str] = (),
    workers: int | None = None,
    on_progress: Callable[[float], None] | None = None,
) -> list[Row]:
    """Compare simulations of a channel scheme, or of a scenario, with theory.

    Parameters
    ----------
    scheme_or_scenario : name or path of either, or a scheme. A scheme is simulated at
        the temperature of its file, and with each ligand near half its effect.
    method : as in ``run.method``; what it does not claim is not compared.
    at_mV : voltages to hold instead of those that the scheme suggests.
    seed : the same seed, the same rows.
    quick : fewer trials: errors have to be about twice as large to be seen.
    against : the scheme whose laws are expected; by default that which is simulated.
        With another one, this tells whether the difference can be seen.
    overrides : ``"key.path=value"`` texts for a scenario.
    workers : threads; the rows do not depend on it.
    on_progress : called with each share of the work that is done, from any thread.

    Returns
    -------
    list of Row
        `verdict` combines them.

    Raises
    ------
    InputError
        Nothing of that name, or nothing that could be compared.
    TrustError
        A simulation broke an invariant.
    """
    budget = QUICK if quick else FULL
    claim_of(method)
    if isinstance(scheme_or_scenario, ChannelScheme) or names_scheme(str(scheme_or_scenario)):
        if list(overrides):
            raise InputError("--set: a channel scheme has no keys to override; give a scenario")
        with subject_of(scheme_or_scenario) as subject:
            expected = against
            if isinstance(expected, str):
                expected = load_scheme(expected).at(None, dict(subject.ligands_mM))
            return verify_scheme(
                subject, method, budget, at_mV, seed, expected, workers, on_progress
            )
    if against is not None:
        raise InputError("--against: goes with a channel scheme, not with a scenario")
    scenario = load_scenario(scheme_or_scenario, overrides)
    return verify_membrane(scenario, method, budget, at_mV, seed, workers, on_progress)
