"""Channel schemes of the library: every rate against its printed formula, graphs, equilibrium.

The numbers in `PRINTED` were worked out with 40 digits from the formulas above them, which are
written as their sources print them, not as the scheme files do. Sources: the scheme files.
"""

from __future__ import annotations

import numpy as np
import pytest

from stochhh.kinetics.files import library_schemes, load_scheme
from stochhh.kinetics.scheme import ChannelScheme
from stochhh.kinetics.tables import INTERPOLATION_ERROR, BandTable
from stochhh.theory import propagator, stationary_law

# states, transitions, open states, ion, valence, temperature in °C, Q10
FACTS = {
    "ampa": (6, 10, {"O"}, "cations", 1, 36.0, 1.0),
    "hippocampal-ka": (4, 8, {"a1b1"}, "K+", 1, 36.0, 1.0),
    "muscle-k": (5, 8, {"n4"}, "K+", 1, 20.0, 1.0),
    "muscle-na": (8, 20, {"m3h1"}, "Na+", 1, 20.0, 1.0),
    "nachr": (5, 10, {"AR*", "A2R*"}, "cations", 1, 10.0, 1.0),
    "neocortical-ca": (6, 14, {"m2h1"}, "Ca2+", 2, 23.0, 2.3),
    "neocortical-hcn": (2, 2, {"n1"}, "cations", 1, 34.0, 1.0),
    "neocortical-km": (2, 2, {"n1"}, "K+", 1, 23.0, 2.3),
    "neocortical-kv": (2, 2, {"n1"}, "K+", 1, 23.0, 2.3),
    "node-na": (8, 20, {"m3h1"}, "Na+", 1, 37.0, 1.0),
    "purkinje-na": (13, 34, {"O"}, "Na+", 1, 22.0, 3.0),
    "pyramidal-k": (5, 8, {"n4"}, "K+", 1, 36.0, 3.0),
    "pyramidal-na": (8, 20, {"m3h1"}, "Na+", 1, 36.0, 3.0),
    "squid-k": (5, 8, {"n4"}, "K+", 1, 6.3, 3.0),
    "squid-na": (8, 20, {"m3h1"}, "Na+", 1, 6.3, 3.0),
    "squid-na-markov": (9, 18, {"O"}, "Na+", 1, 5.0, 1.0),
}

