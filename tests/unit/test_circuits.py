"""Circuits: the deterministic limit against known answers, and what every run keeps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from circuits import PASSIVE, SQUID, axon, patch, pulse

import stochhh
from stochhh.analysis.cells import first_passages, main_path, velocity_m_per_s
from stochhh.circuit.plan import generator, rest_ms, whole_steps
from stochhh.circuit.planning import plan_circuit
from stochhh.planning import resolve_experiment


def run(tables, stimulus=(), **settings):
    """Run tables with settings of [run]; deterministic if not told otherwise."""
    settings = {"seed": 1, "deterministic": False, "method": "deterministic"} | settings
    return stochhh.run({**tables, "stimulus": list(stimulus), "run": settings})


def sealed_cable_mV(x, time_ms, current_pA, length_um=1000.0, d_um=1.0):
    """Rallpack 1: a sealed cable with a step of current into its start (mV above rest).

    Fourier series of the cable equation with RA = 1 ohm m, RM = 4 ohm m², CM = 0.01 F/m²
    (eigenfunctions cos(nπx/L); Rall 1969, doi:10.1016/S0006-3495(69)86467-2).
    """
    area, tau_ms = np.pi * d_um * length_um, 40.0
    leak_nS = 0.25e-3 * area
    space_constant = np.sqrt(d_um * 1e-6 * 4.0 / (4 * 1.0)) * 1e6
    voltage = np.zeros_like(time_ms)
    for n in range(2000):
        decay = 1 + (n * np.pi * space_constant / length_um) ** 2
        weight = (1 if n == 0 else 2) * np.cos(n * np.pi * x / length_um)
        voltage += weight / decay * (1 - np.exp(-decay * time_ms / tau_ms))
    return current_pA / leak_nS * voltage


@pytest.mark.parametrize("where", ["start", "end"])
def test_a_passive_cable_follows_the_series_of_rallpack_1(where):
    step = [{"kind": "step", "amplitude": "100 pA", "start": "0 ms"}]
    result = run(
        axon(PASSIVE, n=200), step, duration="50 ms", step="0.025 ms",
        record={"interval": "5 ms", "where": [f"axon {where}"]},
    )  # fmt: skip
    data = result.dataset
    x = data["position"].values[data["place_compartment"].values[0]]
    expected = sealed_cable_mV(x, data["time"].values[1:], 100.0)
    found = data["voltage"].values[0, 1:, 0] + 65.0
    np.testing.assert_allclose(found, expected, rtol=2e-3)
    assert expected[-1] > 40.0


def velocity(diameter_um, length_mm, amplitude, temperature="18.5 degC", **settings):
    cell = axon(
        SQUID | {"temperature": temperature}, f"{length_mm} mm", f"{diameter_um} um",
        "35.4 ohm cm", compartment=settings.pop("compartment"),
    )  # fmt: skip
    result = run(
        cell, pulse(amplitude, "0.2 ms", "0.3 ms"),
        record={"interval": "0.1 ms", "where": ["axon end"]}, **settings,
    )  # fmt: skip
    path = main_path(result.dataset, "axon")
    return float(velocity_m_per_s(path, first_passages(result.dataset, path))[0])


def test_squid_axon_conducts_as_hodgkin_and_huxley_worked_out():
    """18.8 m/s by hand in 1952; 18.73 m/s as since found (doi:10.1113/jphysiol.1952.sp004764)."""
    fine = {"step": "0.005 ms", "compartment": 0.025}
    assert velocity(476, 80, "20 uA", duration="6 ms", **fine) == pytest.approx(18.73, rel=5e-3)


def test_velocity_grows_as_the_root_of_the_diameter():
    same = {"step": "0.01 ms", "compartment": 0.05, "duration": "7 ms"}
    thin, thick = velocity(1, 3.6, "400 pA", **same), velocity(4, 7.2, "3200 pA", **same)
    assert thick / thin == pytest.approx(2.0, rel=2e-3)


def order(errors):
    """Power of the step with which errors fall, where it is halved."""
    return np.log2(np.abs(errors[:-1] / errors[1:]))


def test_velocity_is_of_second_order_in_step_and_in_compartments():
    def of(step, compartment):
        return velocity(476, 50, "20 uA", duration="4 ms", step=f"{step} ms",
                        compartment=compartment)  # fmt: skip

    steps = np.array([of(step, 0.1) for step in (0.02, 0.01, 0.005, 0.0025)])
    assert order(np.diff(steps)) == pytest.approx(2.0, abs=0.3)
    lengths = np.array([of(0.005, part) for part in (0.2, 0.1, 0.05, 0.025)])
    assert order(np.diff(lengths)) == pytest.approx(2.0, abs=0.3)


def test_a_branching_tree_is_of_second_order_in_compartments():
    def end_mV(n):
        tables = axon(PASSIVE, "200 um", "2 um", n=n)
        branch = {"membrane": "its", "length": "200 um", "diameter": "1 um", "compartments": n}
        tables["cell"][0]["section"] += [
            {"name": "left", "parent": "shaft", **branch},
            {"name": "right", "parent": "shaft", **branch, "length": "100 um"},
        ]
        step = [{"kind": "step", "amplitude": "50 pA", "start": "0 ms"}]
        where = {"interval": "1 ms", "where": ["axon left end"]}
        result = run(tables, step, duration="2 ms", step="0.01 ms", record=where)
        return result["voltage"].values[0, -1, 0]

    found = np.array([end_mV(n) for n in (4, 8, 16, 32)])
    # the recorded place, the middle of the last compartment, moves too, as the square
    assert order(np.diff(found)) == pytest.approx(2.0, abs=0.35)


def test_a_space_clamped_cable_is_the_patch_of_its_area():
    """Along next to no resistance all compartments are one."""
    inject = pulse("10 uA/cm^2", "1 ms", "20 ms", at="everywhere")
    cable = run(axon(SQUID, "100 um", "1 um", "0.001 ohm cm", n=10), inject,
                duration="20 ms", step="0.005 ms")  # fmt: skip
    area = float(cable["area"].sum())
    one = stochhh.run(
        {
            "format": 1, "title": "t", "membrane": {**SQUID, "area": f"{area!r} um^2"},
            "stimulus": pulse("10 uA/cm^2", "1 ms", "20 ms"),
            "run": {"duration": "20 ms", "seed": 1, "method": "deterministic"},
        }
    )  # fmt: skip
    np.testing.assert_allclose(
        cable["voltage"].values[0, :, 4], one["voltage"].values[0], atol=0.15
    )
    assert one["voltage"].max() > 20


def test_one_compartment_is_the_patch_of_the_same_membrane():
    tables = {"duration": "30 ms", "step": "0.005 ms"}
    cell = run(patch(SQUID, "100 um^2"), pulse("10 pA", "1 ms", "20 ms"), **tables)
    membrane = stochhh.run(
        {
            "format": 1, "title": "t", "membrane": {**SQUID, "area": "100 um^2"},
            "stimulus": pulse("10 pA", "1 ms", "20 ms"),
            "run": {"duration": "30 ms", "seed": 1, "method": "deterministic"},
        }
    )  # fmt: skip
    np.testing.assert_allclose(
        cell["voltage"].values[0, :, 0], membrane["voltage"].values[0], atol=0.1
    )


def test_a_killed_end_is_an_open_one():
    """At the cut end the steady voltage of a long cable falls to that of the bath, 0 mV."""
    tables = axon(PASSIVE, "3 mm", n=300, killed=["end"])
    data = run(tables, duration="1 ms", record={"interval": "1 ms"}).dataset
    rest, x = data["resting_voltage"].values, data["position"].values
    space_constant = 1000.0
    expected = -65.0 * (1 - np.cosh(x / space_constant) / np.cosh(3000 / space_constant))
    np.testing.assert_allclose(rest, expected, atol=0.1)


@pytest.mark.parametrize("method", ["exact", "leap", "langevin", "auto"])
def test_rest_is_a_state_that_stays(method):
    tables = axon(SQUID, "0.3 mm", n=5)
    tables["cell"][0]["section"][0]["diameter"] = ["2 um", "20 um"]
    still = run(tables, duration="5 ms")
    assert np.ptp(still["voltage"].values, axis=1).max() < 1e-3
    noisy = run(tables, method=method, duration="5 ms")
    assert 0.01 < noisy["voltage"].std() < 3.0
    assert noisy["voltage"].mean() == pytest.approx(float(still["voltage"].mean()), abs=1.5)


def test_a_run_is_the_same_whatever_the_workers():
    tables = {**axon(SQUID, "0.1 mm", n=4), "stimulus": pulse("100 pA"),
              "run": {"duration": "3 ms", "seed": 5, "trials": 4}}  # fmt: skip
    one, two = stochhh.run(tables, workers=1), stochhh.run(tables, workers=3)
    assert one.dataset.drop_attrs().identical(two.dataset.drop_attrs())
    other = stochhh.run(tables, seed=6)
    assert not np.array_equal(one["voltage"], other["voltage"])


def sheathed_speed(*overrides):
    """Velocity of a deterministic impulse between nodes, as reported and as a slope."""
    result = stochhh.run(
        "myelinated", method="deterministic",
        overrides=["run.duration='1.6 ms'", 'run.record.where=["axon end"]', *overrides],
    )  # fmt: skip
    data = result.dataset
    path = main_path(data, "axon")
    first = first_passages(data, path)[0]
    six_to_eleven = path.nodes[5:11]
    slope = np.polyfit(path.position_um[six_to_eleven], first[six_to_eleven], 1)[0]
    return float(velocity_m_per_s(path, first)), 1e-3 / slope


def test_a_myelinated_axon_conducts_as_fast_as_when_its_mesh_is_fine():
    """3.12 m/s from node 6 to 11 by 320 compartments an internode, and by a solver apart."""
    reported, slope = sheathed_speed()
    assert slope == pytest.approx(3.12, rel=5e-3)
    assert reported == pytest.approx(slope, rel=1e-9)


def test_a_wider_space_under_myelin_slows_the_impulse_down():
    """The space is in parallel with the axoplasm for the current that charges the axolemma.

    2.40 m/s by a solver apart with 160 compartments an internode.
    """
    wide = 'cell.axon.section.internode.sheath.space="4 nm"'
    assert sheathed_speed(wide)[0] == pytest.approx(2.40, rel=1e-2)


def test_compartments_that_do_not_resolve_the_space_are_told_of():
    own = "cell.axon.section.internode.compartments=10"
    said = r"do not resolve the space under myelin: 15 µm in internode-1, 1.6 of its length"
    with pytest.warns(UserWarning, match=said):
        _, slope = sheathed_speed(own)
    assert slope == pytest.approx(4.50, abs=0.03)  # by the solver apart too
    with pytest.warns(UserWarning, match="do not resolve the axoplasm: 1e"):
        run(axon(PASSIVE, "1 mm", n=1), duration="0.1 ms", step="0.1 ms")


def test_converge_halves_step_and_compartments_once():
    from stochhh.circuit.converge import convergence
    from stochhh.scenario import load_experiment

    def tables(step, n):
        return {
            **axon(SQUID, "1 mm", "1 um", n=n), "stimulus": pulse("200 pA"),
            "run": {"duration": "5 ms", "step": step, "seed": 1, "record": {"interval": "0.1 ms"}},
        }  # fmt: skip

    found = {change.what: change for change in convergence(load_experiment(tables("0.02 ms", 20)))}
    for step, n, which in (("0.02 ms", 20, 0), ("0.01 ms", 40, 1)):
        data = stochhh.run(tables(step, n), method="deterministic").dataset
        path = main_path(data, "axon")
        first = first_passages(data, path)[0]
        expected = {
            "conduction velocity (m/s)": float(velocity_m_per_s(path, first)),
            "spikes at the end": 1.0,
            "first at the end (ms)": first[-1],
        }
        for what, value in expected.items():
            assert found[what][2 + which] == pytest.approx(value, rel=1e-9)
        peak = data["voltage"].values[0, :, -1].max()  # of records
        assert peak <= found["peak at the end (mV)"][2 + which] < peak + 1
    one = found["conduction velocity (m/s)"]
    assert one.percent == pytest.approx(100 * (one.halved / one.as_is - 1))
    assert 0.05 < abs(one.percent) < 5
    assert found["spikes at the end"].percent == 0.0


def test_show_prints_what_converges(capsys):
    from stochhh.cli import main

    short = ["--set", 'run.duration="1 ms"', "--set", "cell.0.section.0.compartments=20"]
    with pytest.raises(SystemExit) as ended:
        main(["show", "thin-axon_FL07", "--converge", *short])
    assert not ended.value.code
    assert "both halved" in capsys.readouterr().out
    with pytest.raises(SystemExit) as ended:
        main(["show", "squid-patch", "--converge"])
    assert ended.value.code == 2
    assert "has no cells; need a scenario with [[cell]]" in capsys.readouterr().err


def test_show_and_estimate_say_what_compartments_resolve():
    from stochhh.costs import estimate
    from stochhh.describe_circuit import describe_circuit
    from stochhh.scenario import load_experiment

    (cell,) = describe_circuit(load_experiment("myelinated"))["cells"]
    assert list(cell["resolved"]) == ["axoplasm", "space under myelin"]
    assert "0.055 of its length constant of 9.45 µm" in cell["resolved"]["space under myelin"]
    found = estimate("myelinated", overrides=["run.duration='0.1 ms'"])
    assert found.compartments == {"number": cell["compartments"], **cell["resolved"]}


def test_a_cut_end_under_myelin_leads_to_the_bath():
    """4.098 mV at the node: axoplasm and space of the cut end grounded, by a matrix solve apart.

    51.0 mV where the cut opened into the space.
    """
    passive = {"capacitance": "1 uF/cm^2"}
    sheath = {
        "capacitance": "0.05 uF/cm^2", "conductance": "0.01 mS/cm^2",
        "space": "0.02 um", "resistivity": "70 ohm cm",
    }  # fmt: skip
    both = {"diameter": "3 um"}
    node = {"name": "node", "membrane": "node", "length": "2 um", "compartments": 3, **both}
    inter = {"name": "inter", "membrane": "inter", "length": "300 um", "sheath": sheath, **both}
    cell = {"name": "c", "axial_resistivity": "100 ohm cm", "killed": ["end"]}
    tables = {
        "format": 1, "title": "t", "cell": [cell | {"section": [node, inter]}],
        "membranes": {
            "node": passive | {"leak": {"conductance": "1 mS/cm^2", "reversal": "0 mV"}},
            "inter": passive | {"leak": {"conductance": "0.1 mS/cm^2", "reversal": "0 mV"}},
        },
    }  # fmt: skip
    step = [{"kind": "constant", "amplitude": "100 pA"}]
    data = run(tables, step, duration="20 ms", step="0.02 ms", record={"interval": "10 ms"})
    assert data["voltage"].values[0, -1, 0] == pytest.approx(4.098, rel=3e-3)
    tables["membranes"]["node"]["leak"]["reversal"] = "10 mV"
    rest = run(tables, duration="1 ms")["resting_voltage"].values
    later = run(tables, duration="20 ms", record={"interval": "20 ms"})["voltage"].values[0, -1]
    np.testing.assert_allclose(later, rest, atol=1e-6)  # rest is where it stays
    drive_pA = np.pi * 3 * 2 * 0.01 * 10.0  # of the node's leak
    assert rest[0] == pytest.approx(drive_pA * 4.098 / 100, rel=1e-2)


def test_a_branch_inside_a_section_is_of_second_order():
    """A trunk with a daughter at its middle, 100 pA into the daughter's end: cable theory."""

    def length_um(d):
        return np.sqrt(d * 1e-4 * 1e4 / (4 * 100)) * 1e4

    def input_nS(d):
        return np.pi * d * length_um(d) * 1e-3

    half, own = 200 / length_um(3.0), 300 / length_um(1.5)
    ratio = 2 * input_nS(3.0) * np.tanh(half) / input_nS(1.5)
    tip_nS = input_nS(1.5) * (ratio + np.tanh(own)) / (1 + ratio * np.tanh(own))
    at_branch = 100 / tip_nS / (np.cosh(own) + ratio * np.sinh(own))

    def error(n):
        leak = {"conductance": "0.1 mS/cm^2", "reversal": "0 mV"}
        tables = axon({"capacitance": "1 uF/cm^2", "leak": leak}, "400 um", "3 um", n=n)
        tables["cell"][0]["section"].append(
            {"name": "a", "membrane": "its", "length": "300 um", "diameter": "1.5 um",
             "parent": "shaft", "parent_fraction": 0.5, "compartments": n}
        )  # fmt: skip
        drive = [{"kind": "constant", "amplitude": "100 pA", "at": "a end"}]
        data = run(tables, drive, duration="200 ms", step="0.5 ms",
                   record={"interval": "100 ms"}).dataset  # fmt: skip
        trunk = data["section"].values == "shaft"
        x = np.minimum(data["position"].values, 400 - data["position"].values)[trunk]
        theory = at_branch * np.cosh(x / length_um(3.0)) / np.cosh(half)
        return np.abs(data["voltage"].values[0, -1, trunk] / theory - 1).max()

    errors = np.array([error(n) for n in (4, 8, 16)])
    assert order(errors) == pytest.approx(2.0, abs=0.1)
    assert errors[0] < 0.003  # 1.9 % where it hung on the next middle


