"""The command that runs sweeps."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stochhh.cli.app import Force, MethodName, Over, Overrides, ScenarioName, app

_PATIENCE_S = 1.0  # of people, before planning is shown


@app.command("sweep")
def sweep_command(
    scenario: ScenarioName,
    over: Over = None,
    zipped: Annotated[
        list[str] | None,
        typer.Option("--zip", metavar="KEY,KEY", help="Keys whose values advance together."),
    ] = None,
    repeats: Annotated[
        int | None, typer.Option(help="Run every point so often, each time with other numbers.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder for the files; results/<name>_sweep if none."),
    ] = None,
    overrides: Overrides = None,
    trials: Annotated[int | None, typer.Option(help="Number of trials of a point.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed; the same seed, the same bytes.")] = None,
    method: MethodName = None,
    workers: Annotated[
        int | None, typer.Option(help="How many; one a processor by default.")
    ] = None,
    scheduler: Annotated[
        str, typer.Option(help="threads, processes, local (Dask), or a Dask address: tls://…")
    ] = "threads",
    keep_traces: Annotated[
        bool, typer.Option("--keep-traces", help="Keep the whole result of every point.")
    ] = False,
    force: Force = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")] = False,
) -> None:
    """Run a scenario at many points; go on with what an earlier, interrupted sweep left."""
    from stochhh import console
    from stochhh.scenario import load_experiment
    from stochhh.screen import Screen, say
    from stochhh.sweeping.asked import read_over, read_zip
    from stochhh.sweeping.files import FILES
    from stochhh.sweeping.running import plan_sweep, run_ready, said_failures
    from stochhh.sweeping.table import sweep_table

    axes, groups = read_over(over or ()), read_zip(zipped or ())
    named = load_experiment(scenario, overrides or ())
    folder = out or Path("results") / f"{named.name}_sweep"
    finished: tuple[int, int] | None = None
    try:
        with console.progress(f"{named.name}, planning", 1.0, quiet, _PATIENCE_S) as planned:
            ready = plan_sweep(
                named,
                over=axes,
                zipped=groups,
                repeats=repeats,
                seed=seed,
                trials=trials,
                method=method,
                workers=workers,
                out=folder,
                keep_traces=keep_traces,
                force=force,
                on_planned=lambda _, n_points: planned(1 / n_points),
            )
        with console.progress(f"{named.name}, sweep", 1.0, quiet) as advance:
            shown = 0.0

            def on_point(done: int, n_points: int, share: float) -> None:
                nonlocal shown, finished
                finished = done, n_points
                if share > shown:
                    advance(share - shown)
                    shown = share

            made = run_ready(ready, workers, scheduler, folder, force, on_point)
    except (KeyboardInterrupt, SystemExit) as stop:
        code = stop.code if isinstance(stop, SystemExit) else 130
        if finished is None:
            say("interrupted before the first point", err=True)
        else:
            say(
                f"interrupted: {finished[0]} of {finished[1]} points are kept in {folder}/; "
                "the same command goes on from there",
                err=True,
            )
        raise typer.Exit(code if isinstance(code, int) else 130) from None
    screen = Screen(quiet=quiet)
    screen.print(sweep_table(made))
    if made.damaged:
        say(f"note: {made.damaged} points there were damaged or of another sweep", err=True)
    screen.say(
        f"{made.computed} points run now; seed {made.scenario.run.seed}; "
        f"wrote {', '.join(FILES)} to {folder}/"
    )
    for failure in said_failures(made.failed):
        say(failure, err=True)
    if made.failed:
        raise typer.Exit(1)
