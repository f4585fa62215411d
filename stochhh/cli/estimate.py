"""The command that says what a run would cost."""

from __future__ import annotations

from typing import Annotated

import typer

from stochhh.cli.app import MethodName, Over, Overrides, ScenarioName, Trials, Workers, app


@app.command("estimate")
def estimate_command(
    scenario: ScenarioName,
    over: Over = None,
    overrides: Overrides = None,
    trials: Trials = None,
    method: MethodName = None,
    workers: Workers = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say how long a run would take, and what memory and disk, after a second's trial."""
    import json
    import shutil
    from dataclasses import asdict

    from stochhh.console import estimate_table
    from stochhh.costs import estimate
    from stochhh.screen import Screen, say
    from stochhh.sweeping.asked import read_over, with_sweep

    swept = with_sweep(scenario, read_over(over or ()), overrides=overrides or ())
    found = estimate(swept, trials=trials, method=method, workers=workers)
    free = shutil.disk_usage(".").free
    if as_json:
        told = {**asdict(found), "wall_s": found.wall_s, "disk_free_bytes": free}
        say(json.dumps(told, indent=2), kept="\n")
        return
    Screen().print(estimate_table(found, free))
