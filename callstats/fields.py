"""Every column of every table, once: its type, its unit and what it means.

Schemas, exports, the API's descriptions and the README's tables are built from these declarations, so a
column has one name and one meaning from the PBX's line to the axis of a chart (one glossary, no renaming
between layers). Times are UTC instants with microseconds; a column ending in ``_s`` is seconds as
float64, in ``_us`` whole microseconds.
"""

from __future__ import annotations

from typing import Final

from callstats.columns import (
    ATTEMPT_OUTCOMES,
    CERTAINTY,
    DAY,
    DIRECTIONS,
    ENTERED_BY,
    FLAG,
    INT,
    KEY,
    NAMES,
    NUMBER_CLASSES,
    OUTCOMES,
    ROTATIONS,
    SECONDS,
    SOURCES,
    TEXT,
    UTC_US,
    VISIT_OUTCOMES,
    Field,
    Table,
)
from callstats.visit_fields import JUDGED_VISITS, JUDGEMENTS, VISITS

__all__ = [
    "ATTEMPTS",
    "ATTEMPT_OUTCOMES",
    "CALLS",
    "CERTAINTY",
    "CHANNELS",
    "DAY",
    "DIRECTIONS",
    "DISAGREEMENTS",
    "ENTERED_BY",
    "EVENTS",
    "EXCLUSIONS",
    "FLAG",
    "INT",
    "JUDGED_VISITS",
    "JUDGEMENTS",
    "KEY",
    "LATE",
    "MESSAGES",
    "NAMES",
    "NUMBER_CLASSES",
    "OUTCOMES",
    "QUEUE_STEPS",
    "REJECTS",
    "ROTATIONS",
    "SECONDS",
    "SOURCES",
    "TABLES",
    "TEXT",
    "UTC_US",
    "VISITS",
    "VISIT_OUTCOMES",
    "Field",
    "Table",
]  # fmt: skip

EVENTS: Final = Table(
    "events",
    "one thing that a PBX said",
    (
        Field("pbx", TEXT, "name of the PBX that said it"),
        Field("source", TEXT, "which of the PBX's voices said it", values=SOURCES),
        Field("dialect", TEXT, "format the line was written in"),
        Field("batch", TEXT, "batch (one load of one file) that holds the line"),
        Field("line", INT, "line number in the file, from 1; for AMI the ordinal of the event in the stream"),
        Field(
            "line_key",
            KEY,
            "identity of the line: hash (128 bits) of PBX, dialect, text and n-th occurrence in the file",
        ),
        Field("connection", INT, "number of the AMI connection; null elsewhere"),
        Field("kind", TEXT, "the event's own name: CHAN_START, Newstate, CONNECT, cdr, message"),
        Field("at", UTC_US, "when it happened; for a CDR row the start of the row"),
        Field("resolution_us", INT, "width of the interval that 'at' stands for: 1, 1000 or 1000000", "us"),
        Field("local_date", DAY, "date of 'at' in the municipality's time zone"),
        Field("uniqueid", TEXT, "channel the event is about"),
        Field("linkedid", TEXT, "linkedid of that channel at that moment"),
        Field("channel", TEXT, "name of that channel, client numbers in it replaced by pseudonyms"),
        Field(
            "dest_uniqueid",
            TEXT,
            "the other channel: dialled, picked up, bridged (queue_log CONNECT), transferred",
        ),
        Field("dest_linkedid", TEXT, "linkedid of the other channel"),
        Field("dest_channel", TEXT, "name of the other channel"),
        Field("caller", TEXT, "calling number: extension or own number plain, a client's as pseudonym"),
        Field("caller_class", TEXT, "class of the calling number", values=NUMBER_CLASSES),
        Field("exten", TEXT, "dialled number or extension of the channel, written as 'caller' is"),
        Field("exten_class", TEXT, "class of 'exten'", values=NUMBER_CLASSES),
        Field("context", TEXT, "dialplan context"),
        Field("app", TEXT, "dialplan application (CDR: lastapp)"),
        Field("app_data", TEXT, "its arguments, client numbers replaced by pseudonyms"),
        Field("queue", TEXT, "queue"),
        Field(
            "member", TEXT, "queue member: extension where the line tells it, else a pseudonym of the name"
        ),
        Field("state", INT, "channel state: 4 ring, 5 ringing, 6 up; AMI only"),
        Field("status", TEXT, "DialStatus, CDR disposition, transfer result, device or contact status"),
        Field("cause", INT, "hangup cause (Q.850)"),
        Field("hangup_source", TEXT, "name of the channel that hung up; CEL only"),
        Field("bridge", TEXT, "bridge id"),
        Field(
            "target_exten", TEXT, "where a transfer or a phone's 302 sends the call, written as 'caller' is"
        ),
        Field("target_class", TEXT, "class of 'target_exten'", values=NUMBER_CLASSES),
        Field("answered_at", UTC_US, "CDR: answer time of the row"),
        Field("ended_at", UTC_US, "CDR: end time of the row"),
        Field("duration_us", INT, "CDR: duration", "us"),
        Field("billsec_us", INT, "CDR: billsec", "us"),
        Field("sequence", INT, "CDR: sequence"),
        Field("ring_us", INT, "ring time as the source tells it (queue_log, Agent events)", "us"),
        Field("hold_us", INT, "time in the queue as the source tells it", "us"),
        Field("talk_us", INT, "talk time as the source tells it", "us"),
        Field("position", INT, "position in the queue"),
        Field("mailbox", TEXT, "mailbox, box@context"),
        Field("msg_id", TEXT, "identity of the voice message"),
        Field("message_us", INT, "length of the voice message", "us"),
        Field("new_messages", INT, "MessageWaiting: new messages in the mailbox after the event"),
        Field(
            "withheld",
            FLAG,
            "this line shows that the caller withheld the number; null where it cannot show it",
        ),
        Field("reason", TEXT, "pause reason; who ended a queue call"),
    ),
)

