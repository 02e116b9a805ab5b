"""The lines that a call came from, and which of them stand behind a fact: every figure can be walked back.

A fact is looked for where the assembling texts took it from: by channel, by event kind, by instant.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import pyarrow as pa

from callstats.assemble import hear
from callstats.cases import catalog
from callstats.engine import opened
from callstats.fields import EVENTS
from callstats.pseudonyms import PSEUDONYM
from callstats.snapshot import Snapshot

_SOURCE_ORDER: Final = (
    "CASE h.source WHEN 'ami' THEN 1 WHEN 'cel' THEN 2 WHEN 'queue_log' THEN 3 WHEN 'cdr' THEN 4 ELSE 5 END"
)
# A line belongs to a call by a channel that it names; a voice message by its identity in the spool.
LINES_OF_A_CALL: Final = f"""
SELECT h.source, h.kind, h.batch, h.line, h.at_us, h.uid, h.duid, h.channel, h.dest_channel,
    h.app, h.app_data, h.queue, h.member, h.state, h.status, h.target_exten
FROM heard h
WHERE h.uid IN (SELECT uniqueid FROM ids) OR h.duid IN (SELECT uniqueid FROM ids)
    OR (h.source = 'voicemail' AND h.msg_id IN (SELECT msg_id FROM left_messages))
ORDER BY h.at_us ASC NULLS LAST, {_SOURCE_ORDER} ASC NULLS LAST, h.batch ASC NULLS LAST, h.line ASC NULLS LAST
"""
_ENDPOINT: Final = re.compile(r"(?:Local/([^@;]*)|[A-Za-z0-9]+/(.*)-[0-9a-f]+$)")
TOUCH: Final = timedelta(milliseconds=5)  # AMI and CEL are that far apart
OFFERED: Final = ("DialBegin", "AgentCalled", "Newchannel", "CHAN_START", "cdr")
MENU_APPS: Final = ("BackGround", "Background", "WaitExten", "Read")
VOICEMAIL_APPS: Final = ("VoiceMail", "Voicemail", "VoiceMailMain")


@dataclass(frozen=True, order=True)
class Line:
    """Where a thing was said: `path` as given to load; `line` from 1, for AMI the event's ordinal."""

    path: str
    line: int
    source: str
    kind: str
    at: datetime


@dataclass(frozen=True)
class Said:
    """One event of the call: the columns of `EVENTS` that tell what it is about; ids are `pbx:uniqueid`."""

    where: Line
    uid: str | None
    dest_uid: str | None
    channel: str | None
    dest_channel: str | None
    app: str | None
    app_data: str | None
    queue: str | None
    member: str | None
    state: int | None
    status: str | None
    target: str | None

    @property
    def source(self) -> str:
        """Which of the PBX's voices said it."""
        return self.where.source

    @property
    def kind(self) -> str:
        """The event's own name."""
        return self.where.kind

    @property
    def at(self) -> datetime:
        """When (UTC); of a CDR row its start."""
        return self.where.at

    def names(self, channel: str | None) -> bool:
        """Whether the line is about this channel, or about what somebody else did to it."""
        return channel is not None and channel in (self.channel, self.dest_channel)


def endpoint(channel: str | None) -> str | None:
    """Phone, trunk or Local extension that a channel's name stands for; None where it has another form."""
    found = _ENDPOINT.match(channel or "")
    return (found[1] or found[2]) if found else None


def read(
    store: Snapshot, ids: Sequence[str], messages: Sequence[str], first: date, last: date
) -> tuple[Said, ...]:
    """The events that name one of `ids` (`pbx:uniqueid`) or a message, in order of time.

    They are looked for from day `first` to day `last`, both included. Empty where they were purged.
    """
    with opened() as session:
        session.table("events", store.event_files(first, last), EVENTS.schema)
        session.table("ids", pa.table({"uniqueid": pa.array(ids, pa.string())}))
        session.table("left_messages", pa.table({"msg_id": pa.array(messages, pa.string())}))
        hear(session, kept=False)
        rows = session.query(LINES_OF_A_CALL).to_pylist()
    with store.database.read() as connection:
        paths = {one.id: one.path for one in catalog.all_batches(connection)}
    return tuple(_said(row, paths) for row in rows)


def _said(row: dict[str, Any], paths: dict[str, str]) -> Said:
    at = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=row["at_us"])
    where = Line(paths.get(row["batch"], row["batch"]), row["line"], row["source"], row["kind"], at)
    return Said(
        where, row["uid"], row["duid"], row["channel"], row["dest_channel"], row["app"], row["app_data"],
        row["queue"], row["member"], row["state"], row["status"], row["target_exten"],
    )  # fmt: skip


def lines(said: Iterable[Said]) -> tuple[Line, ...]:
    """Where these were said, each place once, in order of path and line."""
    return tuple(sorted({one.where for one in said}))


def near(at: datetime | None, seconds: float) -> Callable[[Said], bool]:
    """A test for lines at most so many seconds from an instant; whole-second sources get one second more."""

    def test(one: Said) -> bool:
        if at is None:
            return False
        slack = seconds if one.source in ("ami", "cel") else seconds + 1
        return abs((one.at - at).total_seconds()) <= slack

    return test