# voltage (mV): rates (1/ms) in the order of the scheme | open probability at equilibrium. For
# gates that probability is the product of (alpha/(alpha+beta))^power; for the two listed
# schemes it is the weight of O, the product of forward over backward rates on the way there,
# over the sum of all weights.
PRINTED = {
    # of v = V + 60: 0.02 (13.1-v)/(e^((13.1-v)/10)-1), 0.0175 (v-40.1)/(e^((v-40.1)/10)-1),
    # 0.0016 e^((-13-v)/18), 0.05/(1+e^((10.1-v)/5))
    "hippocampal-ka": """
        -90: 0.01173739462 1.227858521 0.004114215096 1.643559679e-05 | 0.009431050979;
        -60: 0.09681566221 0.7147101211 0.0007770748564 0.005855949544 | 0.01397637548;
        -20: 0.5771794857 0.1758764583 8.421006608e-05 0.04987387763 | 0.001291938523;
        20: 1.339665583 0.01316089824 9.125678397e-06 0.04999995758 | 0.0001807051669
    """,
    # 0.055 (-27-V)/(e^((-27-V)/3.8)-1), 0.94 e^((-75-V)/17), 0.000457 e^((-13-V)/50),
    # 0.0065/(e^((-15-V)/28)+1)
    "neocortical-ca": """
        -70: 2.880391414e-05 0.700477488 0.001428933143 0.0007995258891 | 1.08414205e-09;
        -40: 0.02415409138 0.1199477637 0.000784215136 0.001888383676 | 0.008244108817;
        -20: 0.4575073285 0.0369877123 0.0005256751261 0.002960590073 | 0.1290711668;
        20: 2.585010988 0.003517127415 0.0002362010599 0.005052449098 | 0.04454059523
    """,
    # 6.43 (V+154.9)/(e^((V+154.9)/11.9)-1) and 193 e^(V/33.1), per s
    "neocortical-hcn": """
        -120: 0.01262157424 0.005141333828 | 0.7105578767;
        -90: 0.001793788608 0.01272612486 | 0.1235398966;
        -65: 0.0003028778931 0.02708402215 | 0.01105922513;
        0: 2.213787976e-06 0.193 | 1.147027245e-05
    """,
    # 0.001 (V+30)/(1-e^(-(V+30)/9)), -0.001 (V+30)/(1-e^((V+30)/9))
    "neocortical-km": """
        -70: 0.0004753272044 0.0404753272 | 0.01160731645;
        -40: 0.004907417213 0.01490741721 | 0.2476638011;
        -20: 0.01490741721 0.004907417213 | 0.7523361989;
        20: 0.05019404617 0.000194046174 | 0.9961489676
    """,
    # 0.02 (V-25)/(1-e^(-(V-25)/9)), -0.002 (V-25)/(1-e^((V-25)/9))
    "neocortical-kv": """
        -70: 4.949318272e-05 0.1900049493 | 0.000260415816;
        -20: 0.006105289416 0.09061052894 | 0.06312606892;
        10: 0.06985695542 0.03698569554 | 0.6538302334;
        40: 0.3698569554 0.006985695542 | 0.9814625666
    """,
    # of v, from rest: 1.872 (v-25.41)/(1-e^((25.41-v)/6.06)), 3.973 (21-v)/(1-e^((v-21)/9.41)),
    # -0.549 (27.74+v)/(1-e^((v+27.74)/9.06)), 22.57/(1+e^((56-v)/12.5))
    "node-na": """
        -50: 0.0005564444695 282.2322049 13.3661614 0.004684079005 | 7.661098521e-18;
        0: 0.7292752106 93.4665579 0.7477713698 0.2529285907 | 3.46772165e-07;
        60: 64.96814614 2.495611835 0.002998799014 13.07534837 | 0.0002047784885;
        100: 139.6331101 0.07092524477 5.280013107e-05 21.92114645 | 2.404966729e-06
    """,
    # alpha 150 e^(V/20), beta 3 e^(-V/20), a alpha, b beta, zeta 0.03 e^(-V/25), with
    # a = (0.75/0.005)^(1/4) = 3.4996 and b = (0.005/0.5)^(1/4) = 0.31623
    "purkinje-na": """
        -90: 1.666349481 270.0513939 5.831615817 85.397749 1.097947033 | 5.237682617e-09;
        -40: 20.30029249 22.1671683 71.04362448 7.009874109 0.1485909727 | 0.004421535109;
        0: 150 3 524.9453267 0.9486832981 0.03 | 0.004001409787;
        30: 672.2533606 0.6693904804 2352.641733 0.2116798562 0.009035826357 |
            0.002597702072
    """,
    # of v = V + 63: 0.032 (15-v)/(e^((15-v)/5)-1), 0.5 e^((10-v)/40)
    "pyramidal-k": """
        -80: 0.001704266384 0.982016488 | 9.008709331e-12;
        -49: 0.1445329781 0.452418709 | 0.003436458234;
        -20: 0.8993255834 0.2191174962 | 0.4180346161;
        30: 2.496000419 0.06277821375 | 0.9054151432
    """,
    # of v = V + 63: 0.32 (13-v)/(e^((13-v)/4)-1), 0.28 (v-40)/(e^((v-40)/5)-1),
    # 0.128 e^((17-v)/18), 4/(1+e^((40-v)/5))
    "pyramidal-na": """
        -80: 0.005312548241 15.96017868 0.8463382927 4.478143802e-05 | 3.684162898e-11;
        -49: 1.446659733 7.320383366 0.1512141328 0.0219451956 | 0.003923613726;
        -20: 9.605312548 1.021750141 0.03019226662 2.582625225 | 0.008532600627;
        30: 25.60000005 0.0003697627974 0.001877250191 3.999900338 | 0.0004690837528
    """,
    # 0.0131 (V+40)/(1-e^(-(V+40)/7)), 0.067 e^(-(V+40)/40)
    "muscle-k": """
        -85: 0.0009534382214 0.2063745289 | 4.472379769e-10;
        -46.5: 0.05562120232 0.07882203734 | 0.02929581696;
        20: 0.7861489295 0.01494972073 | 0.927417549
    """,
    # 0.288 (V+46)/(1-e^(-(V+46)/10)), 1.38 e^(-(V+46)/18), 0.0081 e^(-(V+45)/14.7),
    # 4.38/(1+e^(-(V+45)/9))
    "muscle-na": """
        -85: 0.2320543734 12.04621094 0.1230945177 0.05084004603 | 4.77761392e-06;
        -46.5: 2.808599975 1.418870705 0.008970172243 2.007921284 | 0.001304205738;
        20: 19.0338931 0.03527491582 9.730502509e-05 4.376804154 | 2.210834034e-05
    """,
    # 0.01 (V+55)/(1-e^(-(V+55)/10)), 0.125 e^(-(V+65)/80)
    "squid-k": """
        -65: 0.05819767069 0.125 | 0.01018456821;
        -20: 0.3608981807 0.07122285309 | 0.4865384256;
        20: 0.7504150428 0.04319884407 | 0.7994091057
    """,
    # 0.1 (V+40)/(1-e^(-(V+40)/10)), 4 e^(-(V+65)/18), 0.07 e^(-(V+65)/20), 1/(1+e^(-(V+35)/10))
    "squid-na": """
        -65: 0.2235637246 4 0.07 0.04742587318 | 8.840994032e-05;
        -20: 2.313035285 0.3283399945 0.007377945719 0.8175744762 | 0.006005691238;
        20: 6.01490947 0.03558155615 0.0009984963736 0.9959298623 | 0.0009840064925
    """,
    # A e^(±z d V/24) per s, (A, z, d): y (16609, 1.50, 0.22), z (971, 1.50, -0.78),
    # a (5750, 0.42, 0.99), b (4325, 0.42, -0.01), c (15669, 1.91, 0.75), d (1361, 1.91, -0.25),
    # f (432, 0.91, 0.001), i (4, 0.91, -0.999), g (770, 0.91, 0.001), j = g i / f
    "squid-na-markov": """
        -100: 4.199412847 127.1759028 1.016840077 4.401353646 0.04007246809 9.952293797
            0.4303651015 0.1766498211 0.7670859447 0.3148619497 | 3.238242868e-08;
        -40: 9.582559401 6.824855641 2.875423175 4.35538121 1.439339371 3.016366789
            0.4313452966 0.01820041436 0.7688330518 0.03244055338 | 0.006254545741;
        0: 16.609 0.971 5.75 4.325 15.669 1.361 0.432 0.004 0.77 0.00712962963 |
            0.007962222814;
        50: 33.03094063 0.08484503444 13.67336602 4.287321335 309.8409924 0.5032984509
            0.4328197768 0.0006019125326 0.7714611763 0.001072853357 | 0.001385788892
    """,
}

