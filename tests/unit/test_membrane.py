"""Membranes: one consistent set of numbers from any sufficient subset, and rest."""

from __future__ import annotations

import numpy as np
import pytest
import tomli_w

from stochhh.errors import InputError
from stochhh.fields import validate
from stochhh.kinetics.files import load_scheme
from stochhh.membrane import Membrane, build_membrane, build_patch
from stochhh.scenario import load_scenario
from stochhh.scenario.models import MembranePatch

NA = {"scheme": "squid-na", "reversal": "50 mV"}
K = {"scheme": "squid-k", "reversal": "-77 mV"}
NUMBERS = {"density": "60 / um^2", "conductance": "20 pS"}

RECEPTOR = {
    "format": 1,
    "title": "a receptor",
    "ion": "cations",
    "state": [{"name": "R"}, {"name": "sub", "conductance": 0.4}, {"name": "O", "conductance": 1}],
    "rates": {
        "on": {"law": "binding", "rate": "5 / (mM ms)", "ligand": "ACh"},
        "off": {"law": "constant", "rate": "8 / ms"},
        "open": {"law": "constant", "rate": "30 / ms"},
        "shut": {"law": "constant", "rate": "1 / ms"},
    },
    "transition": [
        {"from": "R", "to": "sub", "rate": "on"},
        {"from": "sub", "to": "R", "rate": "off"},
        {"from": "sub", "to": "O", "rate": "open"},
        {"from": "O", "to": "sub", "rate": "shut"},
    ],
}


def built(*channels, **tables) -> Membrane:
    data = {"area": "100 um^2", "capacitance": "1 uF/cm^2", "channels": list(channels), **tables}
    return build_membrane(validate(MembranePatch, data, "file"), "file")


def refused(message, *channels, **tables):
    with pytest.raises(InputError) as caught:
        built(*channels, **tables)
    assert message in str(caught.value)
    assert str(caught.value).startswith("file: ")


@pytest.fixture
def receptor(tmp_path):
    path = tmp_path / "receptor.toml"
    path.write_text(tomli_w.dumps(RECEPTOR), encoding="utf-8")
    return {"scheme": str(path), "reversal": "0 mV", "count": 50, "conductance": "40 pS"}


# ---- numbers -------------------------------------------------------------------------------


def test_the_squid_patch(squid):
    """60 Na+ and 18 K+ channels of 20 pS per µm²: Chow & White 1996."""
    sodium, potassium = squid.populations
    assert (sodium.count, potassium.count, squid.n_channels) == (6000, 1800, 7800)
    assert sodium.conductance_nS == potassium.conductance_nS == pytest.approx(0.02, rel=1e-12)
    assert (sodium.name, potassium.name) == ("squid-na", "squid-k")
    # ḡNa = 120, ḡK = 36, gL = 0.3 mS/cm² and C = 1 µF/cm²: Hodgkin & Huxley 1952, table 3
    assert sodium.maximal_conductance_nS == pytest.approx(120.0, rel=1e-12)
    assert potassium.maximal_conductance_nS == pytest.approx(36.0, rel=1e-12)
    assert squid.leak_nS == pytest.approx(0.3, rel=1e-12)
    assert squid.capacitance_pF == pytest.approx(1.0, rel=1e-12)
    assert squid.area_um2 == 100.0
    assert squid.reversals_mV == [50.0, -77.0, -54.4]


COUNTS = [{"count": 6000}, {"density": "60 / um^2"}, {"count": 6000, "density": "60 / um^2"}, {}]
CONDUCTANCES = [
    {"conductance": "20 pS"},
    {"maximal_conductance": "120 mS/cm^2"},
    {"maximal_conductance": "120 nS"},
    {"conductance": "0.02 nS", "maximal_conductance": "120 mS/cm^2"},
    {"conductance": "0.02 nS", "maximal_conductance": "0.12 uS"},
]


@pytest.mark.parametrize("conductances", CONDUCTANCES)
@pytest.mark.parametrize("counts", COUNTS)
def test_any_sufficient_subset_gives_the_same_population(counts, conductances):
    if not counts and len(conductances) < 2:
        refused("too little to go by; give count or density too", {**NA, **conductances})
        return
    (population,) = built({**NA, **counts, **conductances}).populations
    assert population.count == 6000
    assert population.conductance_nS == pytest.approx(0.02, rel=1e-12)
    assert population.maximal_conductance_nS == pytest.approx(120.0, rel=1e-12)


