"""One table, five formats: JSON, CSV, XLSX, Parquet, an Arrow stream, by ``Accept`` or ``?format=``."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from io import BytesIO
from math import isnan
from typing import IO, Any, Final, Literal

import pyarrow as pa
from starlette.responses import Response

from api.errors import NotAcceptableError
from callstats.export import json_value, write_csv, write_parquet
from callstats.origin import COLUMN, labelled
from callstats.workbook import write_xlsx

Format = Literal["json", "csv", "xlsx", "parquet", "arrow"]
MEDIA: Final[dict[Format, str]] = {
    "json": "application/json",
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "parquet": "application/vnd.apache.parquet",
    "arrow": "application/vnd.apache.arrow.stream",
}

# Whether the request's site shows simulated calls; `shell.Labelled` sets it, so that no route can forget it.
simulated: Final[ContextVar[bool]] = ContextVar("simulated", default=False)


def negotiated(accept: str, wanted: Format | None = None, there: Sequence[Format] = tuple(MEDIA)) -> Format:
    """The format to answer in: ``wanted``, else what ``accept`` (RFC 9110, 12.5.1) prefers; the first where
    equal.

    Raises NotAcceptableError where ``accept`` takes none of those that are ``there``.
    """
    if wanted is not None:
        return wanted
    ranges = [_range(part) for part in accept.split(",") if part.strip()] or [("*/*", 1.0)]
    quality = {name: _quality(MEDIA[name], ranges) for name in there}
    best = max(quality, key=lambda name: quality[name])
    if quality[best] <= 0:
        raise NotAcceptableError(
            f"none of the formats is accepted; there are {', '.join(MEDIA[name] for name in there)}"
        )
    return best


def _range(part: str) -> tuple[str, float]:
    media, *parameters = (piece.strip() for piece in part.split(";"))
    weights = [
        value for name, _, value in (p.partition("=") for p in parameters) if name.strip().lower() == "q"
    ]
    try:
        weight = float(weights[0]) if weights else 1.0
    except ValueError:
        weight = 0.0
    return media.lower(), 0.0 if isnan(weight) else min(max(weight, 0.0), 1.0)


def _quality(media: str, ranges: list[tuple[str, float]]) -> float:
    """Weight of a media type: the most specific range that matches decides."""
    for pattern in (media, media.split("/")[0] + "/*", "*/*"):
        found = [q for name, q in ranges if name == pattern]
        if found:
            return max(found)
    return 0.0


def _json(table: pa.Table, more: dict[str, Any]) -> bytes:
    maps = [field.name for field in table.schema if pa.types.is_map(field.type)]
    rows = table.to_pylist()
    for row in rows:
        row.update({name: dict(row[name] or ()) for name in maps})
    return json.dumps({**label(), **more, "items": rows}, ensure_ascii=False, default=json_value).encode()


def _flat(table: pa.Table) -> pa.Table:
    """Maps as text: "reason=3;reason=1"."""
    for place, field in enumerate(table.schema):
        if pa.types.is_map(field.type):
            texts = [";".join(f"{k}={v}" for k, v in cell or ()) for cell in table[field.name].to_pylist()]
            told = pa.field(field.name, pa.string(), metadata=field.metadata)
            table = table.set_column(place, told, pa.array(texts, pa.string()))
    return table


def _file(
    writer: Callable[[pa.Table, IO[bytes]], None], *, flat: bool
) -> Callable[[pa.Table, dict[str, Any]], bytes]:
    def written(table: pa.Table, _: dict[str, Any]) -> bytes:
        out = BytesIO()
        writer(_flat(table) if flat else table, out)
        return out.getvalue()

    return written


def _arrow(table: pa.Table, out: IO[bytes]) -> None:
    with pa.ipc.new_stream(out, table.schema) as stream:
        stream.write_table(table)


_WRITERS: Final[dict[Format, Callable[[pa.Table, dict[str, Any]], bytes]]] = {
    "json": _json,
    "csv": _file(write_csv, flat=True),
    "xlsx": _file(write_xlsx, flat=True),
    "parquet": _file(write_parquet, flat=False),
    "arrow": _file(_arrow, flat=False),
}


def label() -> dict[str, bool]:
    """What a JSON object of simulated data begins with; nothing for real data."""
    return {COLUMN: True} if simulated.get() else {}


def answer(table: pa.Table, form: Format, name: str, more: dict[str, Any] | None = None) -> Response:
    """The table as a response; JSON is ``{..more, "items": [...]}``, the others are files called ``name``."""
    told = table if form == "json" else labelled(table, simulated.get())
    response = Response(_WRITERS[form](told, more or {}), media_type=MEDIA[form])
    if form != "json":
        response.headers["Content-Disposition"] = f'attachment; filename="{name}.{form}"'
    return response
