"""The whole live feed: from a PBX's socket to figures and the live picture, in one process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from pydantic import SecretStr

from callstats.cases.database import Database
from callstats.clock import utc_now
from callstats.errors import SettingsError
from callstats.feed_status import statuses
from callstats.live import lives, together
from callstats.pseudonyms import load_pseudonymiser
from callstats.settings_ami import AmiServer, Journal
from ingest import collect, intake, station
from ingest.journal_format import Kind, Record, numbers
from ingest.live_feed import events_of
from ingest.station import Station
from tests.ingest.collecting import beside
from tests.ingest.fake_ami import SECRET, FakeAmi, Peer, until
from tests.ingest.loading import SAMPLE, Site

ANSWERED = """
Newchannel|Channel: PJSIP/trunk-01|ChannelState: 4|CallerIDNum: 28000001|Exten: 67012201|U: 1|Context: in
Newexten|Channel: PJSIP/trunk-01|Extension: 67012201|Application: Dial|AppData: PJSIP/201,15,tT|U: 1
Newchannel|Channel: PJSIP/201-02|ChannelState: 0|CallerIDNum: 201|Exten: s|U: 2|Context: from-staff
DialBegin|Channel: PJSIP/trunk-01|U: 1|DestChannel: PJSIP/201-02|DestUniqueid: 1795400000.2|DialString: 201
Newstate|Channel: PJSIP/201-02|ChannelState: 5|U: 2
Newstate|Channel: PJSIP/201-02|ChannelState: 6|U: 2
Newstate|Channel: PJSIP/trunk-01|ChannelState: 6|U: 1
DialEnd|Channel: PJSIP/trunk-01|U: 1|DestChannel: PJSIP/201-02|DestUniqueid: 1795400000.2|DialStatus: ANSWER
BridgeEnter|BridgeUniqueid: b1|Channel: PJSIP/201-02|U: 2
BridgeEnter|BridgeUniqueid: b1|Channel: PJSIP/trunk-01|U: 1
BridgeLeave|BridgeUniqueid: b1|Channel: PJSIP/201-02|U: 2
BridgeLeave|BridgeUniqueid: b1|Channel: PJSIP/trunk-01|U: 1
Hangup|Channel: PJSIP/201-02|Cause: 16|U: 2
Hangup|Channel: PJSIP/trunk-01|Cause: 16|U: 1
""".strip().splitlines()
START = 1_795_400_000


def story(begin: int = 0, end: int = len(ANSWERED)) -> bytes:
    """Events of one answered call, a second apart."""
    found = b""
    for number, line in list(enumerate(ANSWERED))[begin:end]:
        kind, *fields = line.split("|")
        said = "\r\n".join(
            f"Uniqueid: {START}.{one[3:]}\r\nLinkedid: {START}.1\r\nDestLinkedid: {START}.1"
            if one.startswith("U: ") else one
            for one in fields
        )  # fmt: skip
        at = f"{START + number}.000000"
        found += f"Event: {kind}\r\nPrivilege: call,all\r\nTimestamp: {at}\r\n{said}\r\n\r\n".encode()
    return found


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collect, "backoff_s", lambda *_: 0.05)
    monkeypatch.setattr(station, "RETRY_S", 0.1)
    monkeypatch.setattr(intake, "EVERY_S", 0.05)


@contextmanager
def running(site: Site, fake: FakeAmi, name: str = "", **more: bool) -> Iterator[Station]:
    """A station at work against a server."""
    entry = AmiServer(port=fake.port, secret=SecretStr(SECRET))
    site.settings = site.settings.model_copy(update={"ami": (entry,)})
    with at_work(site, name, **more) as made:
        yield made


@contextmanager
def at_work(site: Site, name: str = "", **more: bool) -> Iterator[Station]:
    """A station at work on the managers of the site's settings."""
    stop = threading.Event()
    made = Station(site.settings, load_pseudonymiser(site.settings.numbers.key_file), stop, name, **more)
    with beside(made.run, stop):
        yield made


