"""Landmarks of an action potential, on a drawn one whose landmarks are known."""

from __future__ import annotations

import numpy as np
import pytest

from stochhh.analysis.action_potential import anatomy


def drawn():
    """Straight lines: rest -65, slow foot from 5 ms, upstroke from (7, -50) to (7.5, 40) ..."""
    corners = [(0, -65), (5, -65), (7, -50), (7.5, 40), (9, -75), (10, -76), (16, -65.5), (30, -65)]
    time = np.arange(0, 30, 0.01)
    return time, np.interp(time, *np.array(corners, dtype=float).T)


def test_landmarks_of_a_drawn_spike():
    marks = anatomy(*drawn(), rest_mV=-65.0, spike_ms=7.3)
    assert marks.threshold_ms == pytest.approx(7.0, abs=0.11)  # slopes are taken over 0.2 ms
    assert marks.threshold_mV == pytest.approx(-50.0, abs=3.0)
    assert (marks.peak_ms, marks.peak_mV) == (pytest.approx(7.5), pytest.approx(40.0))
    assert marks.repolarised_ms == pytest.approx(8.87, abs=0.02)
    assert marks.undershoot_ms == pytest.approx(10.0)
    assert marks.undershoot_mV == pytest.approx(-76.0)
    assert marks.recovered_ms == pytest.approx(15.71, abs=0.02)  # back within 1 mV


def test_a_record_that_ends_early_has_no_late_landmarks():
    time, voltage = drawn()
    marks = anatomy(time[:800], voltage[:800], rest_mV=-65.0, spike_ms=7.3)
    assert marks.peak_mV == pytest.approx(40.0)
    assert marks.repolarised_ms is None
    assert marks.undershoot_mV is None
    assert marks.recovered_ms is None


@pytest.mark.parametrize("spike_ms", [0.0, 29.995, 40.0])
def test_a_spike_at_the_end_of_the_record_is_refused(spike_ms):
    with pytest.raises(ValueError, match="at the end of the record"):
        anatomy(*drawn(), rest_mV=-65.0, spike_ms=spike_ms)
