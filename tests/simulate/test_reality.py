"""The simulator is held to reality: from a recording's plan it writes what Asterisk wrote, row by row."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from tests.shared import needs_shared
from tests.simulate.compare import TOLERANCE_S, differences
from tests.simulate.conftest import Played
from tests.simulate.known import KNOWN, SLOW, Known
from tests.simulate.lab_plan import truth_of
from tests.simulate.lab_plant import NAMES
from tests.simulate.recordings import HERE, folder_of
from tests.simulate.rows import SEEN, Folder

ALL = [*HERE, pytest.param("c", marks=needs_shared)]


def sides(name: str, played: Played) -> tuple[Folder, Folder]:
    truth = truth_of(folder_of(name))
    return Folder(folder_of(name), truth), Folder(played(name), truth)


@pytest.mark.parametrize("name", ALL)
def test_every_row_of_every_story_is_as_asterisk_wrote_it(name: str, played: Played) -> None:
    real, made = sides(name, played)
    theirs, ours = real.stories(), made.stories()
    assert theirs.keys() == ours.keys()
    story = {c["call_id"]: c["scenario"] for c in real.truth["calls"]}
    found = {
        Known(name, story[call], d.source, d.kind, d.column): d
        for call in theirs
        for d in differences(theirs[call], ours[call])
    }
    expected = {known for known in KNOWN if known.recording == name}
    unexpected = [
        f"{k}: recorded {d.real!r}, simulated {d.made!r}" for k, d in found.items() if k not in expected
    ]
    assert unexpected == []
    assert expected - found.keys() == set(), "listed as different, and no longer so"


def test_the_comparison_covers_the_whole_recording(played: Played) -> None:
    real, made = sides("a", played)
    stories = real.stories()
    assert len(stories) == len(real.truth["calls"]) == 95
    assert len({c["scenario"] for c in real.truth["calls"]}) == 79
    for folder in (real, made):
        found = folder.stories().values()
        assert sum(len(s.cdr) for s in found) == len(folder.cdr)
        assert len({r["time"] for s in found for r in s.cel}) > 1000
        assert sum(len(s.queue) for s in found) == len([line for line in folder.queue if "." in line[1]])
    told = {e["kind"] for e in real.ami} - {
        "ContactStatus",
        "Shutdown",
    }  # before the first and after the last call
    assert told <= {e["kind"] for e in made.ami} <= set(SEEN)


def test_a_difference_is_found(played: Played) -> None:
    real, made = sides("a", played)
    call, caller = next(
        (c["call_id"], c["caller"]) for c in real.truth["calls"] if c["scenario"] == "direct_ring1"
    )
    row = next(r for r in made.cdr if r["src"] == caller)
    made.cdr[made.cdr.index(row)] = row | {"disposition": "NO ANSWER"}
    changed = [
        r | {"time": f"{float(r['time']) + 2 * TOLERANCE_S:.6f}"} if r["type"] == "ANSWER" else r
        for r in made.cel
    ]
    made.cel[:] = changed
    found = list(differences(real.stories()[call], made.stories()[call]))
    assert {(d.source, d.column) for d in found} == {("cdr", "disposition"), ("cel", "time")}


def device_states(folder: Folder) -> dict[str, list[tuple[float, str]]]:
    """What AMI says of each phone; a state that lasts no longer than the tolerance may go unsaid."""
    said: dict[str, list[tuple[float, str]]] = defaultdict(list)
    for event in folder.ami:
        if event["kind"] == "DeviceStateChange" and event["channel"].removeprefix("PJSIP/") in NAMES:
            states = said[event["channel"]]
            if states and float(event["time"]) - states[-1][0] <= TOLERANCE_S:
                states.pop()
            # a phone begins as not in use
            if event["status"] == (states[-1][1] if states else "NOT_INUSE"):
                continue
            states.append((float(event["time"]), event["status"]))
    return {device: states for device, states in said.items() if states}


@pytest.mark.parametrize("name", ["a", "autumn_night"])
def test_phones_are_in_use_as_in_the_recording(name: str, played: Played) -> None:
    real, made = (device_states(side) for side in sides(name, played))
    assert len(real) > 15
    assert {d: [s for _, s in states] for d, states in made.items()} == {
        d: [s for _, s in states] for d, states in real.items()
    }
    late = {
        (d, one, two)
        for d, states in real.items()
        for one, two in zip(states, made[d], strict=True)
        if abs(one[0] - two[0]) > TOLERANCE_S
    }
    # the thread that got no processor (known.SLOW) let one phone go late
    assert len(late) <= (name == "a")


def queue_lines(folder: Path) -> list[list[str]]:
    """Lines that belong to no call: members' pauses, additions, starts; times in whole seconds."""
    text = (folder / "queue_log").read_text(encoding="utf-8")
    lines = [line.split("|") for line in text.splitlines()]
    return [line for line in lines if "." not in line[1] and line[4] != "QUEUESTART"]


