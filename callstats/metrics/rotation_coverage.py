"""A call that the first phone did not take: was it offered to a colleague (clause 15.1, recommended)?"""

from callstats.metrics.base import SCOPE_EXCLUSIONS, Measure, Metric, Said, Split

METRIC = Metric(
    module=__name__,
    title=Said("Zvans piedāvāts kolēģim", "Call offered to a colleague"),
    meaning=Said(
        "Vai zvanu piedāvāja citam tās pašas struktūrvienības tālrunim, ja pirmais bija aizņemts, "
        "noraidīja, nebija sasniedzams vai neatbildēja. Standarts to iesaka; mērķa nav. No tālruņa klusuma "
        "prombūtni nesecina.",
        "Whether a call was offered to another phone of the same department when the first was busy, "
        "declined, was unreachable or did not answer. The standard recommends it; there is no target. "
        "Absence is not inferred from a phone's silence.",
    ),
    formula="k / n; n: rotation was needed and possible; k: another phone of the department was alerted",
    source=Said(
        "standarta 15.1. punkta otrais teikums (ieteikums)",
        "clause 15.1 of the standard, second sentence (a recommendation)",
    ),
    better=None,
    denominator=Said(
        "ārējie zvani darba laikā, kuriem bija ieteicama zvanu rotācija",
        "external visits in working hours for which rotation was recommended",
    ),
    exclusions={
        **SCOPE_EXCLUSIONS,
        "not_needed": Said("pirmais tālrunis atbildēja", "the first phone took the call"),
        "no_second_member": Said("struktūrvienībā ir viens tālrunis", "the department has one phone"),
        "caller_left": Said(
            "zvanītājs pārtrauca zvanu pirmā tālruņa laikā", "the caller gave up while the first phone rang"
        ),
    },
    measures=(
        Measure(
            "offered_to_colleague",
            Said("Zvans piedāvāts kolēģim", "Offered to a colleague"),
            "share",
            Said(
                "no zvaniem, kuriem rotācija bija ieteicama",
                "of the calls for which rotation was recommended",
            ),
        ),
        Measure(
            "answered_after_rotation",
            Said("Rotācijā atbildēts zvans", "Answered after rotation"),
            "share",
            Said("no kolēģim piedāvātajiem zvaniem", "of the calls offered to a colleague"),
        ),
    ),
    split=Split(
        "rotation_cause",
        Said("Kāpēc bija ieteicama rotācija", "Why rotation was recommended"),
        {
            "busy": Said("aizņemts (cita saruna)", "busy (in another conversation)"),
            "declined": Said("zvans noraidīts", "declined"),
            "unavailable": Said("tālrunis nav sasniedzams", "phone not reachable"),
            "no_answer": Said("neatbildēja", "no answer"),
        },
    ),
    inputs=("scoped",),
    sql="""
WITH needed AS (
    SELECT scoped.*,
           coalesce(left_out,
                    CASE WHEN rotation IN ('not_needed', 'no_second_member', 'caller_left') THEN rotation
                    END) AS reason,
           CASE WHEN rotation IS NULL OR rotation = 'unknown' THEN 'unknown'
                ELSE coalesce(rotation_certainty, 'unknown') END AS rotation_sure
    FROM scoped
)
SELECT 'offered_to_colleague' AS measure, call_id, visit,
       department, local_date, entered_at AS at, rotation_cause AS split,
       reason, rotation = 'rotated' AS hit, CAST(NULL AS BIGINT) AS value_us,
       rotation_sure AS certainty, rule_version
FROM needed
UNION ALL
SELECT 'answered_after_rotation' AS measure, call_id, visit,
       department, local_date, entered_at AS at, rotation_cause AS split,
       reason, coalesce(rotation_answered, outcome = 'answered') AS hit, CAST(NULL AS BIGINT) AS value_us,
       CASE WHEN rotation_sure = 'certain' THEN how_sure
            WHEN how_sure = 'unknown' THEN 'unknown'
            ELSE rotation_sure END AS certainty,
       rule_version
FROM needed
WHERE rotation = 'rotated' AND reason IS NULL
""",
)
