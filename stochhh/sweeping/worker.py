"""A worker process of our own: it heeds its parent's wish to stop, and goes when that is gone."""

from __future__ import annotations

import os
import signal
import threading
from multiprocessing import connection, parent_process
from typing import Any

_stop: Any = None  # a byte shared with the parent, without a lock that a killed worker might hold


def begin(stop: Any) -> None:
    """Prepare a worker process.

    Ctrl-C in a terminal reaches every process of a group: the parent alone acts on it.
    A parent killed outright says nothing, so a thread waits for its end.

    Parameters
    ----------
    stop : shared memory whose ``value`` turns true when work should end
    """
    global _stop
    _stop = stop
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def progress(covered_ms: float) -> bool:
    """Whether a running trial should stop."""
    return _stop is not None and bool(_stop.value)


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
