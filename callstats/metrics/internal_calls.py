"""Who calls, from outside or inside (clause 11.10), and the colleagues' calls on a line of their own."""

from callstats.metrics.base import OUTCOME_NAMES, SCOPE_EXCLUSIONS, Measure, Metric, Said, Split

METRIC = Metric(
    module=__name__,
    title=Said("Ārējie un iekšējie klienti", "External and internal clients"),
    meaning=Said(
        "Cik lielu daļu zvanu darba laikā struktūrvienība saņem no ārpuses un kā tā atbild kolēģiem. "
        "Iekšējie zvani ir atsevišķa rinda: citos rādītājos to nav.",
        "Which part of the calls in working hours come from outside, and how the department answers "
        "colleagues. Internal calls are a line of their own: no other figure contains them.",
    ),
    formula="external / all; internal answered / internal; median wait of internal answered calls",
    source=Said("standarta 4.2. un 11.10. punkts", "clauses 4.2 and 11.10 of the standard"),
    better=None,
    denominator=Said(
        "zvani darba laikā no ārpuses un no kolēģiem; iekšējiem rādītājiem – tikai kolēģu zvani",
        "visits in working hours from outside and from colleagues; internal figures: the colleagues' only",
    ),
    exclusions=SCOPE_EXCLUSIONS,
    measures=(
        Measure(
            "external",
            Said("Ārējo zvanu īpatsvars", "Share of external calls"),
            "share",
            Said("no visiem zvaniem darba laikā", "of all calls in working hours"),
        ),
        Measure(
            "internal_answered",
            Said("Atbildēti iekšējie zvani", "Internal calls answered"),
            "share",
            Said("no kolēģu zvaniem", "of the colleagues' calls"),
        ),
        Measure(
            "internal_wait_s",
            Said("Laiks līdz atbildei kolēģim", "Time to the answer, internal calls"),
            "spread",
            Said("atbildētie iekšējie zvani", "answered internal calls"),
        ),
    ),
    split=Split("outcome", Said("Zvana iznākums", "Outcome of the call"), OUTCOME_NAMES),
    inputs=("scoped",),
    sql="""
SELECT 'external' AS measure, department, local_date, entered_at AS at, outcome AS split,
       left_out AS reason, external AS hit, CAST(NULL AS BIGINT) AS value_us,
       CASE WHEN how_sure = 'certain' THEN 'certain' ELSE 'estimated' END AS certainty, rule_version
FROM visits_scoped
UNION ALL
SELECT 'internal_answered' AS measure, department, local_date, entered_at AS at, outcome AS split,
       left_out AS reason, outcome = 'answered' AS hit, CAST(NULL AS BIGINT) AS value_us,
       how_sure AS certainty, rule_version
FROM visits_scoped
WHERE NOT external
UNION ALL
SELECT 'internal_wait_s' AS measure, department, local_date, entered_at AS at, outcome AS split,
       left_out AS reason, FALSE AS hit, wait_us AS value_us,
       CASE WHEN wait_us IS NULL OR how_sure = 'unknown' THEN 'unknown'
            WHEN ring_source = 'cdr' THEN 'estimated'
            ELSE how_sure END AS certainty, rule_version
FROM visits_scoped
WHERE NOT external AND outcome = 'answered'
""",
)
