"""Hidden cells: few calls, few people, and that no hidden one is the difference of a sum and the rest."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from callstats.small_cells import FEW_CALLS, below, hide, shown

TOTAL = {"metric": "m", "measure": "a", "value": 0.5, "k": 1, "low": 0.1, "high": 0.9, "excluded": {}}


def cells(sizes: dict[tuple[Any, ...], int], by: tuple[str, ...]) -> list[dict[str, Any]]:
    return [TOTAL | dict(zip(by, key, strict=True)) | {"n": n} for key, n in sizes.items()]


def gone(rows: list[dict[str, Any]], by: tuple[str, ...]) -> set[tuple[Any, ...]]:
    return {tuple(row[name] for name in by) for row in rows if row["suppressed"]}


def test_a_small_cell_and_the_next_smallest_are_hidden() -> None:
    by = ("hour",)
    rows = hide(cells({(8,): 30, (9,): 2, (10,): 12, (11,): 40}, by), by, ())
    assert gone(rows, by) == {(9,), (10,)}
    hidden = next(row for row in rows if row["suppressed"])
    assert {hidden[name] for name in ("value", "k", "n", "low", "high", "excluded")} == {None}
    assert hidden["hour"] == 9


def test_several_small_cells_that_are_many_together_need_no_other() -> None:
    by = ("hour",)
    sizes = {(8,): 30, (9,): 2, (10,): 4, (11,): 40}
    assert gone(hide(cells(sizes, by), by, ()), by) == {(9,), (10,)}
    assert gone(hide(cells(sizes | {(10,): 2}, by), by, ()), by) == {(8,), (9,), (10,)}


def test_nothing_is_hidden_where_all_are_many_or_none() -> None:
    by = ("weekday",)
    rows = hide(cells({(1,): 5, (2,): 0, (3,): 9}, by), by, ())
    assert gone(rows, by) == set()
    assert shown(rows) == rows


def test_totals_of_a_department_are_never_hidden() -> None:
    totals = ((), ("department",), ("department", "day"), ("month",), ("outcome",), ("department", "contact"))
    for by in totals:
        assert not below(by)
        rows = hide(cells({tuple("x" for _ in by): 1}, by), by, {"x"})
        assert gone(rows, by) == set()


def test_of_few_people_no_cell_is_told() -> None:
    by = ("department", "hour")
    sizes = {("social", 8): 50, ("social", 9): 60, ("legal", 8): 70, ("legal", 9): 0}
    rows = hide(cells(sizes, by), by, {"legal"})
    assert ("legal", 8) in gone(rows, by)
    assert ("legal", 9) not in gone(rows, by), "of nothing nothing is told"
    one = hide(cells({(8,): 50}, ("hour",)), ("hour",), {"legal"}, "legal")
    assert gone(one, ("hour",)) == {(8,)}


def test_the_hidden_cell_of_a_few_people_is_not_the_difference_to_all() -> None:
    by = ("department", "hour")
    sizes = {("social", 8): 50, ("finance", 8): 60, ("legal", 8): 70}
    assert gone(hide(cells(sizes, by), by, {"legal"}), by) == {("legal", 8), ("social", 8)}


@given(
    st.lists(st.integers(0, 40), min_size=1, max_size=24),
    st.integers(1, 5),
    st.sampled_from([(), ("1",), ("0", "2")]),
)
def test_no_line_of_a_table_reveals_a_hidden_cell(
    numbers: list[int], width: int, small: tuple[str, ...]
) -> None:
    by = ("department", "hour")
    sizes = {(str(i // width), i % width): n for i, n in enumerate(numbers)}
    rows = hide(cells(sizes, by), by, small)
    lost = gone(rows, by)
    assert {key for key, n in sizes.items() if 0 < n < FEW_CALLS} <= lost
    lines: dict[tuple[int, Any], list[tuple[Any, ...]]] = {}
    for key in sizes:
        for axis in (0, 1):
            lines.setdefault((axis, key[axis]), []).append(key)
    for keys in lines.values():
        hidden = [key for key in keys if key in lost]
        if hidden and any(sizes[key] for key in keys if key not in lost):
            assert len(hidden) > 1
            assert sum(sizes[key] for key in hidden) >= FEW_CALLS