def test_a_stimulus_at_a_branching_point_goes_into_the_node():
    """10 pA at the fork of a sealed tree, long after: the sum of three input conductances."""
    leak = {"conductance": "0.1 mS/cm^2", "reversal": "0 mV"}
    tables = axon({"capacitance": "1 uF/cm^2", "leak": leak}, "400 um", "3 um")
    branch = {"membrane": "its", "length": "300 um", "diameter": "1 um", "parent": "shaft"}
    tables["cell"][0]["section"] += [{"name": name, **branch} for name in "ab"]
    drive = [{"kind": "constant", "amplitude": "10 pA", "at": "shaft end"}]
    where = {"interval": "100 ms", "where": ["axon shaft end"]}
    found = run(tables, drive, duration="200 ms", step="0.5 ms", record=where)["voltage"].values
    total_nS = 0.0
    for d, length, n in ((3.0, 400, 1), (1.0, 300, 2)):
        constant = np.sqrt(d * 1e-4 * 1e4 / (4 * 100)) * 1e4
        total_nS += n * np.pi * d * constant * 1e-3 * np.tanh(length / constant)
    assert found[0, -1, 0] == pytest.approx(10 / total_nS, rel=1e-3)
    with pytest.raises(
        stochhh.InputError, match=r"stimulus\[0\].*a branching point, which has no membrane"
    ):
        run(tables, [drive[0] | {"amplitude": "1 uA/cm^2"}], duration="1 ms")


