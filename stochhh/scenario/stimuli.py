"""The kinds of injected current a scenario can ask for; several add up.

Amplitudes are per area (``"10 uA/cm^2"``) or absolute (``"150 pA"``). Curved
waveforms are held constant over pieces of `resolution`, each with the mean of
its piece, so the charge they inject is that of the curve.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StrictFloat, StrictInt, model_validator

from stochhh.errors import InputError
from stochhh.fields import Current, CurrentSD, Duration, Frequency, Name, Table, Time
from stochhh.scenario.paths import PathText
from stochhh.units import CURRENT, DURATION, TIME, Amount, parse

_START = parse("0 ms", TIME)
_RESOLUTION = parse("0.05 ms", DURATION)
PIECES = 20  # in which a period, or a ramp, is cut at least


class Injection(Table):
    """What all currents have in common: in a circuit, where they are injected."""

    cell: Name | None = Field(
        None, description="in a circuit: into which cell; the first by default"
    )
    at: Name | None = Field(
        None,
        description='in a circuit: where, as "start", "end", "middle", "everywhere", "120 um", '
        '"SECTION" or "SECTION 20 um"; the start by default',
    )


class Curve(Injection):
    """A current held over short pieces, at its mean over each."""

    kind: str

    resolution_ms: Duration | None = Field(
        None,
        alias="resolution",
        description="length of the pieces; 0.05 ms by default, or a twentieth of a period or "
        "ramp that is shorter",
    )

    @property
    def shape_ms(self) -> float:
        """Shortest time within which the curve takes its shape: a period, or the whole ramp."""
        raise NotImplementedError

    @property
    def piece_ms(self) -> Amount:
        """Longest piece: the resolution given, or one that follows the curve."""
        if self.resolution_ms is not None:
            return self.resolution_ms
        longest = self.shape_ms / PIECES
        if longest >= _RESOLUTION:
            return _RESOLUTION
        return Amount(longest, "ms", f"{longest:.4g} ms")


class Constant(Injection):
    """A current held through the whole run."""

    kind: Literal["constant"] = "constant"
    amplitude: Current


class Step(Injection):
    """A current from `start` for `duration`, or to the end of the run."""

    kind: Literal["step"] = "step"
    amplitude: Current
    start_ms: Time = Field(_START, alias="start")
    duration_ms: Duration | None = Field(None, alias="duration")


class Pulse(Injection):
    """A current from `start` for `duration`."""

    kind: Literal["pulse"] = "pulse"
    amplitude: Current
    start_ms: Time = Field(_START, alias="start")
    duration_ms: Duration = Field(alias="duration")


class PulseTrain(Injection):
    """`count` equal pulses of length `duration`, begun every `interval`."""

    kind: Literal["pulse-train"] = "pulse-train"
    amplitude: Current
    start_ms: Time = Field(_START, alias="start")
    duration_ms: Duration = Field(alias="duration")
    interval_ms: Duration = Field(alias="interval")
    count: Annotated[StrictInt, Field(ge=1, le=1_000_000)]

    @model_validator(mode="after")
    def _apart(self) -> Self:
        if self.duration_ms > self.interval_ms:
            raise InputError(
                f'pulses of duration = "{self.duration_ms.text}" overlap at '
                f'interval = "{self.interval_ms.text}"; make the interval longer'
            )
        return self


class Ramp(Curve):
    """A current that changes linearly from `from` to `to`, and is zero outside."""

    kind: Literal["ramp"] = "ramp"
    initial: Current = Field(parse("0 uA/cm^2", CURRENT), alias="from")
    final: Current = Field(alias="to")
    start_ms: Time = Field(_START, alias="start")
    duration_ms: Duration = Field(alias="duration")

    @property
    def shape_ms(self) -> float:
        """Its whole length."""
        return float(self.duration_ms)


class Sine(Curve):
    """A sinusoidal current, ``amplitude sin(2π (frequency t + phase))``, t from `start`."""

    kind: Literal["sine"] = "sine"
    amplitude: Current
    frequency_kHz: Frequency = Field(alias="frequency")
    phase: StrictFloat = Field(0.0, description="in cycles")
    start_ms: Time = Field(_START, alias="start")
    duration_ms: Duration | None = Field(None, alias="duration")

    @property
    def shape_ms(self) -> float:
        """Its period."""
        return 1.0 / float(self.frequency_kHz)


class Chirp(Curve):
    """A sinusoid whose frequency changes linearly from `from` to `to`."""

    kind: Literal["chirp"] = "chirp"
    amplitude: Current
    initial_kHz: Frequency = Field(alias="from")
    final_kHz: Frequency = Field(alias="to")
    start_ms: Time = Field(_START, alias="start")
    duration_ms: Duration | None = Field(None, alias="duration")

    @property
    def shape_ms(self) -> float:
        """Its shortest period."""
        return 1.0 / max(float(self.initial_kHz), float(self.final_kHz))


class Noise(Injection):
    """Gaussian noise with an exponential autocorrelation, a new draw each trial.

    An Ornstein-Uhlenbeck process (Gillespie 1996, doi:10.1103/PhysRevE.54.2084), drawn
    exactly as its means over pieces of `resolution`: its power at frequencies well below
    one over the resolution is that of the process, however short the correlation time.
    """

    kind: Literal["noise"] = "noise"
    mean: Current = parse("0 uA/cm^2", CURRENT)
    sd: CurrentSD
    correlation_time_ms: Duration = Field(alias="correlation_time")
    start_ms: Time = Field(_START, alias="start")
    duration_ms: Duration | None = Field(None, alias="duration")
    resolution_ms: Duration = Field(_RESOLUTION, alias="resolution")


class FrozenNoise(Noise):
    """The same noise in every trial, drawn from its own `seed` or else from the run's."""

    kind: Literal["frozen-noise"] = "frozen-noise"  # type: ignore[assignment]
    seed: Annotated[StrictInt, Field(ge=0, lt=2**63)] | None = None


class Waveform(Injection):
    """A current read from a CSV file with a column of times and one of amplitudes.

    The header names both with their units, as in ``time (ms),current (pA)``; the
    current is held between the times, or changes linearly with
    ``interpolation = "linear"``, and is zero outside them. `start` is added to the times.
    """

    kind: Literal["file"] = "file"
    path: PathText
    scale: StrictFloat = 1.0
    start_ms: Time = Field(_START, alias="start")
    interpolation: Literal["hold", "linear"] = "hold"
    resolution_ms: Duration = Field(_RESOLUTION, alias="resolution")


Stimulus = Annotated[
    Constant | Step | Pulse | PulseTrain | Ramp | Sine | Chirp | Noise | FrozenNoise | Waveform,
    Field(discriminator="kind"),
]
