"""Missed calls: did the department call back, or was the client answered on calling again."""

from callstats.metrics.base import SCOPE_EXCLUSIONS, Measure, Metric, Said, Split

METRIC = Metric(
    module=__name__,
    title=Said("Atzvanīti neatbildētie zvani", "Missed calls followed up"),
    meaning=Said(
        "Vai pēc neatbildēta ārējā zvana struktūrvienība atzvanīja, vai arī klients zvanīja vēlreiz un "
        "viņam atbildēja. Abus skaita atsevišķi; skaita to, kas notika vispirms. Ja 30 dienas pēc zvana vēl "
        "nav pagājušas, skaita to, kas zināms līdz šim.",
        "Whether the department called back after a missed external call, or the client called again and "
        "was answered. The two are kept apart; what happened first counts. Where the 30 days after the call "
        "are not over, what is known so far counts.",
    ),
    formula="k / n; n: missed visits with a known number; k: called back (or answered again) within 30 days, "
    "or so far",
    source=Said("standarta 15.5.2. punkts", "clause 15.5.2 of the standard"),
    better="higher",
    denominator=Said(
        "neatbildētie ārējie zvani darba laikā, kuru numurs ir zināms",
        "missed external visits in working hours whose number is known",
    ),
    exclusions={
        **SCOPE_EXCLUSIONS,
        "not_callable": Said(
            "zvanītāja numurs nav zināms (slēpts)", "the caller's number is not known (withheld)"
        ),
    },
    measures=(
        Measure(
            "called_back",
            Said("Struktūrvienība atzvanīja", "The department called back"),
            "share",
            Said(
                "vismaz mēģinājums: atbildēts, aizņemts vai 10 s signāls",
                "at least tried: answered, busy or 10 s",
            ),
        ),
        Measure(
            "answered_again",
            Said("Klients zvanīja vēlreiz, un viņam atbildēja", "The client called again and was answered"),
            "share",
            Said("tajā pašā struktūrvienībā", "in the same department"),
        ),
    ),
    split=Split(
        "follow_up",
        Said("Kas notika pēc neatbildētā zvana", "What followed the missed call"),
        {
            "called_back": Said("struktūrvienība atzvanīja", "the department called back"),
            "answered_again": Said("klients zvanīja vēlreiz", "the client called again and was answered"),
            "other_department": Said(
                "iespējams, atzvanīja cita struktūrvienība", "possibly another department"
            ),
            "none_seen": Said("centrālē atzvans nav redzams", "no callback seen by the PBX"),
        },
    ),
    inputs=("scoped", "links"),
    sql="""
WITH followed AS (
    SELECT s.department, s.local_date, s.entered_at, s.rule_version, s.how_sure,
           k.attempted_certainty, k.again_certainty,
           coalesce(s.left_out, k.left_out) AS reason,
           CASE WHEN k.attempted_at IS NOT NULL AND (k.again_at IS NULL OR k.attempted_at <= k.again_at)
                THEN 'called_back'
                WHEN k.again_at IS NOT NULL THEN 'answered_again'
                WHEN k.other_attempted_at IS NOT NULL THEN 'other_department'
                ELSE 'none_seen' END AS follow_up
    FROM scoped s JOIN links k ON k.kind = 'missed' AND k.call_id = s.call_id AND k.visit = s.visit
),
sure AS (
    SELECT followed.*,
           CASE WHEN how_sure IN ('unknown', 'estimated', 'borderline') THEN how_sure
                WHEN follow_up = 'called_back' THEN attempted_certainty
                WHEN follow_up = 'answered_again' THEN again_certainty
                ELSE 'estimated' END AS certainty
    FROM followed
)
SELECT 'called_back' AS measure, department, local_date, entered_at AS at, follow_up AS split, reason,
       follow_up = 'called_back' AS hit, CAST(NULL AS BIGINT) AS value_us, certainty, rule_version
FROM sure
UNION ALL
SELECT 'answered_again' AS measure, department, local_date, entered_at AS at, follow_up AS split, reason,
       follow_up = 'answered_again' AS hit, CAST(NULL AS BIGINT) AS value_us, certainty, rule_version
FROM sure
""",
)
