"""The API: departments, the catalogue of metrics, their values, a department's calls, one call."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta
from typing import Annotated, Any, Final
from urllib.parse import urlencode

import pyarrow as pa
from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError
from starlette.responses import Response

from api import calls, models
from api.access import apart, departments_in, not_apart
from api.errors import ForbiddenError, NotFoundError
from api.formats import MEDIA, Format, answer, label, negotiated
from api.noting import noted
from api.people import visitor_of
from api.site import Site, site_of
from callstats.analysis.figures import told_table
from callstats.behind import Cell
from callstats.errors import UsageError
from callstats.export import json_value
from callstats.metrics.base import Metric, Said
from callstats.metrics.registry import METRICS, also_called
from callstats.month_list import month_list
from callstats.register.table import cases_table
from callstats.verdicts import Verdict
from callstats.workbook import DEFINITION

MAX_LIMIT: Final = 1000
PREFIX: Final = "/api/v1"
NO_STORE: Final = {"Cache-Control": "no-store"}  # single calls: no copy stays on a disk
FIRST_DAY: Final = date(1970, 1, 1)
LAST_DAY: Final = date(2200, 1, 1)
MOST_YEARS: Final = 40
MOST_DAYS: Final = timedelta(days=MOST_YEARS * 365 + 10)  # with the leap days of forty years


def _asked_once(request: Request) -> None:
    """Raises UsageError for a parameter given twice, of which the last would silently win."""
    names = [name for name, _ in request.query_params.multi_items() if name != "department"]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UsageError(f"{', '.join(twice)}: given more than once; only 'department' may be repeated")


router = APIRouter(prefix=PREFIX, tags=["figures"], dependencies=[Depends(_asked_once)])
SiteOf = Annotated[Site, Depends(site_of)]


def _day(value: object) -> date:
    """A day as it is written; a number would else be taken for a timestamp."""
    try:
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", str(value)):
            raise ValueError
        found = date.fromisoformat(str(value))
    except ValueError:
        raise PydanticCustomError("day", "must be a day such as 2026-03-02") from None
    if not FIRST_DAY <= found <= LAST_DAY:
        raise PydanticCustomError("day", f"must be from {FIRST_DAY} to {LAST_DAY}")
    return found


Day = Annotated[date, BeforeValidator(_day)]


class Known(BaseModel):
    """Parameters; others are refused."""

    model_config = ConfigDict(extra="forbid")


class Formatted(Known):
    """Parameters of every table."""

    format: Format | None = Field(
        None, description="json, csv, xlsx, parquet or arrow; without it Accept decides"
    )


class Windowed(Known):
    """A half-open window of local days."""

    start: Day | None = Field(
        None, alias="from", description="first local day; without it the first with data"
    )
    end: Day | None = Field(
        None,
        alias="to",
        description="first local day after the window; without it the day after the last data",
    )

    def window(self, site: Site) -> tuple[date, date]:
        """The days ``[start, end)``. Raises UsageError where the window is empty or too long."""
        if self.start and self.end and self.end <= self.start:
            raise UsageError(
                f"from, to: the window {self.start} to {self.end} is empty: "
                "'to' is the first day after it and must be later"
            )
        start, end = site.days(self.start, self.end)
        if (self.start or self.end) and end - start > MOST_DAYS:
            raise UsageError(
                f"from, to: the window {start} to {end} is too long: it may span {MOST_YEARS} years at most"
            )
        return start, end


class FigureQuery(Windowed, Formatted):
    """Which values of a metric."""

    department: list[str] = Field([], description="department id; may be repeated; without it all")
    by: str = Field(
        "department",
        description="axes to split by, joined by commas; empty: one value. There are "
        f"{', '.join(models.AXIS_NAMES)}; which of them a metric has, its declaration says",
    )


class CellQuery(Known):
    """Calls behind one cell of a figure."""

    figure: str | None = Field(None, max_length=60, description="figure whose calls to list")
    place: str | None = Field(None, max_length=60, description="place on the figure's own axis")
    weekday: int | None = Field(None, ge=1, le=7, description="1 Monday to 7 Sunday")
    hour: int | None = Field(None, ge=0, le=23, description="hour of the local clock")
    hits: bool = Field(False, description="only calls that count in k")

    def cell(self) -> Cell | None:
        """The cell. Raises UsageError for a place of no figure."""
        if self.figure is None:
            if self.place is not None or self.weekday or self.hour is not None or self.hits:
                raise UsageError("figure: is missing; name the one that place, weekday, hour, hits are of")
            return None
        return Cell(self.figure, self.place, self.weekday, self.hour, self.hits)

    def cell_asked(self) -> dict[str, Any]:
        """What names the cell in an address."""
        return self.model_dump(include=set(CellQuery.model_fields), exclude_defaults=True)


class CallsQuery(Windowed, Formatted, CellQuery):
    """Which calls of a department."""

    limit: int = Field(100, ge=1, le=MAX_LIMIT, description="most rows to give")
    cursor: str | None = Field(None, max_length=500, description="'next' of the page before")
    verdict: Verdict | None = Field(None, description="only calls of which the third signal's rule says this")


@router.get("/departments", responses=models.responses(models.Departments), summary="Departments")
def departments(request: Request, site: SiteOf, query: Annotated[Formatted, Query()]) -> Response:
    """Departments with their names, one row per period."""
    form = negotiated(request.headers.get("accept", ""), query.format)
    return answer(site.departments.listed, form, "departments")


@router.get("/metrics", responses=models.responses(models.Catalogue), summary="Catalogue of the metrics")
def catalogue(request: Request, query: Annotated[Formatted, Query()]) -> Response:
    """Every metric: what it means, how it is computed, what is left out, its unit and axes."""
    form = negotiated(request.headers.get("accept", ""), query.format)
    if form == "json":
        return json_answer({**label(), "items": [declaration(one) for one in METRICS.values()]})
    flat = [{name: _flat(value) for name, value in declaration(one).items()} for one in METRICS.values()]
    return answer(pa.Table.from_pylist(flat), form, "metrics")


@router.get(
    "/metrics/{metric}",
    responses=models.responses(models.Figures),
    summary="Values of a metric",
    name="figures",
)
def figures(
    request: Request,
    site: SiteOf,
    metric: Annotated[str, Path(description="slug of the metric", json_schema_extra={"enum": [*METRICS]})],
    query: Annotated[FigureQuery, Query()],
) -> Response:
    """Value, k, n, what was left out, certainty, 95 % interval, rule and data version per cell.

    Cells below the department of few calls or people are hidden (`suppressed`). No data is null, never 0.
    A week or month is computed from its calls, never as a mean of days.
    """
    metric = also_called(metric)
    if metric not in METRICS:
        raise NotFoundError(f"no metric {metric!r}; known: {', '.join(METRICS)}")
    form = negotiated(request.headers.get("accept", ""), query.format)
    start, end = query.window(site)
    by = tuple(part.strip() for part in query.by.split(",") if part.strip())
    own = departments_in(visitor_of(request), "figures")
    asked = query.department or (None if own is None else list(own))
    not_apart(visitor_of(request), site.departments, query.department, end)
    alone = apart(visitor_of(request), site.departments, end)
    told = told_table(site.store, site.settings, metric, by, start, end, asked, alone)
    response = answer(defined(told, METRICS[metric]), form, f"{metric}_{start}_{end}")
    if form == "csv":  # a CSV file has no room for it
        address = f"{request.scope.get('root_path', '')}{PREFIX}/metrics?format=csv"
        response.headers["Link"] = f'<{address}>; rel="describedby"'
    return response


@router.get("/cases", responses=models.responses(models.Cases), summary="Register of messages")
def cases(request: Request, site: SiteOf, query: Annotated[Formatted, Query()]) -> Response:
    """The hotline register: status, clocks and latencies of every case; no number, no name, no content."""
    form = negotiated(request.headers.get("accept", ""), query.format)
    response = answer(cases_table(site.store, site.settings), form, "cases")
    response.headers.update(NO_STORE)
    return response


@router.get("/months", responses=models.responses(models.Months, table=False), summary="Months")
def all_months(request: Request, site: SiteOf, _: Annotated[Known, Query()]) -> Response:
    """How the months stand: closed, restated, provisional or waiting, with every edition. JSON only."""
    negotiated(request.headers.get("accept", ""), there=("json",))
    return json_answer({**label(), "items": [row.as_json() for row in month_list(site.store, site.settings)]})


@router.get(
    "/departments/{department}/calls",
    responses=models.responses(models.Visits),
    summary="Calls of a department",
)
def department_calls(
    request: Request,
    site: SiteOf,
    department: Annotated[str, Path(description="department id")],
    query: Annotated[CallsQuery, Query()],
) -> Response:
    """The visits of a department by time, in pages.

    Employees are letters within a call; clients are not shown.
    """
    site.department(department)
    form = negotiated(request.headers.get("accept", ""), query.format)
    start, end = query.window(site)
    if form != "json":
        noted(site, visitor_of(request), "table_exported", f"calls_{department}_{start}_{end}")
    table, following = calls.page(
        site.store, site.settings, department, start, end, query.limit, query.cursor, query.verdict,
        query.cell(),
    )  # fmt: skip
    response = answer(table, form, f"calls_{department}_{start}_{end}", {"next": following})
    response.headers.update(NO_STORE)
    if following:
        again = {"from": start, "to": end, "limit": query.limit, "cursor": following}
        again |= {"format": query.format} if query.format else {}
        again |= {"verdict": query.verdict} if query.verdict else {}
        again |= query.cell_asked()
        response.headers["Link"] = f'<{request.url.path}?{urlencode(again)}>; rel="next"'
    return response


@router.get("/calls/{call_id}", responses=models.responses(models.Call, table=False), summary="One call")
def one_call(
    request: Request,
    site: SiteOf,
    call_id: Annotated[str, Path(description="id of the call", max_length=200)],
    _: Annotated[Known, Query()],
) -> Response:
    """One call, its visits, the phones tried and the lines it came from. JSON only."""
    negotiated(request.headers.get("accept", ""), there=("json",))
    found = calls.one(site.store, site.settings, call_id)
    own = departments_in(visitor_of(request), "one_call")
    if own is not None and not {one["department"] for one in found["visits"]} & set(own):
        raise ForbiddenError(f"call {call_id} did not come to a department of yours")
    response = json_answer({**label(), **found})
    response.headers.update(NO_STORE)
    return response


def defined(table: pa.Table, metric: Metric) -> pa.Table:
    """The table with the metric's definition in its metadata: XLSX has it as a sheet, Parquet as it is."""
    told = {name: _flat(value) or "" for name, value in declaration(metric).items()}
    told["exclusions"] = "; ".join(said.en for said in metric.exclusions.values())
    return table.replace_schema_metadata({DEFINITION: json.dumps(told, ensure_ascii=False)})


