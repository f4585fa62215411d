"""Numbers with their intervals as points and curves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from stochhh.analysis.spikes import Estimate
from stochhh.plot import style

_LOG_RATIO = 20.0


def draw_estimates(
    axes: Axes,
    x: ArrayLike,
    estimates: Sequence[Estimate],
    color: str = style.VOLTAGE,
    label: str | None = None,
    **options: Any,
) -> None:
    """Draw values with their 95 % intervals as bars; what is missing is left out.

    Parameters
    ----------
    x : (K,)
    estimates : K
    options : of matplotlib's ``errorbar``; by default points joined by a line
    """
    values = np.array([np.nan if e.value is None else e.value for e in estimates])
    ends = np.array(
        [
            (v, v) if e.interval is None else np.where(np.isfinite(e.interval), e.interval, v)
            for e, v in zip(estimates, values, strict=True)
        ]
    ).reshape(-1, 2)
    reach = np.maximum(np.nan_to_num([values - ends[:, 0], ends[:, 1] - values]), 0.0)
    look: dict[str, Any] = {"fmt": "o-", "markersize": 3.5, "linewidth": 1.0, "capsize": 2}
    axes.errorbar(np.asarray(x), values, yerr=reach, color=color, label=label, **(look | options))


def shades(n: int) -> list[Any]:
    """Colours of n curves in their order, told apart in grey and by the colour-blind too."""
    import matplotlib as mpl

    if n == 1:
        return [style.VOLTAGE]
    return [mpl.colormaps["viridis"](x) for x in np.linspace(0.0, 0.85, n)]


def spread_axis(axes: Axes, x: ArrayLike) -> None:
    """Make the horizontal axis logarithmic where its values spread over more than a decade."""
    values = np.asarray(x, dtype=np.float64)
    if np.all(values > 0.0) and values.max() / values.min() >= _LOG_RATIO:
        axes.set_xscale("log")
