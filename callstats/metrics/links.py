"""What ties calls to each other: a message or a missed call, and who called whom afterwards.

One row per thing (a callable or not callable message, a missed visit). A call back is looked for within
`HORIZON_DAYS`; "none seen" always means: none seen by the PBX. What is no certain attempt of the responsible
department is kept in its own column, never mixed in.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pyarrow as pa

from callstats import engine
from callstats.engine import Source
from callstats.fields import CALLS, DAY, INT, MESSAGES, SECONDS, TEXT, UTC_US, VISITS, Field, Table
from callstats.metrics.base import only
from callstats.settings import Settings

HORIZON_DAYS: Final = 30
ATTEMPT_RING_S: Final = 10.0
REACHED_TALK_S: Final = 30.0
MAYBE_REACHED_TALK_S: Final = 10.0
NOT_CALLABLE: Final = ("anonymous", "unparsed", "label", "empty")

LINKS: Final = Table(
    "links",
    "one message or missed call, with the first calls that followed it up",
    (
        Field("kind", TEXT, "what is followed up", values=("message", "missed")),
        Field("call_id", TEXT, "call that left the message or was missed"),
        Field("visit", INT, "missed visit; null for a message"),
        Field("mailbox", TEXT, "mailbox of the message; null for a missed call"),
        Field("department", TEXT, "department responsible for calling back"),
        Field("local_date", DAY, "day the message or the missed call belongs to"),
        Field("since_at", UTC_US, "the message was left; the missed visit began"),
        Field("left_out", TEXT, "why it cannot be called back", values=("empty", "not_callable")),
        Field("attempted_at", UTC_US, "first attempt by the responsible or a callback department"),
        Field("attempted_call_id", TEXT, "that call"),
        Field("attempted_certainty", TEXT, "certainty that it was one", values=("certain", "estimated")),
        Field("attempted_working_s", SECONDS, "working time until then", "s"),
        Field("other_attempted_at", UTC_US, "first attempt by somebody else in the municipality: possible"),
        Field("other_attempted_call_id", TEXT, "that call"),
        Field("reached_at", UTC_US, "first call back with 30 s of talk or more"),
        Field("reached_call_id", TEXT, "that call"),
        Field("reached_working_s", SECONDS, "working time until then", "s"),
        Field(
            "maybe_reached_at", UTC_US, "first call back with 10 to 30 s of talk: possible, to be confirmed"
        ),
        Field("again_at", UTC_US, "the client called the department again and was answered"),
        Field("again_call_id", TEXT, "that call"),
        Field("again_certainty", TEXT, "certainty that it was answered", values=("certain", "estimated")),
        Field("rule_version", TEXT, "rules the missed visit was judged by"),
    ),
)

# Calls to clients: when, by which department, whether one was an attempt to reach the client (answered, busy,
# or 10 s of ringing: design section 3), how long they talked. Reads `calls` and `members`.
OUTGOING: Final = """
    SELECT c.dialled AS client, unix_micros(c.started_at) AS us, m.department,
           concat(lpad(CAST(unix_micros(c.started_at) AS STRING), 16, '0'), ' ', c.call_id) AS first_text,
           CASE WHEN c.outcome IN ('answered', 'busy') OR c.ring_s >= :attempt_ring_s
                THEN CASE WHEN c.outcome_certainty = 'certain' THEN 'certain' ELSE 'estimated' END
                WHEN c.ring_s IS NULL
                     AND unix_micros(c.ended_at) - unix_micros(c.started_at) >= :attempt_ring_s * 1000000
                THEN 'estimated' END AS attempt,
           CASE WHEN c.outcome = 'answered' THEN coalesce(c.talk_s, 0) ELSE 0 END AS talk_s
    FROM calls c
    LEFT JOIN members m ON m.kind = 'extension' AND m.value = c.caller
         AND (m.valid_from IS NULL OR m.valid_from <= c.local_date)
         AND (m.valid_to IS NULL OR c.local_date < m.valid_to)
    WHERE c.direction = 'outbound'
"""

# A first call is the smallest text "0001790000000000 call": both engines agree about the minimum of a text.
SQL: Final = (
    """
