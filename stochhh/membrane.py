"""A membrane patch: counts and conductances worked out from what a scenario gives."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stochhh.errors import InputError, did_you_mean
from stochhh.kinetics.files import load_scheme
from stochhh.kinetics.scheme import ChannelScheme
from stochhh.scenario.models import ChannelPopulation, MembranePatch
from stochhh.theory import stationary_law

Floats = NDArray[np.float64]

#: Halvings that lead from any interval of doubles to neighbours.
MOST_HALVINGS = 2100
_GRID = 401  # voltages among which the resting one is looked for

_AGREEMENT = 1e-6  # relative, of conductances given twice
_ROUNDING = 0.5  # channels, of a count given twice
_MOST_CHANNELS = 10**12


@dataclass(frozen=True)
class Population:
    """Channels of one kind in the membrane.

    Attributes
    ----------
    name : label, unique in its membrane.
    scheme : at the membrane's temperature and ligand concentrations.
    count : number of channels.
    conductance_nS : of one fully open channel.
    reversal_mV : reversal potential.
    noise : false for channels that follow their mean field.
    initial_state : in which all of them begin, instead of in equilibrium.
    """

    name: str
    scheme: ChannelScheme
    count: int
    conductance_nS: float
    reversal_mV: float
    noise: bool = True
    initial_state: str | None = None

    @property
    def maximal_conductance_nS(self) -> float:
        """Conductance with every channel open."""
        return self.count * self.conductance_nS

    def open_fraction(self, law: Floats) -> float:
        """Share of the maximal conductance under a law of the states, shape (S,)."""
        return float(law @ np.array(self.scheme.relative_conductance))


@dataclass(frozen=True)
class Membrane:
    """An isopotential patch with its channel populations and leak."""

    area_um2: float
    capacitance_pF: float
    leak_nS: float
    leak_reversal_mV: float
    populations: tuple[Population, ...]

    @property
    def n_channels(self) -> int:
        """Number of channels of all populations."""
        return sum(population.count for population in self.populations)

    @property
    def schemes(self) -> tuple[ChannelScheme, ...]:
        """Scheme of each population."""
        return tuple(population.scheme for population in self.populations)

    @property
    def reversals_mV(self) -> list[float]:
        """All reversal potentials, the leak's last if there is one."""
        leak = [self.leak_reversal_mV] if self.leak_nS > 0 else []
        return [population.reversal_mV for population in self.populations] + leak

    def stationary_laws(self, voltage_mV: float) -> list[Floats]:
        """Law of the states of each population at equilibrium, each of shape (S,)."""
        laws = []
        for population in self.populations:
            try:
                laws.append(stationary_law(population.scheme.generator(voltage_mV)))
            except ValueError as error:
                raise InputError(f"{population.name} at {voltage_mV:g} mV: {error}") from None
        return laws

    def initial_laws(self, voltage_mV: float) -> list[Floats]:
        """Law of the states of each population at the start: at equilibrium, or all in one."""
        laws = self.stationary_laws(voltage_mV)
        for index, population in enumerate(self.populations):
            if population.initial_state is not None:
                states = np.array(population.scheme.states)
                laws[index] = (states == population.initial_state).astype(np.float64)
        return laws

    def steady_current_pA(self, voltage_mV: float) -> float:
        """Outward current through all channels and the leak at equilibrium."""
        current = self.leak_nS * (voltage_mV - self.leak_reversal_mV)
        laws = self.stationary_laws(voltage_mV)
        for population, law in zip(self.populations, laws, strict=True):
            conductance = population.maximal_conductance_nS * population.open_fraction(law)
            current += conductance * (voltage_mV - population.reversal_mV)
        return float(current)

    def resting_voltage_mV(self) -> float:
        """Lowest voltage at which the steady current vanishes from below.

        Raises
        ------
        InputError
            There is none, as in a membrane without any conductance.
        """
        return _resting_voltage_mV(self)


