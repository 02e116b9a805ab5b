"""Lines in any order, cut anywhere, of several PBXs and days: always the tables of computing all at once."""

import random
import re
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callstats import feeds, spread
from callstats import recompute as module
from callstats.cases import catalog
from callstats.gather import gather
from callstats.recompute import recompute, rules_digest
from callstats.settings import Settings
from callstats.store import COMPUTED, Store
from ingest.load import load
from tests.callstats.facts import NOON, RIGA, batch, event, events
from tests.shared import ROOT

SAMPLE = ROOT / "sample_cdr"
DAY = 86400
TO_MIDNIGHT = -4 * 3600 - 50 * 60  # the sample begins at 04:47 by the clock
EPOCH = re.compile(rb"17954\d{5}(?=[.|\"])")
LOCAL = re.compile(rb"2026-11-\d\d \d\d:\d\d:\d\d")
FIRST = NOON.date()
ONE_DAY = timedelta(days=1)
LINES = {"cel/Master.csv": 130, "cdr_csv/Master.csv": 30, "queue_log": 30}


def site(folder: Path, pbx: str = "pbx") -> Settings:
    given_ones = Settings.load(SAMPLE / "callstats.toml", folder / "data")
    numbers = given_ones.numbers.model_copy(update={"key_file": folder.parent / "numbers.key"})
    return given_ones.model_copy(update={"numbers": numbers, "pbx": pbx})


def tables(store: Store) -> dict[str, list[str]]:
    """The computed rows; which copy of a line a row quotes follows the order of loading, and is left out."""
    found = {name: store.scan(name).to_pylist() for name in COMPUTED}
    return {name: sorted(str(_without_place(row)) for row in rows) for name, rows in found.items()}


def _without_place(row: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in row.items() if name not in ("batch", "line")}


