"""The call waited for phones and there was none to offer it to: everybody paused or signed out."""

from callstats.metrics.base import OUTCOME_NAMES, SCOPE_EXCLUSIONS, Measure, Metric, Said, Split

METRIC = Metric(
    module=__name__,
    title=Said("Nebija pieejama neviena tālruņa", "No phone available"),
    meaning=Said(
        "Cik lielā daļā ārējo zvanu darba laikā zvans gaidīja rindā un nebija neviena tālruņa, kam to "
        "piedāvāt: visi bija pauzē vai atteikušies no rindas. Šie zvani paliek arī trešā signāla rādītājā.",
        "In which part of the external calls in working hours the call waited in a queue and there was no "
        "phone to offer it to: everybody had paused or signed out. These calls stay in the third-signal "
        "figure too.",
    ),
    formula="k / n; k: waited in a queue, no phone was tried, nobody answered",
    source=Said("standarta 7.1. un 15.1. punkts", "clauses 7.1 and 15.1 of the standard"),
    better="lower",
    denominator=Said(
        "ārējie zvani darba laikā, arī tie, kuros zvanītājs nesagaidīja atbildi",
        "external visits in working hours, callers who gave up included",
    ),
    exclusions=SCOPE_EXCLUSIONS,
    measures=(
        Measure(
            "no_phone_available",
            Said("Nebija pieejama neviena tālruņa", "No phone available"),
            "share",
            Said("gaidīja rindā, nevienam tālrunim nepiedāvāts", "waited in a queue, offered to no phone"),
        ),
    ),
    split=Split("outcome", Said("Zvana iznākums", "Outcome of the call"), OUTCOME_NAMES),
    inputs=("scoped",),
    sql="""
SELECT 'no_phone_available' AS measure,
       department, local_date, entered_at AS at, outcome AS split,
       left_out AS reason, no_phone_available AND outcome <> 'answered' AS hit,
       CAST(NULL AS BIGINT) AS value_us,
       CASE WHEN no_phone_available IS NULL THEN 'unknown' ELSE how_sure END AS certainty, rule_version
FROM scoped
""",
)
