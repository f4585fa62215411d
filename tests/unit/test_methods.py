"""The list of methods: what each entry must hold for the rest of the program."""

from __future__ import annotations

import re
from dataclasses import FrozenInstanceError
from typing import get_args

import pytest

from stochhh import simulate
from stochhh.methods import METHODS
from stochhh.scenario.models import MethodName
from stochhh.stepping import run_stepped


def test_scenarios_name_these_methods_and_auto() -> None:
    assert set(get_args(MethodName)) == {*METHODS, "auto"}


def test_all_methods_are_there_in_their_order() -> None:
    assert list(METHODS) == [
        "exact", "leap", "langevin", "shielded", "frozen", "leap-first-order", "subunit",
        "deterministic",
    ]  # fmt: skip


@pytest.mark.parametrize("name", METHODS)
def test_an_entry_is_consistent(name: str) -> None:
    method = METHODS[name]
    assert method.name == name
    assert method.title
    assert method.cite
    assert all(re.fullmatch(r"doi:10\.\d{4,}/\S+", doi) for doi in method.cite)
    stepped = method.step_ms is not None
    assert stepped == (method.order is not None) == (method.move is not None)
    assert stepped == (simulate.METHODS[name] is run_stepped)
    assert method.move != "flow"  # that is what populations without noise do
    if not stepped:
        assert not method.staggered
    if method.move in ("diffuse", "diffuse-gates"):
        assert not method.whole
    elif stepped:
        assert method.whole


def test_orders_are_those_claimed() -> None:
    orders = {name: method.order for name, method in METHODS.items() if method.order}
    assert orders.pop("leap") == 2
    assert set(orders.values()) == {1}


def test_leap_alone_is_staggered_and_counts_channels() -> None:
    both = [name for name, method in METHODS.items() if method.staggered and method.whole]
    assert both == ["leap"]


def test_what_is_known_to_be_wrong_says_so() -> None:
    assert [name for name, method in METHODS.items() if method.wrong] == ["subunit"]
    assert [name for name, method in METHODS.items() if method.shielded] == ["shielded"]


def test_methods_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        METHODS["leap"].step_ms = 1.0  # type: ignore[misc]
