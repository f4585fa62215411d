"""The command line: arguments in, public functions called, nothing else."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from stochhh.errors import InputError, StochhhError

app = typer.Typer(
    help="Simulate every ion channel of a membrane, beside the deterministic Hodgkin-Huxley limit.",
    epilog="Begin with:  stochhh run action-potential_HH52",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

ScenarioName = Annotated[
    str, typer.Argument(metavar="SCENARIO", help="A file, or a name from 'stochhh list'.")
]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help='Override, as in membrane.area="50 um^2".'),
]


def _version(wanted: bool) -> None:
    if wanted:
        from stochhh import __version__

        typer.echo(f"stochhh {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass


@app.command("run")
def run_command(
    scenario: ScenarioName,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the files; results/<name> by default.")
    ] = None,
    overrides: Overrides = None,
    trials: Annotated[int | None, typer.Option(help="Number of trials.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed; the same seed, the same run.")] = None,
    method: Annotated[
        str | None, typer.Option(metavar="METHOD", help="exact or deterministic.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Threads; one a processor by default.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite whatever OUT holds.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")] = False,
) -> None:
    """Run a scenario; write its data, spikes, summary and picture into a folder."""
    from rich.console import Console

    from stochhh import console, report, simulate
    from stochhh.trial import needs_compiling

    resolved = simulate.resolve(scenario, overrides or (), seed, trials, method)
    folder = report.check_folder(
        out or Path("results") / resolved.name, resolved.name, resolved.title, force
    )
    plans, _ = simulate.plan(resolved)
    screen = Console(quiet=quiet)
    if resolved.run.method != "deterministic" and needs_compiling():
        screen.print("Compiling the simulation kernels; this happens once and takes some seconds.")
    n_trials = len(plans) * simulate.n_trials_of(resolved)
    what = f"{resolved.name}, {n_trials} trial{'s' if n_trials != 1 else ''}"
    total = n_trials * float(resolved.run.duration_ms)
    try:
        with console.progress(what, total, quiet) as advance:
            result = simulate.run(resolved, workers=workers, on_advance=advance)
    except KeyboardInterrupt:
        typer.echo("interrupted: no trial had finished, nothing was written", err=True)
        raise typer.Exit(130) from None
    summary = report.save(result, folder, force)
    screen.print(console.summary_table(summary))
    screen.print(
        f"seed {result.seed}; wrote {', '.join(report.FILES)} to {folder}/", highlight=False
    )
    if result.interrupted:
        finished, planned = summary["trials"], summary["trials_planned"]
        typer.echo(f"interrupted: kept {finished} of {planned} trials", err=True)
        raise typer.Exit(130)


@app.command()
def validate(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Scenarios to check.")],
) -> None:
    """Check scenarios without running them."""
    from stochhh import simulate

    failed = False
    for file in files:
        try:
            simulate.plan(simulate.resolve(file))
            typer.echo(f"{file}: valid")
        except InputError as error:
            failed = True
            typer.echo(str(error), err=True)
    if failed:
        raise typer.Exit(InputError.exit_code)


@app.command()
def show(
    name: Annotated[
        str,
        typer.Argument(metavar="SCENARIO|SCHEME", help="A file, or a name from 'stochhh list'."),
    ],
    overrides: Overrides = None,
    voltage: Annotated[
        str, typer.Option("--at", help="For a scheme: the voltage its rates are shown at.")
    ] = "-65 mV",
    graph: Annotated[
        Path | None, typer.Option(help="For a scheme: file for a drawing of its states.")
    ] = None,
) -> None:
    """Show a resolved membrane and its thresholds, or the states and rates of a channel scheme."""
    from stochhh.kinetics.files import is_scheme

    if is_scheme(name):
        _show_scheme(name, voltage, graph)
    else:
        _show_scenario(name, overrides or ())


def _show_scheme(name: str, voltage: str, graph: Path | None) -> None:
    from rich.console import Console

    from stochhh import units
    from stochhh.console import scheme_tables
    from stochhh.describe import describe_scheme
    from stochhh.kinetics.files import load_scheme
    from stochhh.plot.overview import save_figure
    from stochhh.plot.scheme import state_graph
    from stochhh.result import replacing

    try:
        voltage_mV = float(units.parse(voltage, units.VOLTAGE))
    except InputError as error:
        raise InputError(f"--at: {error}") from None
    scheme = load_scheme(name)
    if scheme.ligands:
        scheme = scheme.at(None, dict.fromkeys(scheme.ligands, 1.0))
    screen = Console()
    screen.print(f"[bold]{scheme.title}[/bold]", highlight=False)
    if scheme.ligands:
        screen.print(f"with 1 mM of {', '.join(sorted(scheme.ligands))}", highlight=False)
    description = describe_scheme(scheme, voltage_mV)
    for table in scheme_tables(description, voltage_mV):
        screen.print(table)
    for loop in description["irreversible"]:
        typer.echo(
            f"warning: not reversible: {loop.name} (rates one way {loop.forward:.4g}, "
            f"the other {loop.backward:.4g})",
            err=True,
        )
    if graph is not None:
        with replacing(graph) as temporary:
            save_figure(state_graph(scheme, voltage_mV), temporary)
        screen.print(f"drew {graph}", highlight=False)


def _show_scenario(name: str, overrides: Sequence[str]) -> None:
    from rich.console import Console

    from stochhh.console import membrane_tables
    from stochhh.describe import describe
    from stochhh.scenario import load_scenario

    screen = Console()
    resolved = load_scenario(name, overrides)
    with Console(stderr=True).status("finding the deterministic thresholds"):
        description = describe(resolved)
    screen.print(f"[bold]{resolved.title}[/bold]", highlight=False)
    if resolved.about:
        screen.print(" ".join(resolved.about.split()), highlight=False)
    for table in membrane_tables(description):
        screen.print(table)


@app.command()
def schema() -> None:
    """Print the JSON Schema of scenario files, for completion in editors."""
    import json

    from stochhh.scenario import file_schema

    typer.echo(json.dumps(file_schema(), indent=2, ensure_ascii=False))


@app.command("list")
def list_command() -> None:
    """List the scenarios and channel schemes that come with stochhh."""
    from rich.console import Console
    from rich.table import Table

    from stochhh.kinetics.files import library_schemes, load_scheme
    from stochhh.scenario import library_scenarios, load_scenario

    entries = {
        "scenario": {name: load_scenario(path).title for name, path in library_scenarios().items()},
        "channel scheme": {name: load_scheme(name).title for name in library_schemes()},
    }
    for kind, titles in entries.items():
        table = Table(box=None, pad_edge=False)
        table.add_column(kind, no_wrap=True)
        table.add_column("what it is")
        for name, title in titles.items():
            table.add_row(name, title)
        Console().print(table, "")


def main(arguments: list[str] | None = None) -> Any:
    """Run the command line; errors become one line and an exit code."""
    try:
        app(args=arguments, prog_name="stochhh")
    except StochhhError as error:
        for line in str(error).splitlines():
            print(f"error: {line}", file=sys.stderr)
        sys.exit(error.exit_code)