REJECTS: Final = Table(
    "rejects",
    "one line that could not become an event",
    (
        Field("batch", TEXT, "batch that holds the line"),
        Field("path", TEXT, "file, as it was given to load"),
        Field("line", INT, "line number in the file, from 1"),
        Field("dialect", TEXT, "format the file was read as"),
        Field("reason", TEXT, "what is wrong with the line"),
        Field("text", TEXT, "the line itself, numbers and names masked, cut at 2000 characters"),
        Field("line_key", TEXT, "identity of the line, as of an event, in hex: tells copies in other files"),
    ),
)

CALLS: Final = Table(
    "calls",
    "everything under one conversation as the client sees it",
    (
        Field("call_id", TEXT, "PBX name, colon, earliest linkedid"),
        Field("pbx", TEXT, "name of the PBX"),
        Field("started_at", UTC_US, "the caller's channel came up"),
        Field("ended_at", UTC_US, "the caller's channel ended; null while unknown"),
        Field("local_date", DAY, "local date of the earliest linkedid's epoch: the day the call belongs to"),
        Field("direction", TEXT, "seen from the municipality", values=DIRECTIONS),
        Field("caller", TEXT, "who called: extension, a client's pseudonym, or anonymous"),
        Field("caller_class", TEXT, "class of the caller's number", values=NUMBER_CLASSES),
        Field("dialled", TEXT, "what the caller dialled first; a client's number as pseudonym"),
        Field("dialled_class", TEXT, "class of the dialled number", values=NUMBER_CLASSES),
        Field("outcome", TEXT, "how it ended for the caller", values=OUTCOMES),
        Field("outcome_certainty", TEXT, "certainty of 'outcome'", values=CERTAINTY),
        Field("answered_at", UTC_US, "a person answered at a phone; null where nobody did"),
        Field("answered_by", TEXT, "extension that answered; for an outbound call the client's pseudonym"),
        Field(
            "ring_s", SECONDS, "time in which at least one phone alerted, up to the answer or the end", "s"
        ),
        Field("wait_s", SECONDS, "from the start of the call to the answer, menu and music included", "s"),
        Field("talk_s", SECONDS, "from the answer to the end", "s"),
        Field("departments", NAMES, "departments visited, in order"),
        Field("transferred", FLAG, "the call was transferred after an answer"),
        Field("sources", NAMES, "sources that saw the call"),
        Field("aliases", NAMES, "other linkedids that were merged into this call"),
    ),
)

ATTEMPTS: Final = Table(
    "attempts",
    "one employee's phone alerted, or tried and not reached, in a visit",
    (
        Field("call_id", TEXT, "the call"),
        Field("visit", INT, "the visit"),
        Field("position", INT, "order of the attempts in the visit, from 1"),
        Field("employee", TEXT, "extension of the phone"),
        Field("department", TEXT, "department of the visit"),
        Field("local_date", DAY, "day the call belongs to"),
        Field("tried_at", UTC_US, "the PBX began to offer the call to the phone"),
        Field(
            "ring_at",
            UTC_US,
            "the phone began to alert (180, else 183); null where it did not or nobody can tell",
        ),
        Field("ended_at", UTC_US, "it stopped alerting: answered, refused, cancelled"),
        Field("outcome", TEXT, "how the attempt ended", values=ATTEMPT_OUTCOMES),
        Field("ring_s", SECONDS, "best value of how long it alerted", "s"),
        Field("certainty", TEXT, "certainty of 'outcome'", values=CERTAINTY),
        Field("source", TEXT, "best source that saw the attempt", values=SOURCES),
    ),
)

