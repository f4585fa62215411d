"""Single-channel records made by hand, with answers that can be counted on fingers."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from matplotlib.colors import to_rgba
from scipy import signal

from stochhh import theory
from stochhh.analysis.histories import histories
from stochhh.analysis.records import (
    bessel_filter,
    filtered_noise,
    filtered_steps,
    recorded_trace,
    write_dwt,
    write_events_csv,
)
from stochhh.analysis.single_channel import (
    Idealised,
    bursts,
    dwell_times_ms,
    first_latencies_ms,
    idealise,
    log_histogram,
    open_probability,
)
from stochhh.errors import InputError
from stochhh.plot import style
from stochhh.plot.single_channel import dwell_figure, record_figure
from stochhh.result import Result

# Two populations; the second has a shut state (0), a sublevel (1) and an open state (2).
# (trial, channel, time, state entered), in order of time within a trial
FLIPS = [
    (0, 1, 1.0, 1),
    (0, 0, 1.5, 1),
    (0, 1, 2.0, 2),
    (0, 2, 3.0, 0),
    (0, 1, 4.0, 0),
    (0, 1, 4.5, 2),
    (0, 1, 6.0, 1),
    (0, 1, 7.0, 0),
    (1, 2, 5.0, 2),
    (1, 2, 9.0, 0),
]
START = [[0, 0, 2], [1, 0, 0]]  # channel 0 is another population's


def made(voltage: np.ndarray | None = None, clamped: bool = True) -> Result:
    time = np.arange(0.0, 10.5, 0.5)
    held = np.full((2, len(time)), -27.0) if voltage is None else voltage
    trial, channel, at, state = (list(column) for column in zip(*FLIPS, strict=True))
    data = xr.Dataset(
        {
            "voltage": (("trial", "time"), held),
            "relative_conductance": ("state", [0.0, 1.0, 0.0, 0.5, 1.0]),
            "conductance": ("population", [0.02, 0.04]),
            "reversal": ("population", [50.0, -77.0]),
            "channel_start": (("trial", "channel"), START),
            "flip_time": ("flip", at),
            "flip_trial": ("flip", trial),
            "flip_channel": ("flip", channel),
            "flip_state": ("flip", state),
        },
        coords={
            "trial": [0, 1],
            "time": time,
            "population": ["na", "k"],
            "state": ["na:c", "na:o", "k:c", "k:s", "k:o"],
            "channel_population": ("channel", ["na", "k", "k"]),
        },
    )
    if clamped:
        data["total_current"] = (("trial", "time"), np.zeros_like(held))
    data.attrs["duration_ms"] = 10.0
    return Result(data)


def test_histories_are_those_of_each_trial_and_channel_from_time_zero() -> None:
    found = histories(made(), "k")
    assert [(one.trial, one.channel) for one in found] == [(0, 1), (0, 2), (1, 1), (1, 2)]
    np.testing.assert_array_equal(found[0].entered_ms, [0.0, 1.0, 2.0, 4.0, 4.5, 6.0, 7.0])
    np.testing.assert_array_equal(found[0].state, [0, 1, 2, 0, 2, 1, 0])
    np.testing.assert_array_equal(found[1].entered_ms, [0.0, 3.0])
    np.testing.assert_array_equal(found[2].state, [0])
    assert found[3].end_ms == 10.0
    (sodium, _) = histories(made(), "na")
    np.testing.assert_array_equal(sodium.state, [0, 1])


def test_histories_of_one_point_of_a_sweep_and_of_trials_never_made() -> None:
    one = made().dataset
    flat = ["flip_time", "flip_trial", "flip_channel", "flip_state"]
    swept = xr.concat([one.drop_vars(flat)] * 2, dim="point", data_vars="all", coords="minimal")
    swept["channel_start"] = swept["channel_start"].astype(float)
    swept["channel_start"][0, 1] = np.nan
    mine = xr.concat([one[flat]] * 2, dim="flip").drop_vars("trial", errors="ignore")
    swept = swept.merge(mine)
    swept["flip_time"] = swept["flip_time"] + np.repeat([0.0, 0.25], len(FLIPS))
    swept["flip_point"] = ("flip", np.repeat([0, 1], len(FLIPS)))
    swept.attrs = one.attrs
    first, second = (histories(Result(swept), "k", point) for point in (0, 1))
    assert [history.trial for history in first] == [0, 0]
    assert [history.trial for history in second] == [0, 0, 1, 1]
    np.testing.assert_array_equal(first[1].entered_ms, [0.0, 3.0])
    np.testing.assert_array_equal(second[1].entered_ms, [0.0, 3.25])


def test_idealised_sojourns_join_levels_and_say_what_is_cut() -> None:
    record = idealise(made(), "k")[0]
    np.testing.assert_array_equal(record.start_ms, [0.0, 1.0, 4.0, 4.5, 7.0])
    np.testing.assert_array_equal(record.duration_ms, [1.0, 3.0, 0.5, 2.5, 3.0])
    np.testing.assert_array_equal(record.level, [0, 1, 0, 1, 0])
    np.testing.assert_array_equal(record.cut_at_start, [1, 0, 0, 0, 0])
    np.testing.assert_array_equal(record.cut_at_end, [0, 0, 0, 0, 1])
    fine = idealise(made(), "k", sublevels=True)[0]
    np.testing.assert_array_equal(fine.level, [0, 0.5, 1, 0, 1, 0.5, 0])
    part = idealise(made(), "k", start_ms=2.5, end_ms=4.5)[0]
    np.testing.assert_array_equal(part.start_ms, [2.5, 4.0])
    np.testing.assert_array_equal(part.duration_ms, [1.5, 0.5])
    np.testing.assert_array_equal(part.level, [1, 0])
    never = idealise(made(), "k")[2]
    assert (never.duration_ms, never.cut_at_start, never.cut_at_end) == ([10.0], [True], [True])


@pytest.mark.parametrize("sublevels", [False, True])
def test_dwell_times_are_of_complete_sojourns_alone(sublevels: bool) -> None:
    records = idealise(made(), "k", sublevels=sublevels)
    np.testing.assert_array_equal(dwell_times_ms(records), [3.0, 2.5, 4.0])
    np.testing.assert_array_equal(dwell_times_ms(records, "shut"), [0.5])
    if sublevels:
        np.testing.assert_array_equal(dwell_times_ms(records, 0.5), [1.0, 1.0])
        np.testing.assert_array_equal(dwell_times_ms(records, 1.0), [2.0, 1.5, 4.0])
    assert dwell_times_ms([]).shape == (0,)


def test_open_probability_stays_between_0_and_1() -> None:
    """Shares of 1, 2 and 60 %: Student's interval begins at -65 %."""
    records = []
    for k, share in enumerate((0.01, 0.02, 0.6)):
        times = np.array([10.0 * share, 10.0 * (1.0 - share)])
        ends = np.array([True, False]), np.array([False, True])
        records.append(
            Idealised(k, 0, np.array([0.0, times[0]]), times, np.array([1.0, 0.0]), *ends)
        )
    found = open_probability(records)
    assert found.value == pytest.approx(0.21)
    assert 0.0 < found.interval[0] < 0.21 < found.interval[1] < 1.0


