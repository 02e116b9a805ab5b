"""Calls of the sample told in words, and the lines behind them: every one exists and is about the call."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow.compute as pc
import pytest

from callstats.errors import InputError, UsageError
from callstats.evidence import Line
from callstats.explain import explain
from callstats.settings import Settings
from callstats.store import COMPUTED, Store
from callstats.timeline import Step, Timeline, timeline
from ingest.load import load
from tests.shared import ROOT

SAMPLE = ROOT / "sample_cdr"
SEQUENTIAL, RINGALL, BLIND = "pbx:1795402050.4", "pbx:1795402177.352", "pbx:1795402547.562"
# facts that are a pause between others, or an absence: no line says them
WITHOUT_LINES = ("silence", "no_phone")


@dataclass(frozen=True)
class Site:
    """A store with the settings it was loaded by."""

    store: Store
    settings: Settings

    def told(self, call_id: str, language: str = "en") -> str:
        """The call in words, pseudonyms (another key each time) and the machine's folder left out."""
        text = explain(self.store, call_id, self.settings, language)
        return re.sub(r"n1-[0-9a-f]{8}\b", "n1-…", text)

    def facts(self, call_id: str, language: str = "en") -> str:
        """`told` without the places of the lines."""
        return "\n".join(
            line for line in self.told(call_id, language).splitlines() if line[:13].strip() or not line
        )


def _site(folder: Path, *files: str) -> Site:
    settings = Settings.load(SAMPLE / "callstats.toml", folder)
    store = Store.open(settings)
    reports = load([SAMPLE / name for name in files], settings, store)
    assert all(report.clean for report in reports)
    return Site(store, settings)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    found = _site(tmp_path_factory.mktemp("all"), ".")
    yield found
    found.store.close()


@pytest.fixture(scope="module")
def timelines(site: Site) -> list[Timeline]:
    return [
        timeline(site.store, one, site.settings) for one in site.store.scan("calls")["call_id"].to_pylist()
    ]


# ---------------------------------------------------------------- stories


def test_sequential_rotation_in_english(site: Site) -> None:
    assert (
        site.facts(SEQUENTIAL)
        == """\
Call pbx:1795402050.4, 23 November 2026, 04:47:30.5 (Europe/Riga)
Seen by: AMI, CEL, CDR. 52 lines stand behind this call.

04:47:30.5  A client (n1-…) called 67012210.
04:47:30.5  The call came to: Social services (dialled).
04:47:30.5  Phone 201 rang from 04:47:30.5 to 04:47:45.5 (15.0 s): no answer.
04:47:45.6  Phone 202 rang from 04:47:45.6 to 04:47:49.6 (4.0 s): answered.
04:47:49.6  202 answered after 19.0 s of ringing (4 signals) and 19.0 s in the department.
04:47:52.6  The call ended: answered by 202, talk 3.0 s.

Social services, visit 1
  Answered no later than after the third signal (15.1): no (certain). Even the shortest ring time
  that is possible, 18.98 s, is not under the limit of 15 s.
  Rotation (15.1, recommended): the call was offered to a colleague: the first phone was not
  answered (certain).
  In working hours: yes. Caller from outside: yes."""
    )


def test_sequential_rotation_in_latvian(site: Site) -> None:
    assert (
        site.facts(SEQUENTIAL, "lv")
        == """\
Zvans pbx:1795402050.4, 23.11.2026., 04:47:30,5 (Europe/Riga)
Avoti: AMI, CEL, CDR. Šo zvanu apliecina 52 rindas.

04:47:30,5  Klients (n1-…) zvanīja uz 67012210.
04:47:30,5  Zvans nonāca struktūrvienībā: Sociālais dienests (zvanīts tieši).
04:47:30,5  Tālrunis 201 zvanīja no 04:47:30,5 līdz 04:47:45,5 (15,0 s): neatbildēja.
04:47:45,6  Tālrunis 202 zvanīja no 04:47:45,6 līdz 04:47:49,6 (4,0 s): atbildēts.
04:47:49,6  Atbildēja 202; signālu ilgums līdz atbildei 19,0 s (4 signāli), gaidīšanas laiks
            struktūrvienībā 19,0 s.
04:47:52,6  Zvans beidzās: atbildēja 202, sarunas ilgums 3,0 s.

Sociālais dienests, 1. posms
  Atbildēts ne vēlāk kā pēc trešā signāla (15.1.): nē (izmērīts). Arī īsākais iespējamais signālu
  ilgums 18,98 s nav zem robežvērtības 15 s.
  Zvanu rotācija (15.1., ieteicama): zvans piedāvāts kolēģim: pie pirmā tālruņa neatbildēja
  (izmērīts).
  Darba laikā: jā. Ārējais klients: jā."""
    )


