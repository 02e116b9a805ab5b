"""Values from parts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callstats.metrics.stats import median_interval, quantile, share, wilson


def test_no_data_has_no_value() -> None:
    assert (share(0, 0), wilson(0, 0), quantile([], 0.5), median_interval([])) == (None, None, None, None)


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


@given(st.lists(st.integers(0, 10**9), min_size=1), st.floats(0, 1))
def test_a_quantile_lies_among_the_values(values: list[int], p: float) -> None:
    found = quantile(sorted(values), p)
    assert found is not None
    assert min(values) <= found <= max(values)


@given(st.lists(st.integers(0, 10**9), min_size=6))
def test_the_medians_interval_holds_the_median(values: list[int]) -> None:
    median, interval = quantile(sorted(values), 0.5), median_interval(sorted(values))
    assert median is not None
    assert interval is not None
    assert interval[0] <= median <= interval[1]
