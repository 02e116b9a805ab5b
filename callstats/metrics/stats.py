"""Values from parts: pure functions, no data is None."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate
from math import exp, floor, lgamma, log, sqrt
from typing import Final

Z95: Final = 1.959963984540054
FEW: Final = 20
"""Below this n a share is told as "14 of 17" (design section 3)."""


def share(k: int, n: int) -> float | None:
    """Value k / n; None where n is 0. Raises ValueError unless 0 <= k <= n."""
    if not 0 <= k <= n:
        raise ValueError(f"{k} of {n} is no share")
    return k / n if n else None


def wilson(k: int, n: int) -> tuple[float, float] | None:
    """95 % interval of a share by Wilson (1927), eq. for the score interval; None where n is 0."""
    p = share(k, n)
    if p is None:
        return None
    z2 = Z95 * Z95
    middle = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 / (1 + z2 / n) * sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    # at the ends the formula is exact but its floating point is not
    return (0.0 if k == 0 else max(0.0, middle - half), 1.0 if k == n else min(1.0, middle + half))


def difference(k: int, n: int, other_k: int, other_n: int) -> tuple[float, float]:
    """95 % interval of the difference of two independent shares k / n - other_k / other_n.

    Newcombe (1998), method 10: from the score intervals of both. Raises ValueError where an n is 0.
    """
    mine, theirs = wilson(k, n), wilson(other_k, other_n)
    if mine is None or theirs is None:
        raise ValueError("a share of nothing has no difference to another")
    p, other = k / n, other_k / other_n
    low = p - other - sqrt((p - mine[0]) ** 2 + (theirs[1] - other) ** 2)
    high = p - other + sqrt((mine[1] - p) ** 2 + (other - theirs[0]) ** 2)
    return low, high


@lru_cache(maxsize=1 << 14)
def poisson(k: int) -> tuple[float, float]:
    """Exact 95 % interval of a Poisson mean of which k were counted (Garwood 1936): k = 0 gives 0 to 3.69.

    It holds P(X >= k | low) = P(X <= k | high) = 2.5 %. Raises ValueError for k below 0.
    """
    if k < 0:
        raise ValueError(f"{k} is no count")
    return (0.0 if k == 0 else _gamma_quantile(0.025, k), _gamma_quantile(0.975, k + 1))


class Spread:
    """Times as a histogram: ``values`` ascending, each standing for ``counts`` things.

    A bar's value is the mean of its times, so that nothing is off by a bar's width, and what lies in one bar
    alone (n = 1, equal times) is exact.
    """

    def __init__(self, values: Sequence[float], counts: Sequence[int]) -> None:
        self.values = values
        self._ends = list(accumulate(counts))
        self.n = self._ends[-1] if self._ends else 0

    def at(self, rank: int) -> float:
        """The value of this rank, from 0."""
        return self.values[bisect_right(self._ends, rank)]

    def quantile(self, p: float) -> float | None:
        """The p-quantile, linear between neighbours; None where empty."""
        if not self.n:
            return None
        place = (self.n - 1) * p
        low = floor(place)
        below, above = self.at(low), self.at(min(low + 1, self.n - 1))
        return below + (above - below) * (place - low)

    def median_interval(self) -> tuple[float, float] | None:
        """About 95 % interval of the median by ranks n/2 -+ 0.98 sqrt(n) (Conover 1999, 3.2), from n = 6."""
        if self.n < 6:
            return None  # even the outermost pair covers less than 95 %
        half = Z95 * sqrt(self.n) / 2
        low, high = max(round(self.n / 2 - half) - 1, 0), min(round(self.n / 2 + half), self.n - 1)
        return self.at(low), self.at(high)


def _gamma_quantile(p: float, shape: int) -> float:
    """The x with P(shape, x) = p, by Wilson and Hilferty's cube, then Newton's steps."""
    z = Z95 if p > 0.5 else -Z95
    x = max(shape * (1 - 1 / (9 * shape) + z / (3 * sqrt(shape))) ** 3, 1e-3)
    for _ in range(50):
        density = exp((shape - 1) * log(x) - x - lgamma(shape))
        step = (_gamma_p(shape, x) - p) / density
        x = x - step if x > step else x / 2
        if abs(step) <= 1e-12 * x:
            break
    return x


def _gamma_p(shape: int, x: float) -> float:
    """The regularised lower incomplete gamma function: its series, or 1 minus its continued fraction."""
    front = exp(shape * log(x) - x - lgamma(shape))
    if x < shape + 1:
        term = total = 1 / shape
        place = shape
        while term > 1e-17 * total:
            place += 1
            term *= x / place
            total += term
        return front * total
    b = x + 1 - shape
    c, d = 1e300, 1 / b
    fraction = d
    for place in range(1, 100_000):
        a = -place * (place - shape)
        b += 2
        d = 1 / (a * d + b)
        c = b + a / c
        fraction *= d * c
        if abs(d * c - 1) < 1e-15:
            break
    return 1 - front * fraction
