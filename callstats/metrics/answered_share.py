"""Answered by a person (clause 7.1: reachable in working hours)."""

from callstats.metrics.base import OUTCOME_NAMES, SCOPE_EXCLUSIONS, Measure, Metric, Said, Split

METRIC = Metric(
    module=__name__,
    title=Said("Atbildēto zvanu īpatsvars", "Share of calls answered"),
    meaning=Said(
        "Cik lielu daļu ārējo zvanu darba laikā atbildēja struktūrvienības darbinieks. Izvēlne, zvanu rinda "
        "un balss pasts nav atbilde.",
        "Which part of the external calls in working hours an employee of the department answered. A menu, "
        "a queue and voicemail are no answer.",
    ),
    formula="k / n; k: outcome answered",
    source=Said("standarta 7.1. punkts", "clause 7.1 of the standard"),
    better="higher",
    denominator=Said(
        "ārējie zvani darba laikā, arī tie, kuros zvanītājs nesagaidīja atbildi",
        "external visits in working hours, callers who gave up included",
    ),
    exclusions=SCOPE_EXCLUSIONS,
    measures=(
        Measure(
            "answered",
            Said("Atbildēti zvani", "Answered calls"),
            "share",
            Said("atbildēja darbinieks", "an employee answered"),
        ),
    ),
    split=Split("outcome", Said("Zvana iznākums", "Outcome of the call"), OUTCOME_NAMES),
    inputs=("scoped",),
    sql="""
SELECT 'answered' AS measure,
       department, local_date, entered_at AS at, outcome AS split,
       left_out AS reason, outcome = 'answered' AS hit, CAST(NULL AS BIGINT) AS value_us,
       how_sure AS certainty, rule_version
FROM scoped
""",
)
