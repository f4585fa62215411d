"""All that is told of spike trains one by one: rate, intervals, counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from numpy.typing import ArrayLike

from stochhh.analysis.count_statistics import FanoCurve, RateCourse, fano_curve, kernel_rate, psth
from stochhh.analysis.estimates import Estimate
from stochhh.analysis.interspike_intervals import IsiStatistics, isi_statistics
from stochhh.analysis.interval_statistics import (
    IntervalDensity,
    SerialCorrelation,
    interval_cv2,
    interval_density,
    interval_lv,
    serial_correlation,
)
from stochhh.analysis.spikes import firing_rate_hz
from stochhh.analysis.trains import checked_trains

_PSTH_BIN_MS = 5.0


@dataclass(frozen=True)
class SpikeStatistics:
    """Statistics of the spike trains of one point, each with its 95 % interval.

    Attributes
    ----------
    n_trials, n_spikes : of trials and of spikes in all of them.
    rate_hz : mean firing rate.
    isi : number, mean, variance and CV of the interspike intervals.
    cv2 : of neighbouring intervals, Holt et al. 1996.
    lv : local variation, Shinomoto et al. 2003.
    intervals : density and hazard of the intervals.
    serial : correlation of intervals by lag.
    fano : variance over mean of counts, by window, pooled over time and trials.
    fano_locked : the same over trials at the same time.
    psth : rate in bins.
    kernel_rate : rate by a Gaussian kernel.
    """

    n_trials: int
    n_spikes: int
    rate_hz: Estimate
    isi: IsiStatistics
    cv2: Estimate
    lv: Estimate
    intervals: IntervalDensity
    serial: SerialCorrelation
    fano: FanoCurve
    fano_locked: FanoCurve
    psth: RateCourse
    kernel_rate: RateCourse


def spike_statistics(
    trains: Sequence[ArrayLike],
    duration_ms: float,
    *,
    interval_bin_ms: float | None = None,
    most_lags: int = 5,
    fano_windows_ms: ArrayLike | None = None,
    psth_bin_ms: float | None = None,
    sigma_ms: float = 3.0,
    steady: bool = False,
) -> SpikeStatistics:
    """Every statistic of a list of spike trains.

    Parameters
    ----------
    trains : spike times (ms) of each trial, from 0 to the duration
    duration_ms : length of each trial
    interval_bin_ms : width of the bins of the interval density; by default from the data
    most_lags : of the serial correlation
    fano_windows_ms : lengths of the windows that spikes are counted in; by default 13
    psth_bin_ms : width of the bins of the PSTH; by default 5 ms, or the trial if shorter
    sigma_ms : standard deviation of the kernel of the rate
    steady : what drives the cell is the same at all times of a trial, so that mean and CV of
        the intervals can be freed of what the ends of trials cut (`isi_statistics`)

    Raises
    ------
    InputError
        Spike times that do not increase or lie outside the trial, or a width that is
        not above zero or longer than the trial.
    """
    arrays = checked_trains(trains, duration_ms)
    return SpikeStatistics(
        n_trials=len(arrays),
        n_spikes=sum(len(a) for a in arrays),
        rate_hz=firing_rate_hz(arrays, duration_ms),
        isi=isi_statistics(arrays, duration_ms, steady),
        cv2=interval_cv2(arrays, duration_ms),
        lv=interval_lv(arrays, duration_ms),
        intervals=interval_density(arrays, duration_ms, interval_bin_ms),
        serial=serial_correlation(arrays, duration_ms, most_lags),
        fano=fano_curve(arrays, duration_ms, fano_windows_ms),
        fano_locked=fano_curve(arrays, duration_ms, fano_windows_ms, locked=True),
        psth=psth(arrays, duration_ms, psth_bin_ms or min(_PSTH_BIN_MS, duration_ms)),
        kernel_rate=kernel_rate(arrays, duration_ms, sigma_ms),
    )
