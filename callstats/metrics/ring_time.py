"""How long, and in how many signals, it rang before an answer (clause 15.1, the distribution)."""

from callstats.metrics.base import SCOPE_EXCLUSIONS, Measure, Metric, Said, Split

METRIC = Metric(
    module=__name__,
    title=Said("Signālu ilgums līdz atbildei", "Ring time before the answer"),
    meaning=Said(
        "Cik ilgi skanēja vismaz viens struktūrvienības tālrunis, līdz darbinieks atbildēja. Izvēlne, "
        "mūzika un pauzes, kad nekas neskan, nav ieskaitītas.",
        "How long at least one phone of the department rang until an employee answered. Menu, music and "
        "pauses in which nothing rings are not part of it.",
    ),
    formula="R = length of the union of alerting intervals up to the answer; rings = floor(R / P) + 1",
    source=Said("standarta 15.1. punkta pirmais teikums", "clause 15.1 of the standard, first sentence"),
    better="lower",
    denominator=Said("atbildētie ārējie zvani darba laikā", "answered external visits in working hours"),
    exclusions={
        **{reason: SCOPE_EXCLUSIONS[reason] for reason in ("out_of_hours", "scope_unknown")},
        "attended_transfer": Said(
            "kolēģis savienoja pēc sarunas", "a colleague rang first (attended transfer)"
        ),
    },
    measures=(
        Measure(
            "ring_s",
            Said("Signālu ilgums līdz atbildei", "Ring time before the answer"),
            "spread",
            Said("mediāna, 90. procentile un lielākais", "median, 90th percentile and maximum"),
        ),
    ),
    split=Split("rings", Said("Zvana signāli līdz atbildei", "Ring signals before the answer")),
    inputs=("scoped",),
    sql="""
SELECT 'ring_s' AS measure, call_id, visit,
       department, local_date, entered_at AS at,
       CAST(coalesce(rings, CAST(floor(ring_us / nullif(period_us, 0)) AS BIGINT) + 1) AS STRING) AS split,
       CASE WHEN left_out IS NOT NULL THEN left_out
            WHEN entered_by = 'attended_transfer' THEN 'attended_transfer'
       END AS reason,
       FALSE AS hit,
       ring_us AS value_us,
       CASE WHEN how_sure = 'unknown' OR ring_us IS NULL THEN 'unknown'
            WHEN ring_min_us IS NULL OR ring_max_us IS NULL THEN 'estimated'
            WHEN floor(ring_min_us / nullif(period_us, 0)) = floor(ring_max_us / nullif(period_us, 0))
            THEN how_sure
            WHEN ring_max_us - ring_min_us <= 2000000 THEN 'borderline'
            ELSE 'estimated'
       END AS certainty,
       rule_version
FROM scoped
WHERE outcome = 'answered'
""",
)
