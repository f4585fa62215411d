"""Stimuli: every kind typed out piece by piece, noise by its law, waveforms from files."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from scipy import stats
from scipy.linalg import solve_toeplitz
from scipy.signal import lfilter

from stochhh.doubts import of_stimuli
from stochhh.errors import InputError
from stochhh.fields import Table, validate
from stochhh.scenario.stimuli import Stimulus
from stochhh.stimulus import Surroundings, compile_stimuli, finest_ms, is_random, pieces
from stochhh.units import CURRENT
from stochhh.waveform import read_waveform

LEVEL = 1e-6


class Stimuli(Table):
    stimulus: tuple[Stimulus, ...] = ()


def read(*tables):
    return validate(Stimuli, {"stimulus": list(tables)}, "file").stimulus


def compiled(*tables, duration=10.0, area=100.0, trial=0, seed=7):
    return summed(read(*tables), duration, area, trial, seed)


def summed(stimuli, duration=10.0, area=100.0, trial=0, seed=7):
    around = Surroundings(
        area_um2=area,
        duration_ms=duration,
        noise_rng=np.random.default_rng([seed, trial]),
        frozen_seed=np.random.SeedSequence(seed),
    )
    return compile_stimuli(stimuli, around, "file")


def refused(message, *tables, **around):
    with pytest.raises(InputError) as caught:
        compiled(*tables, **around)
    assert message in str(caught.value)
    assert str(caught.value).startswith("file: stimulus[")


STEP = {"kind": "step", "amplitude": "5 pA", "start": "2 ms", "duration": "3 ms"}

# tables, ends (ms) and currents (pA) of the pieces, in a run of 10 ms and 100 µm²
TYPED_OUT = [
    ([], [10], [0]),
    ([{"kind": "constant", "amplitude": "10 uA/cm^2"}], [10], [10]),  # 0.1 pA/µm² · 100 µm²
    ([{"kind": "constant", "amplitude": "-3 pA"}], [10], [-3]),
    ([STEP], [2, 5, 10], [0, 5, 0]),
    ([{**STEP, "start": "0 ms"}], [3, 10], [5, 0]),
    ([{"kind": "step", "amplitude": "5 pA", "start": "2 ms"}], [2, 10], [0, 5]),
    ([{"kind": "step", "amplitude": "5 pA"}], [10], [5]),
    ([{**STEP, "duration": "8 ms"}], [2, 10], [0, 5]),
    ([{**STEP, "duration": "1 s"}], [2, 10], [0, 5]),
    ([{**STEP, "start": "10 ms"}], [10], [0]),
    ([{**STEP, "start": "11 ms"}], [10], [0]),
    ([{"kind": "step", "amplitude": "5 pA", "start": "11 ms"}], [10], [0]),
    ([{"kind": "pulse", "amplitude": "5 pA", "duration": "1 ms"}], [1, 10], [5, 0]),
    ([STEP, {**STEP, "start": "4 ms"}], [2, 4, 5, 7, 10], [0, 5, 10, 5, 0]),
    ([STEP, {**STEP, "amplitude": "-5 pA"}], [2, 5, 10], [0, 0, 0]),
    (
        [
            {
                "kind": "pulse-train",
                "amplitude": "2 pA",
                "start": "1 ms",
                "duration": "1 ms",
                "interval": "3 ms",
                "count": 2,
            }
        ],
        [1, 2, 4, 5, 10],
        [0, 2, 0, 2, 0],
    ),
    (
        [
            {
                "kind": "pulse-train",
                "amplitude": "2 pA",
                "duration": "1 ms",
                "interval": "4 ms",
                "count": 9,
            }
        ],
        [1, 4, 5, 8, 9, 10],
        [2, 0, 2, 0, 2, 0],
    ),
    (
        [
            {
                "kind": "ramp",
                "to": "8 pA",
                "start": "2 ms",
                "duration": "4 ms",
                "resolution": "1 ms",
            }
        ],
        [2, 3, 4, 5, 6, 10],
        [0, 1, 3, 5, 7, 0],
    ),
    (
        [
            {
                "kind": "ramp",
                "from": "8 pA",
                "to": "-8 pA",
                "duration": "16 ms",
                "resolution": "5 ms",
            }
        ],
        [5, 10],
        [5.5, 0.5],  # cut off by the end of the run, with the slope it had
    ),
    (
        [{"kind": "sine", "amplitude": "1 pA", "frequency": "0.1 kHz", "resolution": "2.5 ms"}],
        [2.5, 5, 7.5, 10],
        np.array([1, 1, -1, -1]) * 2 / np.pi,  # mean of a half wave
    ),
    (
        [
            {
                "kind": "sine",
                "amplitude": "1 pA",
                "frequency": "0.1 kHz",
                "phase": 0.25,
                "resolution": "5 ms",
                "start": "5 ms",
            }
        ],
        [5, 10],
        [0, 0],  # a cosine from crest to trough
    ),
]


@pytest.mark.parametrize(("tables", "end", "current"), TYPED_OUT)
def test_a_stimulus_typed_out(tables, end, current):
    found = compiled(*tables)
    np.testing.assert_allclose(found.end, end, rtol=1e-12)
    np.testing.assert_allclose(found.current, current, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("tables", "end", "current"), TYPED_OUT)
def test_breakpoints_increase_to_the_end_of_the_run(tables, end, current):
    found = compiled(*tables)
    assert found.end[-1] == 10.0
    assert found.end[0] > 0
    assert np.all(np.diff(found.end) > 0)
    assert len(found.end) == len(found.current)


def test_the_current_at_a_breakpoint_is_that_of_the_piece_beginning_there():
    found = compiled(STEP)
    times = np.array([0.0, 1.999, 2.0, 4.999, 5.0, 10.0, 11.0])
    assert found.at(times).tolist() == [0, 0, 5, 5, 0, 0, 0]


@pytest.mark.parametrize("area", [1.0, 100.0, 1e4])
def test_per_area_amplitudes_grow_with_the_area_and_absolute_ones_do_not(area):
    per_area = compiled({"kind": "constant", "amplitude": "10 uA/cm^2"}, area=area)
    absolute = compiled({"kind": "constant", "amplitude": "10 pA"}, area=area)
    assert per_area.current[0] == pytest.approx(0.1 * area, rel=1e-12)
    assert absolute.current[0] == 10.0


def test_pulses_may_touch_and_never_leave_a_gap():
    """Starts such as 3 · 0.1 ms are not where the pulse before ends, to the last bit."""
    train = {
        "kind": "pulse-train",
        "amplitude": "2 pA",
        "start": "0.7 ms",
        "duration": "0.1 ms",
        "interval": "0.1 ms",
        "count": 80,
    }
    found = compiled(train)
    times = np.union1d(found.end[:-1], np.linspace(0.7, 8.699, 1000))
    times = times[(times >= 0.7) & (times < 8.6999)]
    assert np.all(found.at(times) == 2.0)
    assert found.at(np.array([0.699, 8.701])).tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    "table",
    [
        {**STEP, "start": "1 s"},
        {
            "kind": "pulse-train",
            "amplitude": "2 pA",
            "start": "1 s",
            "duration": "1 ms",
            "interval": "3 ms",
            "count": 2,
        },
        {"kind": "ramp", "to": "8 pA", "start": "1 s", "duration": "4 ms"},
        {"kind": "sine", "amplitude": "1 pA", "frequency": "50 Hz", "start": "1 s"},
        {"kind": "chirp", "amplitude": "1 pA", "from": "1 Hz", "to": "50 Hz", "start": "1 s"},
        {"kind": "noise", "sd": "1 pA", "correlation_time": "1 ms", "start": "1 s"},
        {"kind": "frozen-noise", "sd": "1 pA", "correlation_time": "1 ms", "start": "10 ms"},
    ],
)
def test_what_starts_after_the_run_is_nothing(table):
    found = compiled(table)
    assert found.end.tolist() == [10.0]
    assert found.current.tolist() == [0.0]


def test_a_chirp_sweeps_from_one_frequency_to_the_other():
    """Phase after t: f₀ t + (f₁ - f₀) t²/(2 T); 10 to 30 Hz in 1 s are 20 cycles."""
    chirp = {
        "kind": "chirp",
        "amplitude": "3 pA",
        "from": "10 Hz",
        "to": "30 Hz",
        "resolution": "0.01 ms",
    }
    found = compiled(chirp, duration=1000.0)
    middle = found.end - 0.005
    cycles = 0.01 * middle + 0.01 * middle**2 / 1000.0
    np.testing.assert_allclose(found.current, 3 * np.sin(2 * np.pi * cycles), atol=1e-4)
    crossings = np.count_nonzero(np.diff(np.sign(found.current)) != 0)
    assert crossings == 39  # between 40 half waves


SINE = {"kind": "sine", "amplitude": "1 pA", "frequency": "20 kHz"}
CHIRP = {"kind": "chirp", "amplitude": "1 pA", "from": "20 kHz", "to": "1 Hz"}
RAMP = {"kind": "ramp", "to": "8 pA", "duration": "0.1 ms"}


@pytest.mark.parametrize(
    ("table", "piece_ms", "coarse"),
    [
        (SINE, 0.0025, 'resolution: "0.05 ms" is too long for the 0.05 ms in which the sine takes '
         'its shape; drop it, or give "0.0025 ms" or less'),
        (CHIRP, 0.0025, "in which the chirp takes its shape"),
        ({**CHIRP, "from": "1 Hz", "to": "20 kHz"}, 0.0025, "in which the chirp takes its shape"),
        (RAMP, 0.005, "in which the ramp takes its shape"),
        ({**SINE, "frequency": "500 Hz"}, 0.05, None),  # as ever
        ({**RAMP, "duration": "2 ms"}, 0.05, None),
    ],
)  # fmt: skip
def test_pieces_follow_the_curve_and_a_resolution_too_coarse_is_said(table, piece_ms, coarse):
    """At least 20 a period or ramp: of a sine of 20 kHz pieces of 0.05 ms hold nothing at all."""
    found = compiled(table, duration=0.1)
    np.testing.assert_allclose(np.diff(found.end), piece_ms)
    assert of_stimuli(read(table), "file") == []
    said = of_stimuli(read({**table, "resolution": "0.05 ms"}), "file")
    assert (coarse in said[0] and said[0].startswith("file: stimulus[0].")) if coarse else not said
    finest = piece_ms if table["kind"] != "ramp" and coarse else np.inf
    assert coarse is None or finest_ms(read(table)) == finest


def test_other_resolutions_too_coarse_are_said(tmp_path):
    long = {**NOISE, "resolution": "0.2 ms"}
    wave = waveform(tmp_path, WAVE, interpolation="linear", resolution="4 ms")
    said = of_stimuli(read(STEP, NOISE, long, wave, {**wave, "resolution": "2 ms"}), "file")
    assert len(said) == 2
    assert said[0].startswith('file: stimulus[2].resolution: "0.2 ms" is longer than the correlat')
    assert said[1].startswith('file: stimulus[3].resolution: "4 ms" is longer than the 2.5 ms betw')


def test_too_many_pieces_are_refused():
    for resolution in ("1e-8 ms", "1e-300 ms"):
        sine = {"kind": "sine", "amplitude": "1 pA", "frequency": "50 Hz", "resolution": resolution}
        refused(f'stimulus[1]: resolution = "{resolution}" makes ', STEP, sine)
        refused("pieces; at most 50000000 are allowed", STEP, sine)


def test_pulses_must_not_overlap():
    train = {"kind": "pulse-train", "amplitude": "2 pA", "count": 2, "interval": "1 ms"}
    with pytest.raises(
        InputError, match='pulses of duration = "2 ms" overlap at interval = "1 ms"'
    ):
        read({**train, "duration": "2 ms"})


def test_what_is_no_stimulus_has_no_pieces():
    with pytest.raises(TypeError, match="not a stimulus: 5"):
        pieces(5, None)


def test_every_kind_compiles():
    """A kind added to scenarios needs its pieces here."""
    assert {cls for cls in pieces.registry if cls is not object} == set(
        get_args(get_args(Stimulus)[0])
    )


# ---- noise ---------------------------------------------------------------------------------

NOISE = {
    "kind": "noise",
    "mean": "3 pA",
    "sd": "2 pA",
    "correlation_time": "0.1 ms",
    "resolution": "0.05 ms",
}


def covariance(lag, correlation_time, interval=0.05):
    """Covariance of means over pieces, `lag` apart, of an Ornstein-Uhlenbeck process of SD 1.

    Its autocovariance exp(-|t|/τ), integrated over both pieces.
    """
    a = interval / correlation_time
    apart = (np.expm1(-a) / a) ** 2 * np.exp(-a * (np.abs(lag) - 1))
    return np.where(np.asarray(lag) == 0, 2 * (a - 1 + np.exp(-a)) / a**2, apart)


def whitened(current, mean, sd, correlation_time):
    """Independent standard normal numbers, if the current is held at means of such a process."""
    n = 20  # what came before that has no part in the next kick: 0.27 to that power
    law = covariance(np.arange(n + 1), correlation_time)
    part = solve_toeplitz(law[:n], law[1:])
    x = (current - mean) / sd
    return np.convolve(x, np.append(1.0, -part), "valid") / np.sqrt(law[0] - part @ law[1:])


def smallest_p(z):
    """Smallest p-value of mean, variance, autocorrelation and law of white noise."""
    n = len(z)
    squares = stats.chi2.cdf(z @ z, n)
    return min(
        2 * stats.norm.sf(abs(z.sum()) / np.sqrt(n)),
        2 * min(squares, 1 - squares),
        *(2 * stats.norm.sf(abs(z[k:] @ z[:-k]) / np.sqrt(n - k)) for k in (1, 2, 5)),
        stats.kstest(z, "norm").pvalue,
    )


@pytest.mark.parametrize("kind", ["noise", "frozen-noise"])
def test_noise_is_an_ornstein_uhlenbeck_process(kind):
    found = compiled({**NOISE, "kind": kind}, duration=10_000.0)
    assert len(found.end) == 200_000
    assert smallest_p(whitened(found.current, 3.0, 2.0, 0.1)) > LEVEL
    # negative controls: each a few per cent off
    assert smallest_p(whitened(found.current, 3.1, 2.0, 0.1)) < LEVEL
    assert smallest_p(whitened(found.current, 3.0, 2.04, 0.1)) < LEVEL
    assert smallest_p(whitened(found.current, 3.0, 2.0, 0.105)) < LEVEL


def test_noise_has_the_mean_sd_and_autocorrelation_asked_for():
    found = compiled(NOISE, duration=10_000.0).current - 3.0
    n, limit = len(found), stats.norm.isf(LEVEL / 2)
    mean_sd = 2.0 * np.sqrt(2 * 0.1 / 10_000.0)  # power at 0 Hz, sd² 2 τ, over the time
    assert abs(found.mean()) < limit * mean_sd
    for lag in (0, 1, 3):
        product = found[lag:] * found[: n - lag]
        blocks = product[: len(product) // 1000 * 1000].reshape(1000, -1).mean(axis=1)
        error = blocks.std(ddof=1) / np.sqrt(1000)
        assert abs(blocks.mean() - 4.0 * covariance(lag, 0.1)) < limit * error
        assert abs(blocks.mean() - 4.0 * covariance(lag, 0.13)) > limit * error


def test_noise_is_stationary_from_its_first_piece():
    short = read({**NOISE, "start": "0.1 ms"})
    first = [summed(short, duration=0.2, trial=trial).current[1:] for trial in range(3000)]
    law = np.linalg.cholesky(covariance(np.array([[0, 1], [1, 0]]), 0.1))
    z = np.linalg.solve(law, (np.array(first).T - 3.0) / 2.0).ravel()
    assert stats.kstest(z, "norm").pvalue > LEVEL
    assert LEVEL < stats.chi2.cdf(z @ z, 6000) < 1 - LEVEL
    assert stats.chi2.cdf(z @ z / 1.2**2, 6000) < LEVEL  # negative control


@pytest.mark.parametrize("correlation_time", [0.005, 0.01, 0.02, 0.05, 1.0])
def test_noise_moves_a_membrane_by_its_correlation_time_whatever_its_resolution(correlation_time):
    """SD of a passive membrane, τ 10/3 ms and 100 mV at the noise's SD, is that of theory."""
    noise = {"kind": "noise", "sd": "1 pA", "correlation_time": f"{correlation_time} ms"}
    right = 100.0 * np.sqrt(correlation_time / (correlation_time + 10.0 / 3.0))
    memory, duration = np.exp(-0.05 / (10.0 / 3.0)), 100_000.0
    current = compiled({**noise, "resolution": "0.05 ms"}, duration=duration).current

    def relative(current):
        voltage = lfilter([100.0 * (1.0 - memory)], [1.0, -memory], current)[2000:]
        return voltage.std() / right - 1.0

    limit = stats.norm.isf(LEVEL / 2) * np.sqrt((correlation_time + 10.0 / 3.0) / (2 * duration))
    assert abs(relative(current)) < limit
    if correlation_time < 0.02:  # control: as many independent samples of that SD
        assert relative(current / current.std()) > limit