def test_open_probability_is_the_share_of_time() -> None:
    found = open_probability(idealise(made(), "k"))
    assert found.value == pytest.approx((5.5 + 3.0 + 0.0 + 4.0) / 40.0)
    assert found.interval is not None
    assert found.interval[0] < found.value < found.interval[1]
    assert open_probability([]).value is None


def test_log_histogram_counts_in_even_bins_with_an_edge_at_one() -> None:
    times = [0.12, 0.9, 1.1, 1.2, 30.0]
    found = log_histogram(times, bins_per_decade=1)
    np.testing.assert_allclose(found.edges_ms, [0.1, 1.0, 10.0, 100.0])
    np.testing.assert_array_equal(found.counts, [2, 2, 1])
    np.testing.assert_allclose(found.root_counts, np.sqrt([2, 2, 1]))
    given = log_histogram(times, edges_ms=[0.5, 1.0, 2.0])
    np.testing.assert_array_equal(given.counts, [1, 2])
    assert given.n_times == 5
    alone = log_histogram([1.0])
    assert alone.counts.sum() == 1
    with pytest.raises(InputError, match="0 times, not all above 0 ms"):
        log_histogram([])
    with pytest.raises(InputError, match="2 times, not all above 0 ms"):
        log_histogram([1.0, 0.0])