@pytest.mark.parametrize(
    ("rate", "per_second"),
    [("500 / s", 500.0), ("2 / (s um)", 600.0), ("0.5 / (s um^2)", 0.5 * np.pi * 2 * 300)],
)
def test_an_input_everywhere_is_the_same_on_every_mesh(rate, per_second):
    """Mean by Campbell's theorem, rate × peak × decay × 60 mV over the leak; the input is small."""
    leak = {"conductance": "1 mS/cm^2", "reversal": "0 mV"}
    leak_nS = 0.01 * np.pi * 2 * 300
    everywhere = {"at": "everywhere", "peak": "0.002 nS", "decay": "3 ms", "reversal": "60 mV"}
    for n in (8, 40):
        tables = axon({"capacitance": "1 uF/cm^2", "leak": leak}, "300 um", "2 um", n=n)
        tables["input"] = [everywhere | {"rate": rate}]
        found = run(tables, duration="4000 ms", step="0.5 ms", record={"interval": "1 ms"})
        mean = found["voltage"].values[0, 50:].mean()
        expected = per_second * 1e-3 * 0.002 * 3 * 60 / leak_nS
        # 2000 events or more: a standard error of 2.2 % of their number
        assert mean == pytest.approx(expected, rel=0.12)


def test_an_input_everywhere_at_given_times_opens_its_peak_in_all():
    """1 nS in all the membrane of a cable without axial resistance, as in one patch."""
    peaks = []
    for n in (4, 20):
        tables = axon(PASSIVE, "300 um", "2 um", "0.1 ohm cm", n=n)
        tables["input"] = [
            {"at": "everywhere", "peak": "1 nS", "decay": "3 ms", "reversal": "0 mV",
             "times": ["5 ms"]}
        ]  # fmt: skip
        found = run(tables, duration="30 ms", step="0.02 ms", record={"interval": "0.1 ms"})
        peaks.append(found["voltage"].values.max())
    assert peaks[0] == pytest.approx(peaks[1], abs=1e-3)
    assert peaks[0] > -63


