"""How long the answered calls lasted: what the department's time goes into; nothing is better or worse."""

from callstats.metrics.base import SCOPE_EXCLUSIONS, Measure, Metric, Said, Split

METRIC = Metric(
    module=__name__,
    title=Said("Sarunas ilgums", "Talk time"),
    meaning=Said(
        "Cik ilgi struktūrvienība runāja ar klientu, no atbildes līdz zvana beigām vai pārejai uz citu "
        "struktūrvienību. Rāda noslodzi; ne īsāka, ne garāka saruna nav labāka.",
        "How long the department talked with the client, from the answer until the call ended or went on to "
        "another department. It shows the load; neither a short nor a long talk is better.",
    ),
    formula="median of end of the visit - answer",
    source=Said("standarta 15.5.2. punkts", "clause 15.5.2 of the standard"),
    better=None,
    denominator=Said("atbildētie ārējie zvani darba laikā", "answered external visits in working hours"),
    exclusions=SCOPE_EXCLUSIONS,
    measures=(
        Measure(
            "talk_s",
            Said("Sarunas ilgums", "Talk time"),
            "spread",
            Said("mediāna, vidējais, 90. procentile un lielākais", "median, mean, 90th percentile, maximum"),
            step_us=1_000_000,
        ),
    ),
    split=Split(
        "talked",
        Said("Saruna", "Talk"),
        {
            "0-30": Said("līdz 30 s", "under 30 s"),
            "30-60": Said("30–60 s", "30 to 60 s"),
            "60-180": Said("1–3 min", "1 to 3 min"),
            "180-300": Said("3–5 min", "3 to 5 min"),
            "300-600": Said("5–10 min", "5 to 10 min"),
            "600+": Said("10 min un ilgāk", "10 min and more"),
        },
    ),
    inputs=("scoped",),
    sql="""
SELECT 'talk_s' AS measure,
       department, local_date, entered_at AS at,
       CASE WHEN talk_us < 30000000 THEN '0-30' WHEN talk_us < 60000000 THEN '30-60'
            WHEN talk_us < 180000000 THEN '60-180' WHEN talk_us < 300000000 THEN '180-300'
            WHEN talk_us < 600000000 THEN '300-600' WHEN talk_us IS NOT NULL THEN '600+' END AS split,
       left_out AS reason, FALSE AS hit, talk_us AS value_us,
       CASE WHEN talk_us IS NULL OR how_sure = 'unknown' THEN 'unknown'
            WHEN ring_source = 'cdr' THEN 'estimated'
            ELSE how_sure END AS certainty,
       rule_version
FROM scoped
WHERE outcome = 'answered'
""",
)