def test_bursts_end_at_gaps_longer_than_the_critical_one() -> None:
    records = idealise(made(), "k")
    found = bursts(records, 0.6)  # the gap of 0.5 ms is within a burst, those at the ends end it
    np.testing.assert_array_equal(found.n_openings, [2, 1])
    np.testing.assert_array_equal(found.duration_ms, [6.0, 4.0])
    np.testing.assert_array_equal(found.open_ms, [5.5, 4.0])
    split = bursts(records, 0.4)
    np.testing.assert_array_equal(split.n_openings, [1, 1, 1])
    np.testing.assert_array_equal(split.duration_ms, [3.0, 2.5, 4.0])
    # what is seen of the shut times at the ends is 1 ms, so they are not known to be longer
    assert len(bursts(records, 1.0).n_openings) == 0


def test_first_latencies_know_open_channels_and_those_that_never_open() -> None:
    np.testing.assert_array_equal(first_latencies_ms(made(), "k", 0.0), [[1, 0], [np.nan, 5]])
    np.testing.assert_array_equal(
        first_latencies_ms(made(), "k", 4.0), [[0.5, np.nan], [np.nan, 1]]
    )
    np.testing.assert_array_equal(
        first_latencies_ms(made(), "k", 0.0, until_ms=4.0), [[1, 0], [np.nan, np.nan]]
    )
    np.testing.assert_array_equal(first_latencies_ms(made(), "k", 5.0)[1], [np.nan, 0])


def test_bessel_filter_has_its_corner_and_passes_steady_currents_whole() -> None:
    for poles in (4, 8):
        pole, residue = bessel_filter(5.0, poles)
        at_corner = (residue / (2j * np.pi * 5.0 - pole)).sum()
        assert abs(at_corner) == pytest.approx(np.sqrt(0.5), rel=1e-9)
        assert (residue / -pole).sum() == pytest.approx(1.0, rel=1e-9)


def test_filtered_steps_are_those_of_a_fine_numerical_filter() -> None:
    start, value = np.array([0.0, 0.3, 0.37, 1.111]), np.array([1.0, 3.0, -2.0, 0.5])
    time = np.arange(0.0, 3.0, 0.05)
    zeros, pole, gain = signal.bessel(8, 2 * np.pi * 2.0, analog=True, output="zpk", norm="mag")
    fine = np.arange(0.0, 3.0, 0.0005)
    current = value[np.searchsorted(start, fine + 0.00025, side="right") - 1] - 1.0
    system = signal.zpk2ss(zeros, pole, gain)
    expected = 1.0 + signal.lsim(system, current, fine, interp=False)[1][::100]
    found = filtered_steps(start, value, time, bessel_filter(2.0))
    np.testing.assert_allclose(found, expected, atol=0.005)
    assert found[0] == 1.0
    assert found[-1] == pytest.approx(0.5, abs=1e-6)
    offset = filtered_steps(start, value, time[1::3], bessel_filter(2.0))  # of any interval
    np.testing.assert_allclose(offset, found[1::3], rtol=1e-9)


def test_filtered_noise_has_the_variance_and_correlation_of_the_filter() -> None:
    low_pass, interval = bessel_filter(5.0), 0.02
    noise = filtered_noise(np.random.default_rng(1), 400_000, interval, low_pass)
    frequency = np.linspace(0.0, 60.0, 200_001)
    power = (
        np.abs((low_pass.residue / (2j * np.pi * frequency[:, None] - low_pass.pole)).sum(1)) ** 2
    )
    assert noise.std() == pytest.approx(1.0, abs=0.01)
    for lag in (1, 3, 6):
        expected = (power * np.cos(2 * np.pi * frequency * lag * interval)).sum() / power.sum()
        assert (noise[lag:] * noise[:-lag]).mean() == pytest.approx(expected, abs=0.01)


