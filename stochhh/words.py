"""Times, sizes and names in words."""

from __future__ import annotations

from pathlib import Path


def said_duration(seconds: float) -> str:
    """Say a time in the unit that fits, as in "3.2 min"."""
    for unit, size in (("years", 3.156e7), ("days", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.2g} s"


def said_bytes(n_bytes: float) -> str:
    """Say a size in the unit that fits, as in "16 GB"."""
    for unit, size in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if n_bytes >= size:
            return f"{n_bytes / size:.3g} {unit}"
    return f"{n_bytes / 1e3:.3g} kB"


def said_name(name: str | Path) -> str:
    """Say a name as it is, or in quotes if it would break the line it stands in."""
    return str(name) if str(name).isprintable() else repr(str(name))
