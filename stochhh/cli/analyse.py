"""The command that makes studies of a saved result, and the tables of studies."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stochhh.cli.app import app

if TYPE_CHECKING:
    from stochhh.screen import Screen
    from stochhh.studies import Outcome


@app.command("analyse")
def analyse_command(
    file: Annotated[
        Path, typer.Argument(metavar="RESULT", help="A result.nc, or the folder of a run.")
    ],
    names: Annotated[
        list[str] | None,
        typer.Option(
            "--with", metavar="STUDY", help="Which study; by default those the scenario names."
        ),
    ] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="STUDY.KEY=VALUE", help="As in dwell_times.population=squid-k."
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder; that of the result by default.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")] = False,
) -> None:
    """Make studies of a saved result, such as reliability or noise."""
    from stochhh import report
    from stochhh.errors import InputError
    from stochhh.result import load
    from stochhh.screen import Screen
    from stochhh.studies import STUDY_NAMES, analyse

    result = load(file)
    outcomes = analyse(result, names or None, overrides or ())
    if not outcomes:
        raise InputError(
            f"{file}: its scenario names no study; choose with --with one of "
            + ", ".join(STUDY_NAMES)
        )
    folder = out or (file if file.is_dir() else file.parent)
    written = report.save_studies(outcomes, folder)
    screen = Screen(quiet=quiet)
    show_outcomes(outcomes, screen)
    screen.say(f"wrote {', '.join(path.name for path in written)} to {folder}/")


def show_outcomes(outcomes: Iterable[Outcome], screen: Screen) -> None:
    """Print the table of each study; one that found nothing says why, among the errors."""
    from stochhh.screen import say
    from stochhh.studies.table import study_table

    for outcome in outcomes:
        if outcome.findings is None:
            say(f"warning: {outcome.problem}", err=True)
        else:
            screen.print(study_table(outcome))
