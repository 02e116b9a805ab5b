"""Answered no later than after the third signal (clause 15.1)."""

from callstats.metrics.base import OUTCOME_NAMES, SCOPE_EXCLUSIONS, Measure, Metric, Said, Split

# One judgement for the figure and its variants; these leave out others than the rule does.
JUDGED = """
judged_visits AS (
    SELECT call_id, visit, department, local_date, entered_at, outcome, rule_version, left_out, wait_us,
           third_signal_left_out,
           outcome = 'answered' AND within_third_signal AS hit,
           CASE WHEN outcome IS NULL OR outcome <> 'answered' THEN how_sure
                WHEN within_third_signal IS NULL THEN 'unknown'
                ELSE coalesce(third_signal_certainty, 'unknown')
           END AS certainty
    FROM scoped
)
"""

METRIC = Metric(
    module=__name__,
    title=Said(
        "Ne vēlāk kā pēc trešā signāla atbildēto zvanu īpatsvars",
        "Share of calls answered no later than after the third signal",
    ),
    meaning=Said(
        "Cik lielu daļu ārējo zvanu darba laikā struktūrvienība atbildēja, pirms sākās ceturtais zvana "
        "signāls (ja spēkā esošie noteikumi nenosaka citu signālu skaitu). "
        "Standarts saka „cenšas”: tas ir īpatsvars, nevis vērtējums par atsevišķu zvanu.",
        "Which part of the external calls in working hours the department answered before the fourth ring "
        "signal began (unless the rules in force state another number of signals). "
        'The standard says "strives": it is a share, not a judgement of one call.',
    ),
    formula="k / n; k: answered and ring time R < N·P (3 signals of 5 s: 14.99 s passes, 15.00 s does not)",
    source=Said("standarta 15.1. punkta pirmais teikums", "clause 15.1 of the standard, first sentence"),
    better="higher",
    denominator=Said(
        "ārējie zvani darba laikā, kas tika piedāvāti tālrunim vai kam neviens tālrunis nebija pieejams",
        "external visits in working hours that were offered to a phone, or found none that could be offered",
    ),
    exclusions={
        **SCOPE_EXCLUSIONS,
        "attended_transfer": Said(
            "kolēģis savienoja pēc sarunas", "a colleague rang first (attended transfer)"
        ),
        "neutral": Said(
            "netiek vērtēts: visi, kas varēja atbildēt, bija neitrālā stāvoklī (klātienes apkalpošana u. c.)",
            "not scored: everyone who could answer was in a neutral state (serving in person and the like)",
        ),
        "gave_up_early": Said(
            "zvanītājs pārtrauca zvanu, kad vēl bija laiks atbildēt",
            "the caller gave up while there still was time to answer",
        ),
    },
    measures=(
        Measure(
            "within_third_signal",
            Said("Atbildēts ne vēlāk kā pēc trešā signāla", "Answered no later than after the third signal"),
            "share",
            Said(
                "SL_B: no piedāvātajiem, bez tiem, kuros zvanītājs pārtrauca, kad vēl bija laiks atbildēt",
                "SL_B: of the calls offered, without those given up while there still was time to answer",
            ),
        ),
    ),
    also_called=("rings_before_answer",),  # the first of the three promises
    split=Split("outcome", Said("Zvana iznākums", "Outcome of the call"), OUTCOME_NAMES),
    inputs=("scoped",),
    sql=f"""
WITH {JUDGED}
SELECT 'within_third_signal' AS measure, call_id, visit,
       department, local_date, entered_at AS at, outcome AS split,
       coalesce(left_out, third_signal_left_out) AS reason, hit, CAST(NULL AS BIGINT) AS value_us,
       certainty, rule_version
FROM judged_visits
""",
)
