"""Quantities: what converts to what, and what is refused with which words."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys

import pytest

from stochhh import units
from stochhh.errors import InputError, StochhhError, TrustError, did_you_mean
from stochhh.units import Kind, parse

# Every row follows from the SI: 1 cm^2 = 1e8 um^2, 1 M = 1 mol/l, 0 degC = 273.15 K.
CONVERSIONS = [
    (units.AREA, "100 um^2", 100.0, "um^2"),
    (units.AREA, "100 µm²", 100.0, "um^2"),  # micro sign
    (units.AREA, "100 μm^2", 100.0, "um^2"),  # Greek mu
    (units.AREA, "1e-6 cm^2", 100.0, "um^2"),
    (units.AREA, "100um**2", 100.0, "um^2"),
    (units.CAPACITANCE, "1 uF/cm^2", 0.01, "pF/um^2"),
    (units.CAPACITANCE, "0.01 F/m^2", 0.01, "pF/um^2"),
    (units.CAPACITANCE, "1 uF cm^-2", 0.01, "pF/um^2"),
    (units.CAPACITANCE, "0.5 nF", 500.0, "pF"),
    (units.CONCENTRATION, "10 uM", 0.01, "mM"),
    (units.CONCENTRATION, "0 mM", 0.0, "mM"),
    (units.CONCENTRATION, "1 mol/m^3", 1.0, "mM"),
    (units.CONDUCTANCE, "20 pS", 0.02, "nS"),
    (units.CURRENT, "10 uA/cm^2", 0.1, "pA/um^2"),
    (units.CURRENT, "-150 pA", -150.0, "pA"),
    (units.CURRENT, "1 nA", 1000.0, "pA"),
    (units.CURRENT_SD, "0 pA", 0.0, "pA"),
    (units.DENSITY, "60 / um^2", 60.0, "1/um^2"),
    (units.DENSITY, "60 1/um^2", 60.0, "1/um^2"),
    (units.DENSITY, "6e9 / cm^2", 60.0, "1/um^2"),
    (units.DURATION, "1 s", 1000.0, "ms"),
    (units.DURATION, ".5 ms", 0.5, "ms"),
    (units.DURATION, "+5. us", 0.005, "ms"),
    (units.FREQUENCY, "50 Hz", 0.05, "1/ms"),
    (units.FREQUENCY, "50 cycles/s", 0.05, "1/ms"),  # a cycle is one, and not 2 pi
    (units.FREQUENCY, "3000 rpm", 0.05, "1/ms"),
    (units.FREQUENCY, "50 revolutions/s", 0.05, "1/ms"),
    (units.RATE, "10 cycles/s", 0.01, "1/ms"),
    (units.RATE, "10 counts/s", 0.01, "1/ms"),
    (units.TEMPERATURE, "68 degF", 20.0, "degC"),
    (units.LEAK, "0.3 mS/cm^2", 0.003, "nS/um^2"),
    (units.LEAK, "0 nS", 0.0, "nS"),
    (units.MAXIMAL_CONDUCTANCE, "120 mS/cm^2", 1.2, "nS/um^2"),
    (units.MAXIMAL_CONDUCTANCE, "0.12 uS", 120.0, "nS"),
    (units.RATE, "4 / ms", 4.0, "1/ms"),
    (units.RATE, "4e3 Hz", 4.0, "1/ms"),
    (units.BINDING_RATE, "5 / (mM ms)", 5.0, "1/(mM ms)"),
    (units.BINDING_RATE, "1e6 / (M s)", 1.0, "1/(mM ms)"),
    (units.TEMPERATURE, "6.3 degC", 6.3, "degC"),
    (units.TEMPERATURE, "279.45 K", 6.3, "degC"),
    (units.TEMPERATURE, "20 °C", 20.0, "degC"),
    (units.TIME, "0 ms", 0.0, "ms"),
    (units.VOLTAGE, "-65 mV", -65.0, "mV"),
    (units.VOLTAGE, "-0.065 V", -65.0, "mV"),
    (units.VOLTAGE_STEP, "0.25 mV", 0.25, "mV"),
]

KINDS = [kind for kind in vars(units).values() if isinstance(kind, Kind)]


@pytest.mark.parametrize(("kind", "text", "value", "unit"), CONVERSIONS)
def test_text_becomes_the_internal_unit(kind, text, value, unit):
    amount = parse(text, kind)
    assert amount == pytest.approx(value, rel=1e-12)
    assert (amount.unit, amount.text) == (unit, text)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (units.FREQUENCY, "314 rad/s"),
        (units.FREQUENCY, "18000 deg/s"),
        (units.RATE, "5 rad/ms"),
        (units.RATE, "5 cycles^2/ms"),
        (units.TIME, "2 ms cycles"),
        (units.VOLTAGE, "2 mV rad"),
        (units.CURRENT, "3 pA/turn"),
        (units.VOLTAGE, "2 dB mV"),
        (units.TEMPERATURE, "20 delta_degC"),
    ],
)
def test_angles_and_other_units_with_hidden_factors_are_refused(kind, text):
    with pytest.raises(InputError, match=f"which is not {kind.what}; write it as in"):
        parse(text, kind)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.example)
def test_the_example_of_every_kind_is_well_formed(kind):
    assert parse(kind.example, kind).unit == kind.units[0]


def test_internal_units_are_consistent():
    """Ohm's and Ampere's laws need no factors: nS mV = pA and pA ms / pF = mV."""
    current = parse("20 pS", units.CONDUCTANCE) * parse("0.1 V", units.VOLTAGE)
    assert current == pytest.approx(parse("2 pA", units.CURRENT), rel=1e-12)
    swing = parse("2 pA", units.CURRENT) * parse("3 ms", units.TIME)
    assert swing / parse("6 pF", units.CAPACITANCE) == pytest.approx(1.0, rel=1e-12)


def test_per_area_amounts_are_multiplied_out_and_absolute_ones_are_not():
    per_area, absolute = parse("10 uA/cm^2", units.CURRENT), parse("10 pA", units.CURRENT)
    assert per_area.per_area
    assert not absolute.per_area
    assert per_area.absolute(200.0) == pytest.approx(20.0, rel=1e-12)
    assert absolute.absolute(200.0) == 10.0


def test_an_amount_survives_parsing_copying_and_pickling():
    amount = parse("  100 um^2 ", units.AREA)
    assert amount.text == "100 um^2"
    assert parse(amount, units.AREA) is amount
    for again in (copy.deepcopy(amount), pickle.loads(pickle.dumps(amount))):
        assert (again, again.unit, again.text) == (100.0, "um^2", "100 um^2")


def test_an_amount_is_checked_against_the_kind_it_is_now_needed_for():
    with pytest.raises(InputError, match='got "0 ms", need a time above zero, such as "500 ms"'):
        parse(parse("0 ms", units.TIME), units.DURATION)
    with pytest.raises(InputError, match="need an area with its unit"):
        parse(parse("1 ms", units.TIME), units.AREA)


@pytest.mark.parametrize("value", [5, 5.0, -1, 0, float("nan"), 10**30])
def test_a_bare_number_is_refused_with_an_example(value):
    with pytest.raises(
        InputError, match=r'the bare number .*, need an area with its unit, such as "100 um\^2"'
    ):
        parse(value, units.AREA)


@pytest.mark.parametrize("value", [True, None, [], {}, ("1 ms",), b"1 ms"])
def test_what_is_not_even_text_is_refused(value):
    with pytest.raises(InputError, match=r'need a voltage such as "-65 mV"'):
        parse(value, units.VOLTAGE)


@pytest.mark.parametrize(
    "text",
    ["", "mV", "5", "1,5 mV", "--5 mV", "nan mV", "inf mV", "1e mV5", "5 m\nV", "0x5 mV"],
)
def test_text_that_is_no_number_with_a_unit_is_refused(text):
    with pytest.raises(InputError, match=r'(number and its unit|is not a voltage).*"-65 mV"'):
        parse(text, units.VOLTAGE)


@pytest.mark.parametrize(
    ("plain", "caret", "kind"),
    [
        ("50um2", "50 um^2", units.AREA),
        ("1e-6 cm2", "1e-6 cm^2", units.AREA),
        ("60/um2", "60 / um^2", units.DENSITY),
        ("5 uA/cm2", "5 uA/cm^2", units.CURRENT),
        ("120 mS/cm2", "120 mS/cm^2", units.LEAK),
    ],
)
def test_a_power_of_a_length_needs_no_caret(plain, caret, kind):
    """Which some shells take for themselves."""
    assert float(units.parse(plain, kind)) == float(units.parse(caret, kind))
    assert units.parse(plain, kind).text == plain
    for wrong in (plain.replace("m2", "m22"), plain.replace("m2", "m4")):
        with pytest.raises(InputError, match="which is not"):
            units.parse(wrong, kind)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("uA/cm^2", "µA/cm²"),
        ("60 / um2", "60 / µm²"),
        ("area 2 um**2, squid-um.toml", "area 2 µm², squid-um.toml"),
        ("6.3 degC", "6.3 °C"),
        ("exact", "exact"),
    ],
)
def test_units_are_shown_as_papers_write_them(text, shown):
    assert units.pretty(text) == shown


def test_a_message_stays_one_line_and_short():
    with pytest.raises(InputError, match=r'got "1 m\\nV"') as caught:
        parse("1 m\nV", units.VOLTAGE)
    assert len(str(caught.value).splitlines()) == 1
    with pytest.raises(InputError, match=r'got "1{40}…", need a voltage: a number and its unit'):
        parse("1" * 100_000, units.VOLTAGE)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("5 mV", units.AREA),
        ("5 um", units.AREA),
        ("5 um^3", units.AREA),
        ("5 nonsense", units.AREA),
        ("5 pS/um^2", units.CONDUCTANCE),
        ("5 / mV", units.RATE),
        ("5 degC^2", units.TEMPERATURE),
        ("5 2 um^2", units.AREA),
        ("5 um^2 + 3 um^2", units.AREA),
    ],
)
def test_a_unit_of_another_kind_is_refused(text, kind):
    with pytest.raises(InputError, match=r"which is not an? .*; write it as in") as caught:
        parse(text, kind)
    assert kind.what in str(caught.value)
    assert text in str(caught.value)


# What pint 0.25 answers with other exceptions, or works on for ever.
@pytest.mark.parametrize(
    "unit",
    [
        "um^",
        "((((",
        "um)",
        "@",
        "'um'",
        "um^2/0",
        "()",
        "um()",
        "**",
        "\x00",
        "?",
        "um;",
        "um^inf",
        "um^9^9^9^9^9",
        "um**9**9**9",
        "um^(9**9**9**9)",
        "um^99999999999",
        "um²²²²²²²²",
        "lambda",
    ],
)
def test_no_unit_text_breaks_or_hangs_the_parser(unit):
    with pytest.raises(InputError, match="which is not an area"):
        parse(f"5 {unit}", units.AREA)


@pytest.mark.parametrize("text", ["1e400 um^2", "1e301 um^2", "1e299 km^2", "-1e999 um^2"])
def test_what_is_not_finite_is_refused(text):
    with pytest.raises(InputError, match=f'got "{text}"'.replace("^", r"\^") + ".*not a finite"):
        parse(text, units.AREA)


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("0 um^2", units.AREA, 'need an area above 0 um^2, such as "100 um^2"'),
        ("-1 um^2", units.AREA, "need an area above 0 um^2"),
        ("1e-400 um^2", units.AREA, "need an area above 0 um^2"),  # rounds to zero
        ("0 uF/cm^2", units.CAPACITANCE, "need a capacitance above 0 pF/um^2"),
        ("-1 mM", units.CONCENTRATION, 'need a concentration at least 0 mM, such as "1 mM"'),
        ("-1 / um^2", units.DENSITY, "need a number per area at least 0 1/um^2"),
        ("0 ms", units.DURATION, 'got "0 ms", need a time above zero, such as "500 ms"'),
        ("-1 ms", units.TIME, "need a time at least 0 ms"),
        ("0 Hz", units.FREQUENCY, "need a frequency above 0 1/ms"),
        ("-1 nS", units.LEAK, "need a conductance at least 0 nS/um^2"),
        ("0 pS", units.CONDUCTANCE, "need a conductance above 0 nS"),
        ("-273.15 degC", units.TEMPERATURE, "need a temperature above -273.15 degC"),
        ("0 K", units.TEMPERATURE, "need a temperature above -273.15 degC"),
        ("101 degC", units.TEMPERATURE, 'need a temperature at most 100 degC, such as "6.3 degC"'),
        ("-1 pA", units.CURRENT_SD, "need a current at least 0 pA/um^2"),
        ("0 mV", units.VOLTAGE_STEP, "need a voltage above zero, such as"),
    ],
)
def test_what_is_out_of_range_is_refused_with_the_bound(text, kind, message):
    with pytest.raises(InputError) as caught:
        parse(text, kind)
    assert message in str(caught.value)


def test_errors_carry_the_exit_code_of_the_command_line():
    assert (InputError("x").exit_code, TrustError("x").exit_code) == (2, 1)
    assert issubclass(InputError, StochhhError)
    assert issubclass(InputError, ValueError)
    assert issubclass(TrustError, StochhhError)
    assert not issubclass(TrustError, ValueError)


def test_near_words_are_named_and_else_all_of_them():
    assert did_you_mean("aera", ["area", "leak"]) == "did you mean 'area'?"
    assert did_you_mean("squid", ["squid-k", "squid-na"]) == (
        "did you mean 'squid-k' or 'squid-na'?"
    )
    assert did_you_mean("zzz", ["leak", "area"]) == "known: area, leak"


@pytest.mark.parametrize("spoil", ["no place", "half written"])
def test_units_are_known_without_a_cache(spoil, tmp_path):
    """What pint keeps between runs only saves time."""
    cache = tmp_path / "cache"
    cache.mkdir()
    command = [sys.executable, "-c", "from stochhh.units import *; print(parse('5 Hz', FREQUENCY))"]
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    if spoil == "no place":
        (cache / "pint").write_text("in the way")
    else:
        subprocess.run(command, check=True, capture_output=True, env=environment)
        for kept in (cache / "pint").glob("*.pickle"):
            kept.write_bytes(kept.read_bytes()[:20])
    done = subprocess.run(command, check=True, capture_output=True, env=environment, text=True)
    assert done.stdout.strip() == "0.005"