WITH things AS (
    SELECT 'message' AS kind, m.call_id, CAST(NULL AS BIGINT) AS visit, m.mailbox,
           :hotline_department AS department, m.local_date, unix_micros(m.left_at) AS since_us,
           m.caller AS client,
           CASE WHEN m.empty THEN 'empty'
                WHEN NOT coalesce(m.callable, FALSE) OR m.caller IS NULL THEN 'not_callable' END AS left_out,
           CAST(NULL AS STRING) AS rule_version,
           concat('m ', coalesce(m.mailbox, ''), ' ', coalesce(m.msg_id, ''), ' ',
                  coalesce(m.call_id, ''), ' ', CAST(unix_micros(m.left_at) AS STRING)) AS thing
    FROM messages m
    WHERE m.hotline AND m.left_at IS NOT NULL AND m.local_date >= :start AND m.local_date < :end
        /* only messages */
    UNION ALL
    SELECT 'missed' AS kind, v.call_id, v.visit, CAST(NULL AS STRING) AS mailbox,
           v.department, v.local_date, unix_micros(v.entered_at) AS since_us, c.caller AS client,
           CASE WHEN c.caller IS NULL OR c.caller = ''
                     OR coalesce(c.caller_class, 'empty') IN ('anonymous', 'unparsed', 'label', 'empty')
                THEN 'not_callable' END AS left_out,
           v.rule_version,
           concat('v ', v.call_id, ' ', CAST(v.visit AS STRING)) AS thing
    FROM visits v JOIN calls c ON v.call_id = c.call_id
    /* who called or how it ended not known: perhaps missed, and told as unknown */
    WHERE coalesce(v.external, TRUE) AND coalesce(v.outcome, '') NOT IN ('answered', 'overflowed')
      AND coalesce(c.outcome, '') <> 'answered'
      AND v.local_date >= :start AND v.local_date < :end /* only missed */
),
outgoing AS ("""
    + OUTGOING
    + """),
