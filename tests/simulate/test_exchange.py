"""The simulated PBX by itself: the same seed, a lazy plan, what cannot be played, and times without a PBX."""

from __future__ import annotations

import csv
import gc
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from callstats.simulate.ami import Ami
from callstats.simulate.cdr_files import CdrCsv, CdrCustom
from callstats.simulate.cel import CelCsv
from callstats.simulate.channel import Call, Channel
from callstats.simulate.exchange import PlanError, run
from callstats.simulate.queue_log import QueueLog
from callstats.simulate.spool import Spool
from callstats.simulate.story import Act, FeedBreak, Pickup, QueueAction, Story
from callstats.simulate.trace import Sink
from callstats.simulate.truth import Truth
from tests.simulate import beside
from tests.simulate.lab_plant import lab_plant

START = 1_790_000_000.0
PLANT = lab_plant()
ANSWER = (Act("answer", 3.0, talk_s=20.0),)


def story(at_s: float = 0.0, dialled: str = "67012801", **more: Any) -> Story:
    phones = more.pop("phones", {"801": ANSWER, "201": ANSWER, "202": ANSWER, "203": ANSWER})
    return Story(START + at_s, "public", "+37120000001", dialled, phones=phones, **more)


def written(plan: Any, seed: int = 1, breaks: tuple[FeedBreak, ...] = ()) -> dict[str, str]:
    """What each writer made of a plan."""
    texts = {name: io.StringIO() for name in ("cdr_csv", "cdr_custom", "cel", "queue_log", "truth")}
    ami = io.BytesIO()
    sinks: list[Sink] = [
        CdrCsv(texts["cdr_csv"]), CdrCustom(texts["cdr_custom"]), CelCsv(texts["cel"]),
        QueueLog(texts["queue_log"]), Truth(texts["truth"], PLANT), Ami(ami, PLANT),
    ]  # fmt: skip
    run(PLANT, plan, sinks, seed=seed, breaks=breaks)
    return {name: text.getvalue() for name, text in texts.items()} | {"ami": ami.getvalue().decode()}


def many(count: int) -> Iterator[Story]:
    numbers = ("67012801", "67012210", "67012200", "67012700", "80000000")
    for n in range(count):
        yield story(2.5 * n, numbers[n % 5], patience_s=40.0 + n % 7)


def test_the_same_seed_gives_the_same_bytes() -> None:
    assert written(many(60)) == written(many(60))


def test_another_seed_gives_other_latencies_and_the_same_stories() -> None:
    one, two = written(many(60)), written(many(60), seed=2)
    assert one["cel"] != two["cel"]
    assert one["cdr_csv"].count("\n") == two["cdr_csv"].count("\n")


def test_what_is_listened_to_changes_nothing(tmp_path: Path) -> None:
    alone = io.StringIO()
    run(PLANT, many(60), [CdrCsv(alone)], seed=1)
    run(PLANT, many(60), [Spool(tmp_path)], seed=1)
    assert alone.getvalue() == written(many(60))["cdr_csv"]
    # 12 callers reach the hotline; each leaves a message, of whatever length
    assert len(list(tmp_path.rglob("msg*.txt"))) == 12


def test_a_plan_is_consumed_as_it_is_played() -> None:
    asked: list[int] = []
    over: list[int] = []

    class Watch(Sink):
        def finished(self, call: Call) -> None:
            over.append(call.number)
            ahead.append(len(asked) - len(over))

    ahead: list[int] = []

    def plan() -> Iterator[Story]:
        for number, one in enumerate(many(3000)):
            asked.append(number)
            yield one

    done = run(PLANT, plan(), [Watch()], seed=1)
    assert done.calls == len(over) == 3000
    # 2.5 s between calls of at most some 90 s
    assert done.most_live <= 40
    assert max(ahead) <= done.most_live + 1


def test_what_is_over_is_let_go_at_once() -> None:
    """No circle keeps a call or a channel: memory does not wait for the collector."""
    gc.collect()
    gc.disable()
    try:
        most = 0

        class Count(Sink):
            def finished(self, call: Call) -> None:
                nonlocal most
                if call.number % 100 == 0:
                    most = max(most, sum(isinstance(o, Call) for o in gc.get_objects()))

        done = run(PLANT, many(500), [CdrCsv(io.StringIO()), Count()], seed=1)
        left = sum(isinstance(o, Call | Channel) for o in gc.get_objects())
    finally:
        gc.enable()
    assert 0 < most <= 2 * done.most_live
    assert left == 0


def test_a_plan_that_goes_back_in_time_is_refused() -> None:
    with pytest.raises(PlanError, match="back in time"):
        run(PLANT, [story(5), story(4)], [], seed=1)


def test_a_call_that_nobody_ends_is_refused() -> None:
    with pytest.raises(PlanError, match="never ends"):
        run(PLANT, [story(phones={"801": (Act("answer", 3.0),)})], [], seed=1)