def test_recorded_trace_of_one_and_of_summed_channels() -> None:
    rng = np.random.default_rng(1)
    trace = recorded_trace(made(), "k", rng=rng, corner_khz=10.0, interval_ms=0.1)
    # 40 pS at 50 mV from reversal: 2 pA
    np.testing.assert_array_equal(trace.piece_start_ms, [0, 1, 2, 4, 4.5, 6, 7])
    np.testing.assert_allclose(trace.piece_pA, [0, 1, 2, 0, 2, 1, 0])
    np.testing.assert_allclose(trace.time_ms, np.arange(101) * 0.1)
    assert trace.current_pA[38] == pytest.approx(2.0, abs=1e-4)
    assert trace.current_pA[18] == pytest.approx(1.0, abs=1e-4)
    both = recorded_trace(made(), "k", rng=rng, channels=(0, 1), corner_khz=10.0, start_ms=2.5)
    np.testing.assert_allclose(both.piece_start_ms, [2.5, 3.0, 4.0, 4.5, 6.0, 7.0])
    np.testing.assert_allclose(both.piece_pA, [4, 2, 0, 2, 1, 0])
    assert both.time_ms[0] == 2.5
    assert rng.standard_normal() == np.random.default_rng(1).standard_normal()  # no noise, no draws
    noisy = recorded_trace(made(), "k", rng=rng, noise_rms_pA=0.3, trial=1, interval_ms=0.001)
    np.testing.assert_array_equal(noisy.piece_pA, [0.0])
    assert noisy.current_pA.std() == pytest.approx(0.3, rel=0.2)
    assert noisy.delay_ms == pytest.approx(0.1, rel=0.05)


def test_recorded_trace_follows_the_voltage() -> None:
    stepping = np.where(np.arange(21) > 6, -27.0, -77.0) + np.zeros((2, 1))  # steps at 3 ms
    step = recorded_trace(made(stepping), "k", rng=np.random.default_rng(0))
    np.testing.assert_array_equal(step.piece_start_ms, [0, 3, 4, 4.5, 6, 7])
    np.testing.assert_allclose(step.piece_pA, [0, 2, 0, 2, 1, 0])
    moving = np.linspace(-77.0, -57.0, 21) + np.zeros((2, 1))
    free = recorded_trace(made(moving, clamped=False), "k", rng=np.random.default_rng(0))
    # 40 pS, 2 mV/ms, in stairs of 0.01 ms
    assert free.piece_pA[free.piece_start_ms == 2.0] == pytest.approx(0.04 * 2.0 * 2.005)
    assert np.diff(free.piece_start_ms[free.piece_start_ms >= 4.5]).min() > 0.0099


