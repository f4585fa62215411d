"""The command that runs one scenario with several methods and compares them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stochhh.cli.app import Force, Overrides, ScenarioName, Workers, app


@app.command("compare")
def compare_command(
    scenario: ScenarioName,
    methods: Annotated[
        str,
        typer.Option(metavar="METHOD,…", help='With a step if you like, as in "leap@0.1 ms".'),
    ] = "exact,leap,langevin",
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="Folder for the files; results/<name>_compare by default."
        ),
    ] = None,
    overrides: Overrides = None,
    trials: Annotated[int | None, typer.Option(help="Number of trials of each method.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed; the same seed, the same table.")] = None,
    workers: Workers = None,
    force: Force = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print the conclusions only.")
    ] = False,
) -> None:
    """Run a scenario with several methods and say which can be told from the exact one."""
    from stochhh import compare, console
    from stochhh.compare.asked import REFERENCE
    from stochhh.compare.table import comparison_tables
    from stochhh.folders import held
    from stochhh.screen import Screen, say

    texts = [text for text in methods.split(",") if text.strip()]
    asked = compare.read_methods(texts)
    ready = compare.prepare(scenario, asked, overrides or (), seed, trials)
    name = ready[0].name
    folder = compare.check_folder(out or Path("results") / f"{name}_compare", name, force)
    if REFERENCE not in [text.strip() for text in texts]:
        say("exact was not among --methods; added, as others are compared with it", err=True)
    try:
        with held(folder, "comparison"):
            found = compare.compare(
                ready,
                asked,
                workers,
                lambda what, total_ms: console.progress(f"{name}, {what}", total_ms, quiet),
                folder,
            )
            written = compare.save(found, folder)
    except KeyboardInterrupt:
        say("interrupted: nothing was compared", err=True)
        raise typer.Exit(130) from None
    screen = Screen()
    if not quiet:
        for table in comparison_tables(found, screen.width):
            screen.print(table)
        for run in found.runs:
            if run.chosen:
                screen.say(f"{run.label}: {run.chosen}")
    for sentence in compare.conclusions(found):
        screen.say(sentence)
    if not quiet:
        files = ", ".join(path.name for path in written)
        screen.say(f"seed {found.seed}; wrote {files} to {folder}/")
