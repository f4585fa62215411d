"""Numba kernels: arrays and a Generator in, buffers and a status out; one file a method."""