def calls(site: Site) -> list[dict[str, object]]:
    """The computed calls."""
    columns = ["call_id", "outcome", "ring_s", "answered_by"]
    found: list[dict[str, object]] = site.store.scan("calls", columns=columns).to_pylist()
    return found


def test_from_the_socket_to_the_figure(site: Site) -> None:
    with FakeAmi(lambda peer: peer.send(story())).running() as fake, running(site, fake):
        until(lambda: bool(calls(site)))
    (call,) = calls(site)
    assert call == {
        "call_id": f"pbx:{START}.1", "outcome": "answered", "ring_s": 1.0, "answered_by": "201",
    }  # fmt: skip
    (visit,) = site.store.scan("visits").to_pylist()
    assert visit["department"] == "social"


def test_the_live_picture_follows_the_call_and_knows_no_person(site: Site) -> None:
    steps: list[tuple[int | None, int | None, int]] = []
    going = threading.Event()

    def script(peer: Peer) -> None:
        for begin, end in ((0, 5), (5, 10), (10, 14)):
            peer.send(story(begin, end))
            going.wait(20)
            going.clear()

    folder = site.settings.journal.folder

    def social() -> tuple[int | None, int | None, int]:
        found = together(lives(folder), utc_now())
        now = found.departments.get("social") if found and found.connected else None
        return (now.ringing, now.talking, now.waiting) if now else (-1, -1, -1)

    def shown(expected: tuple[int, int, int]) -> bool:
        return social() == expected

    with FakeAmi(script).running() as fake, running(site, fake, journal_only=True):
        for expected in ((1, 0, 1), (0, 1, 0), (0, 0, 0)):
            until(partial(shown, expected))
            steps.append(social())
            going.set()
    assert steps == [(1, 0, 1), (0, 1, 0), (0, 0, 0)]
    told = (folder / "pbx" / "live.json").read_text()
    assert "201" not in told
    assert "28000001" not in told
    ended = together(lives(folder), utc_now())
    assert ended is not None
    assert not ended.connected, "a collector that stopped knows nothing"


def test_of_a_department_of_few_only_who_waits_is_told(site: Site) -> None:
    said = story().replace(b"PJSIP/201", b"PJSIP/501").replace(b"67012201", b"67012500")
    end = said.index(b"Event: Newstate", said.index(b"Event: Newstate") + 5)
    with (
        FakeAmi(lambda peer: peer.send(said[:end])).running() as fake,
        running(site, fake, journal_only=True),
    ):
        folder = site.settings.journal.folder
        until(lambda: any(one.departments.get("registry", None) and one.departments["registry"].waiting
                          for one in lives(folder)))  # fmt: skip
        (one,) = lives(folder)
    assert one.departments["registry"].ringing is None
    assert one.departments["registry"].talking is None


