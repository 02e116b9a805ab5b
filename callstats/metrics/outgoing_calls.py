"""Calls that the department makes to the outside, and how many of them connect (clause 16)."""

from callstats.metrics.base import OUTCOME_NAMES, Measure, Metric, Said, Split

_ROWS = """
SELECT '{name}' AS measure, m.department, c.local_date, c.started_at AS at, c.outcome AS split,
       CASE WHEN m.department IS NULL THEN 'no_department' END AS reason,
       c.outcome = 'answered' AS hit, CAST(NULL AS BIGINT) AS value_us,
       {certainty} AS certainty, CAST(NULL AS STRING) AS rule_version
FROM calls c
LEFT JOIN members m ON m.kind = 'extension' AND m.value = c.caller
     AND (m.valid_from IS NULL OR m.valid_from <= c.local_date)
     AND (m.valid_to IS NULL OR c.local_date < m.valid_to)
WHERE c.direction = 'outbound' AND c.local_date >= :start AND c.local_date < :end
"""

METRIC = Metric(
    module=__name__,
    title=Said("Izejošie zvani", "Outgoing calls"),
    meaning=Said(
        "Cik zvanu struktūrvienība veica uz ārpusi un cik no tiem savienoja. Savienots nozīmē, ka līnijā "
        "atbildēja; tas var būt arī balss pasts. Nekas netiek skaitīts par atsevišķu darbinieku.",
        "How many calls the department made to the outside and how many of them connected. Connected means "
        "that the line was answered; it may have been voicemail. Nothing is counted per employee.",
    ),
    formula="number of calls; connected: k / n, k answered on the line",
    source=Said(
        "standarta 16. punkts (tikai zvanu skaits un savienoto zvanu īpatsvars)",
        "clause 16 of the standard (volume and connect rate only)",
    ),
    better=None,
    denominator=Said(
        "izejošie zvani no struktūrvienības iekšējiem numuriem, visu diennakti",
        "outgoing calls from the department's extensions, at any time of the day",
    ),
    exclusions={
        "no_department": Said(
            "zvanītāja iekšējais numurs nav nevienā struktūrvienībā",
            "the caller's extension is in no department",
        ),
    },
    measures=(
        Measure(
            "outgoing",
            Said("Izejošie zvani", "Outgoing calls"),
            "count",
            Said("zvani uz ārpusi", "calls to the outside"),
        ),
        Measure(
            "connected",
            Said("Savienoti zvani", "Connected calls"),
            "share",
            Said("līnijā atbildēja (arī balss pasts)", "answered on the line (voicemail included)"),
        ),
    ),
    split=Split("outcome", Said("Zvana iznākums", "Outcome of the call"), OUTCOME_NAMES),
    inputs=("calls", "members"),
    sql="UNION ALL".join(
        [
            _ROWS.format(name="outgoing", certainty="'certain'"),
            _ROWS.format(
                name="connected",
                certainty="CASE WHEN c.outcome IS NULL THEN 'unknown' "
                "ELSE coalesce(c.outcome_certainty, 'unknown') END",
            ),
        ]
    ),
)