def test_per_area_noise_grows_with_the_area():
    noise = {**NOISE, "mean": "1 uA/cm^2", "sd": "2 uA/cm^2"}
    small, large = compiled(noise, area=100.0), compiled(noise, area=300.0)
    np.testing.assert_allclose(large.current, 3 * small.current, rtol=1e-12)


def test_noise_is_a_new_draw_each_trial_and_frozen_noise_is_not():
    trials = [compiled(NOISE, trial=trial).current for trial in range(3)]
    assert not np.any(trials[0] == trials[1])
    assert not np.any(trials[1] == trials[2])
    np.testing.assert_array_equal(compiled(NOISE, trial=1).current, trials[1])
    frozen = {**NOISE, "kind": "frozen-noise"}
    trials = [compiled(frozen, trial=trial).current for trial in range(3)]
    np.testing.assert_array_equal(trials[0], trials[1])
    np.testing.assert_array_equal(trials[0], trials[2])
    assert not np.any(compiled(frozen, seed=8).current == trials[0])  # from the run's seed


def test_frozen_noise_with_a_seed_of_its_own_does_not_follow_the_run():
    frozen = {**NOISE, "kind": "frozen-noise", "seed": 11}
    np.testing.assert_array_equal(
        compiled(frozen, seed=1).current, compiled(frozen, seed=2).current
    )
    assert not np.any(compiled({**frozen, "seed": 12}).current == compiled(frozen).current)


