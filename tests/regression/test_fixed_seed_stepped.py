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
        [-25.905718572373708, -33.42592196547488, -76.00597770079554],
        [
            [10.723240491593488, 2.933045068995245],
            [29.247750589668662, 62.21140947636288],
            [0.0, 28.869901429969406],
        ],
        [2.120446384008379],
    ),
    "shielded": (
        [41.75087795937474, -52.794295052021816, -75.84757446229676],
        [
            [168.0371715462338, 12.420664888489554],
            [10.54962522494012, 57.17968725762766],
            [0.0, 25.86897267773443],
        ],
        [1.7655190720288316],
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
        [-22.137315324024964, -29.47811862770314, -76.05515751396229],
        [
            [14.469637888216623, 3.1378537092883145],
            [33.75885121703927, 59.23103409671424],
            [9.131548098025808e-05, 32.246211757442666],
        ],
        [2.089657905749147],
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
                "initial": {"settle": "0 ms"},
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
