"""How long the client waited: gaps and music included, beside the ring time and never mixed into it."""

from callstats.metrics.base import SCOPE_EXCLUSIONS, Measure, Metric, Said, Split

BANDS = {
    "0-5": Said("līdz 5 s", "under 5 s"),
    "5-10": Said("5–10 s", "5 to 10 s"),
    "10-15": Said("10–15 s", "10 to 15 s"),
    "15-30": Said("15–30 s", "15 to 30 s"),
    "30-60": Said("30–60 s", "30 to 60 s"),
    "60-180": Said("1–3 min", "1 to 3 min"),
    "180+": Said("3 min un ilgāk", "3 min and more"),
}

METRIC = Metric(
    module=__name__,
    title=Said("Gaidīšanas laiks", "Waiting time"),
    meaning=Said(
        "Cik ilgi klients gaidīja no brīža, kad zvans nonāca struktūrvienībā, līdz atbildei vai līdz brīdim, "
        "kad viņš pats beidza zvanu. Mūzika un pauzes, kad nekas neskan, ir ieskaitītas; ar signālu ilgumu "
        "šo laiku nejauc. Pusē gadījumu gaidīts ne ilgāk par mediānu; blakus ir vidējais laiks.",
        "How long the client waited from the moment the call came to the department until an answer, or "
        "until the client gave up. Music and pauses in which nothing rings are part of it; it is never mixed "
        "with the ring time. Half waited no longer than the median; the mean stands beside it.",
    ),
    formula="median of answer (or giving up) - start of the visit; mean: average speed of answer",
    source=Said("standarta 15.1. punkts", "clause 15.1 of the standard"),
    better="lower",
    denominator=Said(
        "ārējie zvani darba laikā: atbildētie un, atsevišķi, tie, kuros zvanītājs nesagaidīja atbildi",
        "external visits in working hours: the answered, and apart from them those the caller gave up",
    ),
    exclusions={
        **SCOPE_EXCLUSIONS,
        "attended_transfer": Said(
            "kolēģis savienoja pēc sarunas", "a colleague rang first (attended transfer)"
        ),
    },
    measures=(
        Measure(
            "answered_wait_s",
            Said("Laiks līdz atbildei", "Time to the answer"),
            "spread",
            Said("atbildētie zvani; vidējais laiks līdz atbildei blakus", "answered calls; mean beside it"),
        ),
        Measure(
            "abandoned_wait_s",
            Said("Cik ilgi gaidīja, kas nesagaidīja atbildi", "How long those waited who gave up"),
            "spread",
            Said("zvani, kurus zvanītājs beidza pirms atbildes", "calls that the caller ended"),
        ),
    ),
    split=Split("waited", Said("Gaidīja", "Waited"), BANDS),
    inputs=("scoped",),
    sql="""
SELECT CASE WHEN outcome = 'answered' THEN 'answered_wait_s' ELSE 'abandoned_wait_s' END AS measure,
       department, local_date, entered_at AS at,
       CASE WHEN wait_us < 5000000 THEN '0-5' WHEN wait_us < 10000000 THEN '5-10'
            WHEN wait_us < 15000000 THEN '10-15' WHEN wait_us < 30000000 THEN '15-30'
            WHEN wait_us < 60000000 THEN '30-60' WHEN wait_us < 180000000 THEN '60-180'
            WHEN wait_us IS NOT NULL THEN '180+' END AS split,
       coalesce(left_out, CASE WHEN entered_by = 'attended_transfer' THEN 'attended_transfer' END) AS reason,
       FALSE AS hit, wait_us AS value_us,
       CASE WHEN wait_us IS NULL OR how_sure = 'unknown' THEN 'unknown'
            WHEN ring_source = 'cdr' THEN 'estimated'
            ELSE how_sure END AS certainty,
       rule_version
FROM scoped
WHERE outcome IN ('answered', 'abandoned')
""",
)
