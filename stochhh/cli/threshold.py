"""The command that searches for a threshold, each batch of pulses chosen by those before."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stochhh.cli.app import Force, MethodName, Overrides, ScenarioName, Workers, app


@app.command("threshold")
def threshold_command(
    scenario: ScenarioName,
    key: Annotated[
        str | None,
        typer.Option(
            metavar="KEY", help="What is searched, as in stimulus.0.amplitude; by default that."
        ),
    ] = None,
    between: Annotated[
        tuple[str, str] | None,
        typer.Option(
            metavar="LOWEST HIGHEST",
            help='Where it may lie, as in "18 pA" "25 pA"; by default where the scenario sweeps.',
        ),
    ] = None,
    trials: Annotated[int, typer.Option(help="At most so many, of each membrane.")] = 400,
    error: Annotated[
        float, typer.Option(help="Relative standard error of the threshold that is enough.")
    ] = 0.01,
    spread_error: Annotated[
        float, typer.Option(help="Likewise of the relative spread; both must be reached.")
    ] = 0.1,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder for the files; results/<name>_threshold if none."),
    ] = None,
    overrides: Overrides = None,
    seed: Annotated[int | None, typer.Option(help="Seed; the same seed, the same numbers.")] = None,
    method: MethodName = None,
    workers: Workers = None,
    force: Force = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")] = False,
) -> None:
    """Find threshold and relative spread of a pulse with few trials, given where they tell most.

    Where the scenario sweeps other keys, each of their values gets a search of its own.
    """
    from stochhh import console, threshold_search
    from stochhh.cli.analyse import show_outcomes
    from stochhh.compiled import needs_compiling
    from stochhh.folders import held
    from stochhh.screen import Screen, say

    goal = threshold_search.check_goal(threshold_search.Goal(trials, error, spread_error))
    ready = threshold_search.prepare(scenario, key, between, overrides or (), seed, method)
    name = ready.scenario.name
    folder = threshold_search.check_folder(
        out or Path("results") / f"{name}_threshold", name, force
    )
    screen = Screen(quiet=quiet)
    if needs_compiling(plan.method for plan in ready.plans):
        console.say_compiling(quiet)
    most = trials * len(ready.plans)
    alone = threshold_search.ALONE * len(ready.plans)
    length = (most + alone) * ready.plans[0].duration_ms
    try:
        with held(folder, "search"):
            with console.progress(f"{name}, up to {most} trials", length, quiet) as advance:
                found = threshold_search.search(ready, goal, workers, on_advance=advance)
            written = threshold_search.save(found, folder)
    except KeyboardInterrupt:
        say("interrupted: nothing was found", err=True)
        raise typer.Exit(130) from None
    show_outcomes([found.outcome], screen)
    for note in found.notes():
        say(f"note: {note}", err=True)
    files = ", ".join(path.name for path in written)
    used = sum(int(curve.trials.sum()) for curve in found.curves)
    screen.say(
        f"{used} of {most} trials, seed {ready.scenario.run.seed}; wrote {files} to {folder}/"
    )