def test_two_frozen_noises_are_different_noises():
    frozen = {**NOISE, "kind": "frozen-noise", "mean": "0 pA"}
    opposite = compiled(frozen, frozen).current - 2 * compiled(frozen).current
    assert np.abs(opposite).max() > 1.0


def test_each_noise_has_a_stream_of_its_own():
    """The second took up the first one's draws, and changed with that one's resolution."""
    fine, other = {**NOISE, "resolution": "0.01 ms"}, {**NOISE, "mean": "0 pA", "sd": "1 pA"}

    def second(first):
        """What the other noise adds to a first one."""
        both, alone = compiled(first, other), compiled(first)
        return both.at(both.end - 1e-6) - alone.at(both.end - 1e-6), both.end

    here, end = second(NOISE)
    there, at = second(fine)
    np.testing.assert_allclose(np.interp(end, at, there), here, atol=1e-12)
    # law: independent of the first, with the mean and SD asked for
    both, alone = (compiled(*which, duration=10_000.0) for which in ((NOISE, other), (NOISE,)))
    first, added = alone.current - 3.0, both.current - alone.current
    assert smallest_p(whitened(added, 0.0, 1.0, 0.1)) > LEVEL
    n, limit = len(first), stats.norm.isf(LEVEL / 2)
    pieces = np.exp(-np.arange(40) * 0.05 / 0.1)  # their products are correlated as squares
    error = 2.0 / np.sqrt(n) * np.sqrt(1 + 2 * np.sum(pieces[1:] ** 2))
    assert abs(np.mean(first * added)) < limit * error
    assert abs(np.mean(first * (added + 0.05 * first))) > limit * error  # negative control