@pytest.mark.parametrize("counts", COUNTS[:3])
def test_a_number_of_channels_alone_is_too_little(counts):
    refused("give conductance or maximal_conductance too", {**NA, **counts})
    refused("channels[1]: too little to go by", {**K, **NUMBERS}, {**NA, **counts})


def test_nothing_at_all_is_too_little():
    refused("membrane.channels[0]: too little to go by; give count or density too, as in", NA)


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        (
            {"count": 5999, "density": "60 / um^2", "conductance": "20 pS"},
            "contradiction: count makes 5999 channels, density makes 6000; drop one of them",
        ),
        (
            {"count": 6000, "conductance": "20 pS", "maximal_conductance": "121 mS/cm^2"},
            "count makes 6000 channels, maximal_conductance / conductance makes 6050;",
        ),
        (
            {"density": "60 / um^2", "conductance": "10 pS", "maximal_conductance": "120 nS"},
            "density makes 6000 channels, maximal_conductance / conductance makes 12000;",
        ),
        ({"count": 0, "density": "60 / um^2", "conductance": "20 pS"}, "count makes 0 channels"),
    ],
)
def test_a_contradiction_is_refused(numbers, message):
    refused(message, {**NA, **numbers})


def test_a_density_that_makes_no_whole_number_agrees_with_its_count():
    """20.4 channels are 20; a count of 20 says the same, one of 21 does not."""
    small = {"area": "0.34 um^2"}
    (alone,) = built({**NA, **NUMBERS}, **small).populations
    (both,) = built({**NA, **NUMBERS, "count": 20}, **small).populations
    assert alone.count == both.count == 20
    refused("contradiction", {**NA, **NUMBERS, "count": 21}, **small)


def test_the_maximal_conductance_is_kept_when_the_count_is_rounded():
    numbers = {"density": "60 / um^2", "maximal_conductance": "120 mS/cm^2"}
    (population,) = built({**NA, **numbers}, area="0.34 um^2").populations
    assert population.count == 20
    assert population.maximal_conductance_nS == pytest.approx(1.2 * 0.34, rel=1e-12)


def test_no_channels_are_allowed_but_carry_no_conductance():
    (population,) = built({**NA, "count": 0, "conductance": "20 pS"}).populations
    assert (population.count, population.maximal_conductance_nS) == (0, 0.0)
    refused(
        "no channels to carry the maximal_conductance",
        {**NA, "count": 0, "maximal_conductance": "120 nS"},
    )


@pytest.mark.parametrize(
    "numbers",
    [
        {"density": "1.1e10 / um^2", "conductance": "20 pS"},
        {"density": "1e299 / um^2", "conductance": "20 pS"},
        {"conductance": "1e-290 pS", "maximal_conductance": "1e100 nS"},  # divides to infinity
    ],
)
@pytest.mark.parametrize("area", ["100 um^2", "1e200 um^2"])
def test_too_many_channels_are_refused(numbers, area):
    refused("membrane.channels[0]: ", {**NA, **numbers}, area=area)
    refused("channels; at most 1e+12 are allowed", {**NA, **numbers}, area=area)


@pytest.mark.parametrize("factor", [0.001, 0.1, 0.5, 1, 1.0, 3, 1000.0])
def test_the_count_factor_keeps_the_total_conductance(factor):
    channels = {**NA, **NUMBERS}, {**K, "density": "18 / um^2", "conductance": "20 pS"}
    plain, scaled = built(*channels), built(*channels, count_factor=factor)
    for before, after in zip(plain.populations, scaled.populations, strict=True):
        assert after.count == round(before.count * factor)
        assert after.maximal_conductance_nS == pytest.approx(
            before.maximal_conductance_nS, rel=1e-12
        )
    assert scaled.resting_voltage_mV() == pytest.approx(plain.resting_voltage_mV(), abs=1e-9)


def test_a_count_factor_that_rounds_still_keeps_the_total_conductance():
    (population,) = built({**NA, "count": 7, "conductance": "20 pS"}, count_factor=0.5).populations
    assert population.count == 4  # 3.5
    assert population.maximal_conductance_nS == pytest.approx(7 * 0.02, rel=1e-12)


def test_the_count_factor_may_leave_no_channels_only_where_there_were_none():
    few = {**NA, "count": 4, "conductance": "20 pS"}
    refused("membrane.count_factor leaves no channel of 'squid-na'", few, count_factor=0.1)
    (population,) = built({**few, "count": 0}, count_factor=0.1).populations
    assert population.count == 0
    refused("1e+15 channels; at most 1e+12", {**few, "count": 10**9}, count_factor=1e6)


