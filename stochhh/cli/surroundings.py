"""What the command line makes of the place it was started in: streams, encodings, a backend."""

from __future__ import annotations

import codecs
import io
import os
import sys
import unicodedata
import warnings
from typing import Any

from stochhh.errors import InputError
from stochhh.words import printable

#: Plain signs for some that an encoding may lack; others lose their accents or become "?".
_PLAIN = {
    "µ": "u", "μ": "u", "±": "+-", "−": "-", "–": "-", "—": "-", "→": "->", "√": "sqrt", "×": "x",
    "°": "deg ", "…": "...", "∞": "inf", "≤": "<=", "≥": ">=", "·": "*", "⁻": "-", "⁺": "+",
    "²": "^2", "³": "^3", "’": "'", "‘": "'", "“": '"', "”": '"',
    "α": "alpha", "β": "beta", "τ": "tau", "σ": "sigma", "λ": "lambda", "Δ": "Delta", "•": "*",
}  # fmt: skip


#: Bytes of address space that a run of a small scenario takes, measured, and room above it.
_MEMORY, _MEMORY_A_CORE = 9e8, 5e7
_NAMES = {1: "output", 2: "error"}


def fit_in() -> None:
    """Let the process print to any stream, and draw whatever backend its surroundings name.

    A stream that is closed swallows what it gets, as does one whose reader has seen enough
    (``stochhh list | head``): what is at work goes on. Characters that an encoding lacks are
    printed plainly. Pictures are drawn without a backend, and the one of a notebook that
    started the process may not be there.
    """
    os.environ["MPLBACKEND"] = "agg"
    codecs.register_error("plainly", _plainly)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper):
            setattr(sys, name, _to_patient(stream))
    warnings.showwarning = _note


def check_memory() -> None:
    """Make sure that the process may have the memory that the libraries beneath it take.

    Where they get less than that, some wait for ever and others abort the process.

    Raises
    ------
    InputError
        A limit of the shell or of the batch system is lower.
    """
    try:
        from resource import RLIM_INFINITY, RLIMIT_AS, getrlimit
    except ImportError:  # no such limits here
        return
    allowed, _ = getrlimit(RLIMIT_AS)
    needed = _MEMORY + _MEMORY_A_CORE * (os.cpu_count() or 1)
    if allowed != RLIM_INFINITY and allowed < needed:
        raise InputError(
            f"this process may have {allowed / 1e6:.0f} MB of memory, {needed / 1e6:.0f} MB are "
            f"needed; raise the limit, as in: ulimit -v {needed / 500:.0f}"
        )


def end_output() -> None:
    """Write what waits for the screen; where that cannot be, say so and end.

    Raises
    ------
    SystemExit
        With the code of bad input, if nothing else went wrong before.
    """
    try:
        sys.stdout.flush()
    except (OSError, ValueError) as error:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
        said = getattr(error, "strerror", None) or error
        print(f"error: standard output: {said}", file=sys.stderr)
        sys.exit(InputError.exit_code)


class _Patient(io.FileIO):
    """A stream that takes what nobody reads any more, and says which one is full."""

    def write(self, data: Any) -> int | None:  # type: ignore[override]
        """Write, or if the reader has left do nothing."""
        try:
            return super().write(data)
        except BrokenPipeError:
            return memoryview(data).nbytes
        except BlockingIOError:
            raise
        except OSError as error:
            raise OSError(
                error.errno, error.strerror, f"standard {_NAMES[self.fileno()]}"
            ) from None


def _to_patient(stream: io.TextIOWrapper) -> io.TextIOWrapper:
    """The same stream, patient; itself if it is of no file."""
    stream.reconfigure(errors="plainly")
    try:
        number = stream.fileno()
    except (OSError, ValueError):
        return stream
    if number not in _NAMES:
        return stream
    stream.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(_Patient(number, "wb", closefd=False)),
        encoding=stream.encoding,
        errors="plainly",
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )


def _note(message: Warning | str, *_where: object, **_more: object) -> None:
    print(f"note: {printable(message)}", file=sys.stderr)


def _plainly(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    said = []
    for sign in error.object[error.start : error.end]:
        bare = unicodedata.normalize("NFKD", sign).encode("ascii", "ignore").decode()
        said.append(_PLAIN.get(sign) or bare or "?")
    return "".join(said), error.end
