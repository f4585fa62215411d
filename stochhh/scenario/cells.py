"""The tables of a cell: its membranes, its sections, and where they are cut.

A cell is a row or a tree of sections, or a morphology read from an SWC file. A
section is a cable of given length and diameter, or an isopotential patch of given
area. `repeat` strings copies of the sections together, as nodes and internodes.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StrictBool, StrictFloat, StrictInt, model_validator

from stochhh.errors import InputError
from stochhh.fields import (
    Area,
    Capacitance,
    Concentration,
    KeyName,
    Leak,
    Length,
    Name,
    Resistivity,
    Table,
    Temperature,
)
from stochhh.scenario.models import ChannelPopulation, LeakConductance, MembranePatch
from stochhh.scenario.paths import PathText

CellMethod = Literal["exact", "leap", "langevin", "deterministic", "auto"]
_MOST_COMPARTMENTS = 100_000


class CellChannels(ChannelPopulation):
    """Channels of one kind in the membrane of a cell; a `count` is that of each section."""

    method: CellMethod | None = Field(
        None, description="how these channels are simulated; that of the run by default"
    )


class CellMembrane(Table):
    """A kind of membrane, of any area."""

    temperature_degC: Temperature | None = Field(
        None, alias="temperature", description="without it rates stay as published"
    )
    capacitance: Capacitance = Field(description="per area, or absolute: of each section")
    leak: LeakConductance | None = None
    channels: tuple[CellChannels, ...] = Field((), max_length=100)
    count_factor: Annotated[StrictFloat, Field(gt=0, le=1e6)] = Field(
        1.0,
        description="multiplies every channel count and divides every unitary conductance, "
        "so that only the noise changes",
    )
    ligands_mM: dict[KeyName, Concentration] = Field({}, alias="ligands")

    def patch(self, area_um2: float) -> MembranePatch:
        """Tables of a patch of this membrane."""
        from stochhh.units import AREA, parse

        fields = {name: getattr(self, name) for name in type(self).model_fields}
        return MembranePatch.model_construct(area_um2=parse(f"{area_um2!r} um^2", AREA), **fields)


class Sheath(Table):
    """Myelin around a section, with a thin space between it and the axolemma.

    Without a sheath an internode is a section of a membrane of little capacitance
    and conductance.
    """

    capacitance: Capacitance = Field(description="of the myelin, per area of the axolemma")
    conductance: Leak = Field(description="of the myelin, per area of the axolemma")
    space_um: Length = Field(alias="space", description="width of the periaxonal space")
    resistivity_ohm_cm: Resistivity = Field(alias="resistivity", description="of what fills it")


class Section(Table):
    """An unbranched stretch of a cell, or with an `area` an isopotential patch."""

    name: Name
    membrane: Name = Field(description="one of [membranes]")
    length_um: Length | None = Field(None, alias="length")
    diameter_um: Length | tuple[Length, Length] | None = Field(
        None, alias="diameter", description="one, or that of either end"
    )
    area_um2: Area | None = Field(None, alias="area")
    parent: Name | None = Field(None, description="the section it hangs on; the one above it")
    parent_fraction: Annotated[StrictFloat, Field(ge=0, le=1)] = Field(
        1.0, description="where along the parent; at its end by default"
    )
    compartments: Annotated[StrictInt, Field(ge=1, le=_MOST_COMPARTMENTS)] | None = None
    sheath: Sheath | None = None

    @model_validator(mode="after")
    def _cable_or_patch(self) -> Self:
        cable = (self.length_um, self.diameter_um)
        if self.area_um2 is None and None in cable:
            raise InputError(
                f"section '{self.name}': give its length and diameter, as in "
                'length = "1 mm" and diameter = "1 um", or, for a patch, its area'
            )
        if self.area_um2 is not None and cable != (None, None):
            raise InputError(
                f"section '{self.name}': an area makes it an isopotential patch, which has no "
                "length and diameter; drop the one or the others"
            )
        if self.area_um2 is not None and (self.compartments or 1) > 1:
            raise InputError(f"section '{self.name}': a patch is one compartment")
        if self.area_um2 is not None and self.sheath is not None:
            raise InputError(f"section '{self.name}': a patch takes no sheath")
        return self


class Morphology(Table):
    """A cell's shape read from an SWC file, and the membrane of each of its domains."""

    file: PathText = Field(description="path of an SWC file")
    membranes: dict[Literal["soma", "axon", "dendrite", "apical"], Name]


class Cell(Table):
    """A cell as compartments joined by axial resistance."""

    name: Name
    axial_resistivity_ohm_cm: Resistivity | None = Field(None, alias="axial_resistivity")
    section: tuple[Section, ...] = Field((), max_length=1000)
    morphology: Morphology | None = None
    repeat: Annotated[StrictInt, Field(ge=1, le=10_000)] = Field(
        1, description="copies of the sections strung together"
    )
    closed: StrictBool = Field(
        False, description="with repeat: end with one more copy of the first section"
    )
    killed: tuple[Name, ...] = Field(
        (), description='cut ends, open to the bath: "start", "end" or sections; others are sealed'
    )
    compartment: Annotated[StrictFloat, Field(gt=0, le=1)] = Field(
        0.05, description="longest compartment, as a fraction of the length constant at 100 Hz"
    )
    compartment_length_um: Length | None = Field(
        None, alias="compartment_length", description="longest compartment instead"
    )

    @model_validator(mode="after")
    def _has_one_shape(self) -> Self:
        if bool(self.section) == (self.morphology is not None):
            raise InputError(
                f"cell '{self.name}': give it sections ([[cell.section]]) or a morphology, "
                "one of the two"
            )
        above: set[str] = set()
        for section in self.section:
            if section.name in above:
                raise InputError(f"cell '{self.name}': two sections named '{section.name}'")
            if section.parent is not None and section.parent not in above:
                raise InputError(
                    f"cell '{self.name}': section '{section.name}' hangs on "
                    f"'{section.parent}', which is no section above it"
                )
            above.add(section.name)
        if self.repeat > 1 and any(section.parent is not None for section in self.section):
            raise InputError(f"cell '{self.name}': repeat needs sections in a row, without parent")
        joined = len(self.section) * self.repeat > 1 or self.morphology is not None
        cable = any(section.area_um2 is None for section in self.section)
        if (joined or cable) and self.axial_resistivity_ohm_cm is None:
            raise InputError(
                f"cell '{self.name}': axial_resistivity is missing, write for example "
                'axial_resistivity = "35.4 ohm cm"'
            )
        if joined and any(section.area_um2 is not None for section in self.section):
            raise InputError(
                f"cell '{self.name}': a patch (a section with an area) has no axial resistance, "
                "so it cannot be joined to others; give it a length and a diameter"
            )
        return self
