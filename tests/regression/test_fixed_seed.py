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
        "run": {"deterministic": False, "initial": {"settle": "0 ms"}, **run},
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
                0.01461596932727124,
                0.44050799346153036,
                0.37148245018997295,
                -0.031097671231545446,
                -0.09846838774844409,
                -0.1815132274642429,
            ]
        ],
    )
    close(
        result["voltage"].values[0],
        [
            -64.99972243373458,
            -69.89092814098744,
            -57.2715745663078,
            42.806138031869146,
            20.699231481983972,
            -30.413423788343078,
        ],
    )
    assert result["occupancy"].values[0].tolist() == [
        [32, 65, 6, 17, 0, 0, 0, 0, 11, 11, 12, 1, 1],
        [35, 74, 1, 9, 0, 1, 0, 0, 13, 14, 7, 1, 1],
        [28, 59, 11, 18, 1, 3, 0, 0, 13, 14, 7, 1, 1],
        [1, 1, 9, 6, 25, 27, 21, 30, 2, 15, 13, 6, 0],
        [0, 0, 0, 0, 1, 0, 95, 24, 0, 2, 12, 15, 7],
        [0, 0, 3, 0, 24, 3, 83, 7, 0, 2, 8, 14, 12],
    ]
    close(
        result["charge"].values[0],
        [
            [0.0, 0.0],
            [0.0, 0.18317674020908425],
            [0.0, 0.46716976079167644],
            [-1.8276276541797356, 0.5989087476071842],
            [-8.958802858529033, 7.562423876143646],
            [-23.264457229867773, 22.43048237756184],
        ],
    )
    close(result["ions"].values[0], [-145205.320912624, 140000.05930408445])
    close(result["spike_time"].values, [2.8814245464408086])
    assert result["channel_start"].values.tolist() == [[1, 4]]
    close(
        result["flip_time"].values,
        [
            2.3346036222885895,
            2.9014837260516506,
            2.9449160374177694,
            2.976550564635061,
            2.992378276577264,
            3.3949376137499123,
        ],
    )
    assert result["flip_channel"].values.tolist() == [1, 0, 0, 0, 0, 1]
    assert result["flip_state"].values.tolist() == [3, 0, 2, 4, 6, 4]
    assert result["transitions"].values.tolist() == [1048]
    assert result["candidates_rejected"].values.tolist() == [61]
    assert result["band_crossings"].values.tolist() == [101]


def test_narrow_bands() -> None:
    """The same patch in bands of 0.25 mV, which makes it another run."""
    result = stochhh.run(driven(band_width="0.25 mV"))
    assert result["transitions"].values.tolist() == [1118]
    assert result["candidates_rejected"].values.tolist() == [4]
    assert result["band_crossings"].values.tolist() == [826]
    close(result["final_voltage"].values, [-30.484992833665025])
    assert result["final_occupancy"].values.tolist() == [
        [0, 0, 4, 0, 25, 4, 81, 6, 0, 0, 9, 14, 13]
    ]


def driven(**run: Any) -> dict[str, Any]:
    """2 µm² with a pulse and noise on top."""
    noise = {"kind": "noise", "sd": "5 uA/cm^2", "correlation_time": "1 ms"}
    pulse = {"kind": "pulse", "amplitude": "20 uA/cm^2", "start": "1 ms", "duration": "2 ms"}
    return {
        **tables("2 um^2", duration="5 ms", trials=1, seed=7, **run),
        "stimulus": [pulse, {**noise, "resolution": "0.5 ms"}],
    }