def lines_of(name: str, seconds: int) -> list[bytes]:
    """The first lines of a file of the sample, moved in time."""
    content = (SAMPLE / name).read_bytes()
    content = EPOCH.sub(lambda found: b"%d" % (int(found[0]) + seconds), content)

    def moved(found: re.Match[bytes]) -> bytes:
        at = datetime.strptime(found[0].decode(), "%Y-%m-%d %H:%M:%S") + timedelta(seconds=seconds)
        return at.strftime("%Y-%m-%d %H:%M:%S").encode()

    return LOCAL.sub(moved, content).splitlines(keepends=True)[: LINES[name]]


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing but memory cuts a computing into parts."""
    monkeypatch.setattr(module, "MOST_DAYS", 10_000)
    monkeypatch.setattr(module, "NEAR", timedelta(days=10_000))


# ------------------------------------------------------------------ files, at random

shifts = st.sampled_from([TO_MIDNIGHT, TO_MIDNIGHT + DAY, TO_MIDNIGHT + 9 * DAY])
files = st.tuples(st.sampled_from(["pbx", "east"]), shifts, st.sampled_from(sorted(LINES)))


@settings(max_examples=3, suppress_health_check=list(HealthCheck))
@given(chosen=st.lists(files, min_size=3, max_size=5, unique=True), seed=st.integers(0, 2**16))
def test_any_order_and_any_cut_equal_computing_all_at_once(
    chosen: list[tuple[str, int, str]], seed: int
) -> None:
    """Loads, computings and gatherings follow each other by chance; some parts come again in a longer one."""
    chance = random.Random(seed)
    parts: list[tuple[str, str, bytes]] = []
    with TemporaryDirectory() as folder:
        home = Path(folder)
        with Store.open(site(home / "whole")) as whole, Store.open(site(home / "parts")) as piecewise:
            for pbx, shift, name in chosen:
                lines = lines_of(name, shift)
                cut = chance.randrange(1, len(lines))
                label = f"{pbx}.{shift}.{name.replace('/', '.')}"
                load(
                    [_put(home, f"{label}.whole", b"".join(lines))],
                    site(home / "whole", pbx),
                    whole,
                    compute=False,
                )
                again = lines if chance.random() < 0.3 else lines[cut:]
                parts += [(pbx, f"{label}.a", b"".join(lines[:cut])), (pbx, f"{label}.b", b"".join(again))]
            recompute(whole, site(home / "whole"))
            chance.shuffle(parts)
            for pbx, label, content in parts:
                own = site(home / "parts", pbx)
                load([_put(home, label, content)], own, piecewise, compute=chance.random() < 0.6)
                if chance.random() < 0.3:
                    gather(piecewise, all_of_it=True)
            recompute(piecewise, site(home / "parts"))
            assert tables(piecewise) == tables(whole)
            assert piecewise.scan("calls").num_rows > 0


def _put(folder: Path, name: str, content: bytes) -> Path:
    path = folder / "in" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_two_pbxs_with_equal_ids_and_channels_never_merge(tmp_path: Path) -> None:
    """The same lines without linkedids, said by two PBXs: every call is there twice."""
    given_file = _put(tmp_path, "Master.csv", (SAMPLE / "cdr_csv/Master.csv").read_bytes())
    with Store.open(site(tmp_path)) as store:
        load([given_file], site(tmp_path), store)
        alone = tables(store)
        (report,) = load([given_file], site(tmp_path, "east"), store)
        assert (report.status, report.known) == ("loaded", 0)
        both = tables(store)
    for name in COMPUTED:
        theirs = [row for row in both[name] if "east" in row]
        own = [row for row in both[name] if "east" not in row]
        assert own == alone[name]
        assert sorted(row.replace("'east", "'pbx") for row in theirs) == alone[name]
    assert alone["calls"]


def test_the_name_of_the_pbx_that_is_loaded_next_is_no_rule(tmp_path: Path) -> None:
    assert rules_digest(site(tmp_path)) == rules_digest(site(tmp_path, "east"))


# ------------------------------------------------------------------ calls of many days, by hand


def said(key: str, day: int, kind: str, uid: int, linked: int) -> dict[str, object]:
    """A line of `day`: the channel that came up on day `uid`, of the call that began on day `linked`."""
    at = NOON + day * ONE_DAY
    return event(
        key, at, kind=kind, uniqueid=_id(uid), linkedid=_id(linked), channel=f"PJSIP/{200 + uid}-{uid:08x}",
        exten="67012200", exten_class="own", caller=str(200 + uid), caller_class="extension",
    )  # fmt: skip


def _id(day: int) -> str:
    return f"{int((NOON + day * ONE_DAY).timestamp())}.{day}"


# A (day 0) reaches day 3, where B begins; B merges with A on day 4 and goes on to day 9; C follows B's call.
STORY = [
    said("a0", 0, "CHAN_START", 0, 0), said("a3", 3, "ANSWER", 0, 0),
    said("b3", 3, "CHAN_START", 3, 3), said("b4", 4, "ANSWER", 3, 0),
    said("c7", 7, "CHAN_START", 7, 3), said("c9", 9, "HANGUP", 7, 3), said("b9", 9, "CHAN_END", 3, 0),
    said("z5", 5, "CHAN_START", 5, 5), said("z5e", 5, "CHAN_END", 5, 5),
]  # fmt: skip


def append(store: Store, *rows: dict[str, object]) -> None:
    for row in rows:
        name, source = str(row["line_key"]), row["source"]
        assert store.append_batch(batch(name, source=source), [events({**row, "batch": name})])


@pytest.fixture
def story(tmp_path: Path, at_once: None) -> dict[str, list[str]]:
    with Store.open(site(tmp_path / "whole")) as store:
        append(store, *STORY)
        recompute(store, site(tmp_path / "whole"))
        found = tables(store)
    assert len(found["calls"]) == 2  # C's call is B's, which is A's
    return found


@pytest.mark.parametrize("seed", range(3))
def test_calls_that_merge_late_over_many_days(
    seed: int, tmp_path: Path, story: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    chance, own = random.Random(seed), site(tmp_path / "parts")
    with Store.open(own) as store:
        for row in chance.sample(STORY, len(STORY)):
            append(store, row)
            if chance.random() < 0.5:
                recompute(store, own)
        recompute(store, own)
        assert tables(store) == story
        assert recompute(store, own) == []


def test_only_days_that_new_lines_touch_are_replaced_and_few_are_read(tmp_path: Path) -> None:
    """Every night a call goes on past midnight: no chain of nights is read, and none is computed."""
    own = site(tmp_path)
    with Store.open(own) as store:
        for day in range(24):
            append(store, said(f"s{day}", day, "CHAN_START", day, day))
            append(store, said(f"e{day}", day + 1, "CHAN_END", day, day))
        recompute(store, own)
        append(store, said("new", 12, "ANSWER", 30, 12))
        with store.reading() as facts:
            new = [file for file in facts.files("events") if file.batch == "new"]
            found = spread.reach(facts, [FIRST + 12 * ONE_DAY], {FIRST + 12 * ONE_DAY: new})
        numbers = sorted((day - FIRST).days for day in found.touched if (day - FIRST).days < 29)
        assert numbers == [11, 12, 13, 14]  # the call of day 12 ends on day 13
        assert len([day for day in found.read if (day - FIRST).days < 27]) <= 10


MIDDLE = datetime.combine(FIRST + 2 * ONE_DAY, time(), NOON.astimezone(RIGA).tzinfo)


def computed_for(new: dict[str, object], folder: Path) -> set[int]:
    """Days that a line of `MIDDLE` makes computed anew, counted from it; five days have a call each."""
    own = site(folder)
    with Store.open(own) as store:
        for n in range(5):
            append(store, said(f"s{n}", n, "CHAN_START", n, n))
        recompute(store, own)
        append(store, new)
        return {(one - MIDDLE.date()).days for one in recompute(store, own)}


@pytest.mark.parametrize(("hour", "days"), [(0, {-1, 0}), (5, {-1, 0}), (7, {0}), (17, {0}), (23, {0, 1})])
def test_the_day_beside_is_computed_for_lines_of_the_night_alone(
    tmp_path: Path, hour: int, days: set[int]
) -> None:
    """A call at noon cannot change yesterday: each call of a live feed would compute three days."""
    at = MIDDLE + timedelta(hours=hour, minutes=30)
    ids = {"uniqueid": f"{int(at.timestamp())}.9", "linkedid": f"{int(at.timestamp())}.9"}
    assert computed_for(event("new", at, channel="PJSIP/201-0000000f", **ids), tmp_path) == days


@pytest.mark.parametrize(
    "columns",
    [{"source": "cdr", "kind": "cdr"}, {"source": "voicemail", "kind": "message"}, {"uniqueid": "nothing"}],
)
def test_lines_that_are_joined_otherwise_touch_the_days_beside_at_any_hour(
    tmp_path: Path, columns: dict[str, object]
) -> None:
    """Rows without ids are joined by channel and time, over as long as a call lasts."""
    new = event("new", MIDDLE + timedelta(hours=12), channel="SIP/201-0000000f", **columns)
    assert computed_for(new, tmp_path) == {-1, 0, 1}


def test_rows_of_a_channel_that_follow_each_other_past_midnight_are_one_call_in_any_order(
    tmp_path: Path,
) -> None:
    """17:00 to 23:59:59, from midnight to the morning, then on: one chain, whichever row comes last."""
    midnight = datetime.combine(FIRST + ONE_DAY, time(), site(tmp_path).zone)
    spans = [(-7 * 3600, -1), (0, 8 * 3600), (8 * 3600 + 1, 9 * 3600)]
    rows = [
        event(
            f"r{n}", midnight + timedelta(seconds=a), source="cdr", dialect="cdr_csv", kind="cdr", line=n,
            channel="SIP/201-0000000a", ended_at=midnight + timedelta(seconds=b), status="ANSWERED",
            caller="201", caller_class="extension", exten="67012200", exten_class="own",
        )
        for n, (a, b) in enumerate(spans, 1)
    ]  # fmt: skip
    found = []
    for order in ([0, 1, 2], [1, 0, 2], [2, 1, 0], [1, 2, 0]):
        own = site(tmp_path / "".join(map(str, order)))
        with Store.open(own) as store:
            for n in order:
                append(store, rows[n])
                recompute(store, own)
            found.append(tables(store))
    assert all(one == found[0] for one in found)
    assert len(found[0]["calls"]) == 1


def test_an_id_that_is_no_time_neither_stops_a_computing_nor_loses_a_call(tmp_path: Path) -> None:
    own = site(tmp_path)
    kinds, ids = ("CHAN_START", "CHAN_END"), ("999999999999.1", "12.5", "nothing")
    odd = [
        event(f"{uid} {kind}", kind=kind, uniqueid=uid, linkedid=uid, channel="PJSIP/201-1", caller="201",
              caller_class="extension")
        for uid in ids for kind in kinds
    ]  # fmt: skip
    with Store.open(own) as store:
        append(store, *odd)
        recompute(store, own)
        days = {row["call_id"]: row["local_date"] for row in store.scan("calls").to_pylist()}
    assert days == {
        "pbx:999999999999.1": FIRST, "pbx:12.5": date(1970, 1, 1), "pbx:nothing": FIRST
    }  # fmt: skip


# ------------------------------------------------------------------ feeds


def ends(*told: tuple[int, str, int]) -> list[dict[str, object]]:
    """Ends of feeds: day, kind, connection."""
    return [
        {"pbx": "pbx", "at": NOON + day * ONE_DAY, "kind": kind, "connection": connection, "line": place,
         "line_key": f"{place:02x}", "batch": "b"}
        for place, (day, kind, connection) in enumerate(told)
    ]  # fmt: skip


def _hours(found: Sequence[feeds.Gap]) -> list[tuple[float, float]]:
    start = NOON.timestamp()
    return sorted(
        ((a / 1e6 - start) / DAY, (b / 1e6 - start) / DAY) for _, a, b in found if a > 0 and b < 8e15
    )


def test_a_feed_of_weeks_that_others_overlap_leaves_no_gap() -> None:
    long = [(0, "connected", 1), (20, "disconnected", 1), (3, "connected", 2), (40, "disconnected", 2)]
    assert _hours(list(feeds.gaps(ends(*long, (30, "connected", 3), (35, "disconnected", 3))))) == []
    apart = [(0, "connected", 1), (2, "disconnected", 1), (9, "connected", 2), (11, "disconnected", 2)]
    assert _hours(list(feeds.gaps(ends(*apart)))) == [(2.0, 9.0)]


def test_what_changes_between_gaps_is_told_once() -> None:
    assert feeds.changed([("a", 0, 10), ("b", 5, 9)], [("a", 0, 4), ("a", 6, 12)]) == [
        ("a", 4, 6), ("a", 10, 12), ("b", 5, 9)
    ]  # fmt: skip
    assert feeds.changed([("a", 0, 5), ("a", 5, 9)], [("a", 0, 9)]) == []


def test_a_feed_that_is_known_later_makes_the_days_in_it_stale(tmp_path: Path) -> None:
    """AMI told of a call in what seemed a gap between two recordings; a third one closes the gap."""
    own = site(tmp_path)

    def end(key: str, day: int, kind: str, connection: int) -> dict[str, object]:
        return event(key, NOON + day * ONE_DAY, source="ami", dialect="ami", kind=kind, connection=connection)

    within = event(
        "in",
        NOON + 5 * ONE_DAY,
        source="ami",
        dialect="ami",
        kind="Newchannel",
        uniqueid=_id(5),
        linkedid=_id(5),
    )
    with Store.open(own) as store:
        append(store, end("c0", 0, "connected", 1), end("d1", 1, "disconnected", 1), within)
        append(store, end("c9", 9, "connected", 2), end("d10", 10, "disconnected", 2))
        recompute(store, own)
        append(store, end("c0b", 0, "connected", 3), end("d10b", 10, "disconnected", 3))
        feeds.see(store)
        with store.database.read() as connection:
            stale = {
                (day.local_date - FIRST).days for day in catalog.stale_days(connection, rules_digest(own))
            }
        assert 5 in stale
