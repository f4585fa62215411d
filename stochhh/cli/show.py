"""The command that shows a membrane or a channel scheme."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stochhh.cli.app import Overrides, app
from stochhh.errors import InputError

if TYPE_CHECKING:
    from rich.table import Table

    from stochhh.scenario import Experiment


@app.command()
def show(
    name: Annotated[
        str,
        typer.Argument(metavar="SCENARIO|SCHEME", help="A file, or a name from 'stochhh list'."),
    ],
    overrides: Overrides = None,
    voltage: Annotated[
        str | None,
        typer.Option("--at", help="For a scheme: the voltage its rates are shown at; -65 mV."),
    ] = None,
    graph: Annotated[
        Path | None, typer.Option(help="For a scheme: file for a drawing of its states.")
    ] = None,
    converge: Annotated[
        bool,
        typer.Option(
            "--converge",
            help="For cells: halve step and compartments once, in the deterministic limit.",
        ),
    ] = False,
) -> None:
    """Show a resolved membrane or its cells, or the states and rates of a channel scheme."""
    from stochhh.planning import names_scheme

    scheme = names_scheme(name)
    if scheme:
        if overrides:
            raise InputError(f"--set: it sets keys of scenarios; got the channel scheme {name}")
    elif graph is not None or voltage is not None:
        raise InputError(
            f"{'--at' if graph is None else '--graph'}: it is for the states and rates of a "
            f"channel scheme, such as squid-na; got the scenario {name} (stochhh run draws what "
            "it does)"
        )
    if converge:
        _show_convergence(name, overrides or ())
    elif scheme:
        _show_scheme(name, voltage or "-65 mV", graph)
    else:
        _show_scenario(name, overrides or ())


def _show_scheme(name: str, voltage: str, graph: Path | None) -> None:
    from stochhh import units
    from stochhh.console import scheme_tables
    from stochhh.describe import describe_scheme
    from stochhh.kinetics.files import load_scheme
    from stochhh.plot.overview import save_figure
    from stochhh.plot.scheme import state_graph
    from stochhh.screen import Screen, say
    from stochhh.writing import replacing

    try:
        voltage_mV = float(units.parse(voltage, units.VOLTAGE))
    except InputError as error:
        raise InputError(f"--at: {error}") from None
    scheme = load_scheme(name)
    if scheme.ligands:
        scheme = scheme.at(None, dict.fromkeys(scheme.ligands, 1.0))
    screen = Screen()
    screen.say(scheme.title, style="bold")
    if scheme.ligands:
        screen.say(f"with 1 mM of {', '.join(sorted(scheme.ligands))}")
    description = describe_scheme(scheme, voltage_mV)
    for table in scheme_tables(description, voltage_mV):
        screen.print(table)
    for loop in description["irreversible"]:
        say(
            f"warning: not reversible: {loop.name} (rates one way {loop.forward:.4g}, "
            f"the other {loop.backward:.4g})",
            err=True,
        )
    if graph is not None:
        with replacing(graph) as temporary:
            save_figure(state_graph(scheme, voltage_mV), temporary)
        screen.say(f"drew {graph}")


def _show_convergence(name: str, overrides: Sequence[str]) -> None:
    from stochhh.circuit.converge import convergence
    from stochhh.console_circuits import convergence_table
    from stochhh.kinetics.files import is_scheme
    from stochhh.scenario import Circuit, load_experiment
    from stochhh.screen import Screen

    resolved = None if is_scheme(name) else load_experiment(name, overrides)
    if not isinstance(resolved, Circuit):
        raise InputError(
            f"--converge: {name} has no cells; need a scenario with [[cell]], such as myelinated "
            "(one membrane's deterministic limit is solved to a relative 1e-8)"
        )
    with Screen(stderr=True).status("halving step and compartments"):
        changes = convergence(resolved)
    Screen().print(convergence_table(resolved.title, changes))


def _tables_of(resolved: Experiment) -> list[Table]:
    """What there is to say of a membrane or a cell, without loading what only the other needs."""
    from stochhh.scenario import Circuit

    if isinstance(resolved, Circuit):
        from stochhh.console_circuits import cell_tables
        from stochhh.describe_circuit import describe_circuit

        return cell_tables(describe_circuit(resolved))
    from stochhh.console import membrane_tables
    from stochhh.describe import describe

    return membrane_tables(describe(resolved))


def _show_scenario(name: str, overrides: Sequence[str]) -> None:
    from stochhh.console import keys_table
    from stochhh.scenario import load_experiment
    from stochhh.screen import Screen

    screen = Screen()
    resolved = load_experiment(name, overrides)
    with Screen(stderr=True).status("finding rest and thresholds"):
        tables = _tables_of(resolved)
    screen.say(resolved.title, style="bold")
    if resolved.about:
        screen.say(" ".join(resolved.about.split()))
    for table in (*tables, keys_table(resolved)):
        screen.print(table)
