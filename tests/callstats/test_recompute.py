import random
import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from callstats import judge
from callstats import recompute as module
from callstats.cases import crossings
from callstats.recompute import recompute, rules_digest
from callstats.settings import Settings
from callstats.settings_rules import Hours
from callstats.store import COMPUTED, ConflictError, Store
from ingest.load import load
from tests.shared import ROOT

SAMPLE = ROOT / "sample_cdr"
HOUR, DAY = 3600, 86400
# The sample begins at 04:47 by the clock; shifted by this much, half of it lies before midnight.
TO_MIDNIGHT = -4 * HOUR - 52 * 60
EPOCH = re.compile(rb"17954\d{5}(?=[.|\"])")
SHIFTS = [TO_MIDNIGHT + n * DAY for n in (0, 1, 40)]


def shifted(name: str, seconds: int) -> bytes:
    """A file of the sample, its epochs moved by some seconds."""
    return EPOCH.sub(lambda found: b"%d" % (int(found[0]) + seconds), (SAMPLE / name).read_bytes())


def settings_of(folder: Path, **changes: object) -> Settings:
    settings = Settings.load(SAMPLE / "callstats.toml", folder / "data")
    numbers = settings.numbers.model_copy(update={"key_file": folder.parent / "numbers.key"})
    return settings.model_copy(update={"numbers": numbers, **changes})


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_of(tmp_path / "piecewise")


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    with Store.open(settings) as opened:
        yield opened


