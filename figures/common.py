"""What all figure scripts share: their command line, their files, and their verdicts."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import xarray as xr
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table

from stochhh.plot.style import style

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Check:
    """A published (or theoretical) number beside ours.

    `interval` is ours at 95 %, or None for a deterministic number; `tolerance` is
    the absolute difference allowed beyond it.
    """

    what: str
    source: str
    published: float
    ours: float
    tolerance: float
    interval: tuple[float, float] | None = None

    @property
    def agrees(self) -> bool:
        low, high = self.interval or (self.ours, self.ours)
        return bool(low - self.tolerance <= self.published <= high + self.tolerance)


def main(
    name: str,
    compute: Callable[[bool], xr.Dataset],
    plot: Callable[[xr.Dataset], Figure],
    check: Callable[[xr.Dataset], Sequence[Check]],
) -> None:
    """Compute, draw, compare; exit 1 if a number lies outside its tolerance.

    ``--quick`` makes a small version in seconds, with wider intervals.
    """
    parser = argparse.ArgumentParser(prog=f"figures/{name}.py")
    parser.add_argument("--quick", action="store_true", help="small version, in seconds")
    parser.add_argument("--out", type=Path, default=HERE / "out", help="folder for the picture")
    parser.add_argument("--replot", action="store_true", help="draw from the kept data")
    arguments = parser.parse_args()
    kept = HERE / "data" / f"{name}.nc"
    data = (
        xr.load_dataset(kept, engine="h5netcdf") if arguments.replot else compute(arguments.quick)
    )
    if not arguments.quick and not arguments.replot:
        compressed = {name: {"zlib": True, "complevel": 9} for name in data.data_vars}
        data.to_netcdf(kept, engine="h5netcdf", encoding=compressed)
    arguments.out.mkdir(parents=True, exist_ok=True)
    with style():
        plot(data).savefig(arguments.out / f"{name}.png")
    checks = check(data)
    Console(width=150).print(verdicts(name, checks))
    sys.exit(0 if all(one.agrees for one in checks) else 1)


def verdicts(name: str, checks: Sequence[Check]) -> Table:
    table = Table(title=name, title_justify="left")
    for heading in ("", "source", "published", "ours", "95 % interval", "tolerance", "verdict"):
        table.add_column(heading)
    for one in checks:
        interval = "" if one.interval is None else f"{one.interval[0]:.5g} to {one.interval[1]:.5g}"
        table.add_row(
            one.what,
            one.source,
            f"{one.published:.7g}",
            f"{one.ours:.7g}",
            interval,
            f"{one.tolerance:.3g}",
            "agrees" if one.agrees else "DISAGREES",
        )
    return table
