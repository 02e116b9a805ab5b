"""From a message on the information phone to the first attempt to call back, and to a talk (clause 17)."""

from callstats.metrics.base import Measure, Metric, Said, Split

# When it was forwarded is not known to a PBX. Forwarding comes after the message, so an attempt by the end of
# the next working day is in time whenever that was; forwarded in time leaves until the end of the one after.
_MESSAGES = """
WITH due AS (
    SELECT k.*, unix_micros(k.since_at) AS since_us, unix_micros(k.attempted_at) AS attempted_us,
           unix_micros(k.other_attempted_at) AS other_us,
           unix_micros(f.next_working_day_ends_at) AS surely_due_us,
           unix_micros(c.next_working_day_ends_at) AS at_last_due_us
    FROM links k
    LEFT JOIN due_days f ON f.department = k.department AND f.day = k.local_date
    LEFT JOIN due_days c ON c.department = k.department AND c.day = f.next_working_day
    WHERE k.kind = 'message'
),
told AS (
    SELECT due.*,
           CASE WHEN left_out IS NOT NULL THEN NULL
                WHEN at_last_due_us IS NULL THEN 'depends'
                WHEN attempted_us < surely_due_us THEN 'in_time'
                WHEN attempted_us < at_last_due_us THEN 'depends'
                WHEN other_us < at_last_due_us THEN 'other_department'
                WHEN attempted_us IS NOT NULL THEN 'later'
                WHEN :data_end_us < at_last_due_us THEN 'not_due'
                ELSE 'none_seen' END AS contact
    FROM due
)
SELECT 'contact_in_time' AS measure,
       department, local_date, since_at AS at, contact AS split,
       coalesce(left_out, CASE WHEN contact = 'not_due' THEN 'not_due' END) AS reason,
       contact = 'in_time' AS hit, CAST(NULL AS BIGINT) AS value_us,
       CASE WHEN contact = 'in_time' THEN attempted_certainty
            WHEN contact IN ('depends', 'other_department') THEN 'unknown'
            ELSE 'estimated' END AS certainty, rule_version
FROM told
"""
_ROWS = """
SELECT '{name}' AS measure,
       department, local_date, since_at AS at, contact AS split,
       left_out AS reason, FALSE AS hit,
       {value} AS value_us, {certainty} AS certainty, rule_version
FROM told
"""
_ATTEMPTED = "CASE WHEN attempted_at IS NOT NULL THEN attempted_certainty ELSE 'estimated' END"
_REACHED = "'estimated'"  # the client's voicemail may have answered: no record of the PBX can exclude it


def _elapsed(column: str) -> str:
    return f"unix_micros({column}) - unix_micros(since_at)"


def _working(column: str) -> str:
    return f"CAST(round({column} * 1000000, 0) AS BIGINT)"