def put(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def tables(store: Store) -> dict[str, list[str]]:
    return {name: sorted(map(str, store.scan(name).to_pylist())) for name in COMPUTED}


def days_of(store: Store) -> set[date]:
    return set(store.scan("calls", columns=["local_date"])["local_date"].to_pylist())


@pytest.fixture
def whole(tmp_path: Path) -> Iterator[Store]:
    """Everything loaded at once and computed in one piece."""
    folder = tmp_path / "whole"
    for shift in SHIFTS:
        for name in ("cel/Master.csv", "queue_log"):
            put(folder / "in", f"{shift}/{name}", shifted(name, shift))
    settings = settings_of(folder)
    with Store.open(settings) as store:
        load([folder / "in"], settings, store, compute=False)
        recompute(store, settings)
        yield store


def test_day_after_day_in_any_order_equals_computing_everything_anew(
    settings: Settings, store: Store, whole: Store, tmp_path: Path
) -> None:
    given = [(shift, name) for shift in SHIFTS for name in ("cel/Master.csv", "queue_log")]
    random.Random(4).shuffle(given)
    for shift, name in given:
        load([put(tmp_path, f"in/{shift}/{name}", shifted(name, shift))], settings, store)
    assert len(days_of(store)) > len(SHIFTS)
    assert tables(store) == tables(whole)


def test_calls_over_midnight_that_come_in_two_files_equal_those_of_one(
    settings: Settings, store: Store, whole: Store, tmp_path: Path
) -> None:
    for shift in reversed(SHIFTS):
        lines = shifted("cel/Master.csv", shift).splitlines(keepends=True)
        half = len(lines) // 2
        for number, part in enumerate((lines[half:], lines[:half])):
            load([put(tmp_path, f"in/{shift}.{number}", b"".join(part))], settings, store)
        load([put(tmp_path, f"in/{shift}.queue_log", shifted("queue_log", shift))], settings, store)
    assert tables(store) == tables(whole)


def test_a_call_of_several_days_is_computed_from_all_of_them(
    settings: Settings, store: Store, tmp_path: Path
) -> None:
    lines = (SAMPLE / "cel/Master.csv").read_bytes().splitlines(keepends=True)
    load([put(tmp_path, "in/begin.csv", b"".join(lines[:600]))], settings, store)
    open_calls = {row["call_id"] for row in store.scan("calls").to_pylist() if row["ended_at"] is None}
    # the rest of the events comes nine days later, the ids stay those of the first day
    later = [
        re.sub(rb'"(17954\d{5})(\.\d{6})', lambda f: b'"%d%s' % (int(f[1]) + 9 * DAY, f[2]), line)
        for line in lines[600:]
    ]
    put(tmp_path, "in/rest.csv", b"".join(later))
    load([tmp_path / "in/rest.csv"], settings, store)
    piecewise = tables(store)
    assert open_calls
    ended = {row["call_id"] for row in store.scan("calls").to_pylist() if row["ended_at"] is not None}
    assert open_calls & ended
    recompute(store, settings, [date(2026, 11, 23) + timedelta(n) for n in range(-1, 11)])
    assert tables(store) == piecewise


def test_only_days_near_the_new_events_are_computed(settings: Settings, store: Store, tmp_path: Path) -> None:
    for shift in (0, 40 * DAY):
        load([put(tmp_path, f"in/{shift}", shifted("cel/Master.csv", shift))], settings, store)
    far = store.table_files("calls", date(2026, 11, 23), date(2026, 11, 23))
    load([put(tmp_path, "in/more", shifted("queue_log", 40 * DAY))], settings, store)
    assert store.table_files("calls", date(2026, 11, 23), date(2026, 11, 23)) == far


def test_nothing_stale_means_nothing_done(settings: Settings, store: Store) -> None:
    load([SAMPLE / "queue_log"], settings, store)
    version = store.data_version()
    assert recompute(store, settings) == []
    assert store.data_version() == version


def test_a_load_that_was_not_followed_by_computing_is_made_up_for(settings: Settings, store: Store) -> None:
    load([SAMPLE / "queue_log"], settings, store, compute=False)
    assert store.scan("calls").num_rows == 0
    assert date(2026, 11, 23) in recompute(store, settings)
    assert store.scan("calls").num_rows > 0


def test_changed_rules_change_the_figures_and_no_stored_day(
    settings: Settings, store: Store, tmp_path: Path
) -> None:
    load([SAMPLE / "cel"], settings, store)
    strict = settings.third_signal.model_copy(update={"signals": 1})
    closed = settings.model_copy(update={"hours": Hours()})
    changed = settings.model_copy(update={"third_signal": strict})

    def judged(by: Settings) -> list[dict[str, object]]:
        assert rules_digest(by) == rules_digest(settings)
        assert recompute(store, by) == []
        rows: list[dict[str, object]] = judge.scan(store, by).to_pylist()
        return rows

    def in_time(rows: list[dict[str, object]]) -> int:
        return sum(row["within_third_signal"] is True for row in rows)

    before = judged(settings)
    assert 0 < in_time(judged(changed)) < in_time(before)
    assert {row["rule_version"] for row in judged(changed)}.isdisjoint(row["rule_version"] for row in before)
    assert any(row["in_hours"] for row in before)
    assert not any(row["in_hours"] for row in judged(closed))


def test_whose_phone_it_is_is_measured_and_a_change_makes_days_stale(
    settings: Settings, store: Store
) -> None:
    load([SAMPLE / "cel"], settings, store)
    fewer = [
        d.model_copy(update={"extensions": ("201",)}) if d.id == "social" else d for d in settings.departments
    ]
    changed = settings.model_copy(update={"departments": tuple(fewer)})
    assert rules_digest(changed) != rules_digest(settings)
    assert date(2026, 11, 23) in recompute(store, changed)


def test_where_the_data_lies_is_no_rule(settings: Settings, tmp_path: Path) -> None:
    moved = settings.model_copy(
        update={"data": tmp_path / "elsewhere", "database": "postgresql+psycopg://a/b"}
    )
    assert rules_digest(moved) == rules_digest(settings)


def test_events_that_come_while_a_day_is_computed_are_not_lost(
    settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    import callstats.assemble as assembling

    load([SAMPLE / "queue_log"], settings, store, compute=False)
    real = assembling.one_by_one
    others = iter([SAMPLE / "cel"])

    def slowly(events: list[Path], of: Settings, spill: Path, days: list[date]) -> object:
        found = list(real(events, of, spill, days))
        for path in others:  # another process loads and computes meanwhile
            load([path], settings, store)
        return found

    monkeypatch.setattr(assembling, "one_by_one", slowly)
    recompute(store, settings)
    sources = {
        source for row in store.scan("calls", columns=["sources"])["sources"].to_pylist() for source in row
    }
    assert sources == {"cel", "queue_log"}


def test_endless_conflicts_are_told(
    settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    load([SAMPLE / "queue_log"], settings, store, compute=False)

    def conflict(*_: object) -> None:
        raise ConflictError("x")

    monkeypatch.setattr(module, "_compute", conflict)
    with pytest.raises(ConflictError, match="run it again"):
        recompute(store, settings)


def test_the_ends_of_a_feed_far_from_the_days_read_are_known(
    settings: Settings, store: Store, tmp_path: Path
) -> None:
    """AMI ends on the first day and comes back ten days later; between them CEL alone tells of calls."""
    ami = (SAMPLE / "ami.raw").read_bytes()
    back = re.sub(rb"17954\d{5}(?=\.)", lambda found: b"%d" % (int(found[0]) + 10 * DAY), ami)
    between = shifted("cel/Master.csv", 5 * DAY)
    files = [put(tmp_path, f"in/{n}", content) for n, content in enumerate((ami, back, between))]
    load(files, settings, store)
    first = date(2026, 11, 23)
    with store.database.read() as connection:
        told = {(one["kind"], one["at"].date()) for one in crossings.ends(connection)}
    assert told == {(kind, first + timedelta(n)) for kind in ("connected", "disconnected") for n in (0, 10)}
    piecewise = tables(store)
    recompute(store, settings, [first + timedelta(n) for n in range(-1, 13)])
    assert tables(store) == piecewise
