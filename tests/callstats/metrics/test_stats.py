"""Values from parts."""

from math import exp, lgamma, log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callstats.metrics.stats import Spread, difference, poisson, share, wilson


def test_no_data_has_no_value() -> None:
    assert (share(0, 0), wilson(0, 0)) == (None, None)
    assert (spread([]).quantile(0.5), spread([]).median_interval()) == (None, None)


@pytest.mark.parametrize(("k", "n"), [(2, 1), (-1, 3)])
def test_more_than_all_is_no_share(k: int, n: int) -> None:
    with pytest.raises(ValueError, match="is no share"):
        share(k, n)


def test_wilson_of_published_examples() -> None:
    """81 of 263 and 15 of 148: Newcombe 1998, table I, method 3."""
    for k, n, low, high in ((81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611)):
        found = wilson(k, n)
        assert found is not None
        assert [round(end, 4) for end in found] == [low, high]


@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_an_interval_holds_its_share(parts: tuple[int, int]) -> None:
    value, found = share(*parts), wilson(*parts)
    assert value is not None
    assert found is not None
    assert 0.0 <= found[0] <= value <= found[1] <= 1.0


def spread(values: list[int]) -> Spread:
    """Every value a bar of its own."""
    return Spread([float(v) for v in sorted(values)], [1] * len(values))


@given(st.lists(st.integers(0, 10**9), min_size=1), st.floats(0, 1))
def test_a_quantile_lies_among_the_values(values: list[int], p: float) -> None:
    found = spread(values).quantile(p)
    assert found is not None
    assert min(values) <= found <= max(values)


@given(st.lists(st.integers(0, 10**9), min_size=6))
def test_the_medians_interval_holds_the_median(values: list[int]) -> None:
    median, interval = spread(values).quantile(0.5), spread(values).median_interval()
    assert median is not None
    assert interval is not None
    assert interval[0] <= median <= interval[1]


@given(st.lists(st.integers(0, 400), min_size=1), st.sampled_from([0.0, 0.25, 0.5, 0.9, 1.0]))
def test_bars_are_off_by_less_than_their_width(values: list[int], p: float) -> None:
    """Bars of width 50 that stand for the mean of what is in them, against the values themselves."""
    bars = {bar: [v for v in values if v - v % 50 == bar] for bar in sorted({v - v % 50 for v in values})}
    told = Spread([sum(of) / len(of) for of in bars.values()], [len(of) for of in bars.values()]).quantile(p)
    exact = spread(values).quantile(p)
    assert told is not None
    assert exact is not None
    assert abs(told - exact) < 50


def test_poisson_of_published_limits() -> None:
    """Garwood 1936, table; Pearson and Hartley, Biometrika Tables I, table 40: 95 % limits of a count."""
    published = {0: (0.0, 3.689), 1: (0.0253, 5.572), 2: (0.242, 7.225), 5: (1.623, 11.668),
                 10: (4.795, 18.391), 20: (12.217, 30.888), 50: (37.111, 65.919)}  # fmt: skip
    for k, limits in published.items():
        for found, wanted in zip(poisson(k), limits, strict=True):
            assert abs(found - wanted) < 0.0015


def _at_most(k: int, mean: float) -> float:
    """P(X <= k) of a Poisson variable, summed."""
    return sum(exp(n * log(mean) - mean - lgamma(n + 1)) for n in range(k + 1))


@pytest.mark.parametrize("k", [1, 3, 17, 250, 1999])
def test_a_poisson_interval_leaves_two_and_a_half_percent_on_both_sides(k: int) -> None:
    low, high = poisson(k)
    assert _at_most(k, high) == pytest.approx(0.025, abs=1e-9)
    assert 1 - _at_most(k - 1, low) == pytest.approx(0.025, abs=1e-9)


def test_less_than_nothing_is_no_count() -> None:
    with pytest.raises(ValueError, match="-1 is no count"):
        poisson(-1)


@pytest.mark.parametrize(
    ("mine", "theirs", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((10, 10), (0, 20), 0.6791, 1.0),
        ((0, 10), (0, 20), -0.1611, 0.2775),
    ],
)
def test_the_difference_of_two_shares_as_newcombe_tells_it(
    mine: tuple[int, int], theirs: tuple[int, int], low: float, high: float
) -> None:
    """Newcombe (1998), table II, method 10."""
    assert difference(*mine, *theirs) == pytest.approx((low, high), abs=5e-5)
    assert difference(*theirs, *mine) == pytest.approx((-high, -low), abs=5e-5)
    with pytest.raises(ValueError, match="a share of nothing"):
        difference(*mine, 0, 0)
