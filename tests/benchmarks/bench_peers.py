"""The same membrane given to other simulators, side by side in one run.

Run ``python tests/benchmarks/bench_peers.py`` after ``pip install -e ".[peers]"``
(and a C++ compiler); ``--quick`` is a smoke test of under two minutes. The tables go
to the terminal and, as Markdown for the README, to ``peers/table.md``. A peer that
is not installed is a row that says so.

The work: a squid patch of 1 to 1000 µm² at 6.3 degC, at rest and under 10 µA/cm²,
and K+ channels under voltage clamp for those that cannot move the voltage. Each row
has a process with one thread. Rows and patches take turns, one trial at a time, so
that whatever else the machine does falls on all; a cell is left once its rate is
known to 1 %. Compiling and a first run are not counted. Where even a simulated
second would take too long, cost is that of a shorter run and marked. Numbers are
those of one machine at one moment: compare only what one run printed.

How each peer expresses the model, and its source:

=================  ====================================================================
neuron_kschan      NEURON's own single channels, KSChan (doi:10.1017/CBO9780511541612)
neuron_gillespie   Gillespie's method in NMODL, inside NEURON
brian2_leap        a binomial leap in Brian2's equations (doi:10.7554/eLife.47314)
gillespy2_hybrid   reactions whose rates follow V (https://gillespy2.readthedocs.io)
gillespy2_ssa      the same at a fixed voltage
myokit_discrete    Markov model at a fixed voltage (doi:10.1016/j.pbiomolbio.2015.12.008)
=================  ====================================================================

Each is told in full in its module in `peers/`. STEPS, which could express the
membrane too (doi:10.1186/1752-0509-6-36), is not on PyPI.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
import time
from pathlib import Path

from peers import report
from peers.rows import CLAMP_ROWS, PATCH_ROWS
from peers.schedule import Cell, run_cells, run_clamps
from peers.work import BUILD_FOLDER, Patch
from rich.console import Console

CURRENTS = (10.0, 0.0)
AREAS_UM2 = (1.0, 10.0, 100.0, 1000.0)
TABLE = Path(__file__).parent / "peers" / "table.md"
MARKS = ("<!-- peers -->", "<!-- end of peers -->")
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


def machine() -> str:
    """Where and when these numbers were taken."""
    name = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        models = [x for x in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in x]
        name = models[0].partition(":")[2].strip() if models else name
    return (
        f"{name}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"{time.strftime('%B %Y')}; load {os.getloadavg()[1]:.1f}"
    )


def paste() -> None:
    """Put the last full table into the README, between its two marks."""
    readme = Path(__file__).parents[2] / "README.md"
    before, _, rest = readme.read_text().partition(MARKS[0])
    _, _, after = rest.partition(MARKS[1])
    readme.write_text(f"{before}{MARKS[0]}\n\n{TABLE.read_text()}\n{MARKS[1]}{after}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="1 and 10 µm² for a moment")
    parser.add_argument("--minutes", type=float, help="of all patches together (10)")
    parser.add_argument("--table", type=Path, help=f"Markdown file ({TABLE.name}; none if quick)")
    parser.add_argument(
        "--paste", action="store_true", help="last table to the README; run nothing"
    )
    arguments = parser.parse_args()
    if arguments.paste:
        paste()
        return
    minutes = arguments.minutes or (0.5 if arguments.quick else 10.0)
    areas = AREAS_UM2[:2] if arguments.quick else AREAS_UM2
    os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))
    console = Console()
    begun = time.perf_counter()

    def say(what: str) -> None:
        console.print(f"{time.perf_counter() - begun:6.0f} s  {what}", highlight=False)

    cells = [Cell(row, Patch(a, i)) for row in PATCH_ROWS for i in CURRENTS for a in areas]
    with tempfile.TemporaryDirectory(prefix="stochhh-peers-") as folder:
        os.environ[BUILD_FOLDER] = folder
        clamped = run_clamps(CLAMP_ROWS, 1.0 if arguments.quick else 6.0, say)
        run_cells(cells, 60.0 * minutes, say)
    sheets = [
        *(report.speeds(cells, current) for current in CURRENTS),
        *(report.firings(cells, current) for current in CURRENTS),
        report.clamps(clamped),
    ]
    report.show(sheets, Console(width=max(console.width, 200)))
    table = arguments.table or (None if arguments.quick else TABLE)
    if table:
        preface = f"Made by `python tests/benchmarks/bench_peers.py` on {machine()}."
        table.write_text(report.markdown(sheets, preface))


if __name__ == "__main__":
    main()