def test_delay_is_that_of_a_slow_ramp() -> None:
    start = np.arange(0.0, 10.0, 0.001)
    low_pass = bessel_filter(2.0, 4)
    ramp = filtered_steps(start, start, np.array([9.0]), low_pass)
    trace = recorded_trace(made(), "k", rng=np.random.default_rng(0), corner_khz=2.0, poles=4)
    assert 9.0 - ramp[0] == pytest.approx(trace.delay_ms, abs=0.001)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"poles": 6}, "poles: got 6; a Bessel filter of an amplifier has 4 or 8"),
        ({"corner_khz": 0.0}, "corner_khz: got 0; need a number above 0"),
        ({"interval_ms": -1.0}, "interval_ms: got -1; need a number above 0"),
        ({"noise_rms_pA": -1.0}, "noise_rms_pA: got -1; need 0 pA or more"),
        ({"end_ms": 11.0}, "from 0 to 11 ms: need a stretch within the 10 ms"),
        ({"trial": 2}, "trial: got 2; the run has 2 trials, from 0"),
        ({"channels": (2,)}, r"channels: got \[2\]; 2 of 'k' were followed, from 0"),
        ({"channels": ()}, r"channels: got \[\]"),
    ],
)
def test_recorded_trace_says_what_is_wrong(wrong: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        recorded_trace(made(), "k", rng=np.random.default_rng(0), **wrong)


def test_what_was_not_recorded_is_named() -> None:
    with pytest.raises(InputError, match="no population 'ka'; did you mean 'k'"):
        histories(made(), "ka")
    bare = Result(made().dataset.drop_dims(["flip", "channel"]))
    with pytest.raises(InputError, match=r"no channel was followed; set run\.record\.channels"):
        idealise(bare, "k")
    only = made().dataset.isel(channel=[0])
    with pytest.raises(InputError, match="no channel of 'k' was followed"):
        histories(Result(only), "k")
    with pytest.raises(InputError, match="from 5 to 5 ms: need a stretch"):
        idealise(made(), "k", start_ms=5.0, end_ms=5.0)


def test_dwt_file_holds_segments_classes_and_durations(tmp_path: Path) -> None:
    records = idealise(made(), "k", sublevels=True)[:2]
    path = write_dwt(tmp_path / "k.dwt", records, 0.01, unitary_current_pA=2.0, noise_rms_pA=0.3)
    lines = path.read_text().splitlines()
    classes = "ClassCount: 3 0.000000 0.300000 1.000000 0.300000 2.000000 0.300000"
    assert lines[0] == f"Segment: 1 Dwells: 7 Sampling(ms): 0.01 Start(ms): 0.000000 {classes}"
    assert lines[1:4] == ["0\t1.000000", "1\t1.000000", "2\t2.000000"]
    assert lines[8] == f"Segment: 2 Dwells: 2 Sampling(ms): 0.01 Start(ms): 10.000000 {classes}"
    assert lines[9:] == ["2\t3.000000", "0\t7.000000"]
    assert [p.name for p in tmp_path.iterdir()] == ["k.dwt"]


def test_dwt_file_has_no_sojourn_of_zero(tmp_path: Path) -> None:
    record = idealise(made(), "k")[0]
    durations = np.array([2e-7, 1 / 3, 3e-12])
    short = record._replace(duration_ms=durations, level=np.array([0.0, 1.0, 0.0]))
    lines = write_dwt(tmp_path / "k.dwt", [short]).read_text().splitlines()[1:]
    assert lines[0] == "0\t0.0000002"
    np.testing.assert_array_equal([float(line.split()[1]) for line in lines], durations)


def test_events_csv_has_a_row_a_sojourn(tmp_path: Path) -> None:
    path = write_events_csv(tmp_path / "events.csv", idealise(made(), "k"))
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 5 + 2 + 1 + 3
    assert rows[1] == {
        "trial": "0",
        "channel": "1",
        "start_ms": "1.0",
        "duration_ms": "3.0",
        "level": "1.0",
        "cut_at_start": "0",
        "cut_at_end": "0",
    }
    assert rows[4]["cut_at_end"] == "1"


def test_files_that_cannot_be_written_leave_nothing(tmp_path: Path) -> None:
    records = idealise(made(), "k")
    (tmp_path / "file").write_text("")
    for write in (write_dwt, write_events_csv):
        with pytest.raises(InputError, match="cannot be written"):
            write(tmp_path / "file" / "inside", records)


def test_dwell_figure_draws_counts_and_the_counts_its_law_expects() -> None:
    rng = np.random.default_rng(1)
    law = theory.PhaseType(np.array([1.0]), np.array([[-0.5]]), np.array([0.5]))
    figure = dwell_figure(rng.exponential(2.0, 5000), rng.exponential(2.0, 5000), law, law)
    left, right = figure.axes
    assert (left.get_xlabel(), right.get_xlabel()) == ("open time (ms)", "shut time (ms)")
    assert left.get_xscale() == "log"
    (curve,) = left.get_lines()
    assert curve.is_dashed()
    assert to_rgba(curve.get_color()) == to_rgba(style.DETERMINISTIC)
    peak = curve.get_xdata()[np.argmax(curve.get_ydata())]
    assert peak == pytest.approx(2.0, rel=0.05)
    # of an exponential on bins a tenth of a decade wide, at its peak
    assert max(curve.get_ydata()) == pytest.approx(5000 * np.log(10) / 10 / np.e, rel=0.01)
    assert [text.get_text() for text in left.get_legend().get_texts()][1] == "theory, mean 2.00 ms"
    empty = dwell_figure([], [1.0])
    assert len(empty.axes) == 2


def test_record_figure_has_a_row_a_trace_and_removes_the_delay() -> None:
    rng = np.random.default_rng(1)
    traces = [recorded_trace(made(), "k", rng=rng, trial=trial) for trial in (0, 1)]
    figure = record_figure(traces, ["first", "second"], "Records", scale_pA=2.0)
    assert len(figure.axes) == 2
    drawn = figure.axes[0].get_lines()[0]
    np.testing.assert_allclose(drawn.get_xdata(), traces[0].time_ms - traces[0].delay_ms)
    assert figure.axes[-1].get_xlabel() == "time (ms)"
    assert figure.axes[0].get_xlim() == (0.0, 10.0)