# Rates of purkinje-na that no voltage changes: Con a^k and Coff b^k with Con 0.005, Coff 0.5,
# Oon 0.75, Ooff 0.005 per ms, a = (Oon/Con)^(1/4), b = (Ooff/Coff)^(1/4).
PURKINJE_CONSTANTS = {
    **{"gamma": 150.0, "delta": 40.0, "epsilon": 1.75, "Oon": 0.75, "Ooff": 0.005},
    **{"on1": 0.005, "on2": 0.01749817756, "on3": 0.06123724357, "on4": 0.2143080322},
    **{"off1": 0.5, "off2": 0.1581138830, "off3": 0.05, "off4": 0.01581138830},
}

# The graphs that are not expanded from gates: between two states the rate there and back, with
# its multiplicity if that is not 1.
LINKS = {
    # Vandenberg & Bezanilla 1991: inactivation from C4 and from O only
    "squid-na-markov": """
        C1 C2 y z, C2 C3 y z, C3 C4 y z, C4 C5 a b, C5 O c d,
        C4 I4 g j, I4 I5 a b, I5 I c d, O I f i
    """,
    # Raman & Bean 2001
    "purkinje-na": """
        C1 C2 4alpha beta, C2 C3 3alpha 2beta, C3 C4 2alpha 3beta, C4 C5 alpha 4beta,
        C5 O gamma delta, O B epsilon zeta,
        I1 I2 4alpha_a beta_b, I2 I3 3alpha_a 2beta_b, I3 I4 2alpha_a 3beta_b,
        I4 I5 alpha_a 4beta_b, I5 I6 gamma delta,
        C1 I1 on1 off1, C2 I2 on2 off2, C3 I3 on3 off3, C4 I4 on4 off4, C5 I5 Oon Ooff,
        O I6 Oon Ooff
    """,
    # Destexhe, Mainen & Sejnowski 1998
    "ampa": """
        C0 C1 bind unbind1, C1 C2 bind unbind2, C1 D1 desensitize resensitize,
        C2 D2 desensitize resensitize, C2 O open close
    """,
    # Colquhoun & Hawkes 1982
    "nachr": """
        R AR 2bind1 unbind, AR A2R bind2 2unbind, AR AR* beta1 alpha1, A2R A2R* beta2 alpha2,
        AR* A2R* bind2 2unbind_open
    """,
}