MESSAGES: Final = Table(
    "messages",
    "one voice message left in a mailbox",
    (
        Field("call_id", TEXT, "the call that left it; null where no call is known"),
        Field("mailbox", TEXT, "mailbox, box@context"),
        Field("msg_id", TEXT, "identity of the message in the spool; null where only call data is there"),
        Field("left_at", UTC_US, "when it was left"),
        Field("local_date", DAY, "local date of 'left_at'"),
        Field("caller", TEXT, "pseudonym of the client, an extension, or anonymous"),
        Field("duration_s", SECONDS, "length of the recording", "s"),
        Field("empty", FLAG, "shorter than 3 s: nothing was said, and the call counts as abandoned"),
        Field("callable", FLAG, "the client can be called back: a number is known and not withheld"),
        Field("hotline", FLAG, "left in a mailbox of the free hotline (clause 17)"),
        Field("certainty", TEXT, "certainty that this is a message of this length", values=CERTAINTY),
    ),
)

DISAGREEMENTS: Final = Table(
    "disagreements",
    "two sources state one fact and differ by more than their resolution",
    (
        Field("call_id", TEXT, "the call"),
        Field("local_date", DAY, "day the call belongs to"),
        Field("uniqueid", TEXT, "the channel"),
        Field("fact", TEXT, "which fact: answered_at, ended_at, answered_by"),
        Field("taken_source", TEXT, "source whose value was taken", values=SOURCES),
        Field("taken", TEXT, "the value taken"),
        Field("other_source", TEXT, "source that differs", values=SOURCES),
        Field("other", TEXT, "its value"),
        Field("difference_s", SECONDS, "how far they differ; null for what is no time", "s"),
    ),
)

CHANNELS: Final = Table(
    "channels",
    "one PBX channel of a call: which lines belong to the call",
    (
        Field("call_id", TEXT, "the call"),
        Field("uniqueid", TEXT, "PBX name, colon, uniqueid or linkedid that belongs to the call"),
        Field("local_date", DAY, "day the call belongs to"),
    ),
)

QUEUE_STEPS: Final = Table(
    "queue_steps",
    "one thing that a queue said of a member",
    (
        Field("pbx", TEXT, "name of the PBX"),
        Field("queue", TEXT, "the queue; null where it is said of all queues"),
        Field("member", TEXT, "extension where the source tells it, else a pseudonym of the member's name"),
        Field("phone", TEXT, "extension of an offered phone, or the one that the name stands for"),
        Field("local_date", DAY, "date of 'said_at'; of an offer, the day the call belongs to"),
        Field("said_at", UTC_US, "when"),
        Field(
            "step",
            TEXT,
            "what",
            values=("paused", "unpaused", "added", "removed", "offered", "named"),
        ),
        Field("reason", TEXT, "reason of a pause, as it was given"),
        Field("source", TEXT, "source that said it", values=SOURCES),
        Field("batch", TEXT, "batch that holds the line; null where it follows from several"),
        Field("line", INT, "line number"),
    ),
)

# What people say (SQL side): who was in a neutral state when. Read as one snapshot, beside the facts.
EXCLUSIONS: Final = Table(
    "exclusions",
    "one entered interval in a neutral state that is in force",
    (
        Field("id", INT, "number of the entry"),
        Field("department", TEXT, "department whose phones are meant; null where it is one phone"),
        Field("phone", TEXT, "extension of the phone; null where it is a department"),
        Field("state", TEXT, "neutral state"),
        Field("from_at", UTC_US, "from this instant"),
        Field("to_at", UTC_US, "to before this instant"),
    ),
)

LATE: Final = Table(
    "late",
    "a line for a day that was sealed by retention before the line came",
    (
        Field("batch", TEXT, "batch that holds the line"),
        Field("line", INT, "line number"),
        Field("local_date", DAY, "the sealed day"),
        Field("line_key", TEXT, "identity of the line"),
    ),
)

TABLES: Final = {
    t.name: t
    for t in (
        EVENTS,
        REJECTS,
        CALLS,
        VISITS,
        ATTEMPTS,
        MESSAGES,
        DISAGREEMENTS,
        CHANNELS,
        QUEUE_STEPS,
        LATE,
    )
}
