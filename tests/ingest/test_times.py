from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.times import HOUR_US, NONE, SECOND_US, Instant, local_dates, one, parse, to_arrow, uniqueid_us
from tests.ingest.reading import sample_result

RIGA = ZoneInfo("Europe/Riga")
BACK = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)  # 03:30, for the first time


def _us(moment: datetime) -> int:
    return round(moment.timestamp()) * SECOND_US


def _utc(*parts: int) -> int:
    return _us(datetime(*parts, tzinfo=UTC))  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("text", "early", "late", "resolution"),
    [
        ("2026-11-23 04:47:32", _utc(2026, 11, 23, 2, 47, 32), 0, SECOND_US),
        ("2026-07-01T04:47:32", _utc(2026, 7, 1, 1, 47, 32), 0, SECOND_US),
        ("2026-11-23 04:47:32.5", _utc(2026, 11, 23, 2, 47, 32) + 500_000, 0, 100_000),
        ("2026-11-23 04:47:32.123", _utc(2026, 11, 23, 2, 47, 32) + 123_000, 0, 1000),
        ("2026-11-23 04:47:32.1234567", _utc(2026, 11, 23, 2, 47, 32) + 123_456, 0, 1),
        ("2026-11-23T04:47:32+0200", _utc(2026, 11, 23, 2, 47, 32), 0, SECOND_US),
        ("2026-11-23T04:47:32-05:30", _utc(2026, 11, 23, 10, 17, 32), 0, SECOND_US),
        ("2026-11-23T04:47:32Z", _utc(2026, 11, 23, 4, 47, 32), 0, SECOND_US),
        ("1795402052", 1795402052 * SECOND_US, 0, SECOND_US),
        ("1795402052.385826", 1795402052385826, 0, 1),
        ("2026-10-25 03:30:00", _us(BACK), HOUR_US, SECOND_US),
        ("2026-10-25T03:30:00+0200", _us(BACK) + HOUR_US, 0, SECOND_US),
        ("2026-10-25 02:59:59", _us(BACK) - 1801 * SECOND_US, 0, SECOND_US),
        ("2026-10-25 04:00:00", _us(BACK) + 5400 * SECOND_US, 0, SECOND_US),
        ("2026-03-29 02:59:59", _utc(2026, 3, 29, 0, 59, 59), 0, SECOND_US),
        ("2026-03-29 04:00:00", _utc(2026, 3, 29, 1), 0, SECOND_US),
    ],
)
def test_a_time_is_exact_to_what_is_written(text: str, early: int, late: int, resolution: int) -> None:
    assert one(text, RIGA) == Instant(early, early + late, resolution)


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-29 03:00:00", "2026-03-29 03:59:59",  # an hour that was left out
        "2026-02-29 10:00:00", "2026-13-01 10:00:00", "2026-11-23 24:00:00", "2026-11-23 04:60:00",
        "2026-11-23 04:47:60", "1970-01-01 02:00:10", "2101-01-01 00:00:00", "0000-00-00 00:00:01",
        "2026-11-23", "23.11.2026 04:47:32", "2026-11-23 04:47:32 ", "now", "1", "-1795402052", "99999999999",
        "1795402052.", "1e9", "٢٠٢٦-11-23 04:47:32", "2026-11-23T04:47:32+2400",
    ],
)  # fmt: skip
def test_what_is_no_time_is_none(text: str) -> None:
    assert one(text, RIGA) is None
    found = parse(pa.array([text, "2026-11-23 04:47:32"]), RIGA)
    assert found.bad.tolist() == [True, False]
    assert found.early[0] == NONE


@pytest.mark.parametrize("text", ["", "0", "0.000000", "0000-00-00 00:00:00", None])
def test_no_time_is_none_and_not_bad(text: str | None) -> None:
    found = parse(pa.array([text, "2026-11-23 04:47:32", "1795402052.385826"]), RIGA)
    assert found.bad.tolist() == [False, False, False]
    assert found.early[0] == NONE
    assert to_arrow(found.early).null_count == 1