@lru_cache(maxsize=64)
def _open_fractions(scheme: ChannelScheme, low_mV: float, high_mV: float) -> Floats:
    """Open fraction at equilibrium, (_GRID,), from one voltage to another.

    Kept, because membranes of a sweep mostly have their schemes and reversals in common.
    """
    share = np.array(scheme.relative_conductance)
    laws = stationary_law(scheme.generator(np.linspace(low_mV, high_mV, _GRID)))
    return np.asarray(laws @ share)


@lru_cache(maxsize=64)
def _resting_voltage_mV(membrane: Membrane) -> float:
    from scipy.optimize import brentq

    if not membrane.reversals_mV:
        raise InputError("a membrane without leak and channels has no resting potential")
    low, high = min(membrane.reversals_mV) - 1.0, max(membrane.reversals_mV) + 1.0
    grid = np.linspace(low, high, _GRID)
    current = membrane.leak_nS * (grid - membrane.leak_reversal_mV)
    for population in membrane.populations:
        try:
            open_fraction = _open_fractions(population.scheme, low, high)
        except ValueError as error:
            raise InputError(f"{population.name} at {low:g} to {high:g} mV: {error}") from None
        conductance = population.maximal_conductance_nS * open_fraction
        current = current + conductance * (grid - population.reversal_mV)
    rising = np.nonzero((current[:-1] <= 0.0) & (current[1:] > 0.0))[0]
    if len(rising) == 0:
        raise InputError(
            'the membrane has no resting potential; set run.initial.voltage, as in "-65 mV"'
        )
    first = int(rising[0])
    return float(
        brentq(
            membrane.steady_current_pA, grid[first], grid[first + 1], xtol=1e-12,
            maxiter=MOST_HALVINGS,
        )
    )  # fmt: skip


class Patch(NamedTuple):
    """A membrane as the numbers kernels need. S states, P populations and then the leak."""

    capacitance: float  # pF
    state_conductance: Floats  # (S,) nS of one channel in the state
    state_drive: Floats  # (S,) pA, that conductance times its reversal potential
    population: NDArray[np.int64]  # (S,)
    reversal: Floats  # (P + 1,) mV
    state_start: NDArray[np.int64]  # (P + 1,) first state of each population
    spike_threshold: float  # mV
    spike_rearm: float  # mV


def build_patch(membrane: Membrane, threshold_mV: float, rearm_mV: float) -> Patch:
    """Flatten a membrane for kernels."""
    state_conductance = np.concatenate(
        [p.conductance_nS * np.array(p.scheme.relative_conductance) for p in membrane.populations]
        or [np.zeros(0)]
    )
    sizes = [len(scheme.states) for scheme in membrane.schemes]
    population = np.repeat(np.arange(len(sizes)), sizes)
    reversal = np.array([p.reversal_mV for p in membrane.populations] + [membrane.leak_reversal_mV])
    return Patch(
        capacitance=membrane.capacitance_pF,
        state_conductance=state_conductance,
        state_drive=state_conductance * reversal[population],
        population=population.astype(np.int64),
        reversal=reversal,
        state_start=np.cumsum([0, *sizes]).astype(np.int64),
        spike_threshold=threshold_mV,
        spike_rearm=rearm_mV,
    )


