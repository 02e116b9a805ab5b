"""The facts and figures of a server, asked with a token: what `callstats.open` gives for an address.

What somebody may see is the server's to decide, by the role of the token (design: server-side roles). Tables
are fetched once, to files of a temporary folder, so that a question over many calls needs no more memory than
one over a store here. This is the only module of the domain with sockets.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from functools import cached_property
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2
import pyarrow as pa
import pyarrow.parquet as pq

from callstats import engine
from callstats.analysis.sources import Window
from callstats.analysis.tables import TOLD
from callstats.errors import CallstatsError, UsageError
from callstats.metrics.base import AXES, Measure, Metric, Said, Split
from callstats.metrics.registry import METRICS
from callstats.origin import COLUMN, HEADER

API: Final = "/api/v1"
TIMEOUT_S: Final = 600.0  # of an answer that is computed over years
END: Final = b"\xff\xff\xff\xff\x00\x00\x00\x00"  # of an Arrow stream
_LOOPBACK: Final = re.compile(r"localhost|127(\.[0-9]{1,3}){3}|::1")


class RemoteError(CallstatsError):
    """A server that cannot be reached, or does not give what is asked for."""


class RemoteSource:
    """A server and a token. State: the connection, and the tables that were fetched so far."""

    def __init__(
        self, address: str, token: str | None, transport: httpx2.BaseTransport | None = None
    ) -> None:
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UsageError(f"{address}: no address of a server; write it like https://calls.example.lv")
        if parts.scheme == "http" and not _LOOPBACK.fullmatch(parts.hostname):
            raise UsageError(f"{address}: a token would cross the network readable; ask by https://")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._address = address.rstrip("/")
        self._client = httpx2.Client(
            base_url=self._address + API, headers=headers, timeout=TIMEOUT_S, transport=transport
        )
        self._folder = TemporaryDirectory(prefix="callstats-")
        self._lock, self._numbers = Lock(), count()
        self._fetched: dict[tuple[str, date | None, date | None], Path] = {}

    @property
    def title(self) -> str:
        """See `callstats.analysis.sources.Source`."""
        return f"server {self._address}"

    @property
    def simulated(self) -> bool:
        """See `callstats.analysis.sources.Source`."""
        return HEADER in self._get("/departments").headers

    def window(self) -> Window | None:
        """See `callstats.analysis.sources.Source`."""
        days = self._json("/window")
        return (date.fromisoformat(days["from"]), date.fromisoformat(days["to"])) if days["from"] else None

    def departments(self) -> pa.Table:
        """See `callstats.analysis.sources.Source`."""
        return self._table("/departments", {})

    def metrics(self) -> Mapping[str, Metric]:
        """See `callstats.analysis.sources.Source`; metrics that only the server knows are told as it does."""
        return self._metrics

    @cached_property
    def _metrics(self) -> Mapping[str, Metric]:
        found = self._json("/metrics")["items"]
        return {one["metric"]: METRICS.get(one["metric"]) or _declared(one) for one in found}

    def figures(
        self,
        slug: str,
        by: Sequence[str],
        start: date | None,
        end: date | None,
        departments: Sequence[str] | None,
    ) -> pa.Table:
        """See `callstats.analysis.sources.Source`."""
        asked = {**_days(start, end), "by": ",".join(by), "department": list(departments or ())}
        return self._table(f"/metrics/{slug}", asked)

    def cases(self) -> pa.Table:
        """See `callstats.analysis.sources.Source`."""
        return self._table("/cases", {})

    @contextmanager
    def reading(
        self, names: Collection[str], start: date | None, end: date | None
    ) -> Iterator[Mapping[str, engine.Source]]:
        """See `callstats.analysis.sources.Source`; each table of some days is fetched once."""
        yield {name: [self._file(name, start, end)] for name in names}

    def close(self) -> None:
        """Closes the connection and removes what was fetched."""
        self._client.close()
        self._folder.cleanup()

    def _file(self, name: str, start: date | None, end: date | None) -> Path:
        key = (name, start, end)
        with self._lock:
            if key not in self._fetched:
                path = Path(self._folder.name) / f"{name}-{next(self._numbers)}.parquet"
                self._fetch(name, start, end, path)
                self._fetched[key] = path
            return self._fetched[key]

    def _fetch(self, name: str, start: date | None, end: date | None, path: Path) -> None:
        schema = TOLD[name].table.schema
        with (
            self._streamed(f"/tables/{name}", _days(start, end)) as chunks,
            pq.ParquetWriter(path, schema, compression="zstd") as writer,
        ):
            for batch in pa.ipc.open_stream(pa.PythonFile(chunks, mode="r")):
                writer.write_table(pa.Table.from_batches([batch]).select(schema.names).cast(schema))
            if not chunks.ended:  # Arrow takes an end between two batches for the whole
                raise RemoteError(f"{self._address}: its answer ended early; ask again")

    @contextmanager
    def _streamed(self, path: str, asked: Mapping[str, Any]) -> Iterator[_Chunks]:
        with _told(self._address), self._client.stream("GET", path, params=asked) as answer:
            if answer.status_code != httpx2.codes.OK:
                answer.read()
                _refuse(answer)
            yield _Chunks(answer.iter_bytes())

    def _table(self, path: str, asked: Mapping[str, Any]) -> pa.Table:
        answer = self._get(path, {**asked, "format": "arrow"})
        with _told(self._address):
            found = pa.ipc.open_stream(answer.content).read_all()
        return found.drop_columns([COLUMN]) if COLUMN in found.column_names else found

    def _json(self, path: str) -> Any:
        answer = self._get(path)
        with _told(self._address):
            return answer.json()

    def _get(self, path: str, asked: Mapping[str, Any] | None = None) -> httpx2.Response:
        with _told(self._address):
            answer = self._client.get(path, params=dict(asked or {}))
        if answer.status_code != httpx2.codes.OK:
            _refuse(answer)
        return answer


class _Chunks:
    """Bytes that come bit by bit, as a file to read from."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks, self._held, self._last, self.closed = chunks, b"", b"", False

    @property
    def ended(self) -> bool:
        """Whether the last bytes that came are the end mark of an Arrow stream."""
        return self._last == END

    def read(self, size: int = -1) -> bytes:
        while size < 0 or len(self._held) < size:
            chunk = next(self._chunks, None)
            if chunk is None:
                break
            self._held += chunk
            self._last = (self._last + chunk)[-len(END) :]
        found = self._held if size < 0 else self._held[:size]
        self._held = self._held[len(found) :]
        return found

    def close(self) -> None:
        self.closed = True


