"""Search for the threshold of a noisy membrane, each batch of pulses chosen by those before.

A sweep gives equally many trials to amplitudes chosen beforehand, and most of them are
given where it is clear that all trials fire, or none. A search needs a fraction of them,
and no guess of where the threshold is.
"""

from stochhh.threshold_search.asked import ALONE, Goal, Ready, check_goal, prepare
from stochhh.threshold_search.files import check_folder, save
from stochhh.threshold_search.running import ThresholdSearch, find_threshold, search

__all__ = [
    "ALONE",
    "Goal",
    "Ready",
    "ThresholdSearch",
    "check_folder",
    "check_goal",
    "find_threshold",
    "prepare",
    "save",
    "search",
]