def declaration(metric: Metric) -> dict[str, Any]:
    """A metric's declaration as the API tells it."""
    return {
        "metric": metric.slug,
        "title": _said(metric.title),
        "meaning": _said(metric.meaning),
        "formula": metric.formula,
        "source": _said(metric.source),
        "better": metric.better,
        "denominator": _said(metric.denominator),
        "exclusions": {reason: _said(text) for reason, text in metric.exclusions.items()},
        "measures": [
            {
                "measure": m.name,
                "title": _said(m.title),
                "meaning": _said(m.meaning),
                "kind": m.kind,
                "unit": m.unit,
                "step_s": m.step_us / 1e6 if m.kind == "spread" else None,
            }
            for m in metric.measures
        ],
        "axes": list(metric.axes),
        "target": None,
    }


def _said(text: Said) -> dict[str, str]:
    return {"lv": text.lv, "en": text.en}


def _flat(value: Any) -> str | None:
    """A declaration's part as one cell: English, lists and reasons joined by a semicolon."""
    if isinstance(value, dict):
        return str(value["en"]) if set(value) == {"lv", "en"} else ";".join(value)
    if isinstance(value, list):
        return ";".join(item["measure"] if isinstance(item, dict) else str(item) for item in value)
    return None if value is None else str(value)


def json_answer(value: Any) -> Response:
    """A JSON answer that is no table."""
    return Response(json.dumps(value, ensure_ascii=False, default=json_value), media_type=MEDIA["json"])