MOMENTS = st.datetimes(datetime(1991, 1, 1), datetime(2099, 12, 30))


@given(moments=st.lists(MOMENTS, max_size=5), empty=st.booleans())
def test_a_column_says_what_its_texts_say(moments: list[datetime], empty: bool) -> None:
    for texts in (
        [f"{m:%Y-%m-%d %H:%M:%S}" for m in moments],
        [f"{m.replace(tzinfo=UTC).timestamp():.6f}" for m in moments],
        [f"{m.replace(tzinfo=UTC).timestamp():.6f}" if m.second % 2 else f"{m:%F %T.%f}" for m in moments],
    ):
        column = pa.array(texts + [""] * empty, pa.string())
        found = parse(column, RIGA)
        each = [one(text, RIGA) for text in texts]
        for row, instant in enumerate(each):
            assert bool(found.bad[row]) == (instant is None)
            if instant:
                told = (found.early[row], found.late[row], found.resolution[row])
                assert tuple(map(int, told)) == tuple(instant)


@given(moments=st.lists(MOMENTS, min_size=1, max_size=5), near=st.booleans())
def test_a_local_date_is_the_date_on_the_wall(moments: list[datetime], near: bool) -> None:
    if near:
        moments = [moments[0], moments[0].replace(hour=23, minute=59)]
    aware = [m.replace(tzinfo=UTC) for m in moments]
    at = np.array([*(_us(m.replace(microsecond=0)) for m in aware), NONE])
    assert local_dates(at, RIGA).to_pylist() == [*(m.astimezone(RIGA).date() for m in aware), None]


def test_local_dates_of_nothing() -> None:
    assert local_dates(np.array([], np.int64), RIGA).to_pylist() == []
    assert local_dates(np.array([NONE]), RIGA).to_pylist() == [None]
    assert local_dates(np.array([_us(BACK) - 4 * HOUR_US]), RIGA).to_pylist() == [date(2026, 10, 24)]


def test_the_second_of_a_uniqueid() -> None:
    texts = [
        "1795402052.14",
        "pbx1-1795402052.14",
        "a-b-1795402052.14",
        "",
        None,
        "none",
        "17954020520.1",
        "5.1",
    ]
    known = 1795402052 * SECOND_US
    assert uniqueid_us(pa.array(texts)).tolist() == [known, known, known, NONE, NONE, NONE, NONE, NONE]


def test_in_the_doubled_hour_the_epoch_of_the_uniqueid_decides() -> None:
    rows = sample_result("cdr_csv/clocks_back.csv").rows()
    said = [(f"{r['at']:%H:%M:%S}", f"{r['ended_at']:%H:%M:%S}", r["resolution_us"]) for r in rows]
    assert said == [
        ("00:30:00", "00:31:00", SECOND_US),
        ("01:30:00", "01:31:00", SECOND_US),
        ("00:59:30", "01:00:01", SECOND_US),  # written 03:59:30 to 03:00:01
        ("01:59:30", "02:00:01", SECOND_US),
        ("23:59:50", "00:00:10", SECOND_US),
    ]
    assert [f"{r['answered_at']:%H:%M:%S}" for r in rows if "answered_at" in r] == [
        "00:30:10", "01:30:10", "01:59:40",
    ]  # fmt: skip
    for row in rows:
        assert (row["ended_at"] - row["at"]).total_seconds() * SECOND_US == row["duration_us"]


def test_without_uniqueid_an_hour_of_doubt_stays_unless_the_end_tells() -> None:
    rows = sample_result("cdr_csv/clocks_back_without_uniqueid.csv").rows()
    assert [(f"{r['at']:%H:%M}", r["resolution_us"]) for r in rows] == [
        ("00:30", HOUR_US),
        ("00:30", HOUR_US),
        ("00:59", HOUR_US),
        ("01:59", SECOND_US),  # it ended at 04:00:01, after 31 s
        ("23:59", SECOND_US),
    ]
