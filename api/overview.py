"""The Chancellery's page: departments by institution, the hotline's clocks, what of the time was recorded.

Departments stand by name, never by value; units of one or two people only within their institution.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from api import figures
from api.figures import Firmness, Row
from api.head import Change, changes
from api.page import Page
from api.pages import said_of, window_of
from api.register_told import by_name
from api.register_words import URGENCIES
from api.routes import SiteOf
from api.sheets import SheetQuery, table_file
from api.site import Site
from api.text import Words, sort_key
from callstats import corrections, coverage
from callstats.fields import INT, TEXT, Field
from callstats.register.summary import summary
from callstats.report import standing_parts, standing_rows
from callstats.small_cells import Group, within_institutions
from callstats.snapshot import Snapshot, at_one_moment
from callstats.standing import Standing

router = APIRouter(include_in_schema=False)
TOLD: Final = figures.LISTED
LINE_FIELDS: Final = (
    Field("institution", TEXT, "institution; null: of none"),
    Field("departments", TEXT, "department, or those that are told together"),
    *(
        Field(f"{metric.slug}_{name}", INT, f"{name} of: {metric.meaning['en']}")
        for metric, _ in TOLD
        for name in ("k", "n")
    ),
    Field("rule_version", TEXT, "versions of the rules"),
    Field("data_version", TEXT, "version of the facts"),
)


@dataclass(frozen=True)
class Line:
    """One line of the table: a department, or several told together; rows by slug; its trend, if alone."""

    ids: tuple[str, ...]
    names: tuple[str, ...]
    rows: Mapping[str, Row]
    change: Change | None

    @property
    def alone(self) -> bool:
        """Whether it is one department."""
        return len(self.ids) == 1


@router.get("/overview", name="overview_page")
def overview_page(request: Request, site: SiteOf, query: Annotated[SheetQuery, Query()]) -> Response:
    """Every institution's departments, the hotline, coverage, what is contested, definitions."""
    start, end = window_of(site, query)
    page = Page(request, site, query, start, end)
    groups = within_institutions(site.departments, end)
    lines, firmness = at_one_moment(
        site.store, lambda facts: _lines(site, facts, groups, start, end, page.words)
    )
    if query.format:
        rows = _flat(_by_institution(site, lines, groups, page.words))
        return table_file(site, page.visitor, rows, LINE_FIELDS, f"overview_{start}_{end}", query.format)
    said = said_of(site, start, end, None)
    with site.store.database.read() as connection:
        asked = corrections.contested(connection, start, end)
    names = {one: site.departments.name(one, page.words.language) for one in site.departments.ids}
    has_hotline = site.settings.hotline.department is not None
    return page.answer(
        "overview.html",
        institutions=_by_institution(site, lines, groups, page.words),
        firmness=firmness,
        names=names,
        comments=[one for one in said if one.metric is None],
        contested=[one for one in said if one.metric is not None],
        asked=sorted(asked.items(), key=lambda item: sort_key(names.get(item[0], item[0]))),
        listed=[metric for metric, _ in TOLD],
        versions=sorted({row["rule_version"] for line in lines for row in line.rows.values()} - {None}),
        hotline=by_name(summary(site.store, site.settings), names) if has_hotline else None,
        urgencies=URGENCIES,
        coverage=coverage.coverage(site.store, site.settings, start, end),
    )


def _lines(
    site: Site, facts: Snapshot, groups: Sequence[Group], start: date, end: date, words: Words
) -> tuple[list[Line], Firmness]:
    """A line per group; of several departments together the parts are added up, never the shares."""
    found, firmness = figures.departments_view(site, facts, start, end)
    trends = changes(site, facts, end)
    lines = []
    for group in groups:
        ids = sorted(group.departments, key=lambda one: sort_key(site.departments.name(one, words.language)))
        alone = len(ids) == 1
        rows = found[ids[0]] if alone else _together(site, facts, ids, start, end)
        if group.small:
            rows = {slug: {**row, "k": None, "n": None} for slug, row in rows.items()}
        names = tuple(site.departments.name(one, words.language) for one in ids)
        shown = alone and not group.small
        lines.append(Line(tuple(ids), names, rows, trends.get(ids[0]) if shown else None))
    return lines, firmness


def _together(site: Site, facts: Snapshot, ids: Sequence[str], start: date, end: date) -> dict[str, Row]:
    standing = Standing.of(facts, site.settings, start, end, list(ids))
    parts = standing_parts(facts, site.settings, standing, [(metric, ()) for metric, _ in TOLD])
    return {
        metric.slug: next(
            row
            for row in standing_rows(standing, parts, metric, (), [()])
            if row["measure"] == metric.measures[0].name
        )
        for metric, _ in TOLD
    }


def _flat(institutions: Sequence[tuple[str | None, Sequence[Line]]]) -> list[dict[str, Any]]:
    """The table's lines as rows of `LINE_FIELDS`."""
    return [
        {
            "institution": institution,
            "departments": ", ".join(line.names),
            **{f"{slug}_{name}": row[name] for slug, row in line.rows.items() for name in ("k", "n")},
            "rule_version": next((r["rule_version"] for r in line.rows.values() if r["rule_version"]), None),
            "data_version": next((r["data_version"] for r in line.rows.values()), None),
        }
        for institution, lines in institutions
        for line in lines
    ]


def _by_institution(
    site: Site, lines: Sequence[Line], groups: Sequence[Group], words: Words
) -> list[tuple[str | None, list[Line]]]:
    """Institutions by name, those of none last; within each its departments by name, groups last."""
    found: dict[str | None, list[Line]] = {}
    for line, group in zip(lines, groups, strict=True):
        found.setdefault(group.institution, []).append(line)
    named: list[Any] = [
        (site.departments.name(one, words.language) if one is not None else None, rows)
        for one, rows in found.items()
    ]
    named.sort(key=lambda item: (item[0] is None, sort_key(item[0] or "")))
    return [
        (name, sorted(rows, key=lambda line: (not line.alone, sort_key(line.names[0]))))
        for name, rows in named
    ]
