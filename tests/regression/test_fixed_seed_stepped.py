"""The very numbers of a few short runs with a step; see ``test_fixed_seed.py``."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import stochhh

#: By method: voltage (mV) and open channels at 2, 4 and 6 ms, spike times (ms).
EXPECTED: dict[str, tuple[list[float], list[list[float]], list[float]]] = {
    "leap": (
        [16.822718426514612, -42.88172544992331, -75.69958830730891],
        [[70, 7], [22, 70], [0, 21]],
        [1.9453654673110115],
    ),
    "langevin": (
        [-25.905423936678403, -33.426167578712096, -76.00597657874061],
        [
            [10.72346212314647, 2.9330756377118687],
            [29.247431170818547, 62.211357896541585],
            [0.0, 28.86979986271761],
        ],
        [2.120444330682784],
    ),
    "shielded": (
        [41.750840669033494, -52.79479276349789, -75.84757115932354],
        [
            [168.03737437234764, 12.420784159843858],
            [10.549202108235534, 57.17954876651954],
            [0.0, 25.86889458763752],
        ],
        [1.7655171024905822],
    ),
    "frozen": (
        [-29.21291446560329, -31.89894636923887, -75.54698050750143],
        [[8, 3], [39, 80], [0, 17]],
        [2.1332810373613333],
    ),
    "leap-first-order": (
        [41.93321020019603, -39.04436746811388, -76.100597198041],
        [[173, 13], [24, 61], [0, 35]],
        [1.7785013275822357],
    ),
    "subunit": (
        [-22.136924115470435, -29.478327521187598, -76.05515439185024],
        [
            [14.469955867467409, 3.1378896800938083],
            [33.75853992190864, 59.230972397122656],
            [9.131977825543358e-05, 32.246100250719664],
        ],
        [2.0896557625310344],
    ),
}


def run(method: str) -> Any:
    """10 µm² with a pulse that ends between two multiples of any step."""
    pulse = {"kind": "pulse", "amplitude": "20 uA/cm^2", "start": "1 ms", "duration": "1.517 ms"}
    return stochhh.run(
        {
            "format": 1,
            "title": "fixed",
            "base": "squid-patch",
            "membrane": {"area": "10 um^2"},
            "stimulus": [pulse],
            "run": {
                "method": method,
                "duration": "6 ms",
                "trials": 1,
                "seed": 20240229,
                "deterministic": False,
                "record": {"interval": "2 ms"},
            },
        }
    )


@pytest.mark.parametrize("method", EXPECTED)
def test_numbers_of_a_fixed_seed(method: str) -> None:
    voltage, n_open, spikes = EXPECTED[method]
    result = run(method)
    np.testing.assert_allclose(result["voltage"].values[0, 1:], voltage, rtol=1e-9)
    np.testing.assert_allclose(result["open"].values[0, 1:], n_open, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(result["spike_time"].values, spikes, rtol=1e-9)