def test_only_fresh_noise_differs_from_trial_to_trial():
    frozen = {**NOISE, "kind": "frozen-noise"}
    assert is_random(read(STEP, NOISE))
    assert not is_random(read(STEP, frozen))
    assert not is_random(())


# ---- waveforms from files ------------------------------------------------------------------


def waveform(tmp_path, text, **keys):
    path = tmp_path / "wave.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return {"kind": "file", "path": str(path), **keys}


WAVE = "# anyone's\ntime (ms),current (pA)\n1,5\n3,-2\n\n6,7\n"


def test_a_waveform_is_held_between_its_times_and_zero_outside(tmp_path):
    found = compiled(waveform(tmp_path, WAVE))
    assert found.end.tolist() == [1, 3, 6, 10]
    assert found.current.tolist() == [0, 5, -2, 0]


def test_a_waveform_may_be_shifted_scaled_and_cut(tmp_path):
    found = compiled(waveform(tmp_path, WAVE, start="2 ms", scale=-2), duration=6.0)
    assert found.end.tolist() == [3, 5, 6]
    assert found.current.tolist() == [0, -10, 4]


def test_a_linear_waveform_holds_the_mean_of_each_piece(tmp_path):
    linear = waveform(tmp_path, WAVE, interpolation="linear", resolution="1 ms")
    found = compiled(linear)
    assert found.end == pytest.approx([1, 2, 3, 4, 5, 6, 10], rel=1e-12)
    assert found.current == pytest.approx([0, 3.25, -0.25, -0.5, 2.5, 5.5, 0], rel=1e-12)
    # a knot inside a piece divides it, so the charge is that of the trapezia
    coarse = compiled(waveform(tmp_path, WAVE, interpolation="linear", resolution="4 ms"))
    charge = np.diff(np.append(0.0, coarse.end)) @ coarse.current
    assert charge == pytest.approx(2 * 1.5 + 3 * 2.5, rel=1e-12)
    assert 3.0 in coarse.end.tolist()