def test_a_rate_per_length_needs_a_cell():
    tables = axon(PASSIVE, n=4)
    tables["input"] = [
        {"at": "end", "peak": "1 nS", "decay": "3 ms", "reversal": "0 mV", "rate": "5 / (s um)"}
    ]
    with pytest.raises(stochhh.InputError, match=r"input\[0\].rate: .* of a whole cell"):
        run(tables, duration="1 ms")


def test_results_are_saved_and_loaded_whole(tmp_path):
    result = stochhh.run("two-neurons", overrides=["run.trials=2", "run.duration=8 ms"], seed=1)
    stochhh.save(result, tmp_path)
    again = stochhh.load(tmp_path)
    assert again.is_circuit
    assert again.dataset.identical(result.dataset)
    assert again.experiment.data == result.experiment.model_dump(
        mode="json", by_alias=True, exclude_none=True
    )
    with pytest.raises(stochhh.InputError, match="needs one membrane"):
        _ = again.scenario


WRONG = [
    ({"cell": []}, r"cell"),
    ({"membrane": {}}, "both membrane and cell"),
    ({"stimulus": pulse("1 nA", at="nowhere")}, r"stimulus\[0\]\.at: 'nowhere' is no place"),
    ({"stimulus": pulse("1 nA", at="2 mm")}, r"cell 'axon' is 1000 µm long"),
    ({"stimulus": pulse("1 nA", cell="axn")}, r"stimulus\[0\]\.cell: no cell 'axn'; did you mean"),
    ({"run": {"duration": "1 ms", "record": {"interval": "2 ms"}}}, "longer than"),
    ({"run": {"duration": "1 ms", "record": {"where": ["dendrite"]}}}, "with no cell's name"),
    ({"input": [{"peak": "1 nS", "decay": "1 ms", "reversal": "0 mV"}]}, "rate of its events"),
    (
        {"input": [{"peak": "1 nS", "decay": "1 ms", "rise": "2 ms", "rate": "1 Hz",
                    "reversal": "0 mV"}]},
        "must be shorter than decay",
    ),
    (
        {"synapse": [{"name": "s", "from": "axon", "to": "axon",
                      "release": {"sites": 1, "probability": 0.5},
                      "transmitter": {"peak": "1 mM", "decay": "1 ms"},
                      "receptors": {"scheme": "squid-na", "count": 1, "conductance": "1 pS",
                                    "reversal": "0 mV"}}]},
        "binds no ligands; a receptor needs a scheme that binds one",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("change", "said"), WRONG)
def test_a_wrong_circuit_is_refused_in_a_line(change, said):
    tables = axon(SQUID) | {"run": {"duration": "1 ms", "seed": 1}} | change
    with pytest.raises(stochhh.InputError, match=said) as caught:
        stochhh.run(tables)
    assert str(caught.value).startswith("scenario: ")


def test_no_rest_is_looked_for_among_absurd_reversals():
    tables = axon(SQUID)
    channels = [SQUID["channels"][0] | {"reversal": "1e12 mV"}, *SQUID["channels"][1:]]
    tables["membranes"] = {name: SQUID | {"channels": channels} for name in tables["membranes"]}
    with pytest.raises(stochhh.InputError, match=r"from -77 to 1e\+12 mV, among which no rest"):
        run(tables, duration="1 ms")


CELL = [
    ({"section": []}, "give it sections"),
    ({"axial_resistivity": None}, "axial_resistivity is missing"),
    ({"killed": ["middle"]}, "killed: 'middle' is no end"),
    ({"compartment": 1e-6}, "compartments; at most 100,000"),
    ({"repeat": 200_000}, "repeat"),
    ({"morphology": {"file": "no.swc", "membranes": {}}}, "one of the two"),
]


@pytest.mark.parametrize(("change", "said"), CELL)
def test_a_wrong_cell_is_refused_in_a_line(change, said):
    tables = axon(SQUID) | {"run": {"duration": "1 ms", "seed": 1}}
    cell = {key: value for key, value in (tables["cell"][0] | change).items() if value is not None}
    with pytest.raises(stochhh.InputError, match=said):
        stochhh.run({**tables, "cell": [cell]})


def test_places_are_for_cells_only():
    membrane = {**SQUID, "area": "1 um^2"}
    tables = {"format": 1, "title": "t", "membrane": membrane, "run": {"duration": "1 ms"}}
    with pytest.raises(stochhh.InputError, match="one membrane has no places"):
        stochhh.run({**tables, "stimulus": pulse("1 pA", at="end")})


def test_charge_that_rounding_loses_along_a_cell_is_not_lost():
    """Compartments are joined by 0.8 S here, whose currents are known to their last digit."""
    cell = axon(SQUID, "100 um", "1 um", "0.0001 ohm cm", n=100)
    result = run(cell, pulse("400 pA"), duration="5 ms", step="0.05 ms")
    assert len(result.spike_trains(where="axon end")[0]) == 1


def test_charge_that_goes_astray_is_noticed(monkeypatch):
    from stochhh.circuit import trial

    begin = trial.begin

    def with_charge_too_much(*given):
        state = begin(*given)
        state.clock["injected"] = 1.0
        return state

    monkeypatch.setattr(trial, "begin", with_charge_too_much)
    with pytest.raises(stochhh.TrustError, match="got lost"):
        run(axon(SQUID, "100 um", n=3), duration="1 ms")


SWC = {
    "no soma": ("1 2 0 0 0 1 -1\n2 2 9 0 0 1 1\n", "has no soma"),
    "loose": ("1 1 0 0 0 5 -1\n2 2 5 0 0 1 9\n", "not a readable SWC file"),
    "text": ("here be dragons\n", "not a readable SWC file"),
    "empty": ("", "has no soma|not a readable"),
    "thin": ("1 1 0 0 0 5 -1\n2 2 5 0 0 0 1\n3 2 9 0 0 0 2\n", "a point has no width"),
    "unmoved": ("1 1 0 0 0 5 -1\n2 2 5 0 0 1 1\n3 2 5 0 0 1 2\n", "has no length|not a readable"),
    "floating": (
        "1 1 0 0 0 10 -1\n2 3 0 12 0 1 1\n3 3 0 62 0 1 2\n4 2 500 500 0 0.5 -1\n"
        "5 2 600 500 0 0.5 4\n",
        "line 4: an axon that hangs on nothing",
    ),
    "one point": ("1 1 0 0 0 10 -1\n2 3 0 10 0 1 1\n", "line 2: dendrite-1: a single point"),
    "star": (
        "1 1 0 0 0 9 -1\n2 1 0 9 0 9 1\n3 1 0 -9 0 9 1\n4 1 9 9 0 9 1\n5 3 0 9 0 1 1\n"
        "6 3 0 90 0 1 5\n",
        "line 3: a soma that branches",
    ),
    "kind": ("1 1 0 0 0 5 -1\n2 9 5 0 0 1 1\n3 9 9 0 0 1 2\n", "only soma"),
}


@pytest.mark.parametrize("case", SWC)
def test_a_morphology_that_is_none_is_refused_in_a_line(case, tmp_path, capfd):
    from stochhh.circuit.swc import read_swc

    text, said = SWC[case]
    path = tmp_path / "cell.swc"
    path.write_text(text)
    with pytest.raises(stochhh.InputError, match=said) as caught:
        read_swc(path)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("length", "bound"), [("1e-300 um", "at least 1e-06 um"), ("1e12 um", r"at most 1e\+09 um")]
)
def test_a_length_that_no_cell_has_is_refused(length, bound):
    said = rf'section\[0\]\.length: got "{length}", need a length {bound}'
    with pytest.raises(stochhh.InputError, match=said):
        run(axon(SQUID, length, n=1), duration="1 ms")


