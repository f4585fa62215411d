"""Which methods a user wants compared, as in ``exact,leap,leap@0.1 ms``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from stochhh.errors import InputError, did_you_mean
from stochhh.methods import METHODS
from stochhh.units import DURATION, parse

REFERENCE = "exact"
_KNOWN = (*METHODS, "auto")


class Asked(NamedTuple):
    """A method and its step as a user wrote it; None for that of the scenario, or its own."""

    method: str
    step: str | None = None

    @property
    def label(self) -> str:
        """What tables and pictures call it."""
        return self.method if self.step is None else f"{self.method}@{self.step}"


def read_methods(texts: Sequence[str]) -> list[Asked]:
    """Read names of methods, each with ``@`` and a time step if it shall not have its own.

    Repeated ones are dropped; `exact` comes first, and is added if it is missing.

    Raises
    ------
    InputError
        An unknown method, a step that is no time, or one for a method without steps.
    """
    asked = [Asked(REFERENCE), *(_read(text) for text in texts)]
    unique = list(dict.fromkeys(asked))
    if len(unique) < 2:
        known = ", ".join(name for name in _KNOWN if name != REFERENCE)
        raise InputError(
            f"--methods: got nothing to compare with exact, need one of {known}; "
            "as in --methods exact,leap,langevin"
        )
    return unique


def _read(text: str) -> Asked:
    name, at, step = (part.strip() for part in text.partition("@"))
    if name not in _KNOWN:
        raise InputError(f"--methods: no method '{name}'; {did_you_mean(name, _KNOWN)}")
    if not at:
        return Asked(name)
    if name in METHODS and METHODS[name].step_ms is None:
        raise InputError(f"--methods: {text}: method '{name}' has no step; write {name} alone")
    try:
        return Asked(name, parse(step, DURATION).text)
    except InputError as error:
        raise InputError(f"--methods: {text}: {error}") from None
