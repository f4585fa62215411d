"""Nothing is lost: sweeps whose processes are killed end with the bytes of an undisturbed one.

A kill comes at a random moment: after a random number of further points is there.
"""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

import stochhh
from stochhh.sweeping.workers import reach

N_POINTS = 24
SCENARIO = f"""
format = 1
title = "to be disturbed"
base = "squid-patch"
[run]
seed = 3
duration = "100 ms"
trials = 4
deterministic = false
[sweep]
"membrane.area" = {{ from = "10 um^2", to = "40 um^2", points = {N_POINTS} }}
"""


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sweep")
    (folder / "disturbed.toml").write_text(SCENARIO)
    stochhh.sweep(folder / "disturbed.toml", out=folder / "whole")
    return folder


def contents(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "sweep.lock"
    }


def begin(folder: Path, out: str, *options: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "stochhh", "sweep", "disturbed.toml", "--out", out, "--quiet"]
    return subprocess.Popen([*command, *options], cwd=folder)


def n_finished(folder: Path) -> int:
    return len(list((folder / "points").glob("[0-9]*.json")))


def reaches(process: subprocess.Popen[bytes], folder: Path, n: int) -> bool:
    """Wait until so many points are there; false if the process ends before."""
    while n_finished(folder) < n:
        if process.poll() is not None:
            return False
    return process.poll() is None


def works(child: psutil.Process) -> bool:
    """Whether a process is a worker, and not dead already."""
    try:
        return "spawn_main" in " ".join(child.cmdline())
    except psutil.NoSuchProcess:  # a zombie is one too
        return False


def finish(folder: Path, out: str) -> dict[str, bytes]:
    with begin(folder, out) as process:
        assert process.wait() == 0
    return contents(folder / out)


def test_a_sweep_killed_again_and_again_ends_with_the_same_bytes(undisturbed):
    draw, out, whole = random.Random(), "killed", contents(undisturbed / "whole")
    kills = 0
    while kills < 12:
        scheduler = "processes" if kills % 4 == 3 else "threads"
        wanted = n_finished(undisturbed / out) + draw.randint(0, 2)
        with begin(undisturbed, out, "--scheduler", scheduler) as process:
            workers = []
            if reaches(process, undisturbed / out, wanted):
                workers = psutil.Process(process.pid).children(recursive=True)
                process.kill()
                kills += 1
        psutil.wait_procs(workers)  # they go by themselves
        if (undisturbed / out / "sweep.nc").exists():  # it was faster than the kills
            assert finish(undisturbed, out) == whole
            shutil.rmtree(undisturbed / out)
    assert finish(undisturbed, out) == whole


def test_workers_killed_again_and_again_change_no_byte(undisturbed):
    draw, out = random.Random(), undisturbed / "workers"
    kills = 0
    while kills < 8:
        shutil.rmtree(out, ignore_errors=True)
        most = kills + 3  # a point is given up after the fourth, if all hit it
        with begin(undisturbed, out.name, "--scheduler", "processes", "--workers", "2") as process:
            while kills < most and reaches(process, out, n_finished(out) + draw.randint(1, 2)):
                workers = list(filter(works, psutil.Process(process.pid).children()))
                if workers:
                    with suppress(psutil.NoSuchProcess):  # it went by itself
                        draw.choice(workers).kill()
                        kills += 1
            assert process.wait() == 0
        assert contents(out) == contents(undisturbed / "whole")


def test_a_dask_cluster_gives_the_same_bytes_and_a_worker_killed_midway_costs_nothing(undisturbed):
    from distributed import LocalCluster

    out, killed = undisturbed / "dask", []

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:

        def on_point(done, n_points, share):
            if done == N_POINTS // 4 and not killed:
                nanny = next(iter(cluster.workers.values()))
                killed.append(nanny.pid)
                psutil.Process(nanny.pid).kill()

        stochhh.sweep(
            undisturbed / "disturbed.toml",
            out=out,
            scheduler=cluster.scheduler_address,
            on_point=on_point,
        )
    assert killed
    assert contents(out) == contents(undisturbed / "whole")


def test_a_dask_scheduler_that_is_not_there_is_one_line(monkeypatch):
    monkeypatch.setattr("stochhh.sweeping.workers._PATIENCE", "0.1s")
    with (
        pytest.raises(stochhh.InputError, match=r"scheduler: tcp://127.0.0.1:9: does not answer"),
        reach("tcp://127.0.0.1:9"),
    ):
        pass
