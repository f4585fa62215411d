"""The tables of a scenario file (format 1), validated, with units.

Attribute names carry the internal unit (`area_um2`), keys in the file do not
(`area`). Amounts remember how they were written.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import (
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    model_validator,
)

from stochhh.errors import InputError
from stochhh.fields import (
    LINES,
    ONE_LINE,
    Area,
    Capacitance,
    Concentration,
    Conductance,
    Density,
    Duration,
    Format,
    KeyName,
    Leak,
    MaximalConductance,
    Name,
    Quantity,
    Table,
    Temperature,
    Time,
    Voltage,
    VoltageStep,
)
from stochhh.scenario.analyses import Analysis
from stochhh.scenario.clamp import VoltageClamp
from stochhh.scenario.figure_rows import FigureRows, check_rows
from stochhh.scenario.paths import PathText
from stochhh.scenario.stimuli import Stimulus
from stochhh.scenario.sweep_tables import SweepLists, Swept
from stochhh.units import DURATION, SETTLE, VOLTAGE, Amount, parse

Variable = Literal["voltage", "open", "current", "charge", "occupancy"]
#: For panels of the figure the recorded variable they show.
_SHOWN_BY = {"open": "open", "current": "current", "ions": "charge"}
MethodName = Literal[
    "exact",
    "leap",
    "langevin",
    "shielded",
    "frozen",
    "leap-first-order",
    "subunit",
    "deterministic",
    "auto",
]
Panel = Literal[
    "stimulus", "voltage", "open", "current", "total_current", "ions", "spikes", "channels"
]


class ChannelPopulation(Table):
    """Channels of one kind: any sufficient subset of count, density and conductances."""

    scheme: PathText = Field(description="a name in the library, or the path of a scheme file")
    name: Name | None = Field(None, description="label; the scheme's name by default")
    density_per_um2: Density | None = Field(None, alias="density")
    count: Annotated[StrictInt, Field(ge=0, le=10**12)] | None = None
    conductance_nS: Conductance | None = Field(
        None, alias="conductance", description="of one open channel"
    )
    maximal_conductance: MaximalConductance | None = Field(
        None, description="of all channels open, per area or absolute"
    )
    reversal_mV: Voltage = Field(alias="reversal")
    noise: StrictBool = Field(
        True, description="false: these channels follow their mean field, without noise"
    )
    initial_state: Name | None = Field(
        None, description="state in which all of them begin; without it they are in equilibrium"
    )


class LeakConductance(Table):
    """Ohmic leak."""

    conductance: Leak = Field(description="per area or absolute")
    reversal_mV: Voltage = Field(alias="reversal")


class MembranePatch(Table):
    """An isopotential patch of membrane."""

    area_um2: Area = Field(alias="area")
    temperature_degC: Temperature | None = Field(
        None, alias="temperature", description="without it rates stay as published"
    )
    capacitance: Capacitance = Field(description="per area or absolute")
    leak: LeakConductance | None = None
    channels: tuple[ChannelPopulation, ...] = Field((), max_length=100)
    count_factor: Annotated[StrictFloat, Field(gt=0, le=1e6)] = Field(
        1.0,
        description="multiplies every channel count and divides every unitary conductance, "
        "so that only the noise changes",
    )
    ligands_mM: dict[KeyName, Concentration] = Field({}, alias="ligands")


class Settling(Table):
    """How long a membrane is left alone before a trial."""

    settle: Annotated[Amount | Literal["auto"], Quantity(SETTLE, word="auto")] = Field(
        "auto",
        description="time before time zero, not recorded and without stimuli, in which a random "
        "membrane at rest comes into the joint stationary law of its voltage and channels; "
        '"auto" is three of its slowest time constants, up to 100 ms; "0 ms" begins with '
        "channels in equilibrium at a voltage that has not moved yet; synapses of cells begin "
        "full and without transmitter, inputs shut",
    )

    @property
    def settle_ms(self) -> float | None:
        """Time to settle, None for as long as it needs."""
        return float(self.settle) if isinstance(self.settle, Amount) else None


class Initial(Settling):
    """How a trial starts."""

    voltage: Annotated[Amount | Literal["rest"], Quantity(VOLTAGE, word="rest")] = "rest"
    displacement_mV: Voltage = Field(
        parse("0 mV", VOLTAGE),
        alias="displacement",
        description="instantaneous shift of the voltage after the channels have settled",
    )
    result: PathText | None = Field(
        None, description="result file (or its folder) whose final states are taken up"
    )

    @model_validator(mode="after")
    def _settles_or_goes_on(self) -> Self:
        if self.result is not None and self.settle_ms:
            raise InputError(
                "result and settle: what goes on from a result has no time to settle; drop one"
            )
        return self

    @property
    def voltage_mV(self) -> float | None:
        """Initial voltage, None for rest."""
        return float(self.voltage) if isinstance(self.voltage, Amount) else None


class Record(Table):
    """What is written down while a trial runs; it changes nothing in the run."""

    interval_ms: Duration = Field(parse("0.1 ms", DURATION), alias="interval")
    variables: tuple[Variable, ...] = ("voltage", "open", "current")
    channels: Annotated[StrictInt, Field(ge=0, le=10**6)] | Literal["all"] = Field(
        0, description="how many channels of each population to follow one by one"
    )


class Run(Table):
    """Length, repetition, seed and method."""

    duration_ms: Duration = Field(alias="duration")
    trials: Annotated[StrictInt, Field(ge=1, le=10**7)] = 1
    seed: Annotated[StrictInt, Field(ge=0, lt=2**63)] | None = None
    method: MethodName = "exact"
    step_ms: Duration | None = Field(
        None, alias="step", description="time step of the methods that have one; exact has none"
    )
    accuracy: Annotated[StrictFloat, Field(gt=0, le=0.5)] = Field(
        0.02, description="relative error of firing statistics that method auto may make"
    )
    initial: Initial = Initial()
    record: Record = Record()
    deterministic: StrictBool = Field(
        True, description="run the deterministic limit of the same membrane beside the trials"
    )
    band_width_mV: VoltageStep | None = Field(
        None, alias="band_width", description="voltage bands of the exact method; speed only"
    )


class FigureLayout(Table):
    """What the picture shows; by default whatever was recorded."""

    panels: tuple[Panel, ...] | None = None
    start_ms: Time | None = Field(None, alias="start")
    end_ms: Time | None = Field(None, alias="end")
    traces: Annotated[StrictInt, Field(ge=0, le=1000)] = Field(
        5, description="how many trials are drawn as curves"
    )
    axis: Annotated[StrictStr, Field(max_length=100), ONE_LINE] = Field(
        "", description="label of the swept axis"
    )
    rows: FigureRows = Field({})
    voltage: Annotated[StrictStr, Field(max_length=100), ONE_LINE] = Field(
        "voltage (mV)", description="label of voltages, of a model that counts them from rest"
    )
    annotate: StrictBool = Field(False, description="name the phases of the action potential")


class Scenario(Swept):
    """One experiment: a membrane, what is done to it, and what is written down."""

    format: Format
    title: Name
    about: Annotated[StrictStr, Field(max_length=4000), LINES] = Field(
        "", description="what it shows"
    )
    cite: tuple[Name, ...] = ()
    membrane: MembranePatch
    stimulus: tuple[Stimulus, ...] = Field((), max_length=1000)
    clamp: VoltageClamp | None = Field(
        None, description="hold the voltage instead of letting it move"
    )
    run: Run
    analysis: Analysis = Analysis()
    figure: FigureLayout = FigureLayout()
    sweep_lists: SweepLists = Field({}, alias="sweep")

    @model_validator(mode="after")
    def _is_driven_everywhere(self) -> Self:
        for index, stimulus in enumerate(self.stimulus):
            if stimulus.cell is not None or stimulus.at is not None:
                raise InputError(
                    f"stimulus[{index}]: cell and at say where on cells ([[cell]]); one membrane "
                    "has no places, so drop them"
                )
        return self

    @model_validator(mode="after")
    def _clamped_or_driven(self) -> Self:
        if self.clamp is None:
            return self
        if self.stimulus:
            raise InputError("clamp: a clamped membrane takes no [[stimulus]]; drop one of the two")
        initial = self.run.initial
        if initial.voltage != "rest" or initial.displacement_mV != 0.0 or initial.settle_ms:
            raise InputError(
                "run.initial: a clamped membrane starts at clamp.holding, in equilibrium; "
                "drop voltage, displacement and settle"
            )
        return self

    @model_validator(mode="after")
    def _rows_are_points(self) -> Self:
        check_rows(self.figure.rows, self.sweep)
        return self

    @model_validator(mode="after")
    def _panels_have_their_data(self) -> Self:
        record = self.run.record
        for panel in self.figure.panels or ():
            variable = _SHOWN_BY.get(panel)
            if variable is not None and variable not in record.variables:
                raise InputError(
                    f"figure.panels: '{panel}' shows what is not recorded; "
                    f'add "{variable}" to run.record.variables'
                )
            if panel == "total_current" and self.clamp is None:
                raise InputError(
                    "figure.panels: 'total_current' is that of a [clamp]; there is none"
                )
            if panel == "channels" and record.channels == 0:
                raise InputError(
                    "figure.panels: 'channels' shows single channels and none is followed; "
                    "set run.record.channels, as in 20"
                )
        return self