def channel_of(said: Sequence[Said], employee: str, tried_at: datetime) -> str | None:
    """Name of the channel that was made to offer the call to a phone at an instant; None where none was made.

    A phone may be offered the same call several times; each time has a channel of its own.
    """
    offered: dict[str, float] = {}
    for one in said:
        if one.kind not in OFFERED:
            continue
        name = one.channel if one.kind in ("Newchannel", "CHAN_START") else one.dest_channel
        if name is not None and not name.startswith("Local/") and endpoint(name) == employee:
            distance = abs((one.at - tried_at).total_seconds())
            offered[name] = min(distance, offered.get(name, distance))
    nearest = min(offered, key=lambda name: offered[name], default=None)
    return nearest if nearest is not None and offered[nearest] <= 3 else None


def of_start(said: Sequence[Said], caller_uid: str) -> tuple[Line, ...]:
    """Lines in which the caller's channel came up."""
    own = [one for one in said if one.uid == caller_uid]
    found = [one for one in own if one.kind in ("Newchannel", "CHAN_START", "ENTERQUEUE")]
    rows = [one for one in own if one.source == "cdr"]
    began = min((one.at for one in rows), default=None)
    return lines([*found, *(one for one in rows if one.at == began)] or own[:1] or said[:1])


def of_end(said: Sequence[Said], caller_uid: str) -> tuple[Line, ...]:
    """Lines in which the caller's channel ended; CDR rows are written at that moment."""
    own = [one for one in said if one.uid == caller_uid]
    last = [one for one in own if one.kind in ("Hangup", "HANGUP", "HangupRequest", "cdr")]
    queue = [one for one in own if one.kind in ("ABANDON", "EXITWITHTIMEOUT", "EXITEMPTY", "EXITWITHKEY")]
    return lines([*last, *queue, *(one for one in own if one.kind in ("COMPLETECALLER", "COMPLETEAGENT"))])


def of_attempt(said: Sequence[Said], attempt: dict[str, Any]) -> tuple[Line, ...]:
    """Lines behind one attempt: offered, alerted, and what became of it.

    A phone that got no channel is named only by the dialplan's own words (FACTS CDR 8).
    """
    name = channel_of(said, attempt["employee"], attempt["tried_at"])
    if name is None:
        wanted = re.compile(rf"/{re.escape(attempt['employee'])}(?:[&,@]|$)")
        at = near(attempt["tried_at"], 1)
        return lines(
            one for one in said if one.app == "Dial" and at(one) and wanted.search(one.app_data or "")
        )
    about = [one for one in said if one.names(name)]
    found = [
        one for one in about if one.kind in ("DialBegin", "AgentCalled", "FORWARD", "cdr", "Pickup", "PICKUP")
    ]
    found += [one for one in about if one.kind == "CHAN_START" and one.channel == name]
    found += [one for one in about if one.kind == "Newstate" and one.channel == name and one.state == 5]
    found += [one for one in about if one.kind == "DialState"]
    found += [one for one in about if one.kind == "DialEnd"][:1]  # a queue says it twice (FACTS AMI)
    if attempt["outcome"] == "answered":
        return lines([*found, *_answers(said, name)])
    found += [one for one in about if one.kind in ("Hangup", "HANGUP") and one.channel == name]
    return lines([*found, *_queue_words(said, attempt)])


def _queue_words(said: Sequence[Said], attempt: dict[str, Any]) -> list[Said]:
    """The queue_log's line on a phone that did not answer; one with a name counts only if it is alone."""
    at = near(attempt["ended_at"], 1)
    told = [one for one in said if one.kind in ("RINGNOANSWER", "RINGCANCELED") and at(one)]
    own = [one for one in told if one.member == attempt["employee"]]
    if own or len(told) != 1 or attempt["outcome"] == "answered_elsewhere":
        return own
    return told if PSEUDONYM.fullmatch(told[0].member or "") else []


def of_answer(said: Sequence[Said], employee: str, answered_at: datetime | None) -> tuple[Line, ...]:
    """Lines in which a phone answered, or took a ringing call over."""
    taken = [one for one in said if one.kind in ("Pickup", "PICKUP")]
    takers = {endpoint(name) for one in taken for name in (one.channel, one.dest_channel)}
    if employee in takers:
        return lines(one for one in taken if near(answered_at, 2)(one) or answered_at is None)
    names = {
        name
        for one in said
        for name in (one.channel, one.dest_channel)
        if name is not None and not name.startswith("Local/") and endpoint(name) == employee
    }
    if answered_at is None:
        return lines(one for one in said if one.source == "cdr" and one.dest_channel in names)
    at = near(answered_at, 1)
    told = [one for name in names for one in _answers(said, name) if at(one) or one.source == "cdr"]
    return lines(told)


