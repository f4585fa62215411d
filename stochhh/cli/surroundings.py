"""What the command line makes of the place it was started in: streams, encodings, a backend."""

from __future__ import annotations

import codecs
import os
import sys
import unicodedata
import warnings

from stochhh.errors import InputError
from stochhh.words import printable

#: Plain signs for some that an encoding may lack; others lose their accents or become "?".
_PLAIN = {
    "µ": "u", "μ": "u", "±": "+-", "−": "-", "–": "-", "—": "-", "→": "->", "√": "sqrt", "×": "x",
    "°": "deg ", "…": "...", "∞": "inf", "≤": "<=", "≥": ">=", "·": "*", "⁻": "-", "⁺": "+",
    "²": "^2", "³": "^3", "’": "'", "‘": "'", "“": '"', "”": '"',
    "α": "alpha", "β": "beta", "τ": "tau", "σ": "sigma", "λ": "lambda", "Δ": "Delta", "•": "*",
}  # fmt: skip


def fit_in() -> None:
    """Let the process print to any stream, and draw whatever backend its surroundings name.

    A stream that is closed swallows what it gets. Characters that an encoding lacks are
    printed plainly. Pictures are drawn without a backend, and the one of a notebook that
    started the process may not be there.
    """
    os.environ["MPLBACKEND"] = "agg"
    codecs.register_error("plainly", _plainly)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="plainly")
    warnings.showwarning = _note


def end_output() -> None:
    """Write what waits for the screen; where that cannot be, say so and end.

    Raises
    ------
    SystemExit
        With the code of bad input, if nothing else went wrong before.
    """
    try:
        sys.stdout.flush()
    except BrokenPipeError:  # who reads has seen enough
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    except (OSError, ValueError) as error:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
        print(f"error: standard output cannot be written ({error})", file=sys.stderr)
        sys.exit(InputError.exit_code)


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
