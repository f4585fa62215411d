"""Exact simulation of channel noise: every ion channel of a membrane as a Markov machine.

>>> import stochhh
>>> result = stochhh.run("spontaneous_CW96", seed=1)
>>> stochhh.summarise(result)["spikes"]["rate_hz"]
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stochhh.analysis.summary import summarise
    from stochhh.compare.running import compare_methods
    from stochhh.costs import Estimate, estimate
    from stochhh.errors import InputError, StochhhError, TrustError
    from stochhh.papers import cite
    from stochhh.plot.animation import animate
    from stochhh.plot.overview import overview
    from stochhh.report import save
    from stochhh.result import Result, load
    from stochhh.scenario import Scenario, load_scenario
    from stochhh.simulate import run
    from stochhh.studies import analyse
    from stochhh.sweeping.running import Sweep, sweep
    from stochhh.threshold_search.running import ThresholdSearch, find_threshold

#: Where each public name lives; imported when first used, so that importing stochhh is quick.
_HOME = {
    "Estimate": "costs",
    "InputError": "errors",
    "Result": "result",
    "Scenario": "scenario",
    "StochhhError": "errors",
    "Sweep": "sweeping.running",
    "ThresholdSearch": "threshold_search.running",
    "TrustError": "errors",
    "analyse": "studies",
    "animate": "plot.animation",
    "cite": "papers",
    "compare_methods": "compare.running",
    "estimate": "costs",
    "find_threshold": "threshold_search.running",
    "load": "result",
    "load_scenario": "scenario",
    "overview": "plot.overview",
    "run": "simulate",
    "save": "report",
    "summarise": "analysis.summary",
    "sweep": "sweeping.running",
}

__all__ = [
    "Estimate",
    "InputError",
    "Result",
    "Scenario",
    "StochhhError",
    "Sweep",
    "ThresholdSearch",
    "TrustError",
    "analyse",
    "animate",
    "cite",
    "compare_methods",
    "estimate",
    "find_threshold",
    "load",
    "load_scenario",
    "overview",
    "run",
    "save",
    "summarise",
    "sweep",
]

try:
    __version__ = version("stochhh")
except PackageNotFoundError:  # run from a checkout that was never installed
    __version__ = "0+unknown"


def __getattr__(name: str) -> Any:
    if name in _HOME:
        found = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
        globals()[name] = found  # the next time it is there
        return found
    raise AttributeError(f"module 'stochhh' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