def _answers(said: Sequence[Said], name: str) -> list[Said]:
    uids = {one.uid for one in said if one.channel == name} | {
        one.dest_uid for one in said if one.dest_channel == name
    }
    return [
        one
        for one in said
        if (one.channel == name and (one.kind == "ANSWER" or (one.kind == "Newstate" and one.state == 6)))
        or (one.dest_channel == name and one.kind == "DialEnd" and one.status == "ANSWER")
        or (one.dest_channel == name and one.kind == "cdr" and one.status == "ANSWERED")
        or (one.kind in ("AgentConnect", "CONNECT") and one.dest_uid is not None and one.dest_uid in uids)
    ]


def of_client_answer(said: Sequence[Said], answered_at: datetime) -> tuple[Line, ...]:
    """Lines in which the client picked up a call from inside."""
    at = near(answered_at, 0.5)
    return lines(
        one
        for one in said
        if (at(one) and (one.kind == "ANSWER" or (one.kind == "Newstate" and one.state == 6)))
        or (at(one) and one.kind == "DialEnd" and one.status == "ANSWER")
        or (one.source == "cdr" and one.status == "ANSWERED")
    )


def of_visit(said: Sequence[Said], visit: dict[str, Any]) -> tuple[Line, ...]:
    """Lines that brought the call into the department: a queue, a Dial, a forward or a transfer."""
    at = near(visit["entered_at"], 0.5)
    kinds = ("QueueCallerJoin", "ENTERQUEUE")
    found = [one for one in said if at(one) and one.kind in kinds]
    for source in ("ami", "cel"):  # the last Dial or Queue before the department was reached
        apps = ("Queue", "Dial", *VOICEMAIL_APPS)
        begun = [one for one in said if one.source == source and one.app in apps and at(one)]
        before = [one for one in begun if one.kind in ("Newexten", "APP_START")]
        last = [one for one in before if one.at <= visit["entered_at"] + TOUCH][-1:] or before[:1]
        found += [one for one in before if last and one.at == last[0].at]  # in each file that has it
    if visit["entered_by"] == "forward":
        moved = near(visit["entered_at"], 2)
        found += [
            one
            for one in said
            if one.kind == "FORWARD" or (one.kind == "DialEnd" and one.target)
            if moved(one)
        ]
    if not found:  # only the CDR tells, or the number alone was entered
        found = [
            one for one in said if at(one) and one.kind in ("DialBegin", "CHAN_START", "Newchannel", "cdr")
        ]
    return lines(found)


def transfers(said: Sequence[Said]) -> list[tuple[datetime, str, str | None, tuple[Line, ...]]]:
    """Transfers that the PBX told of: when, kind, where to; two voices within two seconds tell of one."""
    found: list[tuple[datetime, str, str | None, list[Said]]] = []
    for one in said:
        kind = {"blindtransfer": "blind_transfer", "attendedtransfer": "attended_transfer"}.get(
            one.kind.lower()
        )
        if kind is None or one.status not in (None, "Success"):
            continue
        if found and found[-1][1] == kind and (one.at - found[-1][0]).total_seconds() <= 2:
            at, _, target, told = found[-1]
            found[-1] = (at, kind, target or one.target, [*told, one])
        else:
            found.append((one.at, kind, one.target, [one]))
    return [(at, kind, target, lines(told)) for at, kind, target, told in found]


def first_app(said: Sequence[Said], apps: Sequence[str]) -> tuple[datetime, tuple[Line, ...]] | None:
    """When the call first came into one of these dialplan applications, and who says so; None: never."""
    found = [one for one in said if one.kind in ("Newexten", "APP_START") and one.app in apps]
    if not found:
        return None
    first = found[0].at
    return first, lines(one for one in found if (one.at - first).total_seconds() <= 1)


def queues(said: Sequence[Said]) -> list[tuple[datetime, str, tuple[Line, ...]]]:
    """Queues that the call entered: when, which, and the lines; two voices within two seconds tell of one."""
    found: list[tuple[datetime, str, list[Said]]] = []
    for one in said:
        told = one.kind in ("QueueCallerJoin", "ENTERQUEUE") or (
            one.kind == "APP_START" and one.app == "Queue"
        )
        name = one.queue or ((one.app_data or "").partition(",")[0] if one.app == "Queue" else "")
        if not told or not name:
            continue
        if found and found[-1][1] == name and abs((one.at - found[-1][0]).total_seconds()) <= 2:
            found[-1][2].append(one)
        else:
            found.append((one.at, name, [one]))
    if not found:  # the CDR alone: its rows name the queue, the first one is the entry
        rows = [one for one in said if one.source == "cdr" and one.app == "Queue" and one.app_data]
        for name in dict.fromkeys((one.app_data or "").partition(",")[0] for one in rows):
            own = [one for one in rows if (one.app_data or "").startswith(name)]
            found.append((own[0].at, name, [one for one in own if one.at == own[0].at]))
    # queue_log's whole second comes first; the finer instant is the better one
    return [(_finest(told), name, lines(told)) for _, name, told in found]


def _finest(told: Sequence[Said]) -> datetime:
    return min(told, key=lambda one: (("ami", "cel", "queue_log", "cdr").index(one.source), one.at)).at
