"""The command line's root, and the arguments several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

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

Over = Annotated[
    list[str] | None,
    typer.Option(
        metavar="KEY=VALUES",
        help='An axis: membrane.area="10 um^2,30 um^2" or "log 10 um^2 .. 90 um^2, 5".',
    ),
]
Trials = Annotated[int | None, typer.Option(help="Number of trials.")]
MethodName = Annotated[
    str | None, typer.Option(metavar="METHOD", help="How to simulate; 'stochhh list' says.")
]
Workers = Annotated[int | None, typer.Option(help="Threads; one a processor by default.")]
Force = Annotated[bool, typer.Option("--force", help="Overwrite whatever OUT holds.")]


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
    allow_outside: Annotated[
        bool,
        typer.Option(
            "--allow-outside",
            help="Let scenario files name files outside their folder; only of files you trust.",
        ),
    ] = False,
) -> None:
    from stochhh.cli.surroundings import check_memory
    from stochhh.scenario import paths

    check_memory()
    paths.allow_outside(allow_outside)
