"""One scenario, several methods, and how far each is from the exact one."""

from stochhh.compare.asked import Asked, read_methods
from stochhh.compare.files import check_folder, save
from stochhh.compare.running import Comparison, MethodRun, compare, compare_methods, prepare
from stochhh.compare.words import conclusions, numbers

__all__ = [
    "Asked",
    "Comparison",
    "MethodRun",
    "check_folder",
    "compare",
    "compare_methods",
    "conclusions",
    "numbers",
    "prepare",
    "read_methods",
    "save",
]