@pytest.mark.parametrize(
    ("header", "current"),
    [
        ("time (ms),current (pA)", 5.0),
        ("time (s),current (pA)", 0.0),
        ("t (ms),I (nA)", 5000.0),
        ("(ms),(pA)", 5.0),
        ('"time, of day ( ms )"," current density ( uA/cm^2 ) "', 5.0),  # of 100 µm²
        ("time (ms),current (µA/cm²)", 5.0),
        ("\ufefftime (ms),current (pA)", 5.0),  # byte-order mark, as spreadsheets write
        ("time (1e0 ms),current (pA)", None),
    ],
)
def test_the_header_says_the_units(tmp_path, header, current):
    wave = waveform(tmp_path, f"{header}\r\n1,5\r\n3,0\r\n")
    if current is None:
        refused("header: got ", wave)
    else:
        assert compiled(wave).at(np.array([2.0]))[0] == pytest.approx(current, rel=1e-12)


def test_times_may_be_negative_before_they_are_shifted(tmp_path):
    found = compiled(waveform(tmp_path, "t (ms),i (pA)\n-5,1\n-1,2\n5,3\n"))
    assert (found.end.tolist(), found.current.tolist()) == ([5, 10], [2, 0])
    linear = waveform(tmp_path, "t (ms),i (pA)\n-5,0\n5,10\n", interpolation="linear")
    linear = compiled({**linear, "resolution": "2.5 ms"})
    assert linear.current.tolist() == pytest.approx([6.25, 8.75, 0.0], rel=1e-12)


