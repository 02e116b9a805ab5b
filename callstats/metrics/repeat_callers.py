"""The same number calls the department again: after a missed call, or after any."""

from callstats.metrics.base import OUTCOME_NAMES, SCOPE_EXCLUSIONS, Measure, Metric, Said, Split

_ROWS = """
SELECT '{name}' AS measure, department, local_date, entered_at AS at, outcome AS split,
       CASE WHEN reason IS NOT NULL THEN reason
            WHEN :data_end_us < entered_us + {window_us} THEN 'too_recent' END AS reason,
       coalesce(next_us < entered_us + {window_us}, FALSE) AS hit, CAST(NULL AS BIGINT) AS value_us,
       CASE WHEN {doubt} THEN 'unknown'
            WHEN next_us < entered_us + {window_us} AND how_sure = 'certain' THEN 'certain'
            ELSE 'estimated' END AS certainty, rule_version
FROM called
WHERE {which}
"""
_DAY_US = 86_400_000_000
_ALL = {"which": "TRUE", "doubt": "FALSE"}
_MISSED = {"which": "missed OR outcome IS NULL", "doubt": "outcome IS NULL"}

METRIC = Metric(
    module=__name__,
    title=Said("Atkārtoti zvanītāji", "Repeat callers"),
    meaning=Said(
        "Cik lielā daļā ārējo zvanu no tā paša numura tai pašai struktūrvienībai zvanīja vēlreiz 24 stundu "
        "vai 7 dienu laikā (nakts un brīvdienas ieskaitot). Pēc neatbildēta zvana tas ir klients, kurš "
        "mēģina vēlreiz; pēc atbildēta – jautājums, kas varbūt nav atrisināts, varbūt ir cits. Dažādus "
        "klientus neskaita: šādas summas pa nedēļām nesaskaitās.",
        "In which part of the external calls the same number called the same department again within 24 "
        "hours or 7 days (nights and days off included). After a missed call it is a client who tries again; "
        "after an answered one a matter that may be unsettled, or another one. Distinct clients are not "
        "counted: such numbers do not add up over weeks.",
    ),
    formula="k / n; k: the same number's next call entered the department within 24 h (7 days)",
    source=Said(
        "standarta 7.1. un 15.5.2. punkts; laika logi: zvanu centros pieņemtie",
        "clauses 7.1 and 15.5.2 of the standard; windows: usual in call centres, a choice",
    ),
    better="lower",
    denominator=Said(
        "ārējie zvani darba laikā ar zināmu numuru, kuriem noteiktais laiks jau pagājis; katrs vienreiz",
        "external calls in working hours whose number is known and whose window is over; each call once",
    ),
    exclusions={
        **SCOPE_EXCLUSIONS,
        "not_callable": Said(
            "zvanītāja numurs nav zināms (slēpts)", "the caller's number is not known (withheld)"
        ),
        "too_recent": Said(
            "noteiktais laiks pēc zvana vēl nav pagājis", "the window after the call is not over yet"
        ),
    },
    measures=(
        Measure(
            "missed_again_24h",
            Said(
                "Pēc neatbildēta zvana zvanīja vēlreiz 24 h laikā",
                "Called again within 24 h of a missed call",
            ),
            "share",
            Said("no zvaniem, uz kuriem neviens neatbildēja", "of the calls that nobody answered"),
        ),
        Measure(
            "again_24h",
            Said("Zvanīja vēlreiz 24 h laikā", "Called again within 24 h"),
            "share",
            Said("no visiem zvaniem", "of all calls"),
        ),
        Measure(
            "again_7d",
            Said("Zvanīja vēlreiz 7 dienu laikā", "Called again within 7 days"),
            "share",
            Said("no visiem zvaniem", "of all calls"),
        ),
    ),
    split=Split("outcome", Said("Zvana iznākums", "Outcome of the call"), OUTCOME_NAMES),
    inputs=("scoped", "returns"),
    sql="""
WITH called AS (
    SELECT s.department, s.local_date, s.entered_at, unix_micros(s.entered_at) AS entered_us, s.outcome,
           s.how_sure, s.rule_version, coalesce(s.left_out, r.left_out) AS reason, r.missed,
           unix_micros(r.next_at) AS next_us
    FROM scoped s JOIN returns r ON r.call_id = s.call_id AND r.visit = s.visit
)
"""
    + "UNION ALL".join(
        [
            _ROWS.format(name="missed_again_24h", window_us=_DAY_US, **_MISSED),
            _ROWS.format(name="again_24h", window_us=_DAY_US, **_ALL),
            _ROWS.format(name="again_7d", window_us=7 * _DAY_US, **_ALL),
        ]
    ),
)