@pytest.mark.parametrize("name", ALL)
def test_members_are_paused_and_added_as_in_the_recording(name: str, played: Played) -> None:
    theirs, ours = queue_lines(folder_of(name)), queue_lines(played(name))
    assert [line[1:] for line in ours] == [line[1:] for line in theirs]
    assert all(abs(int(a[0]) - int(b[0])) <= 1 for a, b in zip(theirs, ours, strict=True))


def messages(folder: Path) -> list[tuple[str, dict[str, str]]]:
    """Mailbox folder and fields of each message, in the order they were left."""
    found = []
    for path in (folder / "voicemail").rglob("msg*.txt"):
        lines = path.read_text(encoding="utf-8").splitlines()
        fields = dict(line.split("=", 1) for line in lines if "=" in line)
        found.append((str(path.parent.relative_to(folder)), fields))
    return sorted(found, key=lambda m: (int(m[1]["origtime"]), m[1]["callerid"]))


@pytest.mark.parametrize("name", ALL)
def test_the_spool_holds_the_messages_of_the_recording(name: str, played: Played) -> None:
    theirs, ours = messages(folder_of(name)), messages(played(name))
    assert len(ours) == len(theirs) > 5
    for (box, real), (where, made) in zip(theirs, ours, strict=True):
        assert where == box
        assert made.keys() == real.keys()
        assert abs(int(made["origtime"]) - int(real["origtime"])) <= 1
        assert abs(int(made["duration"]) - int(real["duration"])) <= 1
        same = real.keys() - {"origtime", "origdate", "duration", "msg_id", "callerchan"}
        assert {k: made[k] for k in same} == {k: real[k] for k in same}


def told(folder: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    return read


@pytest.mark.parametrize("name", ["a", "autumn_night"])
def test_the_simulated_truth_is_the_recorded_one(name: str, played: Played) -> None:
    """Outcome, who answered, and every leg with its times: what the plan was made of comes out again."""
    key = ("caller", "dialled", "kind")
    theirs = sorted(told(folder_of(name))["calls"], key=lambda c: (round(c["t_start"]), *(c[k] for k in key)))
    ours = sorted(told(played(name))["calls"], key=lambda c: (round(c["t_start"]), *(c[k] for k in key)))
    assert len(theirs) == len(ours)
    slow = {k.story for k, why in KNOWN.items() if k.recording == name and why == SLOW}
    for real, made in zip(theirs, ours, strict=True):
        for column in (*key, "scenario", "caller_national", "withheld", "outcome", "answered_by"):
            assert made[column] == real[column], (real["scenario"], column)
        near(real, made, ("t_start", "t_answer"), real["scenario"])
        if real["kind"] != "ami":  # nobody watches that side of a click-to-call
            near(real["caller_side"], made["caller_side"], ("t_cancel", "t_final", "t_bye"), real["scenario"])
        assert [g["phone"] for g in made["legs"]] == [g["phone"] for g in real["legs"]]
        for one, two in zip(real["legs"], made["legs"], strict=True) if real["scenario"] not in slow else ():
            assert (two["outcome"], two["from_user"], two["to_user"]) == (
                one["outcome"], one["from_user"], one["to_user"],
            ), real["scenario"]  # fmt: skip
            seen = ("t_invite", "t_180", "t_183", "t_final", "t_cancel", "t_bye")
            # after a REFER the laboratory's phone hangs up a minute late
            near(one, two, seen[:-1] if "t_refer" in one else seen, real["scenario"])


def near(real: Any, made: Any, columns: tuple[str, ...], story: str) -> None:
    for column in columns:
        one, two = real.get(column), made.get(column)
        assert (one is None) == (two is None), (story, column, one, two)
        if one is not None:
            assert abs(one - two) <= TOLERANCE_S, (story, column, one, two)
