"""A page's data, cached by data version, beside an empty route: both by uvicorn, asked over loopback."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from statistics import median
from typing import Final

from api.app import listening
from benchmarks.harness import BenchError, Outcome, Run, Sample, compared, in_turn
from callstats.settings import Settings
from callstats.store import Store
from ingest.load import load

__all__ = ["SAMPLE", "Page"]

SAMPLE: Final = Path(__file__).parents[2] / "sample_cdr"
DATA: Final = "/api/v1/metrics/third_signal_share?by=department"
HTML: Final = "/departments/social"
ASKED: Final = 300  # requests per measurement
PATIENCE_S: Final = 60


@dataclass(frozen=True)
class Page:
    """The dashboard's figures as JSON, asked again and again by one client that keeps its connection."""

    name: str = "page"
    what: str = "a page's data, cached by data version"
    yardstick: str = "an empty FastAPI route"
    at_most: float = 1.3

    def measure(self, run: Run) -> Outcome:
        """See `Row.measure`."""
        with tempfile.TemporaryDirectory(dir=run.folder) as folder, _told():
            settings = _site(Path(folder))
            with _served("site", str(settings.data)) as ours, _served("empty", "") as empty:
                pairs = in_turn(lambda: _asked(ours, DATA), lambda: _asked(empty, "/"), run.rounds)
                html = in_turn(lambda: _asked(ours, HTML), lambda: _asked(empty, "/"), run.rounds)
        page = compared(html, "")
        return compared(
            pairs, f"{ASKED} requests a time", notes=[f"the whole HTML page {page.ratio:.2f}, {page.ours}"]
        )


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except (OSError, HTTPException) as error:
        raise BenchError(f"bench: a server does not answer: {type(error).__name__}") from error


def _site(folder: Path) -> Settings:
    """The sample site with its CDR and CEL loaded and computed."""
    settings = Settings.load(SAMPLE / "callstats.toml", folder / "data")
    with Store.open(settings) as store:
        load([SAMPLE / "cdr_csv", SAMPLE / "cel"], settings, store)
    return settings


@contextmanager
def _served(what: str, data: str) -> Iterator[HTTPConnection]:
    """A connection to a server in a process of its own."""
    with listening(port=0) as held:
        port = held.getsockname()[1]
        command = [sys.executable, "-m", "benchmarks.server", what, data, str(held.fileno())]
        server = subprocess.Popen(command, pass_fds=[held.fileno()], cwd=Path(__file__).parents[2])
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    try:
        _wait(connection, server)
        yield connection
    finally:
        connection.close()
        server.terminate()
        server.wait()


def _wait(connection: HTTPConnection, server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + PATIENCE_S
    while server.poll() is None and time.monotonic() < until:
        try:
            connection.request("GET", "/")
            connection.getresponse().read()
        except (OSError, HTTPException):
            connection.close()
            time.sleep(0.05)
        else:
            return
    raise BenchError("bench: a server did not start")


def _asked(connection: HTTPConnection, path: str) -> Sample:
    """Median time of an answer; the connection is kept, as browsers keep it."""
    connection.close()  # a server may have closed it while the other one was asked
    times = []
    for _ in range(ASKED + 1):  # the first one opens the connection, and may have to make the answer
        began = time.perf_counter()
        connection.request("GET", path)
        response = connection.getresponse()
        response.read()
        times.append(time.perf_counter() - began)
        if response.status != 200:
            raise BenchError(f"bench: {path}: status {response.status}")
    return Sample(median(times[1:]))
