"""The API's description: models made from the declarations, so that OpenAPI says units and meanings."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, Final, Literal

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, create_model

from api.calls import ATTEMPT_FIELDS, CALL_FIELDS, EVIDENCE_FIELDS, PAGE_FIELDS, VISIT_FIELDS
from api.errors import PROBLEM
from api.formats import MEDIA
from callstats import fields
from callstats.metrics.base import AXES, Kind, Unit
from callstats.metrics.registry import METRICS
from callstats.month_list import EDITION_FIELDS, MONTH_FIELDS
from callstats.register.table import CASES
from callstats.report import figure_fields

AXIS_NAMES: Final = (*AXES, *dict.fromkeys(m.split.name for m in METRICS.values() if m.split))


def _python_type(field: fields.Field) -> Any:
    if field.values and pa.types.is_string(field.dtype):
        return Literal[field.values]
    if pa.types.is_list(field.dtype):
        return list[str]
    if pa.types.is_map(field.dtype):
        return dict[str, int]
    kinds = (
        (pa.types.is_timestamp, datetime),
        (pa.types.is_date, date),
        (pa.types.is_boolean, bool),
        (pa.types.is_integer, int),
        (pa.types.is_floating, float),
    )
    return next((kind for matches, kind in kinds if matches(field.dtype)), str)


def row_model(name: str, columns: Iterable[fields.Field], doc: str, **more: Any) -> type[BaseModel]:
    """A model of one row: every column may be null, carries its meaning and, where it has one, its unit."""
    described: dict[str, Any] = {
        # a field may not begin like Python's own names: "from" is given as alias
        f"{f.name}_" if f.name == "from" else f.name: (
            _python_type(f) | None,
            Field(
                default=None,
                alias=f.name,
                description=f.meaning,
                json_schema_extra={"unit": f.unit} if f.unit else None,
            ),
        )
        for f in columns
    }
    return create_model(name, __doc__=doc, **described, **more)


def _page(name: str, item: type[BaseModel], *, paged: bool = False) -> type[BaseModel]:
    following: dict[str, Any] = {
        "next": (str | None, Field(default=None, description="cursor of the next page; null on the last one"))
    }
    return create_model(name, items=(list[item], ...), **(following if paged else {}))  # type: ignore[valid-type]


class Said(BaseModel):
    """One text in Latvian and English."""

    lv: str
    en: str


class MeasureModel(BaseModel):
    """One number of a metric."""

    measure: str
    title: Said
    meaning: Said
    kind: Kind
    unit: Unit = Field(
        description="share: from 0 to 1; s: seconds, the value is the median; calls: how many; calls/h: per "
        "hour of open time"
    )
    step_s: float | None = Field(description="width of the bars that times are kept in; null for no times")


class MetricModel(BaseModel):
    """The declaration of a metric."""

    metric: str = Field(description="slug: the name in addresses, commands and files")
    title: Said
    meaning: Said
    formula: str
    source: Said = Field(description="clause of the standard")
    better: Literal["higher", "lower"] | None = Field(description="null: neither is better, a recommendation")
    denominator: Said = Field(description="what is counted as n")
    exclusions: dict[str, Said] = Field(description="what is left out of n and counted, by reason")
    measures: list[MeasureModel]
    axes: list[str] = Field(description="what 'by' may name")
    target: float | None = Field(default=None, description="null: no target is set")


class Problem(BaseModel):
    """What went wrong (RFC 9457)."""

    model_config = ConfigDict(extra="allow")
    type: str
    title: str
    status: int
    detail: str = Field(description="what is wrong, where, and what is allowed")


Figure: Final = row_model("Figure", figure_fields(AXIS_NAMES), "One value of a metric in one cell.")
Visit: Final = row_model("Visit", VISIT_FIELDS, fields.JUDGED_VISITS.row)
DepartmentRow: Final = row_model(
    "Department",
    (
        fields.Field("department", fields.TEXT, "department id"),
        fields.Field("name_lv", fields.TEXT, "name in Latvian"),
        fields.Field("name_en", fields.TEXT, "name in English"),
        fields.Field("parent", fields.TEXT, "department or institution it belongs to"),
        fields.Field("valid_from", fields.DAY, "first day of this period; null: open"),
        fields.Field("valid_to", fields.DAY, "first day after this period; null: open"),
    ),
    "A department in one of its periods.",
)
Call: Final = row_model(
    "Call",
    CALL_FIELDS,
    "One call with what it was made from.",
    visits=(list[Visit], Field(description="its stays in departments")),  # type: ignore[valid-type]
    attempts=(
        list[row_model("Attempt", ATTEMPT_FIELDS, fields.ATTEMPTS.row)],  # type: ignore[misc]
        Field(description="phones tried, in order"),
    ),
    evidence=(
        list[row_model("Evidence", EVIDENCE_FIELDS, "one line that the PBX wrote")],  # type: ignore[misc]
        Field(description="the lines it came from, by time; at most 2000"),
    ),
)
Month: Final = row_model(
    "Month",
    MONTH_FIELDS,
    "How one month stands.",
    editions=(
        list[row_model("Edition", EDITION_FIELDS, "one closing of a month")],  # type: ignore[misc]
        Field(description="every closing of it, the first first; empty: not closed"),
    ),
)
Months: Final = _page("Months", Month)


class Days(BaseModel):
    """Local days that hold data: from the first one to before another; null where there are none."""

    model_config = ConfigDict(extra="forbid")
    from_: date | None = Field(None, alias="from", description="first local day with data")
    to: date | None = Field(None, description="first local day after the last with data")


Cases: Final = _page("Cases", row_model("Case", CASES.fields, CASES.row))
Departments: Final = _page("Departments", DepartmentRow)
Catalogue: Final = _page("Catalogue", MetricModel)
Figures: Final = _page("Figures", Figure)
Visits: Final = _page("Visits", row_model("VisitInPage", PAGE_FIELDS, fields.JUDGED_VISITS.row), paged=True)


def responses(model: type[BaseModel], *, table: bool = True) -> dict[int | str, dict[str, Any]]:
    """The ``responses`` of a route: its model, the other formats of a table, and problems."""
    others: dict[str, Any] = {MEDIA["csv"]: {"schema": {"type": "string"}}} if table else {}
    if table:
        binary = {"schema": {"type": "string", "format": "binary"}}
        others |= {MEDIA[name]: binary for name in ("xlsx", "parquet", "arrow")}
    broken: dict[str, Any] = {
        "description": "What is wrong, and what is allowed",
        "content": {PROBLEM: {"schema": Problem.model_json_schema()}},
    }
    return {200: {"model": model, "content": others}, 404: broken, 406: broken, 422: broken}