def test_queue_ringall_with_a_second_round_in_english(site: Site) -> None:
    assert (
        site.facts(RINGALL).partition("\n\nSocial services")[0]
        == """\
Call pbx:1795402177.352, 23 November 2026, 04:49:37.7 (Europe/Riga)
Seen by: AMI, CEL, queue_log, CDR. 127 lines stand behind this call.

04:49:37.7  A client (n1-…) called 67012200.
04:49:37.7  The call came to: Social services (dialled).
04:49:37.7  The call entered the queue: q-social.
04:49:37.8  Phone 201 rang from 04:49:37.8 to 04:49:52.8 (15.0 s): no answer.
04:49:37.8  Phone 202 rang from 04:49:37.8 to 04:49:52.8 (15.0 s): no answer.
04:49:37.8  Phone 203 rang from 04:49:37.8 to 04:49:52.8 (15.0 s): no answer.
04:49:52.8  Nothing rang from 04:49:52.8 to 04:49:54.8 (2.0 s).
04:49:54.8  Phone 201 rang from 04:49:54.8 to 04:49:59.3 (4.5 s): another phone answered.
04:49:54.8  Phone 202 rang from 04:49:54.8 to 04:49:59.3 (4.5 s): another phone answered.
04:49:54.8  Phone 203 rang from 04:49:54.8 to 04:49:59.3 (4.5 s): answered.
04:49:59.3  203 answered after 19.5 s of ringing (4 signals) and 21.6 s in the department.
04:50:05.4  The call ended: answered by 203, talk 6.1 s."""
    )


def test_queue_ringall_with_a_second_round_in_latvian(site: Site) -> None:
    assert (
        site.facts(RINGALL, "lv").partition("\n\nSociālais")[0].partition("\n\n")[2]
        == """\
04:49:37,7  Klients (n1-…) zvanīja uz 67012200.
04:49:37,7  Zvans nonāca struktūrvienībā: Sociālais dienests (zvanīts tieši).
04:49:37,7  Zvans nonāca zvanu rindā: q-social.
04:49:37,8  Tālrunis 201 zvanīja no 04:49:37,8 līdz 04:49:52,8 (15,0 s): neatbildēja.
04:49:37,8  Tālrunis 202 zvanīja no 04:49:37,8 līdz 04:49:52,8 (15,0 s): neatbildēja.
04:49:37,8  Tālrunis 203 zvanīja no 04:49:37,8 līdz 04:49:52,8 (15,0 s): neatbildēja.
04:49:52,8  No 04:49:52,8 līdz 04:49:54,8 (2,0 s) nezvanīja neviens tālrunis.
04:49:54,8  Tālrunis 201 zvanīja no 04:49:54,8 līdz 04:49:59,3 (4,5 s): atbildēja pie cita tālruņa.
04:49:54,8  Tālrunis 202 zvanīja no 04:49:54,8 līdz 04:49:59,3 (4,5 s): atbildēja pie cita tālruņa.
04:49:54,8  Tālrunis 203 zvanīja no 04:49:54,8 līdz 04:49:59,3 (4,5 s): atbildēts.
04:49:59,3  Atbildēja 203; signālu ilgums līdz atbildei 19,5 s (4 signāli), gaidīšanas laiks
            struktūrvienībā 21,6 s.
04:50:05,4  Zvans beidzās: atbildēja 203, sarunas ilgums 6,1 s."""
    )


def test_blind_transfer_in_english(site: Site) -> None:
    assert (
        site.facts(BLIND).partition("\n\n")[2]
        == """\
04:55:47.8  A client (n1-…) called 67012201.
04:55:47.8  The call came to: Social services (dialled).
04:55:47.8  Phone 201 rang from 04:55:47.8 to 04:55:50.8 (3.0 s): answered.
04:55:50.8  201 answered after 3.0 s of ringing (1 signal) and 3.0 s in the department.
04:55:55.0  The call was transferred to 301 (blind transfer).
04:55:55.0  The call came to: Construction board (transferred).
04:55:55.0  Phone 301 rang from 04:55:55.0 to 04:56:00.5 (5.5 s): answered.
04:56:00.5  301 answered after 5.5 s of ringing (2 signals) and 5.5 s in the department.
04:56:05.2  The call ended: answered by 201, talk 14.4 s.

Social services, visit 1
  Answered no later than after the third signal (15.1): yes (certain). Even the longest ring time
  that is possible, 2.98 s, is under the limit of 15 s.
  Rotation (15.1, recommended): not needed (certain).
  In working hours: yes. Caller from outside: yes.

Construction board, visit 2
  Answered no later than after the third signal (15.1): yes (certain). Even the longest ring time
  that is possible, 5.51 s, is under the limit of 15 s.
  Rotation (15.1, recommended): not needed (certain).
  In working hours: yes. Caller from outside: yes."""
    )