# Closed walks through the graphs. All published schemes here are meant to be reversible: round
# a loop the rates multiply to the same number in both directions. Gate products are so whatever
# their rates, in each square of two gates; those with one kind of gate, and ampa, have no loop.
LOOPS = {
    "muscle-na": ["m0h0 m1h0 m1h1 m0h1", "m2h0 m3h0 m3h1 m2h1"],
    "node-na": ["m0h0 m1h0 m1h1 m0h1", "m2h0 m3h0 m3h1 m2h1"],
    "pyramidal-na": ["m0h0 m1h0 m1h1 m0h1", "m2h0 m3h0 m3h1 m2h1"],
    "hippocampal-ka": ["a0b0 a1b0 a1b1 a0b1"],
    "neocortical-ca": ["m0h0 m1h0 m1h1 m0h1", "m1h0 m2h0 m2h1 m1h1"],
    # one way a c f d b j, the other g a c i d b: equal because j = g i / f
    "squid-na-markov": ["C4 C5 O I I5 I4"],
    # a column further on: 4 alpha Con a (beta b) Coff against Con (4 alpha a) (Coff b) beta; the
    # last one: gamma Oon delta Ooff both ways
    "purkinje-na": [
        "C1 C2 I2 I1",
        "C2 C3 I3 I2",
        "C3 C4 I4 I3",
        "C4 C5 I5 I4",
        "C5 O I6 I5",
        "C1 C2 C3 C4 C5 O I6 I5 I4 I3 I2 I1",
    ],
    # k+2 beta2 2k*-2 alpha1 = 5e8 15000 (2/3) 3000; beta1 k*+2 alpha2 2k-2 = 15 5e8 500 4000
    "nachr": ["AR A2R A2R* AR*"],
}

VOLTAGES = np.linspace(-150.0, 150.0, 1201)
SHARES = (0.0, 0.31, 0.77)


def bathed(name: str, concentration_mM: float = 0.1) -> ChannelScheme:
    """A scheme at its own temperature, with that much of each ligand."""
    scheme = load_scheme(name)
    return scheme.at(None, dict.fromkeys(scheme.ligands, concentration_mM))


def open_probability(scheme: ChannelScheme, voltage: float) -> float:
    law = stationary_law(scheme.generator(voltage))
    return float(law @ np.array(scheme.relative_conductance))


def test_every_scheme_of_the_library_has_its_row_here():
    assert set(library_schemes()) == set(FACTS) == set(PRINTED) | {"ampa", "nachr"}


@pytest.mark.parametrize("name", sorted(FACTS))
def test_a_scheme_is_what_it_says(name):
    scheme = load_scheme(name)
    n_states, n_transitions, opened, ion, valence, temperature, q10 = FACTS[name]
    assert (len(scheme.states), len(scheme.transitions)) == (n_states, n_transitions)
    conducting = zip(scheme.states, scheme.is_open, strict=True)
    assert {state for state, conducts in conducting if conducts} == opened
    assert set(scheme.relative_conductance) == {0.0, 1.0}
    assert (scheme.ion, scheme.valence, scheme.q10) == (ion, valence, q10)
    assert scheme.temperature_degC == pytest.approx(temperature)
    assert scheme.cite
    assert all(source.startswith("doi:10.") for source in scheme.cite)