@contextmanager
def _told(address: str) -> Iterator[None]:
    try:
        yield
    except httpx2.TimeoutException:
        raise RemoteError(f"{address}: no answer within {TIMEOUT_S:.0f} s; ask for fewer days") from None
    except httpx2.RequestError as error:
        raise RemoteError(
            f"{address}: cannot be asked: {error}; see to the address and the network"
        ) from None
    except (ValueError, KeyError, OSError) as error:  # as Arrow tells of what it cannot read
        raise RemoteError(
            f"{address}: its answer ended early or is none of a callstats server: {error}"
        ) from None


def _refuse(answer: httpx2.Response) -> None:
    """Raises what the server says: UsageError for a question that is wrong, else RemoteError."""
    try:
        detail = str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        detail = f"answered {answer.status_code}; is this a callstats server?"
    if answer.status_code in (400, 404, 422):
        raise UsageError(detail)
    if answer.status_code == httpx2.codes.UNAUTHORIZED:
        detail += "; give callstats.open a token of an analyst (callstats account token LOGIN --role analyst)"
    raise RemoteError(f"{answer.url.host}: {detail}")


def _days(start: date | None, end: date | None) -> dict[str, str]:
    return {name: str(value) for name, value in (("from", start), ("to", end)) if value is not None}


def _declared(said: Mapping[str, Any]) -> Metric:
    """A metric of which only the server has the text."""
    own = [axis for axis in said["axes"] if axis not in AXES]
    return Metric(
        module=f"server.{said['metric']}",
        title=Said(**said["title"]),
        meaning=Said(**said["meaning"]),
        formula=said["formula"],
        source=Said(**said["source"]),
        better=said["better"],
        denominator=Said(**said["denominator"]),
        exclusions={reason: Said(**text) for reason, text in said["exclusions"].items()},
        measures=tuple(
            Measure(m["measure"], Said(**m["title"]), m["kind"], Said(**m["meaning"]))
            for m in said["measures"]
        ),
        inputs=(),
        sql="",
        split=Split(own[0], Said(own[0], own[0])) if own else None,
    )
