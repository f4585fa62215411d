"""The very numbers of a few short runs, so that no change of the draws goes unnoticed.

A difference here means that every saved seed now makes another run. If that is
meant, regenerate: print each value named in the failing assertion (for arrays
``.values.tolist()``), type it in, and say in the changelog, under *Numerical
results*, what moved and why. The law itself is guarded by ``tests/statistical``.

Times and voltages are compared to 1e-9, because the exponential of one C library
differs from another's in the last digit; everything counted is compared exactly.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import stochhh


def tables(area: str, **run: Any) -> dict[str, Any]:
    """Tables of a squid patch."""
    return {
        "format": 1,
        "title": "fixed",
        "base": "squid-patch",
        "membrane": {"area": area},
        "run": {"deterministic": False, **run},
    }


def close(found: Any, expected: Any) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


def test_patch_left_alone() -> None:
    """Two trials of 780 channels: voltage, open channels, spikes and counters."""
    result = stochhh.run(
        tables("10 um^2", duration="20 ms", trials=2, seed=20240229, record={"interval": "4 ms"})
    )
    close(
        result["voltage"].values,
        [
            [
                -64.99972243373458,
                8.975162019272117,
                -75.29293872460342,
                -69.2435634227392,
                -65.33916370645659,
                -65.43745408409805,
            ],
            [
                -64.99972243373458,
                -62.694381112406816,
                35.7676937402052,
                -75.50689697614841,
                -70.53138577589932,
                -64.0298299671199,
            ],
        ],
    )
    assert result["open"].values.tolist() == [
        [[0, 1], [98, 48], [0, 16], [0, 0], [0, 1], [0, 1]],
        [[0, 4], [0, 1], [113, 8], [0, 19], [0, 2], [0, 2]],
    ]
    assert result["transitions"].values.tolist() == [18201, 18229]
    assert result["candidates_rejected"].values.tolist() == [239, 220]
    assert result["band_crossings"].values.tolist() == [521, 499]
    close(result["spike_time"].values, [2.89749813271445, 7.833539540291613])
    assert result["spike_trial"].values.tolist() == [0, 1]


def test_small_patch_with_pulse_noise_and_tags() -> None:
    """One trial of 156 channels: stimulus, occupancies, charges and two tagged channels."""
    record = {
        "interval": "1 ms",
        "channels": 1,
        "variables": ["voltage", "charge", "occupancy"],
    }
    result = stochhh.run(driven(record=record))
    close(
        result["stimulus"].values,
        [
            [
                0.05920260384196254,
                0.39255245114504456,
                0.5536985594433915,
                0.03884004412572304,
                -0.08649450611690276,
                -0.10291585330050161,
            ]
        ],
    )
    close(
        result["voltage"].values[0],
        [
            -64.99972243373458,
            -69.31167814404728,
            -59.00308919294618,
            -44.4262381435249,
            35.26876491872246,
            -10.850690250580683,
        ],
    )
    assert result["occupancy"].values[0].tolist() == [
        [32, 65, 6, 17, 0, 0, 0, 0, 11, 11, 12, 1, 1],
        [35, 74, 1, 10, 0, 0, 0, 0, 11, 15, 9, 0, 1],
        [29, 59, 8, 23, 1, 0, 0, 0, 12, 15, 8, 0, 1],
        [18, 34, 20, 33, 4, 10, 1, 0, 7, 15, 12, 2, 0],
        [0, 0, 0, 0, 1, 0, 80, 39, 1, 1, 11, 18, 5],
        [0, 0, 0, 0, 11, 1, 92, 16, 0, 1, 5, 15, 15],
    ]
    close(
        result["charge"].values[0],
        [
            [0.0, 0.0],
            [0.0, 0.19458085946200793],
            [0.0, 0.46577797125295367],
            [0.0, 0.5984302286193497],
            [-6.662922037478681, 5.2730257944557595],
            [-23.368411603134177, 22.38957554697143],
        ],
    )
    close(result["ions"].values[0], [-145854.15307669615, 139744.73894974697])
    close(result["spike_time"].values, [3.3429317783142705])
    assert result["channel_start"].values.tolist() == [[1, 4]]
    close(
        result["flip_time"].values,
        [
            2.3380306410449188,
            3.253827760829538,
            3.4054642032708946,
            3.7194915584800046,
            4.489648305987037,
            4.922806566423026,
            4.92570304002282,
        ],
    )
    assert result["flip_channel"].values.tolist() == [1, 0, 0, 0, 1, 0, 0]
    assert result["flip_state"].values.tolist() == [3, 3, 5, 7, 4, 5, 7]
    assert result["transitions"].values.tolist() == [1128]
    assert result["candidates_rejected"].values.tolist() == [54]
    assert result["band_crossings"].values.tolist() == [87]


def test_narrow_bands() -> None:
    """The same patch in bands of 0.25 mV, which makes it another run."""
    result = stochhh.run(driven(band_width="0.25 mV"))
    assert result["transitions"].values.tolist() == [1058]
    assert result["candidates_rejected"].values.tolist() == [3]
    assert result["band_crossings"].values.tolist() == [867]
    close(result["final_voltage"].values, [-41.18076456506607])
    assert result["final_occupancy"].values.tolist() == [
        [1, 0, 15, 3, 49, 2, 47, 3, 1, 2, 5, 19, 9]
    ]


def driven(**run: Any) -> dict[str, Any]:
    """2 µm² with a pulse and noise on top."""
    noise = {"kind": "noise", "sd": "5 uA/cm^2", "correlation_time": "1 ms"}
    pulse = {"kind": "pulse", "amplitude": "20 uA/cm^2", "start": "1 ms", "duration": "2 ms"}
    return {
        **tables("2 um^2", duration="5 ms", trials=1, seed=7, **run),
        "stimulus": [pulse, {**noise, "resolution": "0.5 ms"}],
    }
