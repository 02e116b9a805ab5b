"""One call as steps in order of time, each with the lines behind it: for `callstats explain` and a page.

Steps hold facts, not sentences: `explain` tells them in a language, a page may hide extensions first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from callstats import evidence, judge, neutral
from callstats.cases import catalog
from callstats.errors import InputError
from callstats.evidence import Line, Said
from callstats.settings import Settings
from callstats.snapshot import Facts, Snapshot, at_one_moment
from callstats.verdicts import left_out

ONE_DAY: Final = timedelta(days=1)
SILENCE_S: Final = 0.5  # a shorter pause between two phones is the PBX's own doing
THIRD_SIGNAL: Final = (
    "department", "within_third_signal", "third_signal_certainty", "ring_s", "ring_min_s", "ring_max_s",
    "ring_source", "rings", "limit_s", "rule_version", "left_out",
)  # fmt: skip
ROTATION: Final = ("rotation", "rotation_cause", "rotation_certainty", "employees_tried")
Row = dict[str, Any]


@dataclass(frozen=True)
class Step:
    """One fact: `kind` (a key of `phrases.STEPS`), from `at` to `until` (UTC; None: not known), its `values`.

    Of an answer, `until` is the end of the talk in that department. Values are named as the columns they come
    from; `evidence` are the lines behind the fact.
    """

    kind: str
    at: datetime | None
    values: Mapping[str, Any]
    evidence: tuple[Line, ...] = ()
    until: datetime | None = None
    visit: int | None = None


@dataclass(frozen=True)
class Timeline:
    """A call: its row of `calls`, what happened (`steps`), how each visit is judged, where sources disagree.

    `silent` are sources that saw the call and of which no line is left: purged by retention, which went up to
    `purged_before`.
    """

    call: Mapping[str, Any]
    steps: tuple[Step, ...]
    judgements: tuple[Step, ...]
    disagreements: tuple[Step, ...]
    lines: int
    silent: tuple[str, ...]
    purged_before: date | None = None


def timeline(store: Facts, call_id: str, settings: Settings) -> Timeline:
    """The timeline of a call, found by `call_id`, by a merged id or by any linkedid or uniqueid of it.

    Visits are judged by the rules of `settings`. Raises InputError for an unknown call.
    """
    return at_one_moment(store, lambda facts: _timeline(facts, call_id, settings))


def _timeline(store: Snapshot, call_id: str, settings: Settings) -> Timeline:
    call = _call(store, call_id)
    with store.database.read() as connection:
        purged = catalog.horizon(connection).purged_before
    day, ended = call["local_date"], call["ended_at"] or call["started_at"]
    last = max(ended.astimezone(ZoneInfo(store.timezone)).date(), day) + ONE_DAY
    own = call["call_id"]
    rows = {name: _rows(store, name, day, day, own) for name in ("attempts", "disagreements")}
    visits: list[Row] = judge.scan(store, settings, day, day, own).to_pylist()
    messages = _rows(store, "messages", day - ONE_DAY, last, own)
    ids = pc.unique(_of(store.scan("channels", day, day), call["call_id"])["uniqueid"]).to_pylist()
    spool = [one["msg_id"] for one in messages if one["msg_id"]]
    said = evidence.read(store, ids, spool, day - ONE_DAY, last)
    caller_uid = _caller_uid(said, call["call_id"])
    steps = [
        *_beginning(call, said, caller_uid),
        *_visit_steps(visits, rows["attempts"], said, _voicemail_at(said, messages)),
        *_moves(said),
        *(_message(one, said) for one in messages),
        _ending(call, said, caller_uid),
    ]
    heard = {one.source for one in said}
    not_scored = left_out(store, settings, own, day)
    for visit in visits:
        internal = "internal" if visit["external"] is False else None
        visit["left_out"] = not_scored.get(visit["visit"], internal)
    return Timeline(
        call,
        tuple(sorted(steps, key=_order)),
        tuple(
            step for visit in visits for step in (*_neutral(visit, store, settings), *_judged(visit, steps))
        ),
        tuple(Step("disagreement", None, row) for row in rows["disagreements"]),
        len({one.where for one in said}),
        tuple(source for source in call["sources"] if source not in heard),
        purged,
    )


def _order(step: Step) -> tuple[datetime, int]:
    """By time; at the same instant the cause before what follows, the end last."""
    places = ("called", "menu", "entered", "queued")
    if step.kind == "ended":
        return datetime.max.replace(tzinfo=UTC), 0
    place = places.index(step.kind) if step.kind in places else len(places)
    return step.at or datetime.max.replace(tzinfo=UTC), place


# ---------------------------------------------------------------- finding the call


def _of(table: pa.Table, call_id: str) -> pa.Table:
    return table.filter(pc.equal(table["call_id"], call_id))


def _rows(store: Snapshot, name: str, first: date, last: date, call_id: str) -> list[Row]:
    found: list[Row] = _of(store.scan(name, first, last), call_id).to_pylist()
    keys = [key for key in ("visit", "position", "left_at", "fact") if found and key in found[0]]
    return sorted(found, key=lambda row: [row[key] for key in keys])


def _call(store: Snapshot, wanted: str) -> Row:
    wanted = wanted.strip()
    epoch = re.search(r"(\d{9,10})\.\d+$", wanted)
    first: date | None = None
    last: date | None = None
    if epoch:  # the id tells the day; a merged id may be of a day later than the call's
        day = datetime.fromtimestamp(int(epoch[1]), ZoneInfo(store.timezone)).date()
        first, last = day - 2 * ONE_DAY, day + 2 * ONE_DAY
    ids = store.scan("channels", first, last, ["call_id", "uniqueid"])
    named = [pc.equal(ids[column], wanted) for column in ("uniqueid", "call_id")]
    bare = [pc.ends_with(ids["uniqueid"], pattern=f":{wanted}")] if wanted else []
    mask = named[0]
    for other in (named[1], *bare):
        mask = pc.or_(mask, other)
    found = sorted(set(ids.filter(mask)["call_id"].to_pylist()))
    if len(found) > 1:
        raise InputError(f"call {wanted}: several PBXs have it; name one of {', '.join(found)}")
    calls = store.scan("calls", first, last)
    rows: list[Row] = _of(calls, found[0] if found else wanted).to_pylist()
    if not rows:
        raise InputError(
            f"call {wanted}: not known; `callstats export calls` lists the calls there are, "
            "a call_id looks like pbx:1795402050.4"
        )
    return rows[0]


def _caller_uid(said: Sequence[Said], call_id: str) -> str:
    uids = [one.uid for one in said if one.uid is not None]
    return call_id if call_id in uids or not uids else uids[0]


# ---------------------------------------------------------------- what happened


def _beginning(call: Row, said: Sequence[Said], caller_uid: str) -> Iterator[Step]:
    names = ("caller", "caller_class", "dialled", "dialled_class", "direction")
    yield Step("called", call["started_at"], {n: call[n] for n in names}, evidence.of_start(said, caller_uid))
    asked = [one for one in said if one.kind == "OriginateResponse"]
    if asked:
        yield Step("click_to_call", call["started_at"], {"caller": call["caller"]}, evidence.lines(asked))
    if call["direction"] == "outbound" and call["answered_at"] is not None:
        picked = evidence.of_client_answer(said, call["answered_at"])
        values = {"ring_s": call["ring_s"]}
        yield Step("client_answered", call["answered_at"], values, picked, until=call["ended_at"])
    menu = evidence.first_app(said, evidence.MENU_APPS)
    if menu:
        yield Step("menu", menu[0], {}, menu[1])
    for at, queue, lines in evidence.queues(said):
        yield Step("queued", at, {"queue": queue}, lines)


def _moves(said: Sequence[Said]) -> Iterator[Step]:
    for at, kind, target, lines in evidence.transfers(said):
        yield Step(kind, at, {"target": target}, lines)


def _visit_steps(
    visits: Sequence[Row], attempts: Sequence[Row], said: Sequence[Said], voicemail_at: datetime | None
) -> Iterator[Step]:
    for visit in visits:
        number = visit["visit"]
        values = {name: visit[name] for name in ("department", "entered_by")}
        yield Step("entered", visit["entered_at"], values, evidence.of_visit(said, visit), visit=number)
        own = [one for one in attempts if one["visit"] == number]
        for one in own:
            yield _attempt(one, said)
        for start, end in silences(visit, own, voicemail_at):
            seconds = (end - start).total_seconds()
            yield Step("silence", start, {"seconds": seconds}, (), until=end, visit=number)
        if visit["answered_by"] is not None:
            names = ("answered_by", "ring_s", "ring_min_s", "ring_max_s", "rings", "wait_s", "ring_source")
            kind = "answered" if visit["answered_at"] is not None else "answered_sometime"
            lines = evidence.of_answer(said, visit["answered_by"], visit["answered_at"])
            at = visit["answered_at"] or visit["left_at"]
            values = {name: visit[name] for name in names}
            values["took_over"] = not any(
                one["employee"] == visit["answered_by"] and one["outcome"] == "answered" for one in own
            )
            yield Step(kind, at, values, lines, until=visit["left_at"], visit=number)
        elif visit["no_phone_available"]:
            yield Step("no_phone", visit["entered_at"], {}, (), until=visit["left_at"], visit=number)


def _attempt(one: Row, said: Sequence[Said]) -> Step:
    names = ("employee", "outcome", "ring_s", "certainty", "source")
    rang = "rang" if one["ring_at"] is not None else "not_rung" if one["ring_s"] == 0 else "offered"
    return Step(
        rang,
        one["ring_at"] or one["tried_at"],
        {name: one[name] for name in names},
        evidence.of_attempt(said, one),
        until=one["ended_at"],
        visit=one["visit"],
    )


def _voicemail_at(said: Sequence[Said], messages: Sequence[Row]) -> datetime | None:
    told = evidence.first_app(said, evidence.VOICEMAIL_APPS)
    return told[0] if told else min((one["left_at"] for one in messages), default=None)


def silences(
    visit: Row, attempts: Sequence[Row], voicemail_at: datetime | None = None
) -> list[tuple[datetime, datetime]]:
    """Stretches of a visit in which the caller waited and no phone alerted, as half-open intervals (UTC).

    Waiting ends with an answer or with the voicemail. Empty where no phone was ever offered the call or its
    times are not known.
    """
    ends = (visit["answered_at"] or visit["left_at"], voicemail_at)
    end = min((one for one in ends if one is not None), default=None)
    rang = sorted(
        (one["ring_at"] or one["tried_at"], one["ended_at"])
        for one in attempts
        if one["ended_at"] is not None and (one["ring_at"] is not None or (one["ring_s"] or 0) > 0)
    )
    if end is None or not rang:
        return []
    found, heard = [], visit["entered_at"]
    for start, stop in [*rang, (end, end)]:
        if (min(start, end) - heard).total_seconds() > SILENCE_S:
            found.append((heard, min(start, end)))
        heard = max(heard, stop)
    return found


def _message(one: Row, said: Sequence[Said]) -> Step:
    lines = evidence.lines(
        line
        for line in said
        if (line.source == "voicemail" and line.kind == "message")
        or line.kind == "MessageWaiting"
        or (line.kind in ("Newexten", "APP_START", "cdr") and line.app in evidence.VOICEMAIL_APPS)
    )
    names = ("mailbox", "duration_s", "empty", "callable", "hotline", "certainty")
    return Step("message", one["left_at"], {name: one[name] for name in names}, lines)


def _ending(call: Row, said: Sequence[Said], caller_uid: str) -> Step:
    names = ("outcome", "outcome_certainty", "talk_s", "direction", "answered_by", "wait_s", "ring_s")
    values = {name: call[name] for name in names}
    return Step("ended", call["ended_at"], values, evidence.of_end(said, caller_uid))


# ---------------------------------------------------------------- how it is judged


def _judged(visit: Row, steps: Sequence[Step]) -> Iterator[Step]:
    """The judgements of a visit; behind them stand the lines of its phones and of its answer.

    A neutral state is told by `_neutral`, in the place of the third signal's judgement.
    """
    number, at = visit["visit"], visit["entered_at"]
    own = [one for one in steps if one.visit == number and one.kind != "entered"]
    lines = tuple(sorted({line for one in own for line in one.evidence}))
    if visit["left_out"] != "neutral":
        yield Step(
            "third_signal",
            at,
            {name: visit[name] for name in THIRD_SIGNAL} | {"reason": third_signal_reason(visit)},
            lines,
            visit=number,
        )
    yield Step("rotation", at, {name: visit[name] for name in ROTATION}, lines, visit=number)
    yield Step("counted", at, {name: visit[name] for name in ("in_hours", "external")}, visit=number)


def _neutral(visit: Row, store: Snapshot, settings: Settings) -> Iterator[Step]:
    """Why a visit is not scored: what queues said of pauses, and the numbers of what people entered."""
    if visit["left_out"] != "neutral":
        return
    day = visit["entered_at"].astimezone(settings.zone).date()
    said = judge.steps(store, day, day + ONE_DAY)
    pauses, entries = neutral.behind(visit, said, judge.entered(store, day, day + ONE_DAY), settings)
    with store.database.read() as connection:
        paths = {one.id: one.path for one in catalog.all_batches(connection)}
    lines = (
        Line(paths[row["batch"]], row["line"], row["source"], row["step"], row["said_at"])
        for row in (pause.said for pause in pauses)
        if row["batch"] in paths
    )
    states = dict.fromkeys([*(pause.state for pause in pauses), *(row["state"] for row in entries)])
    entered = [row["id"] for row in entries]
    values = {"department": visit["department"], "states": list(states), "entries": entered}
    yield Step("neutral", visit["entered_at"], values, tuple(sorted(set(lines))), visit=visit["visit"])


def third_signal_reason(visit: Row) -> str:
    """Which bound decided the judgement on the third signal, as a key of `phrases.REASONS`."""
    certainty, within = visit["third_signal_certainty"], visit["within_third_signal"]
    if certainty == "unknown" or within is None:
        return "no_bound"
    if visit["outcome"] != "answered":
        return "not_answered"
    if certainty == "certain":
        return "longest_under" if within else "shortest_over"
    if certainty == "borderline":
        return "straddles"
    return "early_media" if visit["ring_source"] == "ami_183" else "stand_in"
