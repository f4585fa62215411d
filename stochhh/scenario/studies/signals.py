"""Settings of studies of voltages as signals: spectrum, coherence with the input, information."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StrictBool, StrictInt

from stochhh.fields import Duration, Frequency, Time
from stochhh.scenario.studies.common import AlongSweep, PopulationName
from stochhh.units import DURATION, parse


class VoltageSpectrumStudy(AlongSweep):
    """Spectrum of voltage or conductance beside linear theory, and the part of each population."""

    start_ms: Time | None = Field(
        None,
        alias="start",
        description="by default when what the beginning, or the last step, left has died away",
    )
    quantity: Literal["voltage", "conductance"] = "voltage"
    population: PopulationName | None = Field(
        None, description="whose conductance; by default the only one's"
    )
    segment_ms: Duration | None = Field(
        None,
        alias="segment",
        description="of Welch's method; its inverse is the resolution; by default a quarter of "
        "the stretch, 250 ms at most",
    )
    highest_per_ms: Frequency | None = Field(
        None,
        alias="highest",
        description="frequency shown; by default a quarter of the sampling frequency",
    )


class CoherenceStudy(AlongSweep):
    """Coherence of voltage or spikes with the input, and the information that it bounds."""

    response: Literal["voltage", "spikes"] = "voltage"
    segment_ms: Duration | None = Field(
        None,
        alias="segment",
        description="of Welch's method; longer than the membrane remembers; by default 250 ms, "
        "or an eighth of the stretch if that is shorter",
    )
    highest_per_ms: Frequency | None = Field(
        None,
        alias="highest",
        description="frequency up to which information is counted; by default one over the "
        "correlation time of the input, an eighth of the sampling frequency at most",
    )


class InformationStudy(AlongSweep):
    """Entropy and information rate of spike trains by the direct method."""

    bin_ms: Duration = Field(
        parse("3 ms", DURATION), alias="bin", description="a letter is whether a spike is in it"
    )
    words: tuple[Annotated[StrictInt, Field(ge=1, le=60)], ...] = Field(
        (2, 3, 4, 5, 6),
        min_length=1,
        max_length=50,
        description="lengths of words, in bins, that entropies are extrapolated from",
    )
    correction: Literal["shuffle", "none", "miller-madow", "extrapolation", "digamma"] = Field(
        "shuffle", description="of entropies for the number of trials"
    )
    bound: StrictBool | None = Field(
        None,
        description="show the bound by coherence beside it; by default under frozen noise",
    )
