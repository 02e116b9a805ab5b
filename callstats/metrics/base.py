"""What a metric declares, and how judged rows become the parts of a cell.

A metric's SQL text yields **judged rows**, one per thing judged (a visit, a message, a missed call) and
measure:

    measure TEXT       which measure of the metric
    department TEXT    department it is counted in
    local_date DATE    day it belongs to (day, week, month and weekday derive from it)
    at TIMESTAMP       its instant in UTC (the hour derives from it, on the local clock)
    split TEXT         its place on the metric's own axis (rings, outcome, cause); null without one
    reason TEXT        why it is left out; null where it counts
    hit BOOLEAN        of a share: it belongs to k
    value_us BIGINT    of a spread: the time in microseconds; null while there is none yet. Of a rate: open
                       time, in a row that is nothing judged (certainty null)
    certainty TEXT     certainty of this judgement; ``unknown`` leaves n and is counted beside it
    rule_version TEXT  rules it was judged by; null where none applies

A text may name the visit too (``call_id``, ``visit``): then the calls behind a cell can be told (`behind`).

`cell_query` wraps that text into one statement that counts the rows per cell. Its rows are parts: they add up
over any partition of days and departments, the times too, as a histogram whose bars know their sum.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from callstats.fields import CERTAINTY

Language = Literal["lv", "en"]
Kind = Literal["share", "spread", "count", "rate"]
Unit = Literal["share", "s", "calls", "calls/h"]

TIME_AXES: Final = ("hour", "weekday", "day", "week", "month")
AXES: Final = ("department", *TIME_AXES)
_AXIS_SQL: Final = {
    "department": "j.department",
    "hour": "hour(from_utc_timestamp(j.at, :timezone))",
    "weekday": "d.weekday",
    "day": "d.day",
    "week": "d.week",
    "month": "d.month",
}


@dataclass(frozen=True)
class Said:
    """One text in both languages."""

    lv: str
    en: str

    def __getitem__(self, language: Language) -> str:
        return self.en if language == "en" else self.lv


@dataclass(frozen=True)
class Measure:
    """One number of a metric.

    ``share``: k of n, a value from 0 to 1. ``spread``: times in seconds; the value is their median, k of n
    things have one, mean, 90th percentile and maximum stand beside it. ``count``: how many, k = n. ``rate``:
    k calls per hour that the department was open, null where there was no call.

    ``step_us``: width of the histogram that the times of a spread are kept in; median and percentile are off
    by less than that, mean and maximum are exact.
    """

    name: str
    title: Said
    kind: Kind
    meaning: Said
    step_us: int = 50_000

    @property
    def unit(self) -> Unit:
        """Unit of the value: ``share`` (0 to 1), ``s``, ``calls`` or ``calls/h``."""
        return UNITS[self.kind]


UNITS: Final[Mapping[Kind, Unit]] = {"share": "share", "spread": "s", "count": "calls", "rate": "calls/h"}


@dataclass(frozen=True)
class Split:
    """The metric's own axis: its name and its places in order (none: whole numbers, as they occur)."""

    name: str
    title: Said
    values: Mapping[str, Said] = field(default_factory=dict)


@dataclass(frozen=True)
class Metric:
    """The declaration of a metric; its slug is the name of the module that declares it.

    The first measure is the one told in a headline. ``exclusions`` says for each reason what is left out,
    ``inputs`` names the tables its text reads, ``better`` which direction is an improvement (None: neither).
    """

    module: str
    title: Said
    meaning: Said
    formula: str
    source: Said
    better: Literal["higher", "lower"] | None
    denominator: Said
    exclusions: Mapping[str, Said]
    measures: tuple[Measure, ...]
    inputs: tuple[str, ...]
    sql: str
    split: Split | None = None
    hotline_only: bool = False
    also_called: tuple[str, ...] = ()  # other usual names

    @property
    def slug(self) -> str:
        """Name in addresses, commands and files."""
        return self.module.rpartition(".")[2]

    @property
    def unit(self) -> Unit:
        """Unit of the headline value."""
        return self.measures[0].unit

    @property
    def axes(self) -> tuple[str, ...]:
        """Everything the metric can be split by."""
        return (*AXES, self.split.name) if self.split else AXES

    def measure(self, name: str) -> Measure:
        """The measure of that name. Raises KeyError."""
        for measure in self.measures:
            if measure.name == name:
                return measure
        raise KeyError(f"{self.slug} has no measure {name}")


def department_parameter(place: int) -> str:
    """Name of the parameter that holds the department at this place; parameters have letters only."""
    return "department_" + str(place).translate(str.maketrans("0123456789", "abcdefghij"))


def only(column: str, departments: int) -> str:
    """The condition that keeps ``departments`` of them (literals reach the row groups); "" for 0: all."""
    names = ", ".join(f":{department_parameter(place)}" for place in range(departments))
    return f" AND {column} IN ({names})" if departments else ""