def test_a_morphology_that_is_not_there_is_named_by_its_key(tmp_path):
    overrides = [f'cell.cell.morphology.file="{tmp_path / "no.swc"}"']
    with pytest.raises(stochhh.InputError) as caught:
        stochhh.run("fork", overrides=overrides)
    said = "fork: cell 'cell': morphology.file: "
    assert str(caught.value).startswith(said + str(tmp_path / "no.swc: no such file"))


def test_a_morphology_is_read_with_its_sections_and_domains():
    from stochhh.circuit.swc import read_swc
    from stochhh.scenario.load import library_folder

    shapes = read_swc(library_folder() / "morphologies" / "ball-and-fork.swc")
    assert [shape.name for shape in shapes] == ["soma", "dendrite-1", "axon-1", "axon-2", "axon-3"]
    assert [shape.parent for shape in shapes] == [-1, 0, 0, 2, 2]
    assert shapes[0].length_um == 20.0
    assert shapes[2].length_um == 300.0
    assert shapes[4].length_um == pytest.approx(280 * 2**0.5)
    assert shapes[4].diameter_um[0] == pytest.approx(1.0)  # it begins as its parent ends


def swc_areas(text, tmp_path):
    """Area of each section that an SWC file has (µm²)."""
    from stochhh.circuit.frusta import cut
    from stochhh.circuit.swc import read_swc

    path = tmp_path / "cell.swc"
    path.write_text(text)
    shapes = read_swc(path)
    geometry = cut(shapes, [2] * len(shapes), 100.0)
    areas = np.bincount(geometry.section, geometry.area_um2)
    return dict(zip([shape.name for shape in shapes], areas, strict=True))


