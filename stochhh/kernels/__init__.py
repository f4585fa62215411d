"""Numba kernels: arrays and a Generator in, buffers and a status out; one file a method."""

from stochhh.kernels.cache import prepare

#: Whether compiled kernels are kept; found out before any kernel is made.
KEPT = prepare()
