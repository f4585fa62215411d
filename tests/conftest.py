"""What all tests share: how hypothesis runs, and the squid membrane."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

# many small matrix exponentials: threads of BLAS only get in each other's way
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# under nohup, or in the background of a script, processes ignore these, and pass that on
for _name, _handler in (("SIGINT", signal.default_int_handler), ("SIGHUP", signal.SIG_DFL)):
    if threading.current_thread() is threading.main_thread() and hasattr(signal, _name):
        signal.signal(getattr(signal, _name), _handler)

import pytest
from hypothesis import HealthCheck, settings

from stochhh.cli import main
from stochhh.membrane import Membrane, build_membrane
from stochhh.scenario import load_scenario

#: STOCHHH_FUZZ=10000 makes every fuzzed test take that many inputs.
settings.register_profile(
    "stochhh",
    max_examples=int(os.environ.get("STOCHHH_FUZZ", "100")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)
settings.register_profile("ci", settings.get_profile("stochhh"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "stochhh")


@pytest.fixture(scope="session")
def squid() -> Membrane:
    """The 100 µm² patch of squid axon that most scenarios are built on."""
    scenario = load_scenario("squid-patch")
    return build_membrane(scenario.membrane, scenario.name)


@pytest.fixture
def call(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., tuple[int, str, str]]:
    """Call the command line in an empty folder; returns exit code, output and errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")  # so that tables do not wrap

    def called(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
        captured = capsys.readouterr()
        return int(ended.value.code or 0), captured.out, captured.err

    return called
