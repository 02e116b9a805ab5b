"""The columns of a visit: what is measured and stored, and what is judged when it is read."""

from __future__ import annotations

from typing import Final

from callstats.columns import (
    CERTAINTY,
    DAY,
    ENTERED_BY,
    FLAG,
    INT,
    NAMES,
    ROTATIONS,
    SECONDS,
    TEXT,
    UTC_US,
    VISIT_OUTCOMES,
    Field,
    Table,
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
        Field(
            "offered_through",
            TEXT,
            "a queue alone, phones alone (or nothing was offered), or both (or several queues)",
            values=("queue", "phones", "both"),
        ),
        Field("queue", TEXT, "the queue, where one alone offered the call"),
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
        values=("attended_transfer", "neutral", "gave_up_early"),
    ),
    Field("neutral", FLAG, "everyone who could answer was in a neutral state (7.1, 11.8)"),
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
    "third_signal_left_out", "neutral", "in_hours", "external", "phones_offered", "no_phone_available",
    "rotation", "rotation_cause", "rotation_certainty", "rotation_answered", "employees_tried", "period_s",
    "limit_s", "rule_version",
)  # fmt: skip
JUDGED_VISITS: Final = Table(
    "visits",
    "one stay of a call in one department: the grain of department metrics",
    tuple({f.name: f for f in (*VISITS.fields, *JUDGEMENTS)}[name] for name in _JUDGED_NAMES),
)
