"""Values from parts: pure functions, no data is None."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor, sqrt
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


def quantile(ordered: Sequence[int], p: float) -> float | None:
    """The p-quantile of sorted values, linear between neighbours (as ``percentile``); None where empty."""
    if not ordered:
        return None
    place = (len(ordered) - 1) * p
    low = floor(place)
    high = min(low + 1, len(ordered) - 1)
    return float(ordered[low]) + (float(ordered[high]) - float(ordered[low])) * (place - low)


def median_interval(ordered: Sequence[int]) -> tuple[int, int] | None:
    """About 95 % interval of the median by ranks n/2 -+ 0.98 sqrt(n) (Conover 1999, 3.2); None below 6."""
    n = len(ordered)
    if n < 6:
        return None  # even the outermost pair covers less than 95 %
    half = Z95 * sqrt(n) / 2
    return ordered[max(round(n / 2 - half) - 1, 0)], ordered[min(round(n / 2 + half), n - 1)]