def test_a_soma_of_three_points_has_the_area_of_its_sphere(tmp_path):
    """4πr² = 1256.64 µm² (NeuroMorpho.Org, "What is the soma format?"); 1884.96 as a path."""
    neurite = "4 3 0 10 0 1 1\n5 3 0 60 0 1 4\n"
    three = "1 1 0 0 0 10 -1\n2 1 0 -10 0 10 1\n3 1 0 10 0 10 1\n" + neurite
    expected = {"soma": 4 * np.pi * 100, "dendrite-1": 2 * np.pi * 50}
    assert swc_areas(three, tmp_path) == pytest.approx(expected)
    assert swc_areas("1 1 0 0 0 10 -1\n" + neurite, tmp_path) == pytest.approx(expected)
    cell = {
        "name": "c", "axial_resistivity": "100 ohm cm",
        "morphology": {
            "file": str(tmp_path / "cell.swc"), "membranes": {"soma": "its", "dendrite": "its"}
        },
    }  # fmt: skip
    leak = {"conductance": "0.1 mS/cm^2", "reversal": "0 mV"}
    tables = axon({"capacitance": "1 uF/cm^2", "leak": leak}) | {"cell": [cell]}
    long = neurite.replace("60", "200")
    (tmp_path / "cell.swc").write_text(three.replace(neurite, long))
    data = run(tables, [{"kind": "constant", "amplitude": "10 pA"}], duration="200 ms").dataset
    # 10 pA into 4πr² and a sealed cable of 190 µm, closed form; 3.28 mV before
    root = np.sqrt(2e-4 * 1e4 / (4 * 100)) * 1e4  # length constant, 2 µm thick (µm)
    cable_nS = np.pi * 2 * root * 1e-3 * np.tanh(190 / root)
    assert data["voltage"].values[0, -1, 0] == pytest.approx(10 / (1.256637 + cable_nS), rel=1e-3)
    assert data["voltage"].values[0, -1, 0] == pytest.approx(4.13, abs=0.01)


