"""Sweeps: many points over many workers, a few numbers of every trial, nothing lost.

`running.sweep` plans all points, `scheduling` hands their jobs to `workers`, `point` runs
and `metrics` measures them there, `store` keeps what is finished, `dataset` and `files`
put it together.
"""

from stochhh.sweeping.running import Sweep, sweep

__all__ = ["Sweep", "sweep"]
