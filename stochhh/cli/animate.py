"""The command that turns a saved result into a moving picture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stochhh.cli.app import app
from stochhh.errors import InputError


@app.command("animate")
def animate_command(
    file: Annotated[
        Path, typer.Argument(metavar="RESULT", help="A result.nc, or the folder of a run.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(help="A .gif, or .mp4 if ffmpeg is there; beside the result by default."),
    ] = None,
    trial: Annotated[
        int | None,
        typer.Option(help="Which trial, from 0; by default the first in which most cells fire."),
    ] = None,
    point: Annotated[int, typer.Option(help="Which point of a sweep, from 0.")] = 0,
    seconds: Annotated[float, typer.Option(min=0.1, max=600.0, help="Length.")] = 8.0,
    fps: Annotated[int, typer.Option(min=1, max=60, help="Frames a second.")] = 15,
    start: Annotated[str | None, typer.Option(help='From when, as in "2 ms".')] = None,
    end: Annotated[str | None, typer.Option(help='Until when, as in "8 ms".')] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")] = False,
) -> None:
    """Animate a saved result: voltage and open channels along an axon, or in time."""
    from stochhh import console
    from stochhh.plot.animation import animate, check_target, chosen
    from stochhh.result import load
    from stochhh.screen import say
    from stochhh.writing import replacing

    result = load(file)
    target = out or (file if file.is_dir() else file.parent) / "animation.gif"
    check_target(target)
    data, trial = chosen(result, trial, point)
    window = [_moment(text, name) for text, name in ((start, "--start"), (end, "--end"))]
    with (
        replacing(target) as temporary,
        console.progress(target.name, seconds * fps, quiet) as advance,
    ):
        n_frames = animate(
            result,
            temporary,
            trial,
            seconds,
            fps,
            window[0] or 0.0,
            window[1],
            lambda: advance(1.0),
            point,
        )
    if not quiet:
        many = f", point {point} of {result.n_points} (--point)" if result.n_points > 1 else ""
        label = data["trial"].values[trial]
        say(f"wrote {n_frames} frames of trial {label}{many} to {target}")


def _moment(text: str | None, option: str) -> float | None:
    from stochhh import units

    if text is None:
        return None
    try:
        return float(units.parse(text, units.TIME))
    except InputError as error:
        raise InputError(f"{option}: {error}") from None
