"""Departments: whose extension, queue, number or mailbox it is, on a date."""

from datetime import date
from typing import Literal

import duckdb
import pyarrow as pa
import pytest

from callstats.departments import MEMBERS, NAMES, Departments
from callstats.settings import Department, Hotline, Name, Settings

SETTINGS = Settings(
    main_numbers=("67012000",),
    hotline=Hotline(numbers=("80000000", "67012100"), mailboxes=("8000@hotline",), department="pr"),
    departments=(
        Department(id="pr", numbers=("67012100",)),
        Department(
            id="social",
            name=Name(lv="Sociālā nodaļa", en="Social office"),
            extensions=("201", "202"),
            queues=("q-social",),
            numbers=("+37167012200",),
            valid_to=date(2026, 7, 1),
        ),
        Department(
            id="social",
            name=Name(lv="Sociālais dienests"),
            parent="administration",
            extensions=("201",),
            queues=("q-social",),
            numbers=("67012200",),
            valid_from=date(2026, 7, 1),
        ),
        Department(id="finance", extensions=("202",), valid_from=date(2026, 7, 1)),
    ),
)
DEPARTMENTS = Departments.from_settings(SETTINGS)
LAST_DAY, NEXT_DAY = date(2026, 6, 30), date(2026, 7, 1)

Kind = Literal["extension", "queue", "number", "mailbox"]


@pytest.mark.parametrize(
    ("kind", "value", "before", "after"),
    [
        ("extension", "201", "social", "social"),
        ("extension", "202", "social", "finance"),
        ("extension", "203", None, None),
        ("queue", "q-social", "social", "social"),
        ("queue", "201", None, None),
        ("number", "67012200", "social", "social"),
        ("number", "+37167012200", "social", "social"),
        ("number", "0037167012200", "social", "social"),
        ("number", "67012202", "social", "finance"),  # direct number of extension 202
        ("number", "67012000", None, None),  # the switchboard's, of no department
        ("number", "80000000", "pr", "pr"),
        ("mailbox", "8000@hotline", "pr", "pr"),
    ],
)
def test_whose_it_is_before_and_after_a_move(
    kind: Kind, value: str, before: str | None, after: str | None
) -> None:
    assert DEPARTMENTS.of(kind, value, LAST_DAY) == before
    assert DEPARTMENTS.of(kind, value, NEXT_DAY) == after


def test_lists_and_names() -> None:
    assert DEPARTMENTS.ids == ("pr", "social", "finance")
    assert DEPARTMENTS.extensions("social", LAST_DAY) == ("201", "202")
    assert DEPARTMENTS.extensions("social", NEXT_DAY) == ("201",)
    assert DEPARTMENTS.name("social", "lv") == "Sociālais dienests"
    assert DEPARTMENTS.name("social", "lv", LAST_DAY) == "Sociālā nodaļa"
    assert DEPARTMENTS.name("social", "en") == "Sociālais dienests"
    assert DEPARTMENTS.name("finance", "en") == "finance"
    assert DEPARTMENTS.name("unheard", "lv") == "unheard"


def test_the_tables_are_what_sql_joins_on() -> None:
    members = DEPARTMENTS.members
    assert members.schema == MEMBERS
    assert members.num_rows == len(set(DEPARTMENTS.rows))
    found = (
        duckdb.connect()
        .execute(
            """
        SELECT value, department FROM members
        WHERE kind = 'extension' AND (valid_from IS NULL OR valid_from <= DATE '2026-07-01')
          AND (valid_to IS NULL OR DATE '2026-07-01' < valid_to)
        ORDER BY value
        """
        )
        .fetchall()
    )
    assert found == [("201", "social"), ("202", "finance")]


def test_a_hotline_number_that_its_department_lists_is_there_once() -> None:
    assert [m.value for m in DEPARTMENTS.rows if m.department == "pr" and m.kind == "number"].count(
        "67012100"
    ) == 1


def test_names_have_one_row_per_period() -> None:
    names = DEPARTMENTS.names
    assert names.schema == NAMES
    rows = [row for row in names.to_pylist() if row["department"] == "social"]
    assert [(r["name_lv"], r["name_en"], r["parent"]) for r in rows] == [
        ("Sociālā nodaļa", "Social office", None),
        ("Sociālais dienests", "Sociālais dienests", "administration"),
    ]
    assert rows[1]["valid_from"] == date(2026, 7, 1)


def test_without_departments_the_tables_are_empty_and_typed() -> None:
    empty = Departments.from_settings(Settings())
    assert empty.members.schema == MEMBERS
    assert (empty.members.num_rows, empty.names.num_rows) == (0, 0)
    assert isinstance(empty.names, pa.Table)
