"""The two ways a request can fail, each with one line for the user.

`InputError` is the caller's to mend (exit code 2); `TrustError` says that a
simulation cannot be believed (exit code 1) and leaves no result behind.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from stochhh.words import printable

_MOST_WORDS = 60  # in a message


class StochhhError(Exception):
    """Base of every error that is shown as one line, without a traceback."""

    exit_code = 1

    def __str__(self) -> str:
        """Return its message, a line or several, with nothing in it that a screen obeys."""
        return printable(super().__str__(), kept="\n")


class InputError(StochhhError, ValueError):
    """Something the caller wrote is wrong: which key, what was given, what is needed."""

    exit_code = 2


class TrustError(StochhhError, RuntimeError):
    """A simulation broke one of its own invariants; its numbers must not be used."""

    exit_code = 1


class Stopped(Exception):  # noqa: N818 - not an error, the way a wish is carried out
    """A run was abandoned because its user asked for that."""


def did_you_mean(unknown: str, known: Iterable[str]) -> str:
    """Name the known words nearest to an unknown one, else list them, of many the first."""
    words = sorted(known)
    near = difflib.get_close_matches(unknown, words, n=3, cutoff=0.6)
    if near:
        return "did you mean " + " or ".join(f"'{word}'" for word in near) + "?"
    more = [f"… and {len(words) - _MOST_WORDS:,d} more"] if len(words) > _MOST_WORDS + 1 else []
    return "known: " + ", ".join([*(words[:_MOST_WORDS] if more else words), *more])
