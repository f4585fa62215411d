"""Designing a verification: which voltages, and how large each experiment is."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stochhh import theory
from stochhh.errors import InputError
from stochhh.kinetics.scheme import ChannelScheme
from stochhh.verify.claims import CLAIMS
from stochhh.verify.experiment import Setting
from stochhh.verify.subject import checked_voltage

Floats = NDArray[np.float64]

_LOW_MV, _HIGH_MV = -100.0, 60.0
_GRID_MV = np.arange(-140.0, 121.0, 1.0)
_COARSE = 4  # of that grid, for a look at each
_APART_MV = 8.0  # voltages nearer to each other than this tell the same
_RELAXATIONS = 3.0  # length of an experiment in its slowest time constant
_MOST_EACH = 40.0  # transitions of one channel in an experiment
_MOST_CHANNELS = 2000
_MOST_FOLLOWED = 200_000  # channels times trials
_MOST_STEPS = 2000  # in a trial
_HELD_RECORDS, _STEP_RECORDS = 128, 16


class Budget(NamedTuple):
    """How much to simulate: trials and transitions an experiment, and which experiments."""

    n_trials: int
    transitions: float
    followed: float  # transitions of channels that are followed
    n_held: int  # voltages held
    n_steps: int


FULL = Budget(600, 1.5e6, 5e5, n_held=4, n_steps=3)
QUICK = Budget(250, 4e5, 2e5, n_held=3, n_steps=2)

#: Transitions of a rate class that show an error of 3 % with certainty: nine standard errors.
ENOUGH_OF_CLASS = 9e4
_MOST_FOR_CLASS = 4e6  # followed transitions of all classes, to have enough of a rare one


def voltages_mV(scheme: ChannelScheme) -> list[float]:
    """Voltages to look at, the most telling first.

    Where half as many channels are open as ever are, where nearly as many are, the usual
    extremes, and others between if these fall together.
    """
    is_open = np.array(scheme.is_open)
    shares = np.full(len(_GRID_MV), -1.0)
    for index, voltage in enumerate(_GRID_MV):
        try:
            shares[index] = theory.stationary_law(scheme.generator(float(voltage)))[is_open].sum()
        except ValueError:
            continue
    if shares.max() < 0.0:
        raise InputError(
            f"{scheme.name}: no equilibrium to start the channels from at any voltage; "
            "every scheme needs one state that is reached from all others"
        )
    if np.ptp(shares[shares >= 0.0]) < 1e-9:
        return [-65.0, _LOW_MV, _HIGH_MV, 0.0]  # no voltage changes anything
    half, most = _nearest_to_rest(shares, 0.5), _nearest_to_rest(shares, 0.9)
    wanted = [_GRID_MV[half], _GRID_MV[most], _LOW_MV, _HIGH_MV, 0.0, -60.0, 30.0, -30.0]
    chosen: list[float] = []
    for voltage in map(float, wanted):
        apart = all(abs(voltage - other) >= _APART_MV for other in chosen)
        if apart and shares[int(voltage - _GRID_MV[0])] >= 0.0:
            chosen.append(voltage)
    return chosen


def _nearest_to_rest(shares: Floats, part: float) -> int:
    """Place on the grid where a part of the largest share is reached first.

    From below, or from above where channels are open at the lowest voltages.
    """
    enough = np.nonzero(shares >= part * shares.max())[0]
    return int(enough[0] if shares[0] <= shares[-1] or enough[0] > 0 else enough[-1])


def protocols(
    scheme: ChannelScheme, budget: Budget, at_mV: Sequence[float] = ()
) -> list[tuple[float, float]]:
    """List the experiments: the voltage held before time zero, and from then on.

    Raises
    ------
    InputError
        The scheme has no equilibrium at one of the voltages asked for.
    """
    if at_mV:
        held = list(dict.fromkeys(checked_voltage(scheme, float(voltage)) for voltage in at_mV))
        others = [v for v in voltages_mV(scheme) if v not in held]
        ring = [*held, held[0]] if len(held) > 1 else [others[0], held[0], others[0]]
        steps = list(pairwise(ring))
    else:
        half, *rest = found = voltages_mV(scheme)
        held = found[: budget.n_held]
        peak = rest[0] if rest else half
        away = rest[1] if len(rest) > 1 else half
        steps = [(away, peak), (peak, away), (half, rest[-1] if rest else half)]
        steps = steps[: budget.n_steps]
    return [(voltage, voltage) for voltage in held] + [pair for pair in steps if pair[0] != pair[1]]


def setting_of(
    scheme: ChannelScheme,
    before_mV: float,
    voltage_mV: float,
    budget: Budget,
    method: str = "exact",
) -> Setting | None:
    """Size an experiment; None if the method would need more steps than it is worth."""
    claim = CLAIMS[method]
    start = theory.stationary_law(scheme.generator(before_mV))
    generator = scheme.generator(voltage_mV)
    decay = theory.relaxation_rates_per_ms(generator).real
    fastest = float(np.abs(np.diag(generator)).max(initial=0.0))
    decay = decay[decay > 1e-9 * fastest]
    duration = _RELAXATIONS / float(decay.min()) if len(decay) else 1.0
    drawn = claim.n_channels == 0  # transitions are drawn one by one
    each = _transitions(start, generator, duration)
    if drawn:
        for _ in range(20):
            if each <= _MOST_EACH:
                break
            duration *= 0.9 * _MOST_EACH / each
            each = _transitions(start, generator, duration)
    records = _HELD_RECORDS if before_mV == voltage_mV else _STEP_RECORDS
    duration = float(f"{duration / records:.3g}") * records
    steps = claim.steps
    if steps and np.isfinite(claim.finest):
        steps = max(steps, int(np.ceil(duration / records * fastest / claim.finest)))
        if steps * records > _MOST_STEPS:
            return None
    n_channels = claim.n_channels
    if drawn:
        n_channels = int(
            np.clip(budget.transitions / (budget.n_trials * each + 1e-9), 10, _MOST_CHANNELS)
        )
    n_tagged = 0
    if "rates" in claim.laws:
        n_tagged = int(np.ceil(budget.followed / (budget.n_trials * each + 1e-9)))
        n_tagged = max(1, min(n_tagged, n_channels, _MOST_FOLLOWED // budget.n_trials))
    return Setting(
        before_mV=before_mV,
        voltage_mV=voltage_mV,
        duration_ms=duration,
        n_intervals=records,
        n_channels=n_channels,
        n_trials=budget.n_trials,
        n_tagged=n_tagged,
        method=method,
        step_ms=duration / records / steps if steps else None,
        slack=claim.slack,
        fewest=claim.fewest,
    )


def setting_for_rate(
    scheme: ChannelScheme, rate_class: int, missing: float, budget: Budget
) -> Setting | None:
    """Size one more experiment for a rate class of which too few transitions were expected.

    It holds the voltage at which the largest part of all transitions is of this class.

    Parameters
    ----------
    scheme : with a single equilibrium at some voltage
    rate_class : which
    missing : how many transitions of it are wanted
    budget : of the other experiments

    Returns
    -------
    Setting, or None where the class never moves a channel in equilibrium.
    """
    grid = _GRID_MV[::_COARSE]
    shares = [_share_of_class(scheme, float(voltage), rate_class) for voltage in grid]
    best = int(np.argmax(shares))
    if shares[best] <= 0.0:
        return None
    followed = min(missing / shares[best], _MOST_FOR_CLASS)
    aimed = budget._replace(transitions=max(followed, budget.transitions), followed=followed)
    return setting_of(scheme, float(grid[best]), float(grid[best]), aimed)


def _share_of_class(scheme: ChannelScheme, voltage_mV: float, rate_class: int) -> float:
    """Part of all transitions in equilibrium that one rate class makes."""
    try:
        law = theory.stationary_law(scheme.generator(voltage_mV))
    except ValueError:
        return 0.0
    rates = scheme.rates_at(voltage_mV)
    flux = np.zeros(len(rates))
    for arrow in scheme.transitions:
        flux[arrow.rate] += law[arrow.source] * arrow.multiplicity * rates[arrow.rate]
    return float(flux[rate_class] / flux.sum()) if flux.sum() > 0.0 else 0.0


def _transitions(start: Floats, generator: Floats, duration_ms: float) -> float:
    return float(theory.transition_counts(start, generator, duration_ms).sum())