def test_a_soma_that_goes_round_as_an_outline_is_noted(tmp_path):
    """Ten points on a circle of 10 µm; as many in a row are a chain of frusta, and no doubt."""
    angle = np.linspace(0.0, 2 * np.pi, 10, endpoint=False)
    rows = [f"{k + 1} 1 {10 * np.cos(a):.6f} {10 * np.sin(a):.6f} 0 0.5 {k if k else -1}\n"
            for k, a in enumerate(angle)]  # fmt: skip
    chain = [f"{k + 1} 1 {2 * k} 0 0 5 {k if k else -1}\n" for k in range(10)]
    cell = {"name": "c", "axial_resistivity": "100 ohm cm",
            "morphology": {"file": f"{tmp_path}/c.swc", "membranes": {"soma": "its"}}}  # fmt: skip
    leak = {"conductance": "0.1 mS/cm^2", "reversal": "-65 mV"}
    tables = axon({"capacitance": "1 uF/cm^2", "leak": leak}) | {"cell": [cell]}
    (tmp_path / "c.swc").write_text("".join(rows))
    with pytest.warns(UserWarning, match="the 10 points of the soma") as noted:
        run(tables, [], duration="1 ms")
    said = str(noted[0].message)
    assert "cell 'c': morphology.file: the 10 points of the soma (from line 1) lead back" in said
    x, y, _, radius = (float(word) for word in said.split("write one point, 1 1 ")[1].split()[:4])
    assert (x, y, radius) == pytest.approx((0.0, 0.0, 10.0), abs=1e-5)
    (tmp_path / "c.swc").write_text("".join(chain))
    run(tables, [], duration="1 ms")


def test_a_point_repeated_with_another_radius_is_a_step(tmp_path):
    """A cylinder of radius 0.5 µm and length 50, and the ring; a taper would have 235.6."""
    text = "1 1 0 0 0 10 -1\n2 3 0 10 0 1 1\n3 3 0 10.0 0 0.5 2\n4 3 0 60 0 0.5 3\n"
    ring = np.pi * (1 - 0.25)
    assert swc_areas(text, tmp_path)["dendrite-1"] == pytest.approx(50 * np.pi + ring)
    inside = text.replace("10.0 0 0.5", "30 0 1").replace("4 3 0 60", "4 3 0 30 0 0.5 3\n5 3 0 60")
    inside = inside.replace("60 0 0.5 3", "60 0 0.5 4")
    cylinders = 20 * 2 * np.pi + 30 * np.pi
    assert swc_areas(inside, tmp_path)["dendrite-1"] == pytest.approx(cylinders + ring)


def test_a_kind_may_change_without_a_branching(tmp_path):
    text = "1 1 0 0 0 10 -1\n2 3 0 10 0 1 1\n3 3 0 20 0 1 2\n4 2 0 30 0 1 3\n5 2 0 80 0 1 4\n"
    found = swc_areas(text, tmp_path)
    assert found["dendrite-1"] == pytest.approx(2 * np.pi * 10)
    assert found["axon-1"] == pytest.approx(2 * np.pi * 60)


def test_neurites_may_fork_on_the_soma_itself(tmp_path):
    text = "1 1 0 0 0 10 -1\n2 3 0 12 0 1 1\n3 3 0 32 0 1 2\n4 3 0 12 30 1 2\n"
    expected = {"soma": 400 * np.pi, "dendrite-1": 40 * np.pi, "dendrite-2": 60 * np.pi}
    assert swc_areas(text, tmp_path) == pytest.approx(expected)


def test_the_example_of_the_readme_runs():
    import re
    import tomllib
    from pathlib import Path

    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    (example,) = [
        block for block in re.findall(r"```toml\n(.*?)```", readme, re.S) if "[[cell]]" in block
    ]
    tables = tomllib.loads(f'format = 1\ntitle = "of the README"\n{example}')
    tables["run"]["duration"] = "1 ms"
    result = stochhh.run(tables, seed=1)
    assert list(result["synapse"].values) == ["end plate"]
    assert result["voltage"].sizes["place"] == 2