def test_a_waveform_after_the_run_is_nothing(tmp_path):
    for interpolation in ("hold", "linear"):
        found = compiled(waveform(tmp_path, WAVE, start="1 s", interpolation=interpolation))
        assert (found.end.tolist(), found.current.tolist()) == ([10], [0])


def test_a_waveform_is_read_with_its_units(tmp_path):
    path = waveform(tmp_path, "t (s),i (uA/cm^2)\n0,1\n0.002,3\n")["path"]
    time, value, unit = read_waveform(type(tmp_path)(path), CURRENT)
    assert time == pytest.approx([0.0, 2.0])
    assert value.tolist() == [1.0, 3.0]
    assert (unit.unit, float(unit)) == ("pA/um^2", pytest.approx(0.01))


@pytest.mark.parametrize(
    "text",
    [
        "t (ms);i (pA)\n0,5;1,25\n1,5;-3\n",  # a spreadsheet where the comma is decimal
        "t (ms);i (pA)\n0.5;1.25\n1.5;-3\n",
        "t (ms)\ti (pA)\n0.5\t1.25\n1.5\t-3\n",
        "t (ms),i (pA)\n0.5,1.25\n1.5,-3\n",
    ],
)
def test_columns_are_divided_as_in_the_header(tmp_path, text):
    time, value, _ = read_waveform(type(tmp_path)(waveform(tmp_path, text)["path"]), CURRENT)
    assert (time.tolist(), value.tolist()) == ([0.5, 1.5], [1.25, -3.0])


