"""The command that verifies a channel scheme or a scenario against theory."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stochhh.cli.app import Overrides, Workers, app
from stochhh.errors import InputError
from stochhh.words import said_name


@app.command()
def verify(
    name: Annotated[
        str,
        typer.Argument(metavar="SCHEME|SCENARIO", help="A file, or a name from 'stochhh list'."),
    ],
    method: Annotated[
        str, typer.Option(metavar="METHOD", help="The method that is verified.")
    ] = "exact",
    at: Annotated[
        list[str] | None,
        typer.Option("--at", metavar="VOLTAGE", help='Hold this voltage, as in "-40 mV".'),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed; the same seed, the same table.")] = 1,
    quick: Annotated[bool, typer.Option("--quick", help="Simulate less, and see less.")] = False,
    against: Annotated[
        str | None,
        typer.Option(metavar="SCHEME", help="Expect the laws of this other scheme instead."),
    ] = None,
    overrides: Overrides = None,
    workers: Workers = None,
    every_row: Annotated[
        bool, typer.Option("--all", help="List every comparison, not the worst of each law.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE", help="A .csv for every comparison."),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the verdict alone.")] = False,
) -> None:
    """Compare simulations of a channel scheme, or of a scenario, with their closed-form laws.

    Each law has theory's value, the simulated one and a p-value. Exit code 1 if one is refused,
    at a level of one in a million for all of them together.
    """
    import os

    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # its threads slow small matrices down

    from stochhh import console, units
    from stochhh import verify as package
    from stochhh.analysis.files import write_csv
    from stochhh.screen import Screen, say
    from stochhh.verify.table import COLUMNS, table_rows, verification_table

    if out is not None and (out.suffix != ".csv" or out.is_dir()):
        raise InputError(f"--out: got {said_name(out)}, need a file that ends in .csv")
    voltages = []
    for text in at or []:
        try:
            voltages.append(float(units.parse(text, units.VOLTAGE)))
        except InputError as error:
            raise InputError(f"--at: {error}") from None
    try:
        with console.progress(f"verifying {name}", 1.0, quiet) as advance:
            rows = package.verify(
                name,
                method,
                at_mV=voltages,
                seed=seed,
                quick=quick,
                against=against,
                overrides=overrides or (),
                workers=workers,
                on_progress=advance,
            )
    except KeyboardInterrupt:
        say("interrupted: nothing was compared", err=True)
        raise typer.Exit(130) from None
    found = package.verdict(rows)
    screen = Screen()
    if not quiet:
        title = f"{name}, method {method}"
        screen.print(verification_table(title, rows, found, every_row))
        told, controls = len(found.told), len(found.told) + len(found.untold)
        if controls:
            screen.say(f"negative controls: {told} of {controls} wrong rates are refused")
    if out is not None:
        written = write_csv(out, COLUMNS, table_rows(rows, found))
        if not quiet:
            screen.say(f"wrote {written}")
    screen.say(found, style="green" if found.agrees else "red")
    if not found.agrees:
        raise typer.Exit(1)