def build_membrane(tables: MembranePatch, where: str) -> Membrane:
    """Work out the membrane a scenario describes.

    Raises
    ------
    InputError
        Too little or contradictory information about a population, an unknown
        scheme or ligand, or two populations of one name.
    """
    area = float(tables.area_um2)
    ligands = {name: float(amount) for name, amount in tables.ligands_mM.items()}
    populations: list[Population] = []
    for index, table in enumerate(tables.channels):
        key = f"{where}: membrane.channels[{index}]"
        try:
            scheme = load_scheme(table.scheme)
        except InputError as error:
            raise InputError(f"{key}.scheme: {error}") from None
        missing = sorted(scheme.ligands - set(ligands))
        if missing:
            raise InputError(
                f"{key}: '{scheme.name}' binds '{missing[0]}'; give its concentration, "
                f'as in ligands = {{ {missing[0]} = "1 mM" }} under [membrane]'
            )
        count, conductance = _resolve(table, area, key)
        name = table.name or scheme.name
        if name in [population.name for population in populations]:
            raise InputError(
                f"{key}: a second population named '{name}'; give it a name of its own"
            )
        scaled = round(count * tables.count_factor)
        if count and not scaled:
            raise InputError(f"{where}: membrane.count_factor leaves no channel of '{name}'")
        if scaled:
            conductance *= count / scaled
        if scaled > _MOST_CHANNELS:
            raise InputError(_too_many(key, scaled))
        temperature = tables.temperature_degC
        at = scheme.at(None if temperature is None else float(temperature), ligands)
        reversal = float(table.reversal_mV)
        state = table.initial_state
        if state is not None and state not in scheme.states:
            raise InputError(
                f"{key}.initial_state: '{scheme.name}' has no state '{state}'; "
                f"{did_you_mean(state, scheme.states)}"
            )
        populations.append(Population(name, at, scaled, conductance, reversal, table.noise, state))
    bound = {ligand for population in populations for ligand in population.scheme.ligands}
    for ligand in sorted(set(ligands) - bound):
        raise InputError(f"{where}: membrane.ligands.{ligand}: {_nothing_binds(ligand, bound)}")
    leak = tables.leak
    membrane = Membrane(
        area_um2=area,
        capacitance_pF=tables.capacitance.absolute(area),
        leak_nS=leak.conductance.absolute(area) if leak else 0.0,
        leak_reversal_mV=float(leak.reversal_mV) if leak else 0.0,
        populations=tuple(populations),
    )
    if not (0.0 < membrane.capacitance_pF < np.inf and membrane.leak_nS < np.inf):
        raise InputError(
            f'{where}: membrane: area = "{tables.area_um2.text}" times its capacitance or leak '
            "is not a finite number above zero"
        )
    return membrane


def _too_many(key: str, count: float) -> str:
    return f"{key}: {count:.3g} channels; at most {_MOST_CHANNELS:.0e} are allowed"


def _nothing_binds(ligand: str, bound: set[str]) -> str:
    hint = f"; {did_you_mean(ligand, bound)}" if bound else ""
    return f"no channel binds '{ligand}'{hint}"


def _resolve(table: ChannelPopulation, area_um2: float, key: str) -> tuple[int, float]:
    """Count and unitary conductance (nS) from whatever subset was given."""
    given: list[tuple[str, Any]] = []
    if table.count is not None:
        given.append(("count", float(table.count)))
    if table.density_per_um2 is not None:
        given.append(("density", table.density_per_um2 * area_um2))
    unitary = None if table.conductance_nS is None else float(table.conductance_nS)
    total = table.maximal_conductance
    if total is not None and unitary is not None:
        given.append(("maximal_conductance / conductance", total.absolute(area_um2) / unitary))
    if not given or (unitary is None and total is None):
        need = "count or density" if not given else "conductance or maximal_conductance"
        raise InputError(
            f"{key}: too little to go by; give {need} too, "
            'as in density = "60 / um^2" and conductance = "20 pS"'
        )
    (first, expected), *others = given
    if expected > _MOST_CHANNELS:
        raise InputError(_too_many(key, expected))
    for name, value in others:
        if abs(value - expected) > max(_ROUNDING, _AGREEMENT * expected):
            raise InputError(
                f"{key}: contradiction: {first} makes {expected:.8g} channels, "
                f"{name} makes {value:.8g}; drop one of them"
            )
    count = round(expected)
    if unitary is not None:
        return count, unitary
    assert total is not None
    if count == 0:
        raise InputError(f"{key}: no channels to carry the maximal_conductance")
    return count, total.absolute(area_um2) / count
