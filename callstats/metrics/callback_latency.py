"""From a message on the information phone to the first attempt to call back, and to a talk (clause 17)."""

from callstats.metrics.base import Measure, Metric, Said

_ROWS = """
SELECT '{name}' AS measure,
       department, local_date, since_at AS at, CAST(NULL AS STRING) AS split,
       left_out AS reason, FALSE AS hit,
       {value} AS value_us, {certainty} AS certainty, rule_version
FROM links
WHERE kind = 'message'
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
    formula="median of first attempt - message left; attempt: answered, busy, rang 10 s; reached: 30 s",
    source="clause 17; design section 3",
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
    },
    measures=(
        Measure(
            "attempted_working_s",
            Said("Līdz pirmajam mēģinājumam, darba laikā", "To the first attempt, working time"),
            "spread",
            Said("struktūrvienības darba laiks", "working time of the responsible department"),
        ),
        Measure(
            "attempted_elapsed_s",
            Said("Līdz pirmajam mēģinājumam, kopā", "To the first attempt, elapsed"),
            "spread",
            Said("viss laiks, arī naktis un brīvdienas", "all time, nights and holidays included"),
        ),
        Measure(
            "reached_working_s",
            Said("Līdz sarunai, darba laikā", "To a talk, working time"),
            "spread",
            Said("saruna vismaz 30 s; aptuveni", "30 s of talk or more; estimated"),
        ),
        Measure(
            "reached_elapsed_s",
            Said("Līdz sarunai, kopā", "To a talk, elapsed"),
            "spread",
            Said("saruna vismaz 30 s; aptuveni", "30 s of talk or more; estimated"),
        ),
        Measure(
            "open_age_s",
            Said(
                "Centrālē atzvans nav redzams: ziņas vecums",
                "No callback seen by the PBX: age of the message",
            ),
            "spread",
            Said("līdz datu beigām", "up to the end of the data"),
        ),
    ),
    inputs=("links",),
    hotline_only=True,
    sql="UNION ALL".join(
        [
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
