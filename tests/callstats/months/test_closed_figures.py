"""What is stored when a month closes is what is told later: late entries, gathered files, retention."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from callstats import editions, retention
from callstats.cases import catalog, neutral
from callstats.cases import months as stored
from callstats.cases.models import month_figures
from callstats.closed import Closed
from callstats.closing import close_due, restate
from callstats.errors import StoreError, UsageError
from callstats.gather import gather
from callstats.metrics.inputs import data_end_us, data_window
from callstats.metrics.registry import METRICS
from callstats.pseudonyms import load_pseudonymiser
from callstats.report import metrics_table
from callstats.settings import Settings
from callstats.snapshot import Before
from callstats.standing import STANDING_FIELDS
from callstats.store import Store
from tests.callstats.facts import Time
from tests.handmade import at, settings, visit
from tests.months import APRIL, CLOSES, DUE, MARCH, MISSED, RINGS, THIRD, computed, march, speak, value

ONE_DAY = timedelta(1)


def test_what_is_known_before_a_day_has_its_edges(store: Store, clock: Time) -> None:
    clock.at = DUE + timedelta(days=90)
    for _ in range(2):  # in day files, then in files of months
        facts = Before(store.snapshot(), CLOSES)
        assert data_window(facts) == (date(2026, 3, 31), CLOSES)
        ends = data_end_us(facts, CLOSES - ONE_DAY) or 0
        assert at("10:00", CLOSES - ONE_DAY).timestamp() * 1e6 <= ends < DUE.timestamp() * 1e6
        gather(store, all_of_it=True)


def test_a_year_of_closed_months_is_the_same_when_the_facts_are_gone(
    store: Store, site: Settings, clock: Time
) -> None:
    april = [
        visit(f"pbx:{n}", entered_at=at(f"09:{n:02}", date(2026, 4, 14)), ring_s=1.0 * n) for n in (50, 8, 5)
    ]
    speak(store, site, date(2026, 4, 13), date(2026, 5, 12), visits=april)
    asked: dict[str, Any] = {
        "slugs": [THIRD, RINGS],
        "by": ("department",),
        "start": MARCH,
        "end": date(2026, 5, 1),
    }
    computed_from_visits = metrics_table(store, site, **asked).to_pylist()
    clock.at = at("12:00", date(2026, 5, 12))
    assert [edition.month for edition in close_due(store, site)] == [MARCH, APRIL]
    before = metrics_table(store, site, **asked).to_pylist()
    for row, same in zip(before, computed_from_visits, strict=True):
        assert row["status"] == "closed"
        for name in ("k", "n", "value", "low", "high", "mean", "p90", "max", "excluded", "certain"):
            assert row[name] == same[name]
    by_month = metrics_table(store, site, **asked | {"by": ("month",)}).to_pylist()
    computed(store, site, date(2026, 3, 1), date(2026, 5, 13))  # nothing is left of the facts
    for found, rows in ((before, {}), (by_month, {"by": ("month",)})):
        now = metrics_table(store, site, **asked | rows).to_pylist()
        assert [row | {"later": None} for row in now] == [row | {"later": None} for row in found]
        assert all(row["later"] for row in now if row["n"])


def test_another_program_is_told_only_where_it_gives_another_figure(
    store: Store, site: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    close_due(store, site)
    for name in ("callstats.closed.code_version", "callstats.editions.code_version"):
        monkeypatch.setattr(name, lambda: "9.9.9+new")
    row = value(store, site)
    assert (row["k"], row["later"], row["code_version"] != "9.9.9+new") == (6, False, True)
    computed(store, site, date(2026, 3, 1), date(2026, 4, 11))  # the new program computes no visit at all
    row = value(store, site)
    assert (row["k"], row["n"], row["later"]) == (6, 10, True)


def test_every_metric_can_be_closed(site: Settings, clock: Time, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(editions, "METRICS", METRICS)
    with Store.open(site, clock) as store:
        facts = march()
        facts["calls"] = [row for row in facts["calls"] if row["started_at"] < at("00:00", CLOSES)]
        speak(store, site, date(2026, 3, 2), date(2026, 4, 11), **facts)
        asked: list[tuple[list[str] | None, tuple[str, ...]]] = [(None, ()), (None, ("month", "department"))]
        asked += [([one.slug], ("department", one.split.name)) for one in METRICS.values() if one.split]

        def rows() -> list[dict[str, Any]]:
            tables = [metrics_table(store, site, slugs, by, MARCH, APRIL) for slugs, by in asked]
            return [row for table in tables for row in table.to_pylist()]

        before = rows()
        close_due(store, site)
        after = rows()
    assert {row["metric"] for row in after} == set(METRICS)
    assert {row["status"] for row in before} == {"provisional"}
    assert {row["status"] for row in after} == {"closed"}
    own = {field.name for field in STANDING_FIELDS} | {"data_version"}
    assert [{name: row[name] for name in row if name not in own} for row in after] == [
        {name: row[name] for name in row if name not in own} for row in before
    ]
    assert any(row["open_h"] for row in after)
    assert any(row["mean"] for row in after)


def test_a_month_closed_late_does_not_look_into_a_file_that_holds_later_days(
    store: Store, site: Settings, clock: Time
) -> None:
    clock.at = DUE + timedelta(days=90)
    assert gather(store, all_of_it=True) > 0
    with store.database.read() as connection:
        files = catalog.live_files(connection, "calls", APRIL, CLOSES)
    assert any(file.local_date < CLOSES <= file.until for file in files)
    close_due(store, site)
    row = value(store, site, MISSED)
    assert (row["k"], row["n"], row["status"], row["later"]) == (1, 3, "closed", False)


def test_a_late_entry_of_a_neutral_state_is_told_and_not_taken_in(
    store: Store, site: Settings, clock: Time
) -> None:
    def entry(month: int, **more: Any) -> neutral.Entry:
        first = at("09:00", date(2026, month, 31))
        return neutral.Entry(
            "social", None, "training", first, first + timedelta(hours=1), "why", "anna", clock.at, **more
        )

    close_due(store, site)
    with store.database.write() as connection:
        neutral.add(connection, entry(5))
    row = value(store, site)
    assert (row["k"], row["later"]) == (6, False)
    with store.database.write() as connection:
        number = neutral.add(connection, entry(3))
    row = value(store, site)
    assert (row["k"], row["n"], row["status"], row["later"]) == (6, 10, "closed", True)
    restate(store, site, [MARCH], "the training was entered late", "anna")
    row = value(store, site)
    # the eight answered ones came within the training; who called at eleven did not
    assert (row["k"], row["n"], row["original_k"], row["later"]) == (0, 2, 6, False)
    assert dict(row["excluded"])["neutral"] == 8
    with store.database.write() as connection:  # moved out of March: what it said of March is taken back
        neutral.add(connection, entry(5, supersedes=number))
    row = value(store, site)
    assert (row["k"], row["n"], row["later"]) == (0, 2, True)


def test_what_retention_removed_is_still_told_as_it_was_stored(
    store: Store, site: Settings, clock: Time, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "recompute", lambda *_: [])
    load_pseudonymiser(tmp_path / "numbers.key")
    site = settings(tmp_path, numbers={"key_file": tmp_path / "numbers.key"})
    close_due(store, site)

    def rows() -> list[dict[str, Any]]:
        asked: list[tuple[str, tuple[str, ...]]] = [
            (THIRD, ()), (RINGS, ("month", "department")), (MISSED, ("follow_up",))
        ]  # fmt: skip
        tables = [metrics_table(store, site, [slug], by, MARCH, APRIL) for slug, by in asked]
        return [row for table in tables for row in table.to_pylist()]

    before = rows()
    clock.at = at("12:00", date(2027, 5, 2))  # 13 months: the facts of March go, and April waits for lines
    report = retention.purge(store, site)
    assert report.limits.facts_before == date(2026, 5, 1)
    assert store.scan("visits").num_rows == 0
    assert rows() == before
    everything = metrics_table(store, site, [THIRD], ("month",)).to_pylist()
    assert [(row["month"], row["k"], row["status"]) for row in everything] == [
        (MARCH, 6, "closed"),
        (APRIL, 1, "closed"),
    ]
    gone: list[dict[str, Any]] = [
        {"start": date(2026, 3, 16)},  # a part of the month
        {"start": date(2026, 3, 16), "end": date(2026, 6, 1)},
        {"by": ("day",), "start": date(2026, 3, 31)},
        {"by": ("weekday",)},
        {"by": ("hour", "department")},
    ]
    for asked in gone:
        window: dict[str, Any] = {"by": (), "start": MARCH, "end": APRIL} | asked
        for row in metrics_table(store, site, [THIRD, RINGS, MISSED], **window).to_pylist():
            assert (row["status"], row["value"], row["low"], row["n"]) == ("removed", None, None, 0)
            assert (row["excluded"], row["closed_at"], row["unknown"]) == ([], None, 0)
    april = Closed.unchecked(store).edition(APRIL)
    assert april.reason == "its facts are removed by retention (13 months)"
    changed = settings(tmp_path, third_signal={"signals": 4})
    assert value(store, changed)["k"] == 6  # nothing is there that could be judged otherwise
    with pytest.raises(UsageError, match="retention removed the facts"):
        restate(store, changed, [MARCH], "why", "anna")
    monkeypatch.setattr("callstats.closed.code_version", lambda: "9.9.9+new")
    assert value(store, site)["later"] is False


def test_an_edition_is_kept_to_the_letter(database_url: str, tmp_path: Path, clock: Time) -> None:
    names = {column.name for column in month_figures.columns} - {"month", "edition", "number"}
    figure = dict.fromkeys(sorted(names)) | {
        "metric": RINGS,
        "measure": "ring_s",
        "axes": "",
        "unit": "s",
        "value": 0.1 + 0.2,
        "k": 3,
        "n": 2**40,
        "excluded": [("out_of_hours", 2)],
        **dict.fromkeys(("certain", "borderline", "estimated", "unknown"), 1),
    }
    part = {
        "metric": RINGS,
        "measure": "ring_s",
        "department": None,
        "place": "1",
        "reason": None,
        "certainty": "certain",
        "rule_version": "r1",
        "n": 5,
        "k": 0,
        "sum_us": 2**46,
        "max_us": 2**45,
        "bars": {
            "bin_us": [-50_000, 0, 5_000_000, 2**45],
            "n": [1, 2, 1, 1],
            "k": [0, 0, 0, 0],
            "sum_us": [-7, 3, 5_000_001, 2**45],
            "max_us": [-7, 2, 5_000_001, 2**45],
        },
    }
    edition = stored.Edition(
        month=MARCH,
        edition=1,
        closed_at=datetime(2026, 4, 9, 5, 6, 7, 89, tzinfo=UTC),
        closed_by="anna",
        reason=None,
        seen_before=CLOSES,
        without=(date(2026, 3, 12),),
        rules={"cadence": {"off_s": 4.0}, "hotline": {"department": "pārvalde"}},
        rules_fingerprint="f",
        code_version="c",
        data_version="7-x",
        counter=7,
        entered=3,
    )
    with Store.open(settings(tmp_path, database=database_url), clock) as store:
        with store.database.write() as connection:
            stored.add(connection, edition, [figure] * 700, [part])
        with store.database.read() as connection:
            assert stored.editions(connection) == {MARCH: [edition]}
            rows = stored.figures(connection, [(MARCH, 1)], RINGS, "")
            assert len(rows) == 700
            assert {name: rows[699][name] for name in figure} == figure
            (found,) = stored.parts(connection, [(MARCH, 1)], RINGS)
            assert {name: found[name] for name in part} == part
            assert stored.parts(connection, [(MARCH, 2)], RINGS) == []
        with pytest.raises(StoreError), store.database.write() as connection:
            stored.add(connection, edition, [], [])