def test_blind_transfer_in_latvian(site: Site) -> None:
    told = site.facts(BLIND, "lv")
    assert "04:55:55,0  Zvanu pāradresēja: 301 (bez iepriekšējas sarunas)." in told
    assert "04:55:55,0  Zvans nonāca struktūrvienībā: Būvvalde (pāradresēts)." in told
    assert "signālu ilgums līdz atbildei 3,0 s (1 signāls)" in told
    assert "Būvvalde, 2. posms" in told


@pytest.mark.parametrize(
    ("story", "sentence"),
    [
        ("pickup", "303 took the call over after"),
        ("seq_first_switched_off", "Phone 601 was tried and did not ring: not reachable."),
        ("forwarded_by_phone", "Phone 804 was tried and did not ring: forwarded by the phone."),
        ("forwarded_by_phone", "The call came to: Construction board (a phone forwarded it)."),
        ("ivr_then_dial", "The caller came into the menu."),
        ("attended_transfer_feature", "The call was transferred to a colleague (attended transfer)."),
        ("withheld_number", "A client with a withheld number called 67012801."),
        ("internal_call", "Employee 204 called 301."),
        ("queue_all_paused_abandon", "No phone was free to be offered the call until"),
        ("queue_all_paused_abandon", "The call ended: the caller gave up."),
        ("hotline_never_called_back", "was left in 8000@hotline."),
        ("hotline_hangup_before_beep", "Nothing was said after the beep: an empty message of"),
        ("hotline_callback_click_to_call", "The PBX rang the employee's own phone first (click-to-call)."),
        ("hotline_callback_first_try", "The client's phone answered after 4.1 s of ringing."),
        ("direct_183_instead_of_180", "A phone alerted with 183 instead of 180"),
        ("no_such_phone", "The call ended: there is no such number."),
        (
            "queue_overflow_to_social",
            "The call came to: Social services (went on from the department before).",
        ),
    ],
)
def test_each_story_has_its_sentence(site: Site, story: str, sentence: str) -> None:
    truth = json.loads((SAMPLE / "truth.json").read_text(encoding="utf-8"))
    starts = [one["t_start"] for one in truth["calls"] if one["scenario"] == story]
    calls = site.store.scan("calls").to_pylist()
    ids = [c["call_id"] for c in calls if any(abs(c["started_at"].timestamp() - t) < 0.2 for t in starts)]
    told = [" ".join(site.told(one).split()) for one in ids]
    assert [one for one in told if sentence in one], told


# ---------------------------------------------------------------- the lines behind


def _pieces(path: Path) -> list[bytes]:
    """The lines of a file, or the banners and blocks of an AMI stream, from place 1."""
    content = path.read_bytes()
    if path.name != "ami.raw":
        return [content] if path.suffix == ".txt" else content.split(b"\n")
    apart = re.sub(
        rb"^Asterisk Call Manager/[\d.]+\r\n", lambda found: found[0] + b"\r\n", content, flags=re.M
    )
    return [piece for piece in apart.split(b"\r\n\r\n") if piece.strip()]


def _is_there(line: Line, pieces: list[bytes], ids: set[str]) -> bool:
    text = pieces[line.line - 1].decode("utf-8", "replace") if 0 < line.line <= len(pieces) else ""
    if line.source == "voicemail":
        return "msg_id=" in text
    said = {"ami": f"Event: {line.kind}\r\n", "cdr": "PJSIP/"}.get(line.source, line.kind)
    return said in f"{text}\r\n" and any(one in text for one in ids)


def test_every_quoted_line_exists_and_is_about_the_call(site: Site, timelines: list[Timeline]) -> None:
    channels = site.store.scan("channels").to_pylist()
    files: dict[str, list[bytes]] = {}
    wrong, right = [], 0
    for found in timelines:
        ids = {c["uniqueid"].partition(":")[2] for c in channels if c["call_id"] == found.call["call_id"]}
        for line in {line for step in (*found.steps, *found.judgements) for line in step.evidence}:
            pieces = files.setdefault(line.path, _pieces(Path(line.path)))
            if _is_there(line, pieces, ids):
                right += 1
            else:
                wrong.append(line)
    assert wrong == []
    assert right > 2000


def test_no_fact_is_without_its_lines(timelines: list[Timeline]) -> None:
    bare = [step for found in timelines for step in found.steps if not step.evidence]
    assert {step.kind for step in bare} <= set(WITHOUT_LINES)
    judged = [step for found in timelines for step in found.judgements if step.kind == "third_signal"]
    answered = [step for step in judged if step.values["within_third_signal"]]
    assert answered
    assert all(step.evidence for step in answered)