def test_journaling_needs_no_database(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    opening = Database.open
    down = threading.Event()
    down.set()

    def sometimes(url: str) -> Database:
        if down.is_set():
            raise SettingsError("database: nobody answers")
        return opening(url)

    monkeypatch.setattr(Database, "open", sometimes)
    with FakeAmi(lambda peer: peer.send(story())).running() as fake, running(site, fake) as found:
        until(lambda: found.collectors[0].status.state == "connected")
        found.collectors[0].journal.flush()
        assert calls(site) == []
        down.clear()
        until(lambda: bool(calls(site)))
    assert len(calls(site)) == 1


def test_two_stations_side_by_side(site: Site) -> None:
    with (
        FakeAmi(lambda peer: peer.send(story())).running() as fake,
        running(site, fake),
        running(site, fake, "b"),
    ):
        until(lambda: len(list(statuses(site.settings.journal.folder))) == 2 and bool(calls(site)))
    assert len(calls(site)) == 1
    events = site.store.scan("events").num_rows
    assert events == len(ANSWERED)


def test_what_is_in_the_journal_when_it_stops_is_taken_in_first(site: Site) -> None:
    sent = threading.Event()

    def script(peer: Peer) -> None:
        peer.send(story())
        sent.set()

    with FakeAmi(script).running() as fake, running(site, fake) as found:
        until(sent.is_set)
        until(lambda: (found.collectors[0].journal.durable.number) > 1)
    assert len(calls(site)) == 1


def test_old_segments_go_when_they_were_taken_in(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.settings = site.settings.model_copy(
        update={"journal": Journal(folder=site.settings.journal.folder, keep_days=0)}
    )
    for _ in range(3):
        with FakeAmi(lambda peer: peer.send(story())).running() as fake, running(site, fake):
            until(lambda: bool(calls(site)))
    monkeypatch.setattr(intake, "SWEEP_S", 0.0)
    with FakeAmi(lambda peer: None).running() as fake, running(site, fake) as found:
        until(lambda: len(numbers(found.collectors[0].folder)) == 1)
    assert len(calls(site)) == 1


def test_the_recording_replayed_live_gives_its_calls(sites: list[Site]) -> None:
    recorded, live = sites
    raw = (SAMPLE / "ami.raw").read_bytes()
    body = raw[raw.index(b"\r\n\r\n") + 4 :]
    end = body.rindex(b"\r\n\r\n") + 4
    recorded.load(SAMPLE / "ami.raw", compute=True)
    with FakeAmi(lambda peer: peer.send(body[:end])).running() as fake, running(live, fake) as found:
        until(lambda: found.collectors[0].status.state == "connected")
        until(lambda: len(calls(live)) == len(calls(recorded)), 60)
    assert sorted(calls(live), key=str) == sorted(calls(recorded), key=str)


def test_a_folder_of_its_own_for_the_journal(site: Site, tmp_path: Path) -> None:
    site.settings = site.settings.model_copy(update={"journal": Journal(folder=tmp_path / "elsewhere")})
    with FakeAmi(lambda peer: peer.send(story())).running() as fake, running(site, fake):
        until(lambda: bool(calls(site)))
    assert numbers(tmp_path / "elsewhere" / "pbx") == [1]


def test_several_pbxs_at_once_each_with_its_own_name(site: Site) -> None:
    with (
        FakeAmi(lambda peer: peer.send(story())).running() as one,
        FakeAmi(lambda peer: peer.send(story())).running() as two,
    ):
        secret = SecretStr(SECRET)
        entries = (
            AmiServer(port=one.port, secret=secret),
            AmiServer(pbx="annex", port=two.port, secret=secret),
        )
        site.settings = site.settings.model_copy(update={"ami": entries})
        with at_work(site):
            until(lambda: len(calls(site)) == 2)
    assert sorted(str(row["call_id"]) for row in calls(site)) == [f"annex:{START}.1", f"pbx:{START}.1"]


def test_a_callers_name_that_looks_like_an_event_is_none() -> None:
    name = b"Event: NewCallerid\r\nUniqueid: 1.1\r\nCallerIDName: a\nEvent: Hangup\r\n\r\n"
    record = Record(Kind.DATA, name + b"Event: Hangup\r\nUniqueid: 2\r\n\r\n", 0, 1, 0, 0)
    assert [one["uniqueid"] for one in events_of(record)] == ["2"]


def test_one_managers_fault_stops_no_other(site: Site, tmp_path: Path) -> None:
    with FakeAmi(lambda peer: peer.send(story())).running() as fake:
        faulty = AmiServer(pbx="a", port=fake.port, secret_file=tmp_path / "is not there")
        typo = AmiServer(pbx="b", host="pbx..example", secret=SecretStr(SECRET))
        good = AmiServer(port=fake.port, secret=SecretStr(SECRET))
        site.settings = site.settings.model_copy(update={"ami": (faulty, typo, good)})
        with at_work(site) as made:
            until(lambda: len(calls(site)) == 1)
            until(lambda: all(one.status.fault for one in made.collectors[:2]))
            faults = [str(one.status.fault) for one in made.collectors]
    assert made.fault is None
    assert "secret cannot be read" in faults[0]
    assert "no machine of this name" in faults[1]