def truths(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_a_busy_member_is_skipped_and_the_next_caller_waits() -> None:
    long = (Act("answer", 2.0, talk_s=60.0),)
    plan = [story(n, "67012400", phones={"401": long, "402": long}, patience_s=20.0) for n in range(3)]
    out = written(plan)
    by = sorted((c["answered_by"] or "", c["outcome"], len(c["legs"])) for c in truths(out["truth"]))
    assert by == [("", "abandoned", 0), ("401", "answered", 1), ("402", "answered", 1)]
    assert out["queue_log"].count("ENTERQUEUE") == 3
    assert out["queue_log"].count("|ABANDON|") == 1


def test_rrmemory_goes_round_and_linear_begins_at_the_first() -> None:
    quick = (Act("answer", 1.0, talk_s=2.0),)
    three, two = dict.fromkeys(("301", "302", "303"), quick), dict.fromkeys(("401", "402"), quick)
    plan = [s for n in range(4) for s in (story(20 * n, "67012300", phones=three),
                                          story(20 * n + 9, "67012400", phones=two))]  # fmt: skip
    told = [(c["dialled"], c["answered_by"]) for c in truths(written(plan)["truth"])]
    assert [by for dialled, by in told if dialled == "67012300"] == ["301", "302", "303", "301"]
    assert [by for dialled, by in told if dialled == "67012400"] == ["401"] * 4


def test_a_paused_member_is_not_rung() -> None:
    pause = QueueAction(START, "pause", "q-finance", "PJSIP/401", reason="pusdienas")
    quick = (Act("answer", 1.0, talk_s=2.0),)
    out = written([pause, story(1, "67012400", phones={"401": quick, "402": quick})])
    assert truths(out["truth"])[0]["answered_by"] == "402"
    assert "|NONE|q-finance|Inese Vītola|PAUSE|pusdienas" in out["queue_log"]
    assert "PausedReason: pusdienas" in out["ami"]


def test_a_pick_up_of_nothing_is_a_call_of_its_own_that_the_pbx_ends() -> None:
    late = Pickup("303", "801", after_s=10.0, talk_s=5.0)
    told = truths(written([story(pickup=late)])["truth"])
    assert [(c["dialled"], c["outcome"]) for c in told] == [("*8", "lost"), ("67012801", "answered")]


def test_a_gap_hides_events_from_ami_only() -> None:
    gap = FeedBreak(START + 1, START + 10, "gap")
    out, whole = written([story()], breaks=(gap,)), written([story()])
    assert {k: v for k, v in out.items() if k != "ami"} == {k: v for k, v in whole.items() if k != "ami"}
    assert out["ami"].count("Asterisk Call Manager/") == 2
    assert "Newchannel" in out["ami"]
    assert "BridgeEnter" not in out["ami"]
    assert "BridgeLeave" in out["ami"]


def test_a_stop_writes_the_rows_of_running_calls() -> None:
    stop = FeedBreak(START + 10, START + 16, "stop")
    out = written([story(), story(12), story(20)], breaks=(stop,))
    rows = list(csv.reader(out["cdr_custom"].splitlines()))
    assert [(r[13], r[18]) for r in rows] == [("ANSWERED", "0"), ("ANSWERED", "0")]
    assert out["queue_log"].count("QUEUESTART") == 2
    assert out["ami"].count("Shutdown: Cleanly") == 1
    # the call at 12 s met no PBX, and nobody there knows of it
    assert [c["t_start"] - START for c in truths(out["truth"])] == [0.0, 20.0]
    assert truths(out["truth"])[0]["caller_side"]["bye_by"] == "pbx"


def test_a_crash_leaves_no_row_and_cel_without_an_end() -> None:
    crash = FeedBreak(START + 10, START + 16, "crash")
    out = written([story(), story(20)], breaks=(crash,))
    assert out["cdr_csv"].count("\n") == 1
    assert out["cel"].count('"CHAN_START"') == 4
    assert out["cel"].count('"LINKEDID_END"') == 1
    assert "Shutdown" not in out["ami"]
    assert len(truths(out["truth"])) == 2


def test_sinks_of_a_plant_with_a_system_name_use_it() -> None:
    named = replace(PLANT, systemname="pbx1-")
    text, ami = io.StringIO(), io.BytesIO()
    run(named, [story()], [CdrCsv(text, new_columns=True), Ami(ami, named)], seed=1)
    fields = text.getvalue().strip().split(",")
    assert fields[-2] == f'"pbx1-{int(START)}.0"'
    assert b"SystemName: pbx1\r\n" in ami.getvalue()


def test_rows_are_shown_beside_those_of_the_recording(capsys: pytest.CaptureFixture[str]) -> None:
    assert beside.main(["pickup"]) == 0
    said = capsys.readouterr().out
    assert "=== pickup (+37128118062 dials 67012301)" in said
    assert said.count("Asterisk ") > 20
    assert beside.main(["no_such_story"]) == 2
