"""Circuits that several tests are made on, as tables."""

from __future__ import annotations

from typing import Any

SQUID_CHANNELS = [
    {"scheme": "squid-na", "density": "60 / um^2", "conductance": "20 pS", "reversal": "50 mV"},
    {"scheme": "squid-k", "density": "18 / um^2", "conductance": "20 pS", "reversal": "-77 mV"},
]
SQUID: dict[str, Any] = {
    "capacitance": "1 uF/cm^2",
    "temperature": "6.3 degC",
    "leak": {"conductance": "0.3 mS/cm^2", "reversal": "-54.387 mV"},
    "channels": SQUID_CHANNELS,
}
#: Rallpack 1 (Bhalla, Bilitch & Bower 1992, doi:10.1016/0166-2236(92)90009-W).
PASSIVE: dict[str, Any] = {
    "capacitance": "1 uF/cm^2",
    "leak": {"conductance": "0.25 pS/um^2", "reversal": "-65 mV"},
}


def axon(
    membrane: dict[str, Any],
    length: str = "1 mm",
    diameter: str = "1 um",
    resistivity: str = "100 ohm cm",
    n: int | None = None,
    **cell: Any,
) -> dict[str, Any]:
    """Tables of one unbranched cell of one membrane, without stimulus and run."""
    section = {"name": "shaft", "membrane": "its", "length": length, "diameter": diameter}
    if n is not None:
        section["compartments"] = n
    return {
        "format": 1,
        "title": "an axon",
        "membranes": {"its": membrane},
        "cell": [{"name": "axon", "axial_resistivity": resistivity, "section": [section], **cell}],
    }


def patch(membrane: dict[str, Any], area: str) -> dict[str, Any]:
    """Tables of one cell of one compartment."""
    return {
        "format": 1,
        "title": "a patch",
        "membranes": {"its": membrane},
        "cell": [{"name": "patch", "section": [{"name": "all", "membrane": "its", "area": area}]}],
    }


def pulse(amplitude: str, start: str = "0.5 ms", duration: str = "0.5 ms", **place: Any) -> Any:
    """Tables of one stimulus, at the start of the first cell."""
    return [
        {"kind": "pulse", "amplitude": amplitude, "start": start, "duration": duration, **place}
    ]
