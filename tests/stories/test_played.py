"""Stories that no recording has, played by the simulated PBX and read back."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from callstats.settings import CONFIG_NAME, Settings
from callstats.simulate.ami import Ami
from callstats.simulate.cel import CelCsv
from callstats.simulate.exchange import run
from callstats.simulate.story import Act, Story, Transfer
from callstats.simulate.town import town
from callstats.simulate.town_config import config_text
from tests.accuracy.sources import SourceSet, tables

AT_S = 1_790_000_000.0
# a call after it, so that the feed is one that tells of ringing
RINGS = Story(
    AT_S + 900, "public", "+37120000002", "60000500", {"501": (Act("answer", after_s=5.0),)}, talk_s=20.0
)
LIVE = {"ami": ("ami.raw",), "cel": ("cel.csv",)}


def played(tmp_path: Path, story: Story, sources: str) -> dict[str, list[dict[str, Any]]]:
    """The tables of one story's call."""
    plant = town().plant
    lines = StringIO()
    with (tmp_path / "ami.raw").open("wb") as stream:
        run(plant, [story, RINGS], [Ami(stream, plant), CelCsv(lines)], seed=1)
    (tmp_path / "cel.csv").write_text(lines.getvalue(), encoding="utf-8")
    config = tmp_path / CONFIG_NAME
    config.write_text(config_text(town()), encoding="utf-8")
    made = tables(tmp_path, SourceSet(LIVE[sources], 0.1), Settings.load(config))
    calls = made["calls"].to_pylist()
    chosen = min(calls, key=lambda row: row["started_at"])["call_id"]
    names = ("calls", "visits", "attempts")
    return {name: [row for row in made[name].to_pylist() if row["call_id"] == chosen] for name in names}


def test_who_gives_up_on_a_phone_that_does_not_react_was_waiting_for_it(tmp_path: Path) -> None:
    story = Story(AT_S, "public", "+37120000001", "60000620", {"603": (Act("silent"),)}, patience_s=9.0)
    found = played(tmp_path, story, "ami")
    (call,), (visit,) = found["calls"], found["visits"]
    assert (call["outcome"], call["outcome_certainty"]) == ("abandoned", "certain")
    assert visit["outcome"] == "abandoned"
    assert [a["outcome"] for a in found["attempts"]] == ["unavailable"]


def test_who_hears_the_busy_tone_of_all_phones_was_not_waiting(tmp_path: Path) -> None:
    busy = {phone: (Act("busy"),) for phone in ("602", "604")}
    story = Story(AT_S, "public", "+37120000001", "60000620", {"603": (Act("off"),), **busy}, patience_s=9.0)
    (call,) = played(tmp_path, story, "ami")["calls"]
    assert call["outcome"] != "abandoned"


@pytest.mark.parametrize("sources", ["ami", "cel"])
def test_a_queue_with_local_members_that_gives_up_was_not_left_by_its_caller(
    tmp_path: Path, sources: str
) -> None:
    found = played(tmp_path, Story(AT_S, "public", "+37120000001", "60000700"), sources)
    (call,) = found["calls"]
    assert call["outcome"] == "unanswered"
    assert {a["outcome"] for a in found["attempts"]} == {"no_answer"}


@pytest.mark.parametrize("sources", ["ami", "cel"])
@pytest.mark.parametrize(
    ("act", "outcome"),
    [(Act("busy"), "busy"), (Act("unavailable"), "unavailable"), (Act("ring"), "unanswered")],
)
def test_sent_on_to_a_colleague_who_does_not_take_it(
    tmp_path: Path, sources: str, act: Act, outcome: str
) -> None:
    sends = Act("answer", after_s=4.0, transfer=Transfer("refer", "501", 8.0))
    story = Story(AT_S, "public", "+37120000001", "60000131", {"131": (sends,), "501": (act,)})
    found = played(tmp_path, story, sources)
    assert [v["outcome"] for v in sorted(found["visits"], key=lambda v: v["visit"])] == ["answered", outcome]
    assert [c["outcome"] for c in found["calls"]] == ["answered"]


@pytest.mark.parametrize("sources", ["ami", "cel"])
def test_a_phone_let_go_with_the_caller_is_not_busy_because_another_one_was(
    tmp_path: Path, sources: str
) -> None:
    acts = {"121": (Act("busy"),), "122": (Act("ring"),)}
    story = Story(AT_S, "public", "+37120000001", "60000000", acts, patience_s=17.0, keys=((1.5, "4"),))
    found = played(tmp_path, story, sources)
    (call,), (visit,) = found["calls"], found["visits"]
    assert (call["outcome"], visit["rotation"]) == ("abandoned", "rotated")
    assert {a["employee"]: a["outcome"] for a in found["attempts"]} == {"121": "busy", "122": "abandoned"}


@pytest.mark.parametrize("sources", ["ami", "cel"])
def test_sent_on_within_the_department_is_one_stay(tmp_path: Path, sources: str) -> None:
    sends = Act("answer", after_s=4.0, transfer=Transfer("refer", "132", 8.0))
    story = Story(
        AT_S, "public", "+37120000001", "60000131",
        {"131": (sends,), "132": (Act("answer", after_s=3.0, talk_s=20.0),)},
    )  # fmt: skip
    found = played(tmp_path, story, sources)
    (visit,), (call,) = found["visits"], found["calls"]
    assert (visit["answered_by"], call["transferred"]) == ("131", True)
    assert [a["employee"] for a in sorted(found["attempts"], key=lambda a: a["position"])] == ["131", "132"]