HEADER = "t (ms),i (pA)\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the header must name two columns with units, such as: time (ms),current (pA)"),
        ("# only\n", "the header must name two columns with units"),
        ("1,5\n2,6\n", "the header must name two columns with units"),
        (
            "t (ms)\n1\n2\n",
            "the header must name two columns with units, such as: time (ms),"
            'current (pA); got "t (ms)"',
        ),
        ("t (ms),i (pA),v (mV)\n1,2,3\n2,3,4\n", "the header must name two columns with units"),
        ("t,i\n1,5\n2,6\n", "the header must name two columns with units"),
        ("t (),i (pA)\n1,5\n2,6\n", "the header must name two columns with units"),
        ("t (" + " " * 60_000 + ",i (pA)\n1,5\n2,6\n", "the header must name two columns"),
        ("t (pA),i (ms)\n1,5\n2,6\n", 'header: got "1 pA", which is not a time'),
        ("t (ms),i (mV)\n1,5\n2,6\n", 'header: got "1 mV", which is not a current'),
        (HEADER + "1,5\n2,x\n", "every row must be two numbers"),
        (HEADER + "1,5\n2\n", "every row must be two numbers"),
        (HEADER + "1\n2\n3\n4\n", "every row must be two numbers"),
        (HEADER + "1,5,2,6\n", "every row must be two numbers"),
        (HEADER + "1,5,0\n2,6,0\n", "every row must be two numbers"),
        (HEADER + "1;5\n2;6\n", "every row must be two numbers"),
        (HEADER + "0,1,2,5\n", "every row must be two numbers, with what divides the columns"),
        ("t (ms);i (pA)\n1.000,5;2\n", "every row must be two numbers"),
        (HEADER, "need two rows or more, finite, with increasing times"),
        (HEADER + "1,5\n", "need two rows or more, finite, with increasing times"),
        (HEADER + "1,5\n1,6\n", "need two rows or more, finite, with increasing times"),
        (HEADER + "2,5\n1,6\n", "need two rows or more, finite, with increasing times"),
        (HEADER + "1,5\n2,nan\n", "need two rows or more, finite, with increasing times"),
        (HEADER + "1,5\ninf,6\n", "need two rows or more, finite, with increasing times"),
        (b"t (ms),i (pA)\n1,\xff\n", "not a CSV text file"),
        (HEADER + "1," + "5" * 200_000 + "\n", "not a CSV text file"),
    ],
)
def test_a_waveform_that_cannot_be_used_names_its_file(tmp_path, text, message):
    wave = waveform(tmp_path, text)
    refused(f"file: stimulus[0]: path: {wave['path']}: {message}", wave)


@pytest.mark.parametrize("name", ["none.csv", "", "a\0b.csv", "a" * 5000])
def test_a_waveform_that_is_not_there_names_its_file(tmp_path, name):
    refused(f"path: {tmp_path}", {"kind": "file", "path": str(tmp_path / name)[:1000]})
