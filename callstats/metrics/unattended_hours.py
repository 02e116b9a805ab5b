"""Hours in which clients called and nobody was answered (clause 7.1): of a department, never of a person."""

from callstats.metrics.base import Measure, Metric, Said, Split

METRIC = Metric(
    module=__name__,
    title=Said("Stundas bez atbildes", "Hours without an answer"),
    meaning=Said(
        "Cik lielā daļā darba laika stundu, kurās kāds zvanīja, struktūrvienība neatbildēja nevienu zvanu. "
        "Stundas, kurās neviens nezvanīja, neskaita. Blakus redzams, cik zvanu stundā bija: viena stunda ar "
        "vienu zvanu saka maz. Par to, kas bija klāt, no tā nesecina.",
        "In which part of the working hours in which somebody called the department answered no call at all. "
        "Hours in which nobody called are not counted. How many calls an hour had is shown: one hour with "
        "one call says little. Who was present is not inferred from it.",
    ),
    formula="k / n; n: hours of the clock with a call in working hours; k: none of its calls was answered",
    source=Said("standarta 7.1. punkts", "clause 7.1 of the standard"),
    better="lower",
    denominator=Said(
        "stundas ar vismaz vienu ārēju zvanu darba laikā", "hours with an external visit in working hours"
    ),
    exclusions={},  # hours are counted, not calls: a call left out elsewhere makes no hour
    measures=(
        Measure(
            "unattended",
            Said("Stundas bez atbildes", "Hours without an answer"),
            "share",
            Said("stundas, nevis zvani", "hours, not calls"),
        ),
    ),
    split=Split("calls_in_hour", Said("Zvani stundā", "Calls in the hour")),
    inputs=("scoped",),
    sql="""
WITH hours AS (
    SELECT department, local_date, unix_micros(entered_at) - unix_micros(entered_at) % 3600000000 AS hour_us,
           min(entered_at) AS first_at, min(rule_version) AS rule_version, count(*) AS calls,
           sum(CASE WHEN outcome = 'answered' THEN 1 ELSE 0 END) AS answered,
           sum(CASE WHEN outcome = 'answered' AND how_sure = 'certain' THEN 1 ELSE 0 END) AS surely_answered,
           sum(CASE WHEN how_sure = 'certain' THEN 1 ELSE 0 END) AS surely,
           sum(CASE WHEN how_sure = 'unknown' THEN 1 ELSE 0 END) AS unknown
    FROM scoped
    WHERE left_out IS NULL
    GROUP BY department, local_date, unix_micros(entered_at) - unix_micros(entered_at) % 3600000000
)
SELECT 'unattended' AS measure, department, local_date, first_at AS at, CAST(calls AS STRING) AS split,
       CAST(NULL AS STRING) AS reason, answered = 0 AS hit, CAST(NULL AS BIGINT) AS value_us,
       CASE WHEN surely_answered > 0 THEN 'certain'
            WHEN answered > 0 THEN 'estimated'
            WHEN unknown > 0 THEN 'unknown'
            WHEN surely = calls THEN 'certain'
            ELSE 'estimated' END AS certainty,
       rule_version
FROM hours
""",
)
