"""GillesPy2 models of the channels, shared by its two rows.

GillesPy2 (Drawert et al. 2016 as GillesPy, doi:10.1371/journal.pone.0162189 is its
service StochSS; https://gillespy2.readthedocs.io) simulates chemical reactions: a
state is a species, a channel a molecule, a transition a reaction. Its C++ solvers
compile each model; they need a C++ compiler.
"""

from __future__ import annotations

import os
import site
from typing import Any

from peers.squid import Pair

DISTRIBUTION = "gillespy2"


def load() -> Any:
    """Import GillesPy2 so that it finds its build tool from inside a virtual environment.

    It starts SCons with the interpreter that its environment was made from.
    """
    found = os.environ.get("PYTHONPATH")
    folders = [*site.getsitepackages(), *([found] if found else [])]
    os.environ["PYTHONPATH"] = os.pathsep.join(folders)
    import gillespy2

    return gillespy2


def add_channels(
    g: Any, model: Any, states: tuple[str, ...], pairs: tuple[Pair, ...], rates: dict[str, str]
) -> None:
    """Add a channel's states and transitions to a model, all empty at first.

    Parameters
    ----------
    rates : for each name of a rate the formula that gives it
    """
    species = [g.Species(name=name, initial_value=0, mode="discrete") for name in states]
    model.add_species(species)
    for pair in pairs:
        ends = ((pair.source, pair.target, pair.forward), (pair.target, pair.source, pair.backward))
        for source, target, (multiplicity, rate) in ends:
            model.add_reaction(
                g.Reaction(
                    name=f"{states[source]}_{states[target]}",
                    reactants={species[source]: 1},
                    products={species[target]: 1},
                    propensity_function=f"{multiplicity} * {states[source]} * ({rates[rate]})",
                )
            )
