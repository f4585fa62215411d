"""The tables of a circuit's scenario: cells and synapses instead of one membrane."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, StrictBool, StrictInt, StrictStr, model_validator

from stochhh.errors import InputError, did_you_mean
from stochhh.fields import LINES, ONE_LINE, Duration, Format, KeyName, Name, Quantity, Table, Time
from stochhh.scenario.analyses import OrFalse, SpikeDetection
from stochhh.scenario.cells import Cell, CellMembrane, CellMethod
from stochhh.scenario.figure_rows import FigureRows, check_rows
from stochhh.scenario.models import Settling
from stochhh.scenario.stimuli import Stimulus
from stochhh.scenario.studies.circuits import PropagationStudy, QuantalStudy, TwitchStudy
from stochhh.scenario.sweep_tables import SweepLists, Swept
from stochhh.scenario.synapses import ConductanceInput, Synapse
from stochhh.units import DURATION, VOLTAGE, Amount, parse


class CircuitInitial(Settling):
    """How a trial starts."""

    voltage: Annotated[Amount | Literal["rest"], Quantity(VOLTAGE, word="rest")] = Field(
        "rest", description="of every compartment; at rest the whole circuit is in equilibrium"
    )


class CircuitRecord(Table):
    """What is written down while a trial runs; it changes nothing in the run."""

    interval_ms: Duration = Field(parse("0.1 ms", DURATION), alias="interval")
    variables: tuple[Literal["voltage", "open"], ...] = ("voltage", "open")
    where: Literal["everywhere"] | tuple[Name, ...] = Field(
        "everywhere", description='places such as "axon end" or "axon 120 um"'
    )


class CircuitRun(Table):
    """Length, repetition, seed and method."""

    duration_ms: Duration = Field(alias="duration")
    trials: Annotated[StrictInt, Field(ge=1, le=10**7)] = 1
    seed: Annotated[StrictInt, Field(ge=0, lt=2**63)] | None = None
    method: CellMethod = Field(
        "auto", description="of channels whose membrane does not say its own"
    )
    step_ms: Duration | None = Field(
        None,
        alias="step",
        description="time step, in which compartments are joined and channels, also exact ones, "
        "see a voltage that is held",
    )
    initial: CircuitInitial = CircuitInitial()
    record: CircuitRecord = CircuitRecord()
    deterministic: StrictBool = Field(
        True, description="run the deterministic limit of the same circuit beside the trials"
    )


class CircuitAnalysis(Table):
    """What to compute from a run of a circuit: spikes always."""

    spikes: SpikeDetection = SpikeDetection()
    propagation: Annotated[PropagationStudy | None, OrFalse()] = None
    quantal: Annotated[QuantalStudy | None, OrFalse()] = None
    twitch: Annotated[TwitchStudy | None, OrFalse()] = None

    @property
    def studies(self) -> dict[str, Table]:
        """Settings of each study asked for, by its name."""
        named = {name: getattr(self, name) for name in CIRCUIT_STUDY_NAMES}
        return {name: table for name, table in named.items() if table is not None}


#: Every study of circuits, in the order in which they are made.
CIRCUIT_STUDY_NAMES = tuple(name for name in CircuitAnalysis.model_fields if name != "spikes")


class CircuitFigure(Table):
    """What the picture shows."""

    start_ms: Time | None = Field(None, alias="start")
    end_ms: Time | None = Field(None, alias="end")
    traces: Annotated[StrictInt, Field(ge=0, le=1000)] = Field(
        5, description="how many trials are drawn as curves"
    )
    trial: Annotated[StrictInt, Field(ge=0)] = Field(0, description="of which maps are drawn")
    axis: Annotated[StrictStr, Field(max_length=100), ONE_LINE] = Field(
        "", description="label of the axis of a sweep"
    )
    rows: FigureRows = Field({})


class Circuit(Swept):
    """One experiment on cells: their membranes, their shape, what joins and drives them."""

    format: Format
    title: Name
    about: Annotated[StrictStr, Field(max_length=4000), LINES] = Field(
        "", description="what it shows"
    )
    cite: tuple[Name, ...] = ()
    membranes: dict[KeyName, CellMembrane]
    cell: tuple[Cell, ...] = Field(min_length=1, max_length=1000)
    synapse: tuple[Synapse, ...] = Field((), max_length=10_000)
    input: tuple[ConductanceInput, ...] = Field((), max_length=10_000)
    stimulus: tuple[Stimulus, ...] = Field((), max_length=1000)
    run: CircuitRun
    analysis: CircuitAnalysis = CircuitAnalysis()
    figure: CircuitFigure = CircuitFigure()
    sweep_lists: SweepLists = Field({}, alias="sweep")

    @model_validator(mode="after")
    def _rows_are_points(self) -> Self:
        check_rows(self.figure.rows, self.sweep)
        return self

    @model_validator(mode="after")
    def _names_are_known(self) -> Self:
        cells = _distinct([cell.name for cell in self.cell], "cell")
        synapses = _distinct([synapse.name for synapse in self.synapse], "synapse")
        for cell in self.cell:
            wanted = [section.membrane for section in cell.section]
            if cell.morphology is not None:
                wanted.extend(cell.morphology.membranes.values())
            for name in wanted:
                _check(name, self.membranes, f"cell '{cell.name}': no membrane")
        for synapse in self.synapse:
            _check(synapse.source, cells, f"synapse '{synapse.name}': from: no cell")
            _check(synapse.target, cells, f"synapse '{synapse.name}': to: no cell")
        for study in (self.analysis.propagation, self.analysis.twitch):
            if study is not None and study.cell is not None:
                _check(study.cell, cells, "analysis: no cell")
        if self.analysis.quantal is not None and self.analysis.quantal.synapse is not None:
            _check(self.analysis.quantal.synapse, synapses, "analysis.quantal: no synapse")
        for what, entries in (("stimulus", self.stimulus), ("input", self.input)):
            for index, entry in enumerate(entries):
                if entry.cell is not None:
                    _check(entry.cell, cells, f"{what}[{index}].cell: no cell")
        return self


def _distinct(names: list[str], what: str) -> dict[str, int]:
    """Number of each name; all must differ."""
    found: dict[str, int] = {}
    for name in names:
        if name in found:
            raise InputError(f"two entries [[{what}]] named '{name}'; names must differ")
        found[name] = len(found)
    return found


def _check(name: str, known: Any, where: str) -> None:
    if name not in known:
        raise InputError(f"{where} '{name}'; {did_you_mean(name, known)}")
