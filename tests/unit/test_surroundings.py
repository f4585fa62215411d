"""Any environment: caches, streams, encodings and backends that are not as one would like."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from stochhh.membrane import Membrane
from stochhh.state import _sample, tag_channels

QUICK = ["--set", "run.duration=2 ms", "--set", "membrane.area=1 um^2", "--seed", "1", "-q"]
#: A process in which Numba finds no place beside the source and none below the home.
HOMELESS = """
import sys, numba.core.caching as caching
caching.CacheImpl._locator_classes = [
    one for one in caching.CacheImpl._locator_classes if "UserProvided" in one.__name__
]
from stochhh.cli import main
main()
"""


def started(*arguments, program=("-m", "stochhh"), **surroundings):
    given = {key: value for key, value in surroundings.items() if value is not None}
    base = {k: v for k, v in os.environ.items() if surroundings.get(k, "") is not None}
    command = [sys.executable, *program, *arguments]
    return subprocess.run(command, capture_output=True, env={**base, **given}, check=False)


def test_kernels_are_kept_below_the_temporary_folder_where_nothing_else_can_be_written(tmp_path):
    done = started("show", "squid-patch", program=("-c", HOMELESS), TMPDIR=str(tmp_path),
                   NUMBA_CACHE_DIR=None)  # fmt: skip
    folder = tmp_path / f"stochhh-{os.getuid()}"
    assert done.returncode == 0
    assert done.stderr.decode().splitlines() == [
        f"note: compiled kernels are kept in {folder}, as their own place cannot be written; "
        "NUMBA_CACHE_DIR names another folder"
    ]
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_checkout_that_was_never_installed_runs(tmp_path):
    script = (
        "import importlib.metadata as metadata, sys\n"
        "known = metadata.version\n"
        "def version(name):\n"
        "    if name == 'stochhh':\n"
        "        raise metadata.PackageNotFoundError(name)\n"
        "    return known(name)\n"
        "metadata.version = version\n"
        "from stochhh.cli import main\n"
        "main(sys.argv[1:])\n"
    )
    command = [sys.executable, "-c", script, "run", "squid-patch", "--trials", "1", "--quiet"]
    command += ["--set", "membrane.area=1 um^2", "--set", "run.duration=1 ms", "--out", "out"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    record = json.loads((tmp_path / "out" / "run.json").read_text())
    assert record["stochhh_version"] == "0+unknown"


@pytest.mark.parametrize("harm", ["others may write", "a link"])
def test_a_cache_that_others_could_write_is_not_used(harm, tmp_path):
    folder = tmp_path / f"stochhh-{os.getuid()}"
    if harm == "a link":
        (tmp_path / "elsewhere").mkdir()
        folder.symlink_to(tmp_path / "elsewhere")
    else:
        folder.mkdir()
        folder.chmod(0o777)
    done = started("validate", "squid-patch", program=("-c", HOMELESS), TMPDIR=str(tmp_path),
                   NUMBA_CACHE_DIR=None)  # fmt: skip
    assert done.returncode == 0
    assert "cannot be kept anywhere" in done.stderr.decode()
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1"])
@pytest.mark.parametrize(
    "command", ["list", "schema", "show whose-noise", "show squid-na", "cite squid-patch", "run"]
)
def test_every_encoding_prints(command, encoding, tmp_path):
    arguments = command.split()
    if command == "run":
        arguments = ["run", "squid-patch", *QUICK[:-1], "--out", str(tmp_path / "out")]
    done = started(*arguments, PYTHONIOENCODING=encoding)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout) > 100
    if command == "schema":
        assert json.loads(done.stdout)["title"]


def test_a_refusal_prints_in_every_encoding():
    done = started("run", "µ²-→", PYTHONIOENCODING="ascii")
    assert done.returncode == 2
    assert b"u^2-->" in done.stderr


@pytest.mark.parametrize("backend", ["module://matplotlib_inline.backend_inline", "nonsense"])
def test_no_backend_is_needed(backend, tmp_path):
    done = started("run", "squid-patch", *QUICK, "--out", str(tmp_path / "out"), MPLBACKEND=backend)
    assert (done.returncode, done.stderr) == (0, b"")
    assert (tmp_path / "out" / "figure.png").stat().st_size > 1000


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_standard_output_is_one_line():
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "stochhh", "schema"], stdout=full, stderr=subprocess.PIPE,
            check=False,
        )  # fmt: skip
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.skipif(os.name != "posix", reason="a shell's redirections")
def test_closed_streams_and_readers_that_leave_are_no_failure():
    call = f"{sys.executable} -m stochhh list"
    for line in (f"{call} >&-", f"{call} 2>&-", f"{call} <&-", f"{call} | head -1"):
        done = subprocess.run(line, shell=True, capture_output=True, check=False)
        assert done.returncode == 0, line
        assert b"Traceback" not in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="pipes of POSIX")
@pytest.mark.parametrize("command", ["list", "show squid-k", "--help", "run"])
def test_a_reader_that_leaves_at_once_changes_nothing(command, tmp_path):
    arguments = command.split()
    if command == "run":
        arguments = ["run", "squid-patch", *QUICK[:-1], "--out", str(tmp_path / "out")]
    done = subprocess.Popen(
        [sys.executable, "-m", "stochhh", *arguments], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )  # fmt: skip
    done.stdout.close()
    assert (done.stderr.read(), done.wait()) == (b"", 0)
    done.stderr.close()
    assert command != "run" or (tmp_path / "out" / "result.nc").exists()


@pytest.mark.skipif(os.name != "posix", reason="limits of POSIX")
@pytest.mark.parametrize("kilobytes", [450_000, 630_000, 900_000])
def test_too_little_memory_is_said_at_once(kilobytes, tmp_path):
    """Less than the libraries take: OpenBLAS, LSODA and LLVM abort or wait for ever."""
    run = f"{sys.executable} -m stochhh run squid-patch --out {tmp_path / 'out'}"
    done = subprocess.run(
        f"ulimit -v {kilobytes}; {run}", shell=True, capture_output=True, check=False, timeout=60
    )
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert b"of memory" in done.stderr or b"not whole" in done.stderr
    assert not (tmp_path / "out").exists()


LIMITED = """
import sys
from stochhh.cli import main
from stochhh import {where}
def fails(*arguments, **more):
    raise {error}
{where}.{what} = fails
sys.argv = ["stochhh", "run", "squid-patch", *sys.argv[1:]]
main()
"""


@pytest.mark.parametrize(
    ("where", "what", "error", "said"),
    [
        ("simulate", "run", "MemoryError", "not enough memory"),
        ("simulate", "run", "ImportError('libX.so: failed to map segment')", "failed to map"),
        (
            "simulate",
            "run",
            "OSError(28, 'No space left on device')",
            "No space left on device where compiled kernels or temporary files are kept",
        ),
        ("simulate", "run", "OSError(24, 'Too many open files', 'x')", "x: Too many open files"),
        (
            "execute",
            "ThreadPoolExecutor.submit",
            'RuntimeError("can\'t start new thread")',
            "workers: no thread can be begun (can't start new thread); give fewer workers",
        ),
    ],
)
def test_limits_of_a_process_are_one_line(where, what, error, said, tmp_path):
    program = LIMITED.format(where=where, what=what, error=error)
    arguments = [*QUICK, "--out", str(tmp_path / "out")]
    done = started(*arguments, program=("-c", program))
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert said in done.stderr.decode()


@pytest.mark.parametrize("command", ["run squid-patch", "analyse", "animate"])
def test_a_name_too_long_for_the_disk_is_one_line(command, tmp_path, call):
    from stochhh import run

    arguments = command.split()
    if len(arguments) == 1:
        current = 'stimulus=[{kind="constant", amplitude="15 uA/cm^2"}]'
        overrides = ["run.duration=20 ms", "membrane.area=1 um^2", current]
        run("squid-patch", overrides=overrides, seed=1).save(tmp_path / "result.nc")
        arguments.append(str(tmp_path))
    arguments += ["--with", "spike_train"] if command == "analyse" else []
    ending = ".gif" if command == "animate" else ""
    code, _, err = call(*arguments, "--out", str(tmp_path / f"{'x' * 300}{ending}"))
    assert code == 2
    assert err.count("\n") == 1
    assert "cannot be written (File name too long)" in err


# ---- 10⁹ channels --------------------------------------------------------------------------


def test_a_billion_channels_run(tmp_path):
    """numpy's hypergeometric law ends at 10⁹, and was asked though no channel is followed."""
    arguments = ["run", "squid-patch", "--seed", "1", "-q", "--out", str(tmp_path / "out")]
    for one in ("membrane.area=1 cm^2", "run.duration=1e-6 ms", "run.record.interval=1e-6 ms",
                "run.deterministic=false", "run.initial.settle=0 ms"):  # fmt: skip
        arguments += ["--set", one]
    done = started(*arguments)
    assert (done.returncode, done.stderr) == (0, b"")


def test_channels_to_follow_are_a_uniform_sample_of_any_number(squid: Membrane):
    rng = np.random.default_rng(1)
    counts = np.array([10**9, 3 * 10**9, 0, 10**6])
    taken = np.array([_sample(rng, counts, 200) for _ in range(2000)])
    assert (taken.sum(axis=1) == 200).all()
    share = counts / counts.sum()
    error = np.sqrt(200 * share * (1 - share) / 2000) + 1e-12
    assert (np.abs(taken.mean(axis=0) - 200 * share) < 5 * error + 1e-9).all()
    few = _sample(rng, np.array([10**9, 1]), 10)
    assert few.sum() == 10
    tags = tag_channels(rng, counts, np.array([0, 2, 4]), 5)
    assert list(tags.in_state[2:]) == [0, 5]