def test_the_places_are_told_beside_the_fact(site: Site) -> None:
    after = " ".join(site.told(SEQUENTIAL).replace(f"{SAMPLE}/", "").partition("Phone 202 rang")[2].split())
    assert "ami.raw: event 370 DialBegin, 371 Newstate, 374 DialState, 406 Newstate, 409 DialEnd " in after
    assert "cdr_csv/Master.csv: line 22 cdr " in after
    assert "cel/Master.csv: line 217 CHAN_START, 236 ANSWER " in after


def test_a_phone_that_rang_twice_has_each_time_its_own_lines(site: Site) -> None:
    found = timeline(site.store, RINGALL, site.settings)
    first, second = (step for step in found.steps if step.kind == "rang" and step.values["employee"] == "202")
    live = [{line for line in step.evidence if line.source != "cdr"} for step in (first, second)]
    assert live[0]
    assert live[1]
    assert not live[0] & live[1]


def test_no_number_and_no_name_of_a_client_is_told(site: Site, timelines: list[Timeline]) -> None:
    truth = json.loads((SAMPLE / "truth.json").read_text(encoding="utf-8"))
    national = {one["caller_national"] for one in truth["calls"] if one["kind"] == "public"} - {
        "",
        "anonymous",
    }
    assert len(national) > 50
    told = "\n".join(site.told(found.call["call_id"], "lv") for found in timelines)
    assert [number for number in national if number in told] == []
    assert "Bērziņ" not in told


# ---------------------------------------------------------------- finding a call


@pytest.mark.parametrize(
    "wanted", ["1795402303.473", "pbx:1795402309.475", "1795402309.475", " pbx:1795402303.473 "]
)
def test_merged_ids_and_bare_linkedids_are_accepted(site: Site, wanted: str) -> None:
    assert timeline(site.store, wanted, site.settings).call["call_id"] == "pbx:1795402303.473"


def test_the_id_of_a_phones_channel_finds_the_call(site: Site) -> None:
    ids = site.store.scan("channels").filter(pc.field("call_id") == RINGALL)["uniqueid"].to_pylist()
    assert len(ids) > 3
    assert {timeline(site.store, one, site.settings).call["call_id"] for one in ids} == {RINGALL}


@pytest.mark.parametrize("wanted", ["pbx:1795402050.99999", "1.2", "abc", "", "4"])
def test_an_unknown_call_is_an_error_that_says_where_to_look(site: Site, wanted: str) -> None:
    with pytest.raises(InputError, match="callstats export calls") as caught:
        explain(site.store, wanted, site.settings)
    assert len(str(caught.value).splitlines()) == 1


def test_another_language_is_refused(site: Site) -> None:
    with pytest.raises(UsageError, match="lv, en"):
        explain(site.store, SEQUENTIAL, site.settings, "ru")


# ---------------------------------------------------------------- fewer sources, purged lines


def test_with_cel_alone_the_ring_time_is_told_as_a_bound(tmp_path: Path) -> None:
    site = _site(tmp_path, "cel", "queue_log")
    with site.store:
        told = " ".join(site.told(RINGALL).split())
    assert "Phone 201 was offered the call from 04:49:37.7 to 04:49:52.8, when it rang is not told" in told
    assert "203 answered after at most 19.6 s of ringing and 21.6 s in the department." in told
    assert "no (estimated). When the phones rang is not told, only when they were asked to" in told


def test_with_the_cdr_alone_times_are_whole_seconds(tmp_path: Path) -> None:
    site = _site(tmp_path, "cdr_custom/Master.csv")
    with site.store:
        told = site.facts(SEQUENTIAL)
    assert told.splitlines()[3].startswith("04:47:30  A client")
    assert "Phone 201 was offered the call from 04:47:30 to 04:47:45" in told


def test_purged_lines_are_told_as_purged(site: Site, tmp_path: Path) -> None:
    settings = Settings.load(SAMPLE / "callstats.toml", tmp_path)
    tables = {name: site.store.scan(name) for name in COMPUTED}
    day = date(2026, 11, 23)
    with Store.open(settings) as kept:
        kept.replace_days([day], tables)
        found = timeline(kept, RINGALL, settings)
        told = " ".join(explain(kept, RINGALL, settings).split())
    assert found.silent == ("ami", "cel", "queue_log", "cdr")
    assert "The lines of AMI, CEL, queue_log, CDR were purged" in told
    assert "203 answered after 19.5 s of ringing (4 signals)" in told  # the facts are still there


# ---------------------------------------------------------------- details


def test_the_steps_are_in_order_of_time_and_the_end_comes_last(timelines: list[Timeline]) -> None:
    def times(steps: tuple[Step, ...]) -> list[float]:
        return [step.at.timestamp() for step in steps[:-1] if step.at is not None]

    assert all(times(found.steps) == sorted(times(found.steps)) for found in timelines)
    assert {found.steps[-1].kind for found in timelines} == {"ended"}