def test_an_excited_cable_fires_as_that_of_rallpack_3():
    """Spike times at both ends, worked out by NEURON 9.0.2 with 200 segments and 0.005 ms.

    Its `hh` reads rates from a table of 1 mV, which shifts the last spikes by some 0.1 %.
    """
    membrane = SQUID | {"leak": {"conductance": "0.025 mS/cm^2", "reversal": "-54.387 mV"}}
    tables = axon(membrane, n=100)
    current = [{"kind": "constant", "amplitude": "100 pA"}]
    result = run(
        tables, current, duration="250 ms", step="0.01 ms", initial={"voltage": "-65 mV"},
        record={"interval": "10 ms", "where": ["axon end"]},
    )  # fmt: skip
    where, times = result["spike_compartment"].values, result["spike_time"].values
    for place, first, last in ((0, 1.29335, 244.9053), (99, 4.03714, 247.5886)):
        here = times[where == place]
        assert len(here) == 18
        assert here[0] == pytest.approx(first, rel=3e-3)
        assert here[-1] == pytest.approx(last, rel=1.5e-3)


# ---- a duration that is no whole number of steps -------------------------------------------


def test_a_last_shorter_step_ends_where_the_run_does():
    """10.13 ms are 202 steps of 0.05 ms and one of 0.03 ms; 203 whole ones end at 10.15 ms."""
    tables = patch(PASSIVE, "100 um^2")
    step = [{"kind": "step", "amplitude": "1 pA", "start": "0 ms"}]
    settings = {"step": "0.05 ms", "record": {"interval": "0.25 ms"}}
    result = run(tables, step, duration="10.13 ms", **settings)
    leak_nS, tau_ms = 0.025, 40.0
    expected, too_late = (
        -65.0 + 1.0 / leak_nS * (1 - np.exp(-end / tau_ms)) for end in (10.13, 10.15)
    )
    assert result["final_voltage"].item() == pytest.approx(expected, abs=1e-4)
    assert too_late - expected > 1e-2
    assert result["time"].values[-1] == 10.0
    whole = run(tables, step, duration="10 ms", **settings)
    np.testing.assert_array_equal(result["voltage"].values, whole["voltage"].values)


def test_a_last_shorter_step_is_of_second_order():
    """Ends of runs between steps, with channels; the error falls as the square of the step."""

    def end_mV(step):
        tables = patch(SQUID, "100 um^2")
        settings = {"step": f"{step} ms", "record": {"interval": f"{step} ms"}}
        return run(tables, pulse("10 uA/cm^2", "0 ms", "10 ms"), duration="2.0123 ms", **settings)[
            "final_voltage"
        ].item()

    found = np.array([end_mV(step) for step in (0.08, 0.04, 0.02, 0.01)])
    assert order(np.diff(found)) == pytest.approx(2.0, abs=0.5)


@pytest.mark.filterwarnings("ignore:.*run.step")  # long for langevin
@pytest.mark.parametrize("method", ["exact", "leap", "langevin"])
def test_what_happens_in_a_last_shorter_step_is_within_the_run(method):
    tables = patch(SQUID, "100 um^2")
    tables["synapse"] = [
        {
            "name": "self", "from": "patch", "to": "patch",
            "release": {"sites": 200, "probability": 1.0, "spontaneous": "2e6 / s"},
            "transmitter": {"peak": "1 mM", "decay": "0.2 ms"},
            "receptors": {
                "scheme": "nachr", "count": 10, "conductance": "1 pS", "reversal": "0 mV",
            },
        }
    ]  # fmt: skip
    settings = {"method": method, "step": "0.1 ms", "record": {"interval": "0.1 ms"}, "trials": 2}
    result = run(tables, duration="0.19 ms", **settings)
    when = result["release_time"].values
    assert 0.18 < when.max() <= 0.19
    shorter = run(tables, duration="0.1 ms", **settings)
    np.testing.assert_array_equal(when[when <= 0.1], shorter["release_time"].values)
    assert result["transitions"].sum() > shorter["transitions"].sum()


@pytest.mark.parametrize("part", [1.0, 3.0, 7.3, 1e5 + 1.0 / 3.0, 1e9 - 1.0])
@pytest.mark.parametrize("step", [0.1, 0.05, 1.0 / 3.0, 0.0023])
def test_a_duration_is_whole_steps_and_a_rest(part, step):
    duration = part * step
    n = whole_steps(duration, step)
    rest = rest_ms(duration, step, n)
    assert 0.0 <= rest < step
    assert n * step + rest == pytest.approx(duration, rel=1e-11)
    assert (rest == 0.0) == (part == round(part))


def test_frozen_noise_of_cells_has_nothing_to_do_with_their_channels():
    """White noise: each piece is a number of its stream, from which no trial must draw."""
    noise = {"kind": "frozen-noise", "sd": "1 pA", "correlation_time": "1e-5 ms"}
    tables = {
        **patch(SQUID, "9 um^2"),
        "stimulus": [noise, noise],
        "run": {"duration": "100 ms", "seed": 1},
    }
    (plan,), _ = plan_circuit(resolve_experiment(tables))
    seed = plan.seed_sequence(0)
    injected = plan.currents.injection(seed, np.random.SeedSequence(plan.seed)).current
    first, second = np.split(injected, 2)
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.12
    for of_point, found in ((plan, first), (replace(plan, point=1), second)):
        for trial in range(4):
            drawn = generator(of_point.seed_sequence(trial)).standard_normal(len(found) + 1)[1:]
            assert abs(np.corrcoef(found, drawn)[0, 1]) < 0.12  # 5 standard errors; it was 1
