"""Binomial draws of the stepped methods, branch by branch, against scipy's binomial law."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from harness import agrees, counts_follow, refuses
from numba import njit
from scipy import stats

from stochhh.kernels import binomial as module
from stochhh.kernels.binomial import binomial, binomial_below_half

EXPANDED_ABOVE = 20.0  # variance from which the expansion is used

#: By branch: certain or impossible, inversion (tiny means and others), the expansion
#: from just above its threshold on, and each of them mirrored.
LAWS = [
    (1, 1e-3), (1, 0.5), (1, 0.9), (2, 0.3), (5, 0.5), (7, 0.93),
    (40, 1e-3), (10**6, 1e-8), (10**12, 1e-13), (10**12, 3e-12), (100, 0.02), (100, 0.97),
    (30, 0.4), (79, 0.5), (80, 0.5), (10**4, 1.9e-3), (10**9, 1.99e-8), (95, 0.7),
    (81, 0.5), (82, 0.5), (20_022, 1e-3), (422, 0.05), (422, 0.95), (126, 0.8),
    (1000, 0.2), (10**5, 0.4), (10**5, 0.999), (10**9, 3e-8), (10**12, 1e-10),
]  # fmt: skip


@njit
def sample(rng: Any, n: int, p: float, size: int) -> Any:
    """Many draws at once."""
    drawn = np.empty(size, dtype=np.int64)
    for i in range(size):
        drawn[i] = binomial(rng, n, p)
    return drawn


class Scripted:
    """A generator whose draws are written down; drawing more than that fails the test."""

    def __init__(self, uniforms: tuple[float, ...] = (), normals: tuple[float, ...] = ()) -> None:
        self.uniforms, self.normals = list(uniforms), list(normals)

    def random(self) -> float:
        return self.uniforms.pop(0)

    def standard_normal(self) -> float:
        return self.normals.pop(0)


def by_uniform(n: int, p: float, u: float) -> int:
    return int(binomial_below_half.py_func(Scripted(uniforms=(u,)), n, p))


def by_normal(n: int, p: float, z: float) -> int:
    return int(binomial_below_half.py_func(Scripted(normals=(z,)), n, p))


@pytest.mark.parametrize(("n", "p"), LAWS)
def test_draws_follow_the_binomial_law(n: int, p: float) -> None:
    """Chi-square of a million draws over the cells around the mean.

    With a million draws an error of the distribution function of 1e-4 stays below
    notice, one of 1e-3 does not.
    """
    law = stats.binom(n, p)
    # cells from a quantile far below to one far above, all outside them in the first and last
    low, high = int(law.ppf(1e-9)), int(law.ppf(1.0 - 1e-9))
    stride = max((high - low) // 200, 1)
    edge = np.append(np.arange(low, high + 1, stride), n + 1)
    size = 10**6
    drawn = sample(np.random.default_rng(n % 1000 + int(1e3 * p)), n, p, size)
    assert drawn.min() >= 0
    assert drawn.max() <= n
    counts = np.histogram(np.maximum(drawn, low), np.append(edge[:-1], n + 2))[0]
    agrees(counts_follow(counts, cells(law, edge)), f"binomial({n}, {p})")
    # negative control: the rarer outcome likelier by 1 %, or by what a million draws can tell
    rare = min(p, 1.0 - p)
    wrong = rare * (1.0 + max(0.01, np.sqrt(300.0 / (size * n * rare))))
    other = stats.binom(n, wrong if p <= 0.5 else 1.0 - wrong)
    refuses(counts_follow(counts, cells(other, edge)), f"binomial({n}, {p}) with p off")


def cells(law: Any, edge: Any) -> Any:
    """Probability of each cell; what lies below the first counts in it."""
    below = law.cdf(edge[1:] - 1)
    return np.diff(below, prepend=0.0)


@pytest.mark.parametrize("p", [1e-9, 1e-6, 1e-3, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.45, 0.5])
@pytest.mark.parametrize(("variance", "bound"), [(20.0, 1e-4), (40.0, 4e-5), (100.0, 1e-5)])
def test_expansion_is_never_off_by_more_than_it_says(
    p: float, variance: float, bound: float
) -> None:
    """Its distribution function by integrating over z: P(draw <= k) = Φ(largest such z)."""
    n = int(np.ceil(variance / (p * (1.0 - p)))) + 1
    mean, sd = n * p, np.sqrt(n * p * (1.0 - p))
    assert sd**2 > EXPANDED_ABOVE
    grid = [by_normal(n, p, z) for z in np.linspace(-8.0, 8.0, 2001)]
    assert (np.diff(grid) >= 0).all()  # so the largest z is found by halving
    worst = 0.0
    for k in range(max(int(mean - 6 * sd), 0), int(mean + 7 * sd)):
        low, high = -9.0, 9.0
        if by_normal(n, p, low) > k:
            reached = 0.0
        else:
            for _ in range(40):
                middle = 0.5 * (low + high)
                low, high = (middle, high) if by_normal(n, p, middle) <= k else (low, middle)
            reached = stats.norm.cdf(low)
        worst = max(worst, abs(reached - stats.binom.cdf(k, n, p)))
    assert worst < bound


def test_expansion_begins_above_a_variance_of_20() -> None:
    """80 times 1/4 is 20, which is drawn by inversion still; 81 times 1/4 is not."""
    assert by_uniform(80, 0.5, 0.5) in (39, 40)
    assert by_normal(81, 0.5, 0.0) in (40, 41)
    with pytest.raises(IndexError):
        by_normal(80, 0.5, 0.0)
    with pytest.raises(IndexError):
        by_uniform(81, 0.5, 0.5)


@pytest.mark.parametrize("n", [81, 400, 10**6, 10**12])
def test_expansion_stays_between_none_and_all(n: int) -> None:
    """Even for normals no generator draws, where it is no quantile any more."""
    for z in (-40.0, -20.0, -9.0, 9.0, 20.0, 40.0):
        assert 0 <= by_normal(n, 0.5, z) <= n
    assert by_normal(81, 0.5, -20.0) == 0
    assert by_normal(81, 0.5, 20.0) == 81


@pytest.mark.parametrize(("n", "p"), [(1, 0.5), (5, 0.3), (40, 0.5), (1000, 0.01), (10**6, 1e-6)])
def test_inversion_inverts_the_distribution_function(n: int, p: float) -> None:
    for k in range(min(n, 12)):
        up_to = stats.binom.cdf(k, n, p)
        assert by_uniform(n, p, up_to - 1e-2 * stats.binom.pmf(k, n, p)) == k
        assert by_uniform(n, p, up_to + 1e-2 * stats.binom.pmf(k + 1, n, p)) == k + 1
    assert by_uniform(n, p, 0.0) == 0


@pytest.mark.parametrize("n", [1, 3, 80, 10**6, 10**12])
@pytest.mark.parametrize("mean", [1e-12, 0.3, 5.0, 19.9])
def test_largest_uniform_ends_the_inversion(n: int, mean: float) -> None:
    """Rounding may leave more of u than all terms together; it must not be searched for ever."""
    p = min(mean / n, 0.5)
    if n * p * (1.0 - p) > EXPANDED_ABOVE:
        return
    drawn = by_uniform(n, p, np.nextafter(1.0, 0.0))
    assert 0 <= drawn <= min(n, 200)


def test_certain_and_impossible_draw_nothing() -> None:
    """Nor does a chance that rounding has put beyond 0 or 1."""
    nobody: Any = Scripted()
    draw = binomial.py_func
    assert draw(nobody, 0, 0.3) == 0
    assert draw(nobody, 9, 0.0) == 0
    assert draw(nobody, 9, -1e-17) == 0
    assert draw(nobody, 9, 1.0) == 9
    assert draw(nobody, 9, 1.0 + 1e-15) == 9


def test_likely_ones_are_drawn_as_unlikely_failures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "binomial_below_half", binomial_below_half.py_func)
    up_to = stats.binom.cdf(2, 10, 0.2)
    for u, failures in ((up_to - 1e-9, 2), (up_to + 1e-9, 3)):
        assert binomial.py_func(Scripted(uniforms=(u,)), 10, 0.8) == 10 - failures


@pytest.mark.parametrize(("n", "p"), [(30, 0.4), (126, 0.8), (10**9, 1e-8), (20_022, 1e-3)])
def test_compiled_draws_are_those_of_the_twin(
    monkeypatch: pytest.MonkeyPatch, n: int, p: float
) -> None:
    compiled = sample(np.random.default_rng(3), n, p, 500)
    monkeypatch.setattr(module, "binomial_below_half", binomial_below_half.py_func)
    rng = np.random.default_rng(3)
    assert [binomial.py_func(rng, n, p) for _ in range(500)] == compiled.tolist()
