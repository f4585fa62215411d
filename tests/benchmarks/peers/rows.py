"""The rows of the benchmark: which module, with which setting, and what it holds still."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from math import inf


@dataclass(frozen=True)
class Row:
    """One simulator with one setting.

    Attributes
    ----------
    module : of this package.
    setting : what its ``prepare_…`` functions take.
    label : as printed.
    frozen : what it holds still, and for how long.
    largest_um2 : patch that it is asked for; larger ones would take hours.
    """

    module: str
    setting: str
    label: str
    frozen: str
    largest_um2: float = inf

    def installed(self) -> str | None:
        """Version of what the row needs, None where it is not installed."""
        try:
            return version(importlib.import_module(f"peers.{self.module}").DISTRIBUTION)
        except PackageNotFoundError:
            return None


def _ours() -> tuple[Row, ...]:
    from peers import ours

    return tuple(
        Row("ours", name, f"stochhh {name}", ours.frozen(name))
        for name in ("exact", "leap", "langevin", "frozen")
        if ours.offered(name)
    )


OURS = _ours()
REFERENCE = OURS[0]
PATCH_ROWS: tuple[Row, ...] = (
    *OURS,
    *(
        Row(
            "neuron_kschan",
            step,
            f"NEURON, KSChan, dt {step}",
            f"rates over {step} ms, times while V moves < 0.1 mV; V implicit Euler",
        )
        for step in ("0.01", "0.025")
    ),
    Row(
        "neuron_gillespie",
        "0.01",
        "NEURON, Gillespie in NMODL, dt 0.01",
        "rates over 0.01 ms; V implicit Euler",
    ),
    *(
        Row(
            "brian2_leap",
            step,
            f"Brian2, binomial leap in C++, dt {step}",
            f"rates over {step} ms, one transition a channel; V exponential Euler",
        )
        for step in ("0.01", "0.0025")
    ),
    Row(
        "gillespy2_hybrid",
        "0.03",
        "GillesPy2 TauHybridCSolver, tau_tol 0.03",
        "occupancies over steps of at most 0.03 ms; V by CVODE",
        1.0,
    ),
)
CLAMP_ROWS: tuple[Row, ...] = (
    REFERENCE,
    Row("neuron_kschan", "0.01", "NEURON, KSChan, dt 0.01", "nothing that moves"),
    Row("neuron_gillespie", "0.01", "NEURON, Gillespie in NMODL, dt 0.01", "nothing that moves"),
    Row("gillespy2_ssa", "C++", "GillesPy2 SSACSolver", "nothing that moves"),
    Row("gillespy2_ssa", "NumPy", "GillesPy2 NumPySSASolver", "nothing that moves"),
    *(
        Row(
            "myokit_discrete",
            pieces,
            f"Myokit DiscreteSimulation, each ms in {pieces}",
            "nothing; draws twice at ends",
        )
        for pieces in ("1", "20")
    ),
)