def test_absolute_and_per_area_leak_and_capacitance():
    leaks = [{"conductance": c, "reversal": "-54.4 mV"} for c in ("0.3 mS/cm^2", "0.3 nS")]
    membranes = [
        built(area="200 um^2", leak=leaks[0], capacitance="1 uF/cm^2"),
        built(area="200 um^2", leak=leaks[1], capacitance="1 pF"),
    ]
    assert [m.leak_nS for m in membranes] == pytest.approx([0.6, 0.3], rel=1e-12)
    assert [m.capacitance_pF for m in membranes] == pytest.approx([2.0, 1.0], rel=1e-12)
    assert built().leak_nS == 0.0
    assert built().reversals_mV == []


# ---- schemes -------------------------------------------------------------------------------


def test_names_are_unique_and_by_default_the_scheme():
    channels = {**NA, **NUMBERS}, {**NA, **NUMBERS}
    refused("channels[1]: a second population named 'squid-na'; give it a name", *channels)
    names = [p.name for p in built(channels[0], {**channels[1], "name": "late"}).populations]
    assert names == ["squid-na", "late"]


def test_an_unknown_scheme_names_its_key():
    refused(
        "membrane.channels[0].scheme: unknown scheme 'squid-naa'; did you mean 'squid-na'",
        {**NA, **NUMBERS, "scheme": "squid-naa"},
    )
    refused("channels[0].scheme: ", {**NA, **NUMBERS, "scheme": "a\0b.toml"})


def test_the_temperature_reaches_every_scheme():
    channels = {**NA, **NUMBERS}, {**K, "count": 1800, "conductance": "20 pS"}
    for temperature, factor in (("6.3 degC", 1.0), ("16.3 degC", 3.0), (None, 1.0)):
        tables = {} if temperature is None else {"temperature": temperature}
        for population in built(*channels, **tables).populations:
            np.testing.assert_allclose(
                population.scheme.rates_at(-50.0),
                factor * load_scheme(population.name).rates_at(-50.0),
                rtol=1e-12,
            )


def test_a_ligand_reaches_the_schemes_that_bind_it(receptor):
    membrane = built(receptor, {**NA, **NUMBERS}, ligands={"ACh": "400 uM"})
    np.testing.assert_allclose(membrane.schemes[0].rates_at(0.0), [2.0, 8.0, 30.0, 1.0], rtol=1e-12)
    assert built(receptor, ligands={"ACh": "0 mM"}).schemes[0].rates_at(0.0)[0] == 0.0


def test_a_ligand_must_have_a_concentration_and_a_receptor(receptor):
    refused(
        "channels[0]: 'receptor' binds 'ACh'; give its concentration, "
        'as in ligands = { ACh = "1 mM" } under [membrane]',
        receptor,
    )
    refused("membrane.ligands.ACh: no channel binds 'ACh'", ligands={"ACh": "1 mM"})
    refused(
        "membrane.ligands.AChh: no channel binds 'AChh'; did you mean 'ACh'?",
        receptor,
        ligands={"ACh": "1 mM", "AChh": "1 mM"},
    )


def test_sublevels_carry_their_share(receptor):
    """Law of R - sub - O: (1, x, 30x)/(1 + 31x), x = [A] on/off; share open 0.4 of sub + O."""
    membrane = built(receptor, ligands={"ACh": "0.4 mM"})
    (law,) = membrane.stationary_laws(0.0)
    x = 0.4 * 5 / 8
    share = (0.4 * x + 30 * x) / (1 + 31 * x)
    assert membrane.populations[0].open_fraction(law) == pytest.approx(share, rel=1e-12)
    # 50 channels of 40 pS = 2 nS, 10 mV from their reversal
    assert membrane.steady_current_pA(10.0) == pytest.approx(20.0 * share, rel=1e-12)


# ---- rest ----------------------------------------------------------------------------------


def test_a_rest_is_found_among_absurd_voltages():
    scenario = load_scenario(
        "node-of-ranvier", ['membrane.channels.0.reversal="9.156046733091032e33 mV"']
    )
    membrane = build_membrane(scenario.membrane, "file")
    voltage = membrane.resting_voltage_mV()  # a hundred halvings of the interval do not do
    assert (
        membrane.steady_current_pA(voltage - 1e-6)
        < 0.0
        < membrane.steady_current_pA(voltage + 1e-6)
    )


