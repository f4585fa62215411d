"""Negative controls: schemes that are a little wrong, which a verification must refuse."""

from __future__ import annotations

from dataclasses import replace

from stochhh.kinetics.scheme import ChannelScheme

#: Relative error of a rate that a verification should see.
RATE_ERROR = 0.03


def with_rate(scheme: ChannelScheme, rate_class: int, factor: float) -> ChannelScheme:
    """Return a wrong scheme: one rate class too fast or too slow."""
    rates = list(scheme.rates)
    rates[rate_class] = replace(rates[rate_class], factor=factor * rates[rate_class].factor)
    return replace(scheme, rates=tuple(rates))


def with_multiplicity(scheme: ChannelScheme, transition: int, by: int) -> ChannelScheme:
    """Return a wrong scheme: the multiplicity of one transition off by a whole number."""
    arrows = list(scheme.transitions)
    arrow = arrows[transition]
    arrows[transition] = replace(arrow, multiplicity=arrow.multiplicity + by)
    return replace(scheme, transitions=tuple(arrows))


def wrong_rates(scheme: ChannelScheme, error: float = RATE_ERROR) -> dict[str, ChannelScheme]:
    """For each rate class, by its name, the scheme with only that one off."""
    return {
        name: with_rate(scheme, index, 1.0 + error) for index, name in enumerate(scheme.rate_names)
    }


def wrong_multiplicities(scheme: ChannelScheme) -> dict[str, ChannelScheme]:
    """For each transition, by what is wrong in words, the scheme with one way more for it."""
    return {
        f"{scheme.states[arrow.source]} to {scheme.states[arrow.target]} "
        f"{arrow.multiplicity + 1} ways": with_multiplicity(scheme, index, 1)
        for index, arrow in enumerate(scheme.transitions)
    }
