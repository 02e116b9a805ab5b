"""Tables of pages as files: CSV safe from formulas, XLSX with what each column means, Parquet.

A page that has one takes ``?format=``; who took a table about others is written down first (domain/05
requirement 8).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import pyarrow as pa
from starlette.responses import Response

from api.formats import answer
from api.noting import noted
from api.page import PageQuery
from api.routes import NO_STORE
from api.site import Site
from callstats.accounts.roles import Visitor
from callstats.fields import Field

SheetFormat = Literal["csv", "xlsx", "parquet"]


class SheetQuery(PageQuery):
    """The page, or its table as a file."""

    format: SheetFormat | None = None


def table_file(site: Site, visitor: Visitor, rows: Iterable[Mapping[str, Any]], fields: tuple[Field, ...],
               name: str, form: SheetFormat) -> Response:  # fmt: skip
    """`sheet` of what is about others: that it was taken is written down first."""
    noted(site, visitor, "table_exported", name)
    return sheet(rows, fields, name, form)


def sheet(
    rows: Iterable[Mapping[str, Any]], fields: tuple[Field, ...], name: str, form: SheetFormat
) -> Response:
    """The rows as a file called ``name``, with units and meanings of its columns."""
    schema = pa.schema(
        [pa.field(f.name, f.dtype, metadata={"unit": f.unit, "meaning": f.meaning}) for f in fields]
    )
    table = pa.Table.from_pylist([{one: row.get(one) for one in schema.names} for row in rows], schema)
    response = answer(table, form, name)
    response.headers.update(NO_STORE)
    return response
