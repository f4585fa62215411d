"""Workers of sweeps: nobody else reaches them, no script runs twice, limits are one line."""

from __future__ import annotations

import resource
import subprocess
import sys
import urllib.error
import urllib.request

import dask
import numpy as np
import psutil
import pytest

import stochhh
from stochhh.errors import InputError
from stochhh.sweeping.workers import reach

AREA = "membrane.area"
TABLES = {
    "format": 1,
    "title": "a small sweep",
    "base": "squid-patch",
    "run": {"duration": "5 ms", "seed": 1, "trials": 2, "deterministic": False},
    "sweep": {AREA: ["1 um^2", "2 um^2"]},
}


# ---- Dask on a machine with other users ----------------------------------------------------


def listening_ports():
    """Ports on which this process and its children wait."""
    family = [psutil.Process(), *psutil.Process().children(recursive=True)]
    return {
        one.laddr.port
        for process in family
        for one in process.net_connections()
        if one.status == psutil.CONN_LISTEN
    }


def page(port, path):
    """What a port answers a browser: its status, or 0."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    except OSError:
        return 0


STRANGER = """
import sys
from distributed import Client
from distributed.security import Security
for address in sys.argv[1:]:
    for security in (None, Security.temporary()):
        try:
            client = Client(address, timeout="1s", security=security)
            print("inside:", client.run_on_scheduler(int))
        except (OSError, RuntimeError, TypeError) as error:
            pass
print("tried")
"""


def test_no_other_user_of_the_machine_gets_into_a_local_cluster():
    before = listening_ports()
    with reach("local", 1) as workers:
        address = workers._executor._client.scheduler.address
        assert address.startswith("tls://")
        ports = listening_ports() - before
        addresses = [address, address.replace("tls://", "tcp://")]
        ended = subprocess.run(
            [sys.executable, "-c", STRANGER, *addresses], capture_output=True, text=True, timeout=60
        )
        assert ended.stdout == "tried\n"
        assert len(ports) >= 3
        assert 8787 not in ports
        for path in ("/", "/health", "/metrics", "/info/main/workers.html", "/json/counts.json"):
            assert {page(port, path) for port in ports} <= {0, 404}


@pytest.fixture
def certificate(tmp_path):
    """Dask's configuration of a certificate in files, as an administrator would give it."""
    from distributed.security import Security

    made = Security.temporary()
    (tmp_path / "cert.pem").write_text(made.tls_ca_file)
    (tmp_path / "key.pem").write_text(made.tls_client_key)
    both = {"cert": str(tmp_path / "cert.pem"), "key": str(tmp_path / "key.pem")}
    named = dict.fromkeys(("client", "scheduler", "worker"), both)
    usual = {"ciphers": None, "min-version": 1.2, "max-version": None}
    return {"distributed.comm.tls": {"ca-file": both["cert"], **named, **usual}}


def test_an_address_with_tls_takes_the_certificates_of_dasks_configuration(certificate):
    from distributed import LocalCluster
    from distributed.security import Security

    def swept(scheduler):
        return stochhh.sweep(TABLES, scheduler=scheduler).dataset

    whole = stochhh.sweep(TABLES).dataset
    with dask.config.set(certificate):
        cluster = LocalCluster(
            n_workers=1,
            threads_per_worker=1,
            dashboard_address=":0",
            security=Security(require_encryption=True),
        )
    with cluster:
        address = cluster.scheduler_address
        assert address.startswith("tls://")
        with dask.config.set(certificate):
            assert swept(address).identical(whole)
        assert swept(cluster).identical(whole)
        with pytest.raises(InputError, match=r"certificates are those that Dask's"):
            swept(address)
        assert swept(cluster).identical(whole)  # it is left running


# ---- scripts -------------------------------------------------------------------------------

SCRIPT = """
import stochhh
made = stochhh.sweep(
    "squid-patch",
    over={{"membrane.area": ["1 um^2", "2 um^2"]}},
    overrides=["run.duration='5 ms'", "run.deterministic=false"],
    seed=1,
    trials=2,
    scheduler={scheduler!r},
    workers=2,
    out="swept",
)
print(made.dataset["voltage_mean"].values.sum())
"""


@pytest.mark.parametrize(
    ("scheduler", "by"), [("processes", "file"), ("processes", "pipe"), ("local", "file")]
)
def test_a_script_needs_no_guard(by, scheduler, tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT.format(scheduler=scheduler))
    with (tmp_path / "script.py").open() as script:
        ended = subprocess.run(
            [sys.executable, "-" if by == "pipe" else "script.py"],
            cwd=tmp_path,
            stdin=script if by == "pipe" else subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )
    assert (ended.returncode, ended.stderr) == (0, "")
    whole = stochhh.sweep(TABLES).dataset["voltage_mean"].values
    np.testing.assert_allclose(float(ended.stdout), whole.sum(), rtol=1e-12)


def test_a_script_that_makes_processes_itself_is_told_of_the_guard(tmp_path):
    text = SCRIPT.replace(
        "import stochhh",
        "import multiprocessing\n"
        "from concurrent.futures import ProcessPoolExecutor\n"
        "import stochhh\n"
        'pool = ProcessPoolExecutor(2, multiprocessing.get_context("spawn"))',
    ).replace("{scheduler!r}", "pool")
    (tmp_path / "script.py").write_text(text.format())
    ended = subprocess.run(
        [sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1].endswith('under: if __name__ == "__main__":')
    assert "another sweep" not in ended.stderr


def test_other_processes_still_run_the_script():
    from multiprocessing import spawn

    prepare = spawn.get_preparation_data
    with reach("processes", 1) as workers, reach("processes", 1):
        assert workers.submit(min, 1, 2).exception() is not None  # the monitor is None
        assert spawn.get_preparation_data("SpawnProcess-1") == prepare("SpawnProcess-1")
    assert spawn.get_preparation_data is prepare


# ---- limits --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scheduler", "files"), [("processes", 8), ("processes", 16), ("local", 32)]
)
def test_too_few_open_files_are_one_line(scheduler, files, tmp_path):
    arguments = ["sweep", "squid-patch", "--over", "membrane.area=1 um^2,2 um^2", "--trials", "1",
                 "--set", "run.duration=5 ms", "--seed", "1", "--out", "swept", "--quiet",
                 "--scheduler", scheduler, "--workers", "2"]  # fmt: skip
    ended = subprocess.run(
        [sys.executable, "-m", "stochhh", *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (files, files)),
    )
    assert ended.returncode == 2
    assert ended.stderr.startswith("error: scheduler: no worker can be begun (Too many open files)")
    assert ended.stderr.count("\n") == 1
