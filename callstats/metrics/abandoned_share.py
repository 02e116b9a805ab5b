"""The caller gave up before anybody answered."""

from callstats.metrics.base import OUTCOME_NAMES, SCOPE_EXCLUSIONS, Measure, Metric, Said, Split

METRIC = Metric(
    module=__name__,
    title=Said("Zvanītājs nesagaidīja atbildi", "Share of calls the caller gave up"),
    meaning=Said(
        "Cik lielā daļā ārējo zvanu darba laikā zvanītājs pats beidza zvanu, nesagaidījis atbildi. Arī šie "
        "zvani ir neatbildēto zvanu daļa.",
        "In which part of the external calls in working hours the caller ended the call before anybody "
        "answered. These calls are part of the unanswered ones too.",
    ),
    formula="k / n; k: outcome abandoned",
    source=Said("standarta 15.1. punkts", "clause 15.1 of the standard"),
    better="lower",
    denominator=Said("ārējie zvani darba laikā", "external visits in working hours"),
    exclusions=SCOPE_EXCLUSIONS,
    measures=(
        Measure(
            "abandoned",
            Said("Zvanītājs nesagaidīja atbildi", "The caller gave up"),
            "share",
            Said("zvanītājs beidza zvanu pirms atbildes", "the caller ended the call before an answer"),
        ),
    ),
    split=Split("outcome", Said("Zvana iznākums", "Outcome of the call"), OUTCOME_NAMES),
    inputs=("scoped",),
    sql="""
SELECT 'abandoned' AS measure,
       department, local_date, entered_at AS at, outcome AS split,
       left_out AS reason, outcome = 'abandoned' AS hit, CAST(NULL AS BIGINT) AS value_us,
       how_sure AS certainty, rule_version
FROM scoped
""",
)