back AS (
    SELECT t.thing,
           CASE WHEN o.department = t.department
                     OR (t.kind = 'message' AND h.department IS NOT NULL)
                THEN 'responsible' ELSE 'other' END AS by_whom,
           o.first_text, o.attempt, o.talk_s
    FROM things t
    JOIN outgoing o ON o.client = t.client AND o.us >= t.since_us AND o.us < t.since_us + :horizon_us
    LEFT JOIN callback_departments h ON h.department = o.department
    WHERE t.left_out IS NULL AND o.attempt IS NOT NULL
),
firsts AS (
    SELECT thing,
           min(CASE WHEN by_whom = 'responsible' THEN concat(first_text, ' ', attempt) END) AS attempted,
           min(CASE WHEN by_whom = 'other' THEN first_text END) AS other_attempted,
           min(CASE WHEN by_whom = 'responsible' AND talk_s >= :reached_talk_s
                    THEN first_text END) AS reached,
           min(CASE WHEN by_whom = 'responsible' AND talk_s >= :maybe_talk_s AND talk_s < :reached_talk_s
                    THEN first_text END) AS maybe_reached
    FROM back GROUP BY thing
),
again AS (
    SELECT t.thing,
           min(concat(lpad(CAST(unix_micros(v.entered_at) AS STRING), 16, '0'), ' ',
                      CASE WHEN v.outcome_certainty = 'certain' THEN 'c' ELSE 'e' END, v.call_id)) AS again
    FROM things t
    JOIN calls c ON c.caller = t.client AND c.direction = 'inbound'
    JOIN visits v ON v.call_id = c.call_id AND v.department = t.department AND v.outcome = 'answered'
         AND v.call_id <> t.call_id
         AND unix_micros(v.entered_at) >= t.since_us AND unix_micros(v.entered_at) < t.since_us + :horizon_us
    WHERE t.left_out IS NULL
    GROUP BY t.thing
),
found AS (
    SELECT t.*,
           CAST(substr(f.attempted, 1, 16) AS BIGINT) AS attempted_us,
           substr(f.attempted, 18) AS attempted_rest,
           CAST(substr(f.other_attempted, 1, 16) AS BIGINT) AS other_attempted_us,
           substr(f.other_attempted, 18) AS other_attempted_call_id,
           CAST(substr(f.reached, 1, 16) AS BIGINT) AS reached_us,
           substr(f.reached, 18) AS reached_call_id,
           CAST(substr(f.maybe_reached, 1, 16) AS BIGINT) AS maybe_reached_us,
           CAST(substr(a.again, 1, 16) AS BIGINT) AS again_us,
           substr(a.again, 19) AS again_call_id,
           CASE substr(a.again, 18, 1) WHEN 'c' THEN 'certain' WHEN 'e' THEN 'estimated'
                END AS again_certainty
    FROM things t
    LEFT JOIN firsts f ON f.thing = t.thing
    LEFT JOIN again a ON a.thing = t.thing
),
worked AS (
    SELECT f.thing,
           sum(CASE WHEN f.attempted_us > h.opens_us
                    THEN greatest(0, least(f.attempted_us, h.closes_us) - greatest(f.since_us, h.opens_us))
                    ELSE 0 END) AS attempted_us,
           sum(CASE WHEN f.reached_us > h.opens_us
                    THEN greatest(0, least(f.reached_us, h.closes_us) - greatest(f.since_us, h.opens_us))
                    ELSE 0 END) AS reached_us
    FROM found f
    JOIN (SELECT department, unix_micros(opens_at) AS opens_us, unix_micros(closes_at) AS closes_us
          FROM open_hours) h
         ON h.department = f.department AND h.closes_us > f.since_us AND h.opens_us < f.since_us + :horizon_us
    WHERE f.kind = 'message' AND f.attempted_us IS NOT NULL
    GROUP BY f.thing
)
SELECT f.kind, f.call_id, f.visit, f.mailbox, f.department, f.local_date, f.since_us AS since_at, f.left_out,
       f.attempted_us AS attempted_at,
       CASE WHEN f.attempted_rest LIKE '% certain' THEN substr(f.attempted_rest, 1, length(f.attempted_rest) -
       8)
            ELSE substr(f.attempted_rest, 1, length(f.attempted_rest) - 10) END AS attempted_call_id,
       CASE WHEN f.attempted_rest LIKE '% certain' THEN 'certain'
            WHEN f.attempted_rest IS NOT NULL THEN 'estimated' END AS attempted_certainty,
       CASE WHEN f.kind = 'message' AND f.attempted_us IS NOT NULL
            THEN CAST(coalesce(w.attempted_us, 0) AS DOUBLE) / 1000000 END AS attempted_working_s,
       f.other_attempted_us AS other_attempted_at, f.other_attempted_call_id,
       f.reached_us AS reached_at, f.reached_call_id,
       CASE WHEN f.kind = 'message' AND f.reached_us IS NOT NULL
            THEN CAST(coalesce(w.reached_us, 0) AS DOUBLE) / 1000000 END AS reached_working_s,
       f.maybe_reached_us AS maybe_reached_at, f.again_us AS again_at, f.again_call_id,
       f.again_certainty, f.rule_version
FROM found f
LEFT JOIN worked w ON w.thing = f.thing
"""
)

CALLBACK_DEPARTMENTS: Final = pa.schema([("department", pa.string())])
INPUTS: Final = {"calls": CALLS, "visits": VISITS, "messages": MESSAGES}


def callback_departments(settings: Settings) -> pa.Table:
    """Departments whose calls count as calling back about a message: the hotline's and those named."""
    hotline = settings.hotline
    names = dict.fromkeys(name for name in (hotline.department, *hotline.callback_departments) if name)
    return pa.table({"department": list(names)}, schema=CALLBACK_DEPARTMENTS)


def links_query(departments: int = 0) -> str:
    """The text, for all departments or those of as many `department_parameter`."""
    things = SQL.replace("/* only missed */", only("v.department", departments))
    return things.replace("/* only messages */", only(":hotline_department", departments))


def links(
    inputs: Mapping[str, Source], parameters: Mapping[str, engine.Parameter], departments: int = 0
) -> pa.Table:
    """Table `LINKS` of the things in ``[start, end)``.

    Inputs: calls, visits and messages up to `HORIZON_DAYS` after ``end``; members, callback_departments,
    open_hours. Parameters: start, end, hotline_department, and the `department_parameter` of ``departments``.
    """
    values: dict[str, engine.Parameter] = {
        "attempt_ring_s": ATTEMPT_RING_S,
        "reached_talk_s": REACHED_TALK_S,
        "maybe_talk_s": MAYBE_REACHED_TALK_S,
        "horizon_us": HORIZON_DAYS * 86_400_000_000,
    }
    found = engine.run(links_query(departments), inputs, {**parameters, **values})
    return engine.conform(found, LINKS.schema)