METRIC = Metric(
    module=__name__,
    title=Said("Laiks līdz saziņai ar klientu", "Time to contact with the client"),
    meaning=Said(
        "Cik ilgs laiks pagāja no klienta atstātās ziņas līdz pirmajam mēģinājumam atzvanīt un līdz "
        "sarunai. Redzami ir tikai zvani caur telefonu centrāli; ja tādu nav: „centrālē atzvans nav "
        "redzams”.",
        "How long it took from a message left by a client to the first attempt to call back, and to a talk. "
        "Only "
        'calls through the PBX are seen; where there are none: "no callback seen by the PBX".',
    ),
    formula="median of first attempt - message left; attempt: answered, busy, rang 10 s; reached: 30 s; "
    "in time: tried by the end of the next working day",
    source=Said("standarta 17. punkts", "clause 17 of the standard"),
    better="lower",
    denominator=Said(
        "ziņas informatīvajā tālrunī, uz kurām iespējams atzvanīt",
        "messages on the information phone that can be called back",
    ),
    exclusions={
        "not_callable": Said(
            "ar klientu nav iespējams sazināties (anonīma ziņa)",
            "the client cannot be contacted (anonymous message)",
        ),
        "empty": Said("tukša ziņa", "empty message"),
        "not_due": Said("termiņš vēl nav pagājis", "the time for it is not over yet"),
    },
    measures=(
        Measure(
            "attempted_working_s",
            Said("Līdz pirmajam mēģinājumam, darba laikā", "To the first attempt, working time"),
            "spread",
            Said("struktūrvienības darba laiks", "working time of the responsible department"),
            step_us=1_000_000,
        ),
        Measure(
            "attempted_elapsed_s",
            Said("Līdz pirmajam mēģinājumam, kopā", "To the first attempt, elapsed"),
            "spread",
            Said("viss laiks, arī naktis un brīvdienas", "all time, nights and holidays included"),
            step_us=1_000_000,
        ),
        Measure(
            "reached_working_s",
            Said("Līdz sarunai, darba laikā", "To a talk, working time"),
            "spread",
            Said("saruna vismaz 30 s; aptuveni", "30 s of talk or more; estimated"),
            step_us=1_000_000,
        ),
        Measure(
            "reached_elapsed_s",
            Said("Līdz sarunai, kopā", "To a talk, elapsed"),
            "spread",
            Said("saruna vismaz 30 s; aptuveni", "30 s of talk or more; estimated"),
            step_us=1_000_000,
        ),
        Measure(
            "open_age_s",
            Said(
                "Centrālē atzvans nav redzams: ziņas vecums",
                "No callback seen by the PBX: age of the message",
            ),
            "spread",
            Said("līdz datu beigām", "up to the end of the data"),
            step_us=1_000_000,
        ),
        Measure(
            "contact_in_time",
            Said("Saziņa laikā", "Contact in time"),
            "share",
            Said(
                "mēģināts sazvanīt līdz nākamās darba dienas beigām; darba dienu vēlāk – nav nosakāms, jo "
                "nav zināms, kad ziņa pārsūtīta",
                "tried by the end of the next working day; one working day later cannot be judged, as it is "
                "not known when the message was forwarded",
            ),
        ),
    ),
    split=Split(
        "contact",
        Said("Saziņa ar klientu", "Contact with the client"),
        {
            "in_time": Said(
                "mēģināts sazvanīt līdz nākamās darba dienas beigām",
                "tried by the end of the next working day",
            ),
            "depends": Said(
                "mēģināts dienu vēlāk: atkarīgs no pārsūtīšanas dienas",
                "tried a working day later: it depends on the day of forwarding",
            ),
            "later": Said("mēģināts sazvanīt vēlāk", "tried later"),
            "other_department": Said(
                "iespējams, zvanīja cita struktūrvienība", "possibly called by another department"
            ),
            "none_seen": Said("centrālē atzvans nav redzams", "no callback seen by the PBX"),
            "not_due": Said("termiņš vēl nav pagājis", "the time for it is not over yet"),
        },
    ),
    inputs=("links", "due_days"),
    hotline_only=True,
    sql="UNION ALL".join(
        [
            _MESSAGES,
            _ROWS.format(
                name="attempted_working_s", value=_working("attempted_working_s"), certainty=_ATTEMPTED
            ),
            _ROWS.format(name="attempted_elapsed_s", value=_elapsed("attempted_at"), certainty=_ATTEMPTED),
            _ROWS.format(name="reached_working_s", value=_working("reached_working_s"), certainty=_REACHED),
            _ROWS.format(name="reached_elapsed_s", value=_elapsed("reached_at"), certainty=_REACHED),
            _ROWS.format(
                name="open_age_s",
                value="CASE WHEN attempted_at IS NULL THEN :data_end_us - unix_micros(since_at) END",
                certainty="CASE WHEN attempted_at IS NOT NULL THEN attempted_certainty ELSE 'estimated' END",
            ),
        ]
    ),
)
