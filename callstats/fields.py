"""Every column of every table, once: its type, its unit and what it means.

Schemas, exports, the API's descriptions and the README's tables are built from these declarations, so a
column has one name and one meaning from the PBX's line to the axis of a chart (one glossary, no renaming
between layers). Times are UTC instants with microseconds; a column ending in ``_s`` is seconds as
float64, in ``_us`` whole microseconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, get_args

import pyarrow as pa

from callstats.numbers import NumberClass

UTC_US: Final = pa.timestamp("us", tz="UTC")
TEXT: Final = pa.string()
INT: Final = pa.int64()
SECONDS: Final = pa.float64()
FLAG: Final = pa.bool_()
DAY: Final = pa.date32()
NAMES: Final = pa.list_(pa.string())


@dataclass(frozen=True)
class Field:
    """One column: name, Arrow type, what it means in one English phrase, unit ("" where it has none), and
    the values of a closed vocabulary.
    """

    name: str
    dtype: pa.DataType
    meaning: str
    unit: str = ""
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """A table: its name, what one row is, and its columns in export order."""

    name: str
    row: str
    fields: tuple[Field, ...]

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema, with each column's unit and meaning as field metadata."""
        return pa.schema(
            [pa.field(f.name, f.dtype, metadata={"unit": f.unit, "meaning": f.meaning}) for f in self.fields]
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Column names in order."""
        return tuple(f.name for f in self.fields)

    def __getitem__(self, name: str) -> Field:
        for field in self.fields:
            if field.name == name:
                return field
        raise KeyError(f"{self.name} has no column {name}")


CERTAINTY: Final = ("certain", "borderline", "estimated", "unknown")
SOURCES: Final = ("ami", "cel", "queue_log", "cdr", "voicemail")
DIRECTIONS: Final = ("inbound", "outbound", "internal")
OUTCOMES: Final = ("answered", "abandoned", "unanswered", "busy", "voicemail", "unavailable", "failed")
VISIT_OUTCOMES: Final = (*OUTCOMES, "overflowed")
ENTERED_BY: Final = ("dialled", "menu", "overflow", "forward", "blind_transfer", "attended_transfer")
ATTEMPT_OUTCOMES: Final = (
    "answered",
    "no_answer",
    "busy",
    "declined",
    "unavailable",
    "forwarded",
    "answered_elsewhere",
    "abandoned",
    "unknown",
)
ROTATIONS: Final = ("not_needed", "rotated", "not_rotated", "no_second_member", "caller_left", "unknown")
NUMBER_CLASSES: Final[tuple[str, ...]] = get_args(NumberClass)

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
            TEXT,
            "identity of the line: hash of PBX, dialect, text and n-th occurrence in the file",
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
        Field("line_key", TEXT, "identity of the line, as of an event: tells copies in other files"),
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

# What is measured of a visit: stored, and the same whatever the municipality's rules say.
VISITS: Final = Table(
    "visits",
    "one stay of a call in one department, as it was measured",
    (
        Field("call_id", TEXT, "the call"),
        Field("visit", INT, "1 for the call's first visit"),
        Field("department", TEXT, "department id"),
        Field("local_date", DAY, "day the call belongs to"),
        Field(
            "entered_at", UTC_US, "the call entered the queue, a phone was tried, or the number was entered"
        ),
        Field("entered_date", DAY, "local date of 'entered_at'"),
        Field("entered_by", TEXT, "how the visit began", values=ENTERED_BY),
        Field("left_at", UTC_US, "the call left the department"),
        Field("first_ring_at", UTC_US, "the first phone of the visit alerted"),
        Field("answered_at", UTC_US, "an employee answered"),
        Field("answered_by", TEXT, "extension that answered"),
        Field(
            "ring_s", SECONDS, "best value of ring time: union of alerting intervals up to the answer", "s"
        ),
        Field("ring_min_s", SECONDS, "lower bound of ring time; null where there is none", "s"),
        Field("ring_max_s", SECONDS, "upper bound of ring time; null where there is none", "s"),
        Field(
            "ring_source",
            TEXT,
            "what ring time was measured from",
            values=("ami", "ami_183", "cel", "queue_log", "cdr", "none"),
        ),
        Field("leg_ring_s", SECONDS, "best value of how long the answering phone alone alerted", "s"),
        Field("leg_ring_min_s", SECONDS, "its lower bound", "s"),
        Field("leg_ring_max_s", SECONDS, "its upper bound", "s"),
        Field("ring_resolution_us", INT, "resolution of the source of ring time: 1 or 1000000", "us"),
        Field("early_media", FLAG, "of a phone only 183 was heard: it may have played an announcement"),
        Field(
            "wait_s",
            SECONDS,
            "from the start of the visit to the answer or its end, gaps and music included",
            "s",
        ),
        Field("talk_s", SECONDS, "from the answer to the end of the visit", "s"),
        Field("outcome", TEXT, "how the visit ended", values=VISIT_OUTCOMES),
        Field("outcome_certainty", TEXT, "certainty of 'outcome'", values=CERTAINTY),
        Field("surely_unanswered", FLAG, "whatever the outcome is, it is certain that nobody answered"),
        Field("in_gap", FLAG, "the only source that tells of phones was not there all the time"),
        Field("external", FLAG, "the caller is outside the municipality"),
        Field("phones_offered", INT, "distinct phones alerted or tried in the visit before the answer"),
        Field("no_phone_available", FLAG, "the call waited for phones (a queue) and none could be offered"),
        Field("first_failed", FLAG, "a first offered phone did not take the call; null where none was tried"),
        Field("first_failed_surely", FLAG, "'first_failed' is certain"),
        Field(
            "first_failure", TEXT, "how it failed", values=("busy", "declined", "unavailable", "no_answer")
        ),
        Field("other_alerted", FLAG, "another phone than one that failed first was alerted"),
        Field("other_alerted_surely", FLAG, "'other_alerted' is certain"),
        Field("other_answered", FLAG, "another phone than one that failed first answered"),
        Field("left_ringing", FLAG, "the caller gave up while a phone alerted"),
        Field("tries_unclear", FLAG, "of a phone it is not known how the attempt ended"),
        Field("tries_certain", FLAG, "how each attempt ended is certain"),
        Field("dial_heard", FLAG, "a source told of the dial or the queue that offered the phones"),
        Field("dial_heard_live", FLAG, "AMI or CEL told of the dial, and the call did not go out again"),
        Field("department_phones", INT, "phones of the department on that day, tried guests included"),
        Field("employees_tried", NAMES, "extensions tried, in order, each once"),
    ),
)

# What is judged of a visit, when it is read, by the rules in force on its day.
JUDGEMENTS: Final = (
    Field("rings", INT, "reference ring signals started before the answer, from 1; null where not answered"),
    Field("period_s", SECONDS, "one reference signal with its pause, by the rule in force", "s"),
    Field("limit_s", SECONDS, "an answer is in time while ring time is under it, by the rule in force", "s"),
    Field(
        "within_third_signal",
        FLAG,
        "answered no later than after the third signal (15.1); null where unknown",
    ),
    Field("third_signal_certainty", TEXT, "certainty of 'within_third_signal'", values=CERTAINTY),
    Field(
        "third_signal_left_out",
        TEXT,
        "why the rule in force leaves the visit out of the third-signal share; null where it does not",
        values=("attended_transfer", "gave_up_early"),
    ),
    Field("in_hours", FLAG, "'entered_at' lies in the department's working time"),
    Field("rotation", TEXT, "rotation class (15.1, a recommendation)", values=ROTATIONS),
    Field("rotation_cause", TEXT, "why rotation was needed: busy, declined, unavailable, no_answer"),
    Field("rotation_certainty", TEXT, "certainty of 'rotation'", values=CERTAINTY),
    Field("rotation_answered", FLAG, "rotated, and answered by another phone than one that failed first"),
    Field("rule_version", TEXT, "version of the third signal's rule that was in force"),
)
_JUDGED_NAMES: Final = (
    "call_id", "visit", "department", "local_date", "entered_at", "entered_by", "left_at", "first_ring_at",
    "answered_at", "answered_by", "ring_s", "ring_min_s", "ring_max_s", "ring_source", "rings", "wait_s",
    "talk_s", "outcome", "outcome_certainty", "within_third_signal", "third_signal_certainty",
    "third_signal_left_out", "in_hours", "external", "phones_offered", "no_phone_available", "rotation",
    "rotation_cause", "rotation_certainty", "rotation_answered", "employees_tried", "period_s", "limit_s",
    "rule_version",
)  # fmt: skip
JUDGED_VISITS: Final = Table(
    "visits",
    "one stay of a call in one department: the grain of department metrics",
    tuple({f.name: f for f in (*VISITS.fields, *JUDGEMENTS)}[name] for name in _JUDGED_NAMES),
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
    t.name: t for t in (EVENTS, REJECTS, CALLS, VISITS, ATTEMPTS, MESSAGES, DISAGREEMENTS, CHANNELS, LATE)
}
