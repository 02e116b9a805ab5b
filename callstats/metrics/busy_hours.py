"""When clients call: calls per hour that the department is open, by hour and weekday (clause 7.1)."""

from callstats.metrics.base import SCOPE_EXCLUSIONS, Measure, Metric, Said

_SURE = "CASE WHEN how_sure = 'certain' THEN 'certain' ELSE 'estimated' END"

METRIC = Metric(
    module=__name__,
    title=Said("Noslogotās stundas", "Busy hours"),
    meaning=Said(
        "Cik ārējo zvanu saņem struktūrvienība darba laikā un cik – vienā darba laika stundā. Dala ar īsto "
        "atvērto laiku: pusstundu skaita kā pusi, pulksteņa maiņas naktī stundas ir divas vai nav nevienas; "
        "dienas, par kurām datu nav, neskaita.",
        "How many external calls the department gets in working hours, and how many in one hour of them. "
        "Divided by the real open time: half an hour counts half, in the night the clock changes an hour is "
        "two or none; days without any data do not count.",
    ),
    formula="calls / open hours, by hour and weekday; 95 % interval: exact Poisson",
    source=Said("standarta 7.1. punkts", "clause 7.1 of the standard"),
    better=None,
    denominator=Said(
        "ārējie zvani darba laikā; dalīts ar struktūrvienības darba laiku dienās, par kurām ir dati",
        "external visits in working hours; divided by the department's working time on days that have data",
    ),
    exclusions=SCOPE_EXCLUSIONS,
    measures=(
        Measure(
            "offered_per_hour",
            Said("Zvani stundā", "Calls per hour"),
            "rate",
            Said("zvani vienā darba laika stundā", "calls in one hour of working time"),
        ),
        Measure(
            "offered",
            Said("Ienākošie zvani", "Incoming calls"),
            "count",
            Said("ārējie zvani darba laikā", "external calls in working hours"),
        ),
    ),
    inputs=("scoped", "open_time"),
    sql=f"""
SELECT 'offered_per_hour' AS measure, department, local_date, entered_at AS at,
       CAST(NULL AS STRING) AS split, left_out AS reason, TRUE AS hit, CAST(NULL AS BIGINT) AS value_us,
       {_SURE} AS certainty, rule_version
FROM scoped
UNION ALL
SELECT 'offered_per_hour' AS measure, department, local_date, begins_at AS at,
       CAST(NULL AS STRING) AS split, CAST(NULL AS STRING) AS reason, FALSE AS hit, open_us AS value_us,
       CAST(NULL AS STRING) AS certainty, CAST(NULL AS STRING) AS rule_version
FROM open_time
UNION ALL
SELECT 'offered' AS measure, department, local_date, entered_at AS at,
       CAST(NULL AS STRING) AS split, left_out AS reason, TRUE AS hit, CAST(NULL AS BIGINT) AS value_us,
       {_SURE} AS certainty, rule_version
FROM scoped
""",
)