@pytest.mark.parametrize(
    ("name", "row"), [(name, row) for name in PRINTED for row in PRINTED[name].split(";")]
)
def test_rates_and_equilibrium_are_those_of_the_printed_formulas(name, row):
    scheme = load_scheme(name)
    voltage, numbers = row.split(":")
    rates, share = (np.array(part.split(), dtype=float) for part in numbers.split("|"))
    found = dict(zip(scheme.rate_names, scheme.rates_at(float(voltage)), strict=True))
    if name == "purkinje-na":
        for rate_name, value in PURKINJE_CONSTANTS.items():
            assert found.pop(rate_name) == pytest.approx(value, rel=1e-9)
    np.testing.assert_allclose(list(found.values()), rates, rtol=1e-9)
    assert open_probability(scheme, float(voltage)) == pytest.approx(share[0], rel=1e-9)


def test_the_node_rates_are_the_printed_ones_all_the_way():
    """Signs of negative scales, over the range of an action potential (v from rest)."""
    v = np.linspace(-50.03, 150.07, 997)  # misses 21, 25.41 and -27.74, where 0/0 is printed
    printed = [
        1.872 * (v - 25.41) / (1 - np.exp((25.41 - v) / 6.06)),
        3.973 * (21 - v) / (1 - np.exp((v - 21) / 9.41)),
        -0.549 * (27.74 + v) / (1 - np.exp((v + 27.74) / 9.06)),
        22.57 / (1 + np.exp((56 - v) / 12.5)),
    ]
    for rate, expected in zip(load_scheme("node-na").rates, printed, strict=True):
        np.testing.assert_allclose(rate(v), expected, rtol=1e-11)


# per (mM ms) and per ms: ModelDB 18198; Colquhoun & Hawkes 1982, whose M and s are mM and ms here
RECEPTORS = {
    "ampa": {"bind": 13, "unbind1": 0.0059, "unbind2": 86, "desensitize": 0.9}
    | {"resensitize": 0.064, "open": 2.7, "close": 0.2},
    "nachr": {"bind1": 5e7 * 1e-6, "bind2": 5e8 * 1e-6, "unbind": 2.0, "unbind_open": 1 / 3000}
    | {"alpha1": 3.0, "beta1": 0.015, "alpha2": 0.5, "beta2": 15.0},
}


@pytest.mark.parametrize("name", RECEPTORS)
@pytest.mark.parametrize("voltage", [-100.0, 0.0, 60.0])
def test_receptor_rates_are_the_printed_ones_at_any_voltage(name, voltage):
    concentration = 0.25  # mM
    scheme = bathed(name, concentration)
    for rate_name, value in zip(scheme.rate_names, scheme.rates_at(voltage), strict=True):
        dose = concentration if rate_name.startswith("bind") else 1.0
        assert value == pytest.approx(RECEPTORS[name][rate_name] * dose, rel=1e-14)


@pytest.mark.parametrize(
    ("concentration", "share"),
    # weights 1, w = 13 c/0.0059, x = 13 c w/86, w and x times 0.9/0.064, O = x 2.7/0.2
    [(0.001, 0.000131482629124), (0.1, 0.0131668132075), (1.0, 0.105296217922)],
)
def test_dose_and_response_of_the_ampa_receptor(concentration, share):
    assert open_probability(bathed("ampa", concentration), 0.0) == pytest.approx(share, rel=1e-11)


@pytest.mark.parametrize(
    ("concentration", "law"),
    # R 1, AR = 2 (50 c)/2, A2R = AR (500 c)/(2 2), AR* = AR 15/3000, A2R* = A2R 15000/500;
    # 0.1 µM is the concentration of the example
    [
        (1e-4, (0.9930856412, 0.004965428206, 6.206785258e-05, 2.482714103e-05, 0.001862035577)),
        (1e-2, (0.04789845527, 0.02394922764, 0.02993653455, 0.0001197461382, 0.8980960364)),
        (1.0, (5.159925439e-06, 0.000257996272, 0.03224953399, 1.28998136e-06, 0.9674860198)),
    ],
)
def test_occupancies_of_the_nicotinic_receptor(concentration, law):
    scheme = bathed("nachr", concentration)
    np.testing.assert_allclose(stationary_law(scheme.generator(0.0)), law, rtol=1e-9)
    assert open_probability(scheme, -80.0) == pytest.approx(law[3] + law[4], rel=1e-9)


