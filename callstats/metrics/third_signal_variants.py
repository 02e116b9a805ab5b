"""The third-signal share by the other usual formulas, each named: a figure elsewhere may be one of these."""

from callstats.metrics.base import OUTCOME_NAMES, Measure, Metric, Said, Split
from callstats.metrics.third_signal_share import JUDGED
from callstats.metrics.third_signal_share import METRIC as HEADLINE

_SHORT_US = 5_000_000
_ROWS = """
SELECT '{name}' AS measure, department, local_date, entered_at AS at, outcome AS split,
       CASE WHEN left_out IS NOT NULL THEN left_out
            WHEN third_signal_left_out = 'attended_transfer' THEN 'attended_transfer'
            WHEN {early} THEN 'gave_up_early' END AS reason,
       hit, CAST(NULL AS BIGINT) AS value_us, certainty, rule_version
FROM judged_visits
WHERE {which}
"""

METRIC = Metric(
    module=__name__,
    title=Said(
        "Ne vēlāk kā pēc trešā signāla: citas formulas",
        "No later than after the third signal: other formulas",
    ),
    meaning=Said(
        "Tas pats vērtējums, dalīts ar ko citu. Galvenais rādītājs ir SL_B: neskaita tos, kuri beidza zvanu, "
        "kad vēl bija laiks atbildēt. SL_A skaita visus piedāvātos, SL_B ar 5 s neskaita tikai tos, kuri "
        "beidza zvanu 5 sekundēs, SL_C skaita tikai atbildētos. Salīdzināt var tikai vienādas formulas.",
        "The same judgement divided by something else. The headline figure is SL_B: it leaves out who gave "
        "up while there still was time to answer. SL_A counts all that were offered, SL_B with 5 s leaves "
        "out only who gave up within 5 seconds, SL_C counts the answered only. Compare equal formulas only.",
    ),
    formula="k / n; k: answered and R < N·P; n: offered (SL_A), offered but for those given up "
    "under 5 s (SL_B), answered (SL_C)",
    source=Said("standarta 15.1. punkta pirmais teikums", "clause 15.1 of the standard, first sentence"),
    better="higher",
    denominator=Said(
        "kā galvenajam rādītājam; kurus zvanus skaita, nosaka formula",
        "as for the headline figure; which calls count depends on the formula",
    ),
    exclusions=HEADLINE.exclusions,
    measures=(
        Measure(
            "of_all_offered",
            Said("No visiem piedāvātajiem zvaniem", "Of all calls offered"),
            "share",
            Said("arī tie, kuros zvanītājs drīz pārtrauca zvanu", "those who gave up early included"),
        ),
        Measure(
            "of_offered_5s",
            Said(
                "No piedāvātajiem, bez pārtrauktajiem līdz 5 s",
                "Of the offered but for those given up within 5 s",
            ),
            "share",
            Said("citur lietotā robeža", "the limit used elsewhere"),
        ),
        Measure(
            "of_answered",
            Said("No atbildētajiem zvaniem", "Of the answered calls"),
            "share",
            Said("neatbildētos zvanus neskaita", "calls not answered do not count"),
        ),
    ),
    split=Split("outcome", Said("Zvana iznākums", "Outcome of the call"), OUTCOME_NAMES),
    inputs=("scoped",),
    sql=f"WITH {JUDGED}"
    + "UNION ALL".join(
        [
            _ROWS.format(name="of_all_offered", early="FALSE", which="TRUE"),
            _ROWS.format(
                name="of_offered_5s", early=f"outcome = 'abandoned' AND wait_us < {_SHORT_US}", which="TRUE"
            ),
            _ROWS.format(name="of_answered", early="FALSE", which="outcome = 'answered'"),
        ]
    ),
)
