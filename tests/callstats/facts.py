"""Small facts made by hand: settings, events, batches."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa

from callstats.fields import EVENTS, TABLES
from callstats.settings import Settings
from callstats.store import Batch

RIGA = ZoneInfo("Europe/Riga")
NOON = datetime(2026, 3, 10, 10, tzinfo=UTC)


def site(folder: Path, database: str | None = None) -> Settings:
    """A site with its data in `folder`."""
    return Settings(data=folder / "data", database=database).model_copy(
        update={
            "numbers": Settings().numbers.model_copy(update={"key_file": folder / "data" / "numbers.key"})
        }
    )


def event(key: str, at: datetime = NOON, **columns: object) -> dict[str, object]:
    """One event; the line's key names it."""
    given = {
        "pbx": "pbx",
        "source": "cel",
        "dialect": "cel_csv",
        "batch": "b1",
        "line": 1,
        "line_key": key,
        "kind": "CHAN_START",
        "at": at,
        "local_date": at.astimezone(RIGA).date(),
    }
    return dict.fromkeys(EVENTS.names) | given | columns


def events(*rows: dict[str, object]) -> pa.Table:
    """Events as a table of their schema."""
    return pa.Table.from_pylist(list(rows), schema=EVENTS.schema)


def batch(name: str = "b1", **columns: object) -> Batch:
    """A batch of a CEL file that was read whole."""
    given = {
        "id": name, "pbx": "pbx", "source": "cel", "dialect": "cel_csv", "path": f"{name}.csv",
        "sha256": name, "size": 10, "lineage": "l",
    }  # fmt: skip
    return Batch(**given | columns)  # type: ignore[arg-type]


def calls(day: date, *call_ids: str) -> pa.Table:
    """Calls of a day that have nothing but their id."""
    return _computed("calls", day, call_ids)


def messages(day: date, *call_ids: str) -> pa.Table:
    """Messages of a day that have nothing but their call."""
    return _computed("messages", day, call_ids)


def _computed(table: str, day: date, call_ids: Sequence[str]) -> pa.Table:
    schema = TABLES[table].schema
    rows = [dict.fromkeys(schema.names) | {"call_id": name, "local_date": day} for name in call_ids]
    return pa.Table.from_pylist(rows, schema=schema)


class Time:
    """A clock that a test moves."""

    def __init__(self, at: datetime = NOON) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def pass_by(self, span: timedelta) -> None:
        """Some time goes by."""
        self.at += span


def keys(table: pa.Table) -> Sequence[str]:
    """Line keys in order."""
    return sorted(key.decode() for key in table["line_key"].to_pylist())
