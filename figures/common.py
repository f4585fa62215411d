"""What all figure scripts share: their command line, their files, and their verdicts."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table

import stochhh
from stochhh.plot.style import style
from stochhh.studies import Findings, analyse, find_study

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Check:
    """A published (or theoretical) number beside ours.

    `interval` is ours at 95 %, or None for a deterministic number; `tolerance` is
    the absolute difference allowed beyond it. Where only the shape is published,
    `relation` says that ours lies above (``>``) or below (``<``) a number.
    """

    what: str
    source: str
    published: float
    ours: float
    tolerance: float
    interval: tuple[float, float] | None = None
    relation: Literal["=", ">", "<"] = "="

    @property
    def agrees(self) -> bool:
        low, high = self.interval or (self.ours, self.ours)
        above = low + self.tolerance > self.published
        below = high - self.tolerance < self.published
        if self.relation == "=":
            return bool(low - self.tolerance <= self.published <= high + self.tolerance)
        return bool(above if self.relation == ">" else below)


def spikes_only(result: stochhh.Result) -> xr.Dataset:
    """Leave of a result what studies of spikes need, so that it stays small in its file."""
    ends = result.dataset.isel(time=[0, -1])
    needless = [name for name in ends if "occupancy" in str(name) or "open" in str(name)]
    kept = ends.drop_vars(needless)
    for name in kept:
        if kept[name].dtype == np.float64:
            kept[name] = kept[name].astype(np.float32)
        elif kept[name].dtype == np.int64:
            kept[name] = kept[name].astype(np.int32)
    return kept


def study(data: xr.Dataset, name: str) -> Findings:
    """Make a study of what `spikes_only` left of a result, at all its points or at the first."""
    findings = analyse(stochhh.Result(data), [name])[0].findings
    assert findings is not None
    return findings


def study_figure(data: xr.Dataset, name: str, title: str) -> Figure:
    """Draw that study."""
    return find_study(name).draw(study(data, name), title)


def within(numbers: dict[str, Any], name: str) -> tuple[float, float] | None:
    """95 % interval of a number of a study."""
    ends = numbers.get(f"{name}_ci")
    return None if ends is None else (float(ends[0]), float(ends[1]))


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
    begun = time.perf_counter()
    if arguments.replot:
        data = xr.load_dataset(kept, engine="h5netcdf")
    else:
        data = compute(arguments.quick)
        data.attrs["compute_s"] = time.perf_counter() - begun
    if not arguments.quick and not arguments.replot:
        compressed = {name: {"zlib": True, "complevel": 9} for name in data.data_vars}
        data.to_netcdf(kept, engine="h5netcdf", encoding=compressed)
    arguments.out.mkdir(parents=True, exist_ok=True)
    with style():
        plot(data).savefig(arguments.out / f"{name}.png")
    checks = check(data)
    Console(width=150).print(verdicts(name, checks))
    said = [asdict(one) | {"agrees": one.agrees} for one in checks]
    told = {"compute_s": float(data.attrs.get("compute_s", np.nan)), "checks": said}
    (arguments.out / f"{name}.json").write_text(json.dumps(told, indent=1, default=float))
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
            f"{one.relation if one.relation != '=' else ''} {one.published:.7g}".strip(),
            f"{one.ours:.7g}",
            interval,
            f"{one.tolerance:.3g}",
            "agrees" if one.agrees else "DISAGREES",
        )
    return table
