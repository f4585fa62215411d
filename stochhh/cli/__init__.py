"""The command line: arguments in, public functions called, nothing else.

Help lists the commands in the order in which their modules are imported here.
"""

from __future__ import annotations

import atexit
import errno
import gc
import signal
import sys
import threading
from typing import Any

from stochhh.cli import run  # noqa: F401  isort: skip
from stochhh.cli import sweep  # noqa: F401  isort: skip
from stochhh.cli import estimate  # noqa: F401  isort: skip
from stochhh.cli import analyse  # noqa: F401  isort: skip
from stochhh.cli import animate  # noqa: F401  isort: skip
from stochhh.cli import show  # noqa: F401  isort: skip
from stochhh.cli import compare  # noqa: F401  isort: skip
from stochhh.cli import threshold  # noqa: F401  isort: skip
from stochhh.cli import verify  # noqa: F401  isort: skip
from stochhh.cli import cite  # noqa: F401  isort: skip
from stochhh.cli import catalogue  # noqa: F401  isort: skip
from stochhh.cli.app import app
from stochhh.cli.surroundings import end_output, fit_in
from stochhh.errors import InputError, StochhhError
from stochhh.words import printable

__all__ = ["app", "main"]


def main(arguments: list[str] | None = None) -> Any:
    """Run the command line; errors become one line and an exit code.

    Told to terminate, as a batch system does, or left by its terminal, it tidies up its
    temporary files first.
    """
    if arguments is None:  # a process of its own
        _collect_rarely()
        fit_in()
    if threading.current_thread() is threading.main_thread():
        for name in ("SIGTERM", "SIGHUP"):  # told to end, or the terminal is gone
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, _end)
    try:
        app(args=arguments, prog_name="stochhh")
    except StochhhError as error:
        for line in str(error).splitlines():
            print(f"error: {line}", file=sys.stderr)
        sys.exit(error.exit_code)
    except (OSError, MemoryError, ImportError) as error:  # met nowhere else: screen, limits
        print(f"error: {_said(error)}", file=sys.stderr)
        sys.exit(InputError.exit_code)
    finally:
        if arguments is None:
            end_output()


def _said(error: OSError | MemoryError | ImportError) -> str:
    limits = "give this process more memory (ulimit -v shows its limit)"
    if isinstance(error, MemoryError):
        return f"not enough memory; {limits}"
    if isinstance(error, ImportError):
        return printable(f"{error}: it is not installed, or not whole, or {limits}")
    if error.filename is not None and error.strerror is not None:
        return printable(f"{error.filename}: {error.strerror}")
    if error.errno == errno.ENOSPC:  # of a library that does not say where
        return (
            f"{error.strerror} where compiled kernels or temporary files are kept; "
            "NUMBA_CACHE_DIR and TMPDIR name other folders"
        )
    return printable(error)


def _end(number: int, frame: Any) -> None:
    sys.exit(128 + number)


def _collect_rarely() -> None:
    """Search for garbage rarely, and not at the end: a quarter of a warm run went into it.

    Modules being loaded make none, and none is left that takes much memory.
    """
    gc.set_threshold(100_000, 20, 20)
    atexit.register(gc.freeze)
