"""A PBX that stops under its calls and a feed with holes: what is not known is not claimed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.accuracy import truth
from tests.accuracy.__main__ import config_of
from tests.accuracy.score import Rules, score
from tests.accuracy.sources import SourceSet, stored_as, tables
from tests.shared import RECORDINGS, needs_shared
from tests.stories.told import SAMPLE, made, settings, story

BROKEN = RECORDINGS / "c"


def with_hole(raw: bytes, start: float, end: float) -> bytes:
    """The stream of a recorder that was away from `start` to `end` (epoch s): two connections."""
    banner, rest = raw.split(b"\r\n", 1)
    before, after = [], []
    for block in filter(None, rest.split(b"\r\n\r\n")):
        stamp = block.partition(b"Timestamp: ")[2].partition(b"\r\n")[0]
        if not stamp or float(stamp) < start:
            before.append(block)
        elif float(stamp) > end:
            after.append(block)
    login = b"Response: Success\r\nMessage: Authentication accepted"
    ends = (b"\r\n\r\n".join([*part, b""]) for part in (before, [login, *after]))
    return b"".join(banner + b"\r\n" + part for part in ends)


@pytest.mark.parametrize(("start", "end"), [(60.0, 105.0), (150.0, 200.0), (330.0, 340.0)])
def test_gap_of_the_feed_costs_certainty_and_never_truth(tmp_path: Path, start: float, end: float) -> None:
    told = truth.load(SAMPLE, SAMPLE / "callstats.toml")
    t0 = told.calls[0].started_at
    (tmp_path / "ami.raw").write_bytes(with_hole((SAMPLE / "ami.raw").read_bytes(), t0 + start, t0 + end))
    cut = tables(tmp_path, SourceSet(("ami.raw",), 0.1), settings())
    rules = Rules(0.1, stored_as(settings()), gaps=((t0 + start, t0 + end),))
    found = score(told.calls, cut, rules)
    assert [f for f in found if f.certain_wrong] == []
    assert [f for f in found if f.status != "right" and not f.group] == []
    assert any(f.group == "gap" and f.certainty not in (None, "certain") for f in found)


@needs_shared
def test_call_that_a_restart_cut_is_unanswered_and_not_given_up() -> None:
    call = story("seq_two_no_answer", sources="all", folder=BROKEN)
    assert (call["outcome"], call["answered_by"]) == ("unanswered", None)


@needs_shared
@pytest.mark.parametrize("sources", ["cel+queue_log", "all"])
def test_call_under_a_crash_is_known_without_cdr(sources: str) -> None:
    call = story("queue_declined_then_other", sources=sources, folder=BROKEN)
    assert (call["outcome"], call["answered_by"]) == ("answered", "201")


@needs_shared
def test_calls_after_a_crash_are_calls_of_their_own() -> None:
    config = config_of(BROKEN)
    crash = next(t for what, t in truth.stops(_actions()) if what == "crash")
    later = [c for c in truth.load(BROKEN, config).calls if c.started_at > crash]
    rows = [r for r in _rows("all") if r["started_at"].timestamp() > crash]
    assert len(rows) == len(later)


def _actions() -> list[dict[str, Any]]:
    told: dict[str, list[dict[str, Any]]] = json.loads((BROKEN / "truth.json").read_text(encoding="utf-8"))
    return told["ami_actions"]


def _rows(sources: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = made(BROKEN, sources)["calls"].to_pylist()
    return rows
