"""The `[analysis]` tables of a scenario: how spikes are found, and which studies to make.

A study is made of a run when its table stands in the scenario, empty or not; `false`
in its place leaves out one that the base asks for. What a table leaves out is worked
out from the protocol.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Self

from pydantic import Field, GetCoreSchemaHandler, model_validator
from pydantic_core import CoreSchema, core_schema

from stochhh.errors import InputError
from stochhh.fields import Table, Voltage
from stochhh.scenario.studies.channels import (
    DwellTimeStudy,
    NoiseStudy,
    SingleChannelStudy,
    SpectrumStudy,
)
from stochhh.scenario.studies.signals import (
    CoherenceStudy,
    InformationStudy,
    VoltageSpectrumStudy,
)
from stochhh.scenario.studies.spike_trains import (
    ReliabilityStudy,
    SpikeShapeStudy,
    SpikeTrainStudy,
)
from stochhh.scenario.studies.thresholds import (
    FiringEfficiencyStudy,
    PhaseLockingStudy,
    RefractorinessStudy,
    StrengthDurationStudy,
)
from stochhh.scenario.studies.tuning import (
    PatchSizeStudy,
    StochasticResonanceStudy,
    TuningStudy,
)
from stochhh.units import VOLTAGE, parse


class SpikeDetection(Table):
    """A spike is an upward crossing of `threshold` after the voltage was below `rearm`."""

    threshold_mV: Voltage = Field(parse("0 mV", VOLTAGE), alias="threshold")
    rearm_mV: Voltage = Field(parse("-30 mV", VOLTAGE), alias="rearm")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.rearm_mV >= self.threshold_mV:
            raise InputError(
                f'rearm = "{self.rearm_mV.text}" must lie below '
                f'threshold = "{self.threshold_mV.text}"'
            )
        return self


@dataclass(frozen=True)
class OrFalse:
    """Pydantic annotation: `false` stands for a table that is not there."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_before_validator_function(
            lambda value: None if value is False else value, handler(source)
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: Any) -> dict[str, Any]:
        return {"anyOf": [handler(schema), {"const": False}]}


class Analysis(Table):
    """What to compute from a run: spikes always, and every study whose table is there."""

    spikes: SpikeDetection = SpikeDetection()
    noise: Annotated[NoiseStudy | None, OrFalse()] = None
    spectrum: Annotated[SpectrumStudy | None, OrFalse()] = None
    dwell_times: Annotated[DwellTimeStudy | None, OrFalse()] = None
    single_channel: Annotated[SingleChannelStudy | None, OrFalse()] = None
    spike_train: Annotated[SpikeTrainStudy | None, OrFalse()] = None
    spike_shape: Annotated[SpikeShapeStudy | None, OrFalse()] = None
    reliability: Annotated[ReliabilityStudy | None, OrFalse()] = None
    firing_efficiency: Annotated[FiringEfficiencyStudy | None, OrFalse()] = None
    strength_duration: Annotated[StrengthDurationStudy | None, OrFalse()] = None
    refractoriness: Annotated[RefractorinessStudy | None, OrFalse()] = None
    phase_locking: Annotated[PhaseLockingStudy | None, OrFalse()] = None
    tuning: Annotated[TuningStudy | None, OrFalse()] = None
    patch_size: Annotated[PatchSizeStudy | None, OrFalse()] = None
    stochastic_resonance: Annotated[StochasticResonanceStudy | None, OrFalse()] = None
    voltage_spectrum: Annotated[VoltageSpectrumStudy | None, OrFalse()] = None
    coherence: Annotated[CoherenceStudy | None, OrFalse()] = None
    information: Annotated[InformationStudy | None, OrFalse()] = None

    @property
    def studies(self) -> dict[str, Table]:
        """Settings of each study asked for, by its name."""
        named = {name: getattr(self, name) for name in STUDY_NAMES}
        return {name: table for name, table in named.items() if table is not None}


#: Every study there is, in the order in which they are made.
STUDY_NAMES = tuple(name for name in Analysis.model_fields if name != "spikes")