@pytest.mark.parametrize("name", LINKS)
def test_listed_graphs_have_the_published_arrows(name):
    scheme = load_scheme(name)

    def arrow(source: str, target: str, rate: str) -> tuple[str, str, int, str]:
        factor = rate[0] if rate[0].isdigit() else ""
        return source, target, int(factor or 1), rate.removeprefix(factor)

    expected = []
    for link in LINKS[name].split(","):
        one, other, there, back = link.split()
        expected += [arrow(one, other, there), arrow(other, one, back)]
    found = [
        (
            scheme.states[t.source],
            scheme.states[t.target],
            t.multiplicity,
            scheme.rate_names[t.rate],
        )
        for t in scheme.transitions
    ]
    assert sorted(found) == sorted(expected)


@pytest.mark.parametrize(("name", "loop"), [(name, loop) for name in LOOPS for loop in LOOPS[name]])
def test_rates_round_a_loop_multiply_to_the_same_both_ways(name, loop):
    scheme = bathed(name)
    walk = [scheme.states.index(state) for state in loop.split()]
    after = [*walk[1:], walk[0]]
    for voltage in (-140.0, -70.0, -20.0, 0.0, 35.0, 120.0):
        matrix = scheme.generator(voltage)
        there, back = np.prod(matrix[walk, after]), np.prod(matrix[after, walk])
        assert there > 0
        assert there == pytest.approx(back, rel=1e-11)


@pytest.mark.parametrize("name", sorted(set(FACTS) - set(LOOPS) - {"squid-na"}))
def test_the_other_graphs_have_no_loop(name):
    """A connected graph of S states without loops has S - 1 links, two arrows each."""
    scheme = load_scheme(name)
    assert len(scheme.transitions) == 2 * (len(scheme.states) - 1)


@pytest.mark.parametrize("name", sorted(FACTS))
def test_equilibrium_is_in_detailed_balance(name):
    scheme = bathed(name)
    for voltage in (-120.0, -65.0, -20.0, 40.0):
        matrix = scheme.generator(voltage)
        flux = stationary_law(matrix)[:, None] * matrix
        off_diagonal = ~np.eye(len(matrix), dtype=bool)
        np.testing.assert_allclose(flux[off_diagonal], flux.T[off_diagonal], rtol=1e-9)


@pytest.mark.parametrize("name", sorted(FACTS))
def test_rates_are_finite_and_never_negative(name):
    for rate in bathed(name).rates:
        assert np.all(np.isfinite(rate(VOLTAGES)))
        assert np.all(rate(VOLTAGES) >= 0)


@pytest.mark.parametrize("name", sorted(FACTS))
def test_bands_reach_their_accuracy(name):
    scheme = bathed(name)
    bands = BandTable.of([scheme], 0.25).covering(-150.0, 150.0)
    low, span = bands.edge[:-1], np.diff(bands.edge)
    for share in SHARES:
        powers = share ** np.arange(bands.polynomial.shape[2])
        found = bands.polynomial @ powers * bands.upper
        truth = np.stack([rate(low + share * span) for rate in scheme.rates], axis=1)
        np.testing.assert_allclose(found, truth, rtol=INTERPOLATION_ERROR)
        assert np.all(truth <= bands.upper)
        assert np.all(truth >= bands.ratio * bands.upper)


def test_resurgent_current_flows_on_repolarisation():
    """Raman & Bean 2001: after 10 ms at +30 mV, channels reopen at -30 mV on leaving B."""
    scheme = load_scheme("purkinje-na")
    opened = scheme.states.index("O")
    rest = stationary_law(scheme.generator(-90.0))
    blocked = rest @ propagator(scheme.generator(30.0), 10.0)
    assert blocked[scheme.states.index("B")] > 0.5
    course = [(blocked @ propagator(scheme.generator(-30.0), t))[opened] for t in (0, 3, 60)]
    assert course[1] > 4 * course[0]
    assert course[1] > 2 * course[2]


def test_the_markov_squid_channel_opens_and_inactivates():
    """From -100 to 0 mV at 5 °C: more than half open within 1 ms, all but shut after 20 ms."""
    scheme = load_scheme("squid-na-markov")
    opened = scheme.states.index("O")
    start = stationary_law(scheme.generator(-100.0))
    held = scheme.generator(0.0)
    early, late = ((start @ propagator(held, t))[opened] for t in (0.8, 20.0))
    assert early > 0.5
    assert late < 0.02
