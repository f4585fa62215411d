"""How long a channel takes to open: first latencies after a step and along a protocol.

The shut states are left for the first time after a time of phase type, whatever
the law at the step (Colquhoun & Hawkes 1981, doi:10.1098/rspb.1981.0003).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from stochhh.theory.dwell import PhaseType, sojourn
from stochhh.theory.generators import Floats, as_class, as_generator, as_law
from stochhh.theory.protocols import clamp_propagators, laws_along


def first_latency(generator: ArrayLike, is_open: ArrayLike, law: ArrayLike) -> PhaseType:
    """Time to the first opening after a step, from the law of a channel at the step.

    Its survivor function is the probability of no opening until a time, so that of
    a sweep without any is the survivor at the sweep's end; N channels stay shut
    together with the N-th power of it. A channel that is open at the step has
    latency zero.

    Parameters
    ----------
    generator : (S, S), 1/ms, after the step
    is_open : (S,) mask
    law : (S,) probabilities at the step
    """
    matrix = as_generator(generator)
    shut = ~as_class(is_open, len(matrix), "is_open")
    return sojourn(matrix, shut, as_law(law, len(matrix))[shut])


def unopened_probability(
    law: ArrayLike,
    is_open: ArrayLike,
    durations_ms: ArrayLike,
    generators: ArrayLike,
    times_ms: ArrayLike,
) -> Floats:
    """Probability of no opening until each time of a protocol of held voltages, shape (T,).

    Parameters
    ----------
    law : (S,) probabilities at the start
    is_open : (S,) mask
    durations_ms : (K,) length of each segment
    generators : (K, S, S), 1/ms, of each segment
    times_ms : (T,) from 0 to the end of the protocol, in order
    """
    start = np.asarray(law, dtype=np.float64)
    shut = ~as_class(is_open, len(start), "is_open")
    blocks = np.asarray(generators, dtype=np.float64)[:, shut][:, :, shut]
    steps = clamp_propagators(durations_ms, blocks, times_ms)
    return np.asarray(laws_along(as_law(start, len(shut))[shut], steps).sum(axis=1))
