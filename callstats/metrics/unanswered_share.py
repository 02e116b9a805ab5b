"""Not answered by anybody in the department, for whatever reason."""

from callstats.metrics.base import OUTCOME_NAMES, SCOPE_EXCLUSIONS, Measure, Metric, Said, Split

METRIC = Metric(
    module=__name__,
    title=Said("Neatbildēto zvanu īpatsvars", "Share of calls not answered"),
    meaning=Said(
        "Cik lielu daļu ārējo zvanu darba laikā struktūrvienībā neviens neatbildēja: zvanītājs nesagaidīja "
        "atbildi, tālrunis bija aizņemts, nebija sasniedzams, atbildēja balss pasts vai zvans pārgāja uz "
        "citu struktūrvienību.",
        "Which part of the external calls in working hours nobody in the department answered: the caller "
        "gave up, the phone was busy or not reachable, voicemail answered, or the call went on to another "
        "department.",
    ),
    formula="k / n; k: any outcome but answered; answered and unanswered share add up to 1",
    source=Said("standarta 15.1. punkts", "clause 15.1 of the standard"),
    better="lower",
    denominator=Said(
        "ārējie zvani darba laikā, arī tie, kuros zvanītājs nesagaidīja atbildi",
        "external visits in working hours, callers who gave up included",
    ),
    exclusions=SCOPE_EXCLUSIONS,
    measures=(
        Measure(
            "unanswered",
            Said("Neatbildēti zvani", "Calls not answered"),
            "share",
            Said("struktūrvienībā neviens neatbildēja", "nobody in the department answered"),
        ),
    ),
    split=Split("outcome", Said("Zvana iznākums", "Outcome of the call"), OUTCOME_NAMES),
    inputs=("scoped",),
    sql="""
SELECT 'unanswered' AS measure, call_id, visit,
       department, local_date, entered_at AS at, outcome AS split,
       left_out AS reason, outcome <> 'answered' AS hit, CAST(NULL AS BIGINT) AS value_us,
       how_sure AS certainty, rule_version
FROM scoped
""",
)