def cell_query(metric: Metric, by: tuple[str, ...], departments: int = 0) -> str:
    """One statement: parts of ``metric`` per cell of the axes ``by``.

    Columns: the axes, measure, reason, certainty, rule_version, ``bin_us`` (lower end of the histogram's bar;
    null for what has no time), and of the rows in it ``n``, ``k``, ``sum_us`` and ``max_us``. Beside the
    metric's inputs it reads ``days`` (day, weekday, week, month of the days asked for). Parameters:
    ``start``, ``end``, ``timezone``, those of the metric's text, and with ``departments`` > 0 the
    `department_parameter` of each.
    """
    own = metric.split.name if metric.split else ""
    axes = {axis: "j.split" if axis == own else _AXIS_SQL[axis] for axis in by}
    keys = [*axes.values(), "j.measure", "j.reason", "j.certainty", "j.rule_version"]
    bars = _bars(metric)
    columns = [f"{sql} AS {name}" for name, sql in axes.items()]
    columns += [f"{key} AS {key[2:]}" for key in keys[len(axes) :]]
    columns += [f"{bars or 'CAST(NULL AS BIGINT)'} AS bin_us"]
    columns += ["count(*) AS n", "CAST(sum(CASE WHEN j.hit THEN 1 ELSE 0 END) AS BIGINT) AS k"]
    columns += ["CAST(sum(j.value_us) AS BIGINT) AS sum_us", "max(j.value_us) AS max_us"]
    return (
        f"WITH judged AS (\n{metric.sql.strip()}\n)\n"
        f"SELECT {', '.join(columns)}\n"
        "FROM judged j JOIN days d ON j.local_date = d.day\n"
        f"WHERE j.local_date >= :start AND j.local_date < :end{only('j.department', departments)}\n"
        f"GROUP BY {', '.join([*keys, bars] if bars else keys)}"
    )


def _bars(metric: Metric) -> str:
    """The bar of the histogram that a row's time belongs to: whole steps, half-open; "" without a spread."""
    steps = [
        f"WHEN '{m.name}' THEN j.value_us - j.value_us % {m.step_us}"
        for m in metric.measures
        if m.kind == "spread"
    ]
    return f"CASE j.measure {' '.join(steps)} END" if steps else ""


# Every figure of calls starts from these visits, computed once for all metrics asked for. Null scope columns
# are told apart, not guessed; `phones_offered` null means the source cannot tell: then the visit stays in.
SCOPED_COLUMNS: Final = (
    "call_id", "visit", "department", "local_date", "entered_at", "entered_by", "outcome", "external",
    "within_third_signal", "third_signal_certainty", "third_signal_left_out", "rings", "ring_source",
    "no_phone_available",
    "rotation", "rotation_cause", "rotation_certainty", "rotation_answered", "rule_version",
)  # fmt: skip
SCOPED: Final = f"""
    SELECT {", ".join(f"v.{name}" for name in SCOPED_COLUMNS)},
           CAST(round(v.wait_s * 1000000, 0) AS BIGINT) AS wait_us,
           CAST(round(v.talk_s * 1000000, 0) AS BIGINT) AS talk_us,
           CAST(round(v.ring_s * 1000000, 0) AS BIGINT) AS ring_us,
           CAST(round(v.ring_min_s * 1000000, 0) AS BIGINT) AS ring_min_us,
           CAST(round(v.ring_max_s * 1000000, 0) AS BIGINT) AS ring_max_us,
           CAST(round(v.period_s * 1000000, 0) AS BIGINT) AS period_us,
           CASE WHEN v.outcome IS NULL THEN 'unknown'
                ELSE coalesce(v.outcome_certainty, 'unknown') END AS how_sure,
           CASE WHEN v.external IS NULL OR v.in_hours IS NULL THEN 'scope_unknown'
                WHEN NOT v.in_hours THEN 'out_of_hours'
                WHEN v.phones_offered = 0 AND NOT coalesce(v.no_phone_available, FALSE)
                     AND coalesce(v.outcome, '') <> 'answered'
                THEN CASE WHEN v.outcome = 'voicemail' OR v.department = :hotline_department
                          THEN 'voicemail_only'
                          WHEN v.outcome = 'abandoned' THEN 'left_in_menu'
                          ELSE 'nothing_offered' END
           END AS left_out
    FROM visits v
    WHERE v.local_date >= :start AND v.local_date < :end
"""


def scope_steps(departments: int = 0) -> dict[str, str]:
    """Name → text of the tables that the metrics' texts call `visits_scoped` (every visit, and why it is left
    out) and `scoped` (the external ones), in order. Reads visits, the judged ones.
    """
    return {
        "visits_scoped": SCOPED + only("v.department", departments),
        "scoped": "SELECT * FROM visits_scoped WHERE coalesce(external, TRUE)",
    }


SCOPE_EXCLUSIONS: Final[Mapping[str, Said]] = {
    "out_of_hours": Said("ārpus darba laika", "outside working hours"),
    "left_in_menu": Said(
        "zvanītājs pārtrauca zvanu izvēlnē", "the caller gave up in the menu, nothing was offered"
    ),
    "voicemail_only": Said(
        "zvanu uzreiz pieņēma balss pasts vai informatīvais tālrunis",
        "taken by voicemail or the information phone, no phone was to be offered",
    ),
    "nothing_offered": Said("zvans netika piedāvāts nevienam tālrunim", "the number led to no phone at all"),
    "scope_unknown": Said(
        "nav nosakāms, vai zvans ir ārējs vai darba laikā", "external or in working hours cannot be told"
    ),
}

CERTAINTY_NAMES: Final[Mapping[str, Said]] = dict(
    zip(
        CERTAINTY,
        (
            Said("izmērīts", "certain"),
            Said("robežgadījums", "borderline"),
            Said("aptuvens", "estimated"),
            Said("nav nosakāms", "unknown"),
        ),
        strict=True,
    )
)

OUTCOME_NAMES: Final[Mapping[str, Said]] = {
    "answered": Said("atbildēts", "answered"),
    "abandoned": Said("zvanītājs nesagaidīja atbildi", "caller gave up"),
    "unanswered": Said("neviens neatbildēja", "nobody answered"),
    "busy": Said("aizņemts (cita saruna)", "busy"),
    "voicemail": Said("balss pasts", "voicemail"),
    "unavailable": Said("tālrunis nav sasniedzams", "phone not reachable"),
    "failed": Said("zvans neizdevās", "failed"),
    "overflowed": Said("pārgāja uz citu struktūrvienību", "went on to another department"),
}
