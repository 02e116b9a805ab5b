"""Calls that were passed on to another department, how, and whether somebody answered there (15.5.2)."""

from callstats.metrics.base import SCOPE_EXCLUSIONS, Measure, Metric, Said, Split

METRIC = Metric(
    module=__name__,
    title=Said("Pāradresēti zvani", "Calls transferred"),
    meaning=Said(
        "Cik lielu daļu atbildēto ārējo zvanu struktūrvienība pāradresēja citai struktūrvienībai un vai tur "
        "atbildēja. Atsevišķi redzami zvani, ko uz citu struktūrvienību pārsūta tālruņa paša pāradresācija; "
        "tie netika atbildēti šeit un nav pāradresēto zvanu daļa. Pāradresēšana tajā pašā struktūrvienībā "
        "netiek skaitīta.",
        "Which part of the answered external calls the department transferred to another department, and "
        "whether somebody answered there. Calls that a phone's own forwarding sends to another department "
        "stand apart: they were not answered here and are not in the share transferred. A transfer within "
        "the department is not counted.",
    ),
    formula="transferred: k / n, n answered, k went on by transfer; answered there: k / n, n went on",
    source=Said("standarta 15.5.2. punkts", "clause 15.5.2 of the standard"),
    better=None,
    denominator=Said(
        "atbildētie ārējie zvani darba laikā; atbildei galā – tie, kas pārgāja uz citu struktūrvienību",
        "answered external visits in working hours; for the answer there, those that went on",
    ),
    exclusions=SCOPE_EXCLUSIONS,
    measures=(
        Measure(
            "transferred",
            Said("Pāradresēti citai struktūrvienībai", "Transferred to another department"),
            "share",
            Said("no atbildētajiem zvaniem", "of the answered calls"),
        ),
        Measure(
            "answered_there",
            Said("Pēc pāradresēšanas atbildēja", "Answered after the transfer"),
            "share",
            Said("no zvaniem, kas pārgāja uz citu struktūrvienību", "of the calls that went on"),
        ),
    ),
    split=Split(
        "passed_on",
        Said("Kā zvans pārgāja uz citu struktūrvienību", "How the call went on"),
        {
            "blind_transfer": Said("pāradresēts bez sarunas ar kolēģi", "transferred without asking (blind)"),
            "attended_transfer": Said(
                "pāradresēts pēc sarunas ar kolēģi", "transferred after a talk (attended)"
            ),
            "forward": Said("tālruņa pāradresācija", "forwarded by the phone"),
            "not_transferred": Said("nav pāradresēts", "not transferred"),
        },
    ),
    inputs=("scoped", "visits"),
    sql="""
WITH onward AS (
    SELECT s.department, s.local_date, s.entered_at, s.outcome, s.left_out, s.rule_version,
           n.entered_by AS passed_on, n.outcome AS there,
           CASE WHEN s.how_sure = 'certain' AND coalesce(s.ring_source, 'none') IN ('cdr', 'none')
                THEN 'estimated' ELSE s.how_sure END AS sure,
           CASE WHEN n.outcome IS NULL THEN 'unknown'
                ELSE coalesce(n.outcome_certainty, 'unknown') END AS sure_there
    FROM scoped s
    LEFT JOIN visits n ON n.call_id = s.call_id AND n.visit = s.visit + 1
         AND n.entered_by IN ('blind_transfer', 'attended_transfer', 'forward')
         AND (n.entered_by = 'forward') = (s.outcome <> 'answered')
         AND coalesce(n.department, '') <> coalesce(s.department, '')
)
SELECT 'transferred' AS measure, department, local_date, entered_at AS at,
       coalesce(passed_on, 'not_transferred') AS split, left_out AS reason,
       passed_on IS NOT NULL AS hit, CAST(NULL AS BIGINT) AS value_us, sure AS certainty, rule_version
FROM onward
WHERE outcome = 'answered'
UNION ALL
SELECT 'answered_there' AS measure, department, local_date, entered_at AS at, passed_on AS split,
       left_out AS reason, there = 'answered' AS hit, CAST(NULL AS BIGINT) AS value_us,
       CASE WHEN sure_there = 'certain' THEN sure ELSE sure_there END AS certainty, rule_version
FROM onward
WHERE passed_on IS NOT NULL
""",
)
