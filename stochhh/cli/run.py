"""Commands that run scenarios, or check that they would."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stochhh.cli.app import Force, MethodName, Overrides, ScenarioName, Trials, Workers, app
from stochhh.errors import InputError


@app.command("run")
def run_command(
    scenario: ScenarioName,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder for the files; results/<name> by default."),
    ] = None,
    overrides: Overrides = None,
    trials: Trials = None,
    seed: Annotated[int | None, typer.Option(help="Seed; the same seed, the same run.")] = None,
    method: MethodName = None,
    workers: Workers = None,
    force: Force = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")] = False,
) -> None:
    """Run a scenario; write its data, spikes, summary and picture into a folder."""
    from stochhh import console, report, simulate
    from stochhh.cli.analyse import show_outcomes
    from stochhh.folders import held
    from stochhh.inputs import portable
    from stochhh.screen import Screen, say

    resolved = simulate.resolve_experiment(scenario, overrides or (), seed, trials, method)
    folder = report.check_folder(
        out or Path("results") / resolved.name, resolved.name, portable(resolved), force
    )
    n_points, to_compile = simulate.prepare(resolved)
    screen = Screen(quiet=quiet)
    if to_compile:
        console.say_compiling(quiet)
    n_trials = n_points * simulate.n_trials_of(resolved)
    what = f"{resolved.name}, {n_trials} trial{'s' if n_trials != 1 else ''}"
    total = n_trials * float(resolved.run.duration_ms)
    with held(folder, "run"):
        try:
            with console.progress(what, total, quiet) as advance:
                result = simulate.run(
                    resolved, workers=workers, on_advance=advance, scratch_folder=folder
                )
        except KeyboardInterrupt:
            say("interrupted: no trial had finished, nothing was written", err=True)
            raise typer.Exit(130) from None
        try:
            summary, outcomes, study_files = report.save_with_studies(result, folder, force)
        except KeyboardInterrupt:
            say(f"interrupted: nothing was changed in {folder}/", err=True)
            raise typer.Exit(130) from None
    screen.print(console.summary_table(summary, result.seconds))
    screen.say(console.method_line(summary))
    show_outcomes(outcomes, screen)
    written = ", ".join([*report.FILES, *(path.name for path in study_files)])
    screen.say(f"seed {result.seed}; wrote {written} to {folder}/")
    if result.interrupted:
        finished, planned = summary["trials"], summary["trials_planned"]
        say(f"interrupted: kept {finished} of {planned} trials", err=True)
        raise typer.Exit(130)


@app.command()
def validate(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE...", help="Scenarios or channel schemes to check.")
    ],
) -> None:
    """Check scenarios and channel schemes without running them."""
    from stochhh import simulate
    from stochhh.kinetics.files import load_scheme
    from stochhh.planning import names_scheme
    from stochhh.screen import say

    failed = False
    for file in files:
        try:
            if names_scheme(file):
                states = len(load_scheme(file).states)
                say(f"{file}: valid, a channel scheme of {states} states")
            else:
                simulate.prepare(simulate.resolve_experiment(file))
                say(f"{file}: valid")
        except InputError as error:
            failed = True
            say(error, err=True, kept="\n")
    if failed:
        raise typer.Exit(InputError.exit_code)
