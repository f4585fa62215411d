"""The methods there are, as data: what each does, how exact it is, and whose it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: How the channels of a population are moved within a step.
Move = Literal["flow", "leap", "gillespie", "diffuse", "diffuse-gates"]


@dataclass(frozen=True)
class Method:
    """One way to simulate a membrane.

    Attributes
    ----------
    name, title : what users write, and what it is.
    order : power of the step with which its law goes wrong; None without a step.
    step_ms : time step by default; None without one.
    move : how a stepped method moves channels; None for others.
    staggered : channels and voltage half a step apart (second order), or both of
        the beginning of the step.
    whole : whether channels are counted in whole numbers.
    shielded : noise at the conducting states only.
    wrong : why its law is known to be wrong at any step; empty for all others.
    cite : DOIs.
    """

    name: str
    title: str
    order: int | None = None
    step_ms: float | None = None
    move: Move | None = None
    staggered: bool = False
    whole: bool = True
    shielded: bool = False
    wrong: str = ""
    cite: tuple[str, ...] = ()


#: In the order in which they are listed to users.
METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method(
            "exact",
            "every transition at its exact time, by thinning; no time step",
            cite=("doi:10.1002/nav.3800260304", "doi:10.1007/s10915-017-0587-8"),
        ),
        Method(
            "leap",
            "multinomial draws from the propagator, staggered with the voltage",
            order=2,
            step_ms=0.05,
            move="leap",
            staggered=True,
            cite=("doi:10.1098/rspb.1981.0003", "doi:10.1137/0705041"),
        ),
        Method(
            "langevin",
            "diffusion with a noise for every pair of opposite transitions",
            order=1,
            step_ms=0.01,
            move="diffuse",
            staggered=True,
            whole=False,
            cite=("doi:10.1371/journal.pone.0036670", "doi:10.1103/PhysRevE.87.012716"),
        ),
        Method(
            "shielded",
            "diffusion with noise at the conducting states only",
            order=1,
            step_ms=0.01,
            move="diffuse",
            staggered=True,
            whole=False,
            shielded=True,
            cite=("doi:10.1103/PhysRevLett.109.118101", "doi:10.1162/neco_a_01312"),
        ),
        Method(
            "frozen",
            "Gillespie's method with rates held over a step, as usually published",
            order=1,
            step_ms=0.01,
            move="gillespie",
            cite=("doi:10.1021/j100540a008", "doi:10.1007/s10827-014-0528-2"),
        ),
        Method(
            "leap-first-order",
            "at most one transition of a channel in a step, as usually published",
            order=1,
            step_ms=0.01,
            move="leap",
            cite=("doi:10.1063/1.1378322",),
        ),
        Method(
            "subunit",
            "diffusion of gates instead of channels; known to be wrong, for comparison",
            order=1,
            step_ms=0.01,
            move="diffuse-gates",
            staggered=True,
            whole=False,
            wrong="all channels share one noise for each kind of gate",
            cite=("doi:10.1103/PhysRevE.49.3421", "doi:10.1371/journal.pcbi.1002247"),
        ),
        Method(
            "deterministic",
            "the limit of infinitely many channels, without noise",
            whole=False,
            cite=("doi:10.1113/jphysiol.1952.sp004764", "doi:10.1007/978-3-540-78862-1"),
        ),
    )
}