def test_the_resting_potential_of_the_squid_patch(squid):
    """-64.99972 mV, the deterministic limit with EL = -54.4 mV (Hodgkin & Huxley 1952)."""
    assert round(squid.resting_voltage_mV(), 5) == -64.99972
    assert abs(squid.steady_current_pA(squid.resting_voltage_mV())) < 1e-9


@pytest.mark.parametrize("area", ["1 um^2", "1e4 um^2"])
def test_rest_does_not_depend_on_the_area(squid, area):
    tables = load_scenario("squid-patch", [f"membrane.area={area}"]).membrane
    voltage = build_membrane(tables, "file").resting_voltage_mV()
    assert voltage == pytest.approx(squid.resting_voltage_mV(), abs=1e-9)


def test_the_steady_current_is_the_textbook_sum(squid):
    """I = ḡNa m³h (V - ENa) + ḡK n⁴ (V - EK) + gL (V - EL)."""
    for voltage in (-80.0, -65.0, -40.0, 20.0):
        (am, bm, ah, bh), (an, bn) = (scheme.rates_at(voltage) for scheme in squid.schemes)
        m, h, n = am / (am + bm), ah / (ah + bh), an / (an + bn)
        expected = 120 * m**3 * h * (voltage - 50) + 36 * n**4 * (voltage + 77)
        expected += 0.3 * (voltage + 54.4)
        assert squid.steady_current_pA(voltage) == pytest.approx(expected, rel=1e-10)


def test_a_leak_alone_rests_at_its_reversal():
    membrane = built(leak={"conductance": "0.3 nS", "reversal": "-54.4 mV"})
    assert membrane.resting_voltage_mV() == pytest.approx(-54.4, abs=1e-9)


def test_a_membrane_without_conductance_has_no_rest():
    with pytest.raises(InputError, match="without leak and channels has no resting potential"):
        built().resting_voltage_mV()
    silent = built({**NA, "count": 0, "conductance": "20 pS"})
    with pytest.raises(
        InputError, match=r'no resting potential; set run.initial.voltage, as in "-65'
    ):
        silent.resting_voltage_mV()


def test_a_scheme_whose_states_are_never_left_has_no_equilibrium(tmp_path):
    """No arrows at all: the channel stays wherever it was."""
    stuck = {**RECEPTOR, "transition": [], "rates": {}}
    path = tmp_path / "stuck.toml"
    path.write_text(tomli_w.dumps(stuck), encoding="utf-8")
    channel = {"scheme": str(path), "reversal": "0 mV", "count": 5, "conductance": "1 pS"}
    membrane = built({**channel, "name": "valve"})
    with pytest.raises(InputError, match="valve at -65 mV: the scheme has no single equilibrium"):
        membrane.stationary_laws(-65.0)


# ---- kernels' arrays -----------------------------------------------------------------------


def test_the_patch_holds_what_one_channel_adds_in_each_state(squid):
    patch = build_patch(squid, 0.0, -30.0)
    assert patch.state_conductance == pytest.approx([0.0] * 7 + [0.02] + [0.0] * 4 + [0.02])
    assert patch.state_drive == pytest.approx([0.0] * 7 + [1.0] + [0.0] * 4 + [-1.54])
    assert patch.population.tolist() == [0] * 8 + [1] * 5
    assert patch.reversal.tolist() == [50.0, -77.0, -54.4]
    assert patch.state_start.tolist() == [0, 8, 13]
    assert (patch.capacitance, patch.spike_threshold, patch.spike_rearm) == (
        pytest.approx(1.0),
        0.0,
        -30.0,
    )


def test_the_patch_of_a_bare_membrane_has_no_states():
    patch = build_patch(built(), 0.0, -30.0)
    assert len(patch.state_conductance) == len(patch.population) == 0
    assert patch.state_start.tolist() == [0]
    assert patch.reversal.tolist() == [0.0]


def test_an_area_whose_capacitance_overflows_is_refused():
    overrides = ["membrane.area=1e300 um^2", "membrane.capacitance=1e300 uF/cm^2"]
    without_channels = [*overrides, "membrane.channels=[]"]
    with pytest.raises(InputError, match="not a finite number above zero"):
        build_membrane(load_scenario("squid-patch", without_channels).membrane, "x")
