"""The live feed: AMI events from a socket to a journal on disk, beside the named package's own reader.

The package only counts what it reads; ours has every byte framed, encrypted, with a checksum and forced to
disk before it is counted. Both log in to the same server, which sends as fast as they read.
"""

from __future__ import annotations

import re
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from asterisk.ami import AMIClient
from pydantic import SecretStr

from benchmarks.harness import BenchError, Outcome, Run, apart, compared, in_turn, percentile, seconds
from callstats.pseudonyms import Pseudonymiser
from callstats.settings_ami import AmiServer
from ingest.collect import Collector

__all__ = ["Feed", "ours", "theirs"]

EVENTS: Final = 300_000
SINGLE: Final = 300
USER, SECRET = "callstats", "loopback"
KEYS: Final = Pseudonymiser(b"k" * 32)
_ID: Final = re.compile(rb"ActionID: ([^\r\n]*)", re.IGNORECASE)
_LAST: Final = b"Event: Last\r\nUniqueid: 1795400000.last\r\n\r\n"


def _event(number: int) -> bytes:
    at = f"{1795400000 + number // 1000}.{number % 1000:03}000"
    return (
        f"Event: Newstate\r\nPrivilege: call,all\r\nTimestamp: {at}\r\n"
        f"Channel: PJSIP/201-{number:08x}\r\nChannelState: 5\r\nChannelStateDesc: Ringing\r\n"
        "CallerIDNum: 201\r\nCallerIDName: <unknown>\r\nConnectedLineNum: 28404019\r\n"
        "ConnectedLineName: <unknown>\r\nLanguage: lv\r\nAccountCode: social\r\nContext: from-staff\r\n"
        f"Exten: 67012200\r\nPriority: 1\r\nUniqueid: 1795400000.{number}\r\nLinkedid: 1795400000.1\r\n\r\n"
    ).encode()


@contextmanager
def _serving(script: Callable[[socket.socket], None]) -> Iterator[int]:
    """A manager on a port of the loopback that lets anybody in, then plays a script."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_accept, args=(listener, script), daemon=True).start()
        yield int(listener.getsockname()[1])
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket, script: Callable[[socket.socket], None]) -> None:
    with suppress(OSError):
        while True:
            found, _ = listener.accept()
            threading.Thread(target=_serve, args=(found, script), daemon=True).start()


def _serve(found: socket.socket, script: Callable[[socket.socket], None]) -> None:
    with suppress(OSError), found:
        found.sendall(b"Asterisk Call Manager/9.0.0\r\n")
        rest, playing = b"", False
        while data := found.recv(65536):
            rest += data
            while b"\r\n\r\n" in rest:
                asked, _, rest = rest.partition(b"\r\n\r\n")
                told = _ID.search(asked)
                more = b"Challenge: 1\r\n" if b"Action: Challenge" in asked else b""
                own = told[1] if told else b""
                found.sendall(b"Response: Success\r\nActionID: %s\r\n%s\r\n" % (own, more))
                if b"Action: Login" in asked and not playing:
                    playing = True
                    threading.Thread(target=script, args=(found,), daemon=True).start()


def _burst(found: socket.socket) -> None:
    sent = b"".join(map(_event, range(1000)))
    with suppress(OSError):
        for _ in range(EVENTS // 1000):
            found.sendall(sent)
        found.sendall(_LAST)


def _collector(port: int, folder: str) -> tuple[Collector, threading.Event]:
    server = AmiServer(port=port, user=USER, secret=SecretStr(SECRET))
    stop = threading.Event()
    return Collector(server, "pbx", Path(folder), KEYS, stop), stop


def ours(port: int, folder: str) -> Callable[[], None]:
    """Collects until the last event is on disk."""
    collector, stop = _collector(port, folder)
    received = collector.received
    last = threading.Event()

    def watched(blocks: bytes, ordinal: int) -> None:
        received(blocks, ordinal)
        if blocks.endswith(_LAST):
            last.set()

    collector.received = watched  # type: ignore[method-assign]

    def run() -> None:
        threading.Thread(target=collector.run, daemon=True).start()
        if not last.wait(120):
            raise BenchError("the last event did not come")
        collector.journal.flush()
        stop.set()

    return run


def theirs(port: int, folder: str) -> Callable[[], None]:
    """Reads with the package until the last event, counting."""
    del folder
    client: Any = AMIClient(address="127.0.0.1", port=port)
    count, last = [0], threading.Event()

    def told(event: Any, **_: Any) -> None:
        count[0] += 1
        if event.name == "Last":
            last.set()

    def run() -> None:
        client.add_event_listener(told)
        client.login(username=USER, secret=SECRET)
        if not last.wait(120):
            raise BenchError("the last event did not come")
        if count[0] != EVENTS + 1:
            raise BenchError(f"{count[0]:,} of {EVENTS:,} events came")

    return run


def _latencies() -> list[float]:
    """Seconds from the sending of single events until each is on disk."""
    found: list[float] = []
    gate = threading.Semaphore(0)
    sent_at = [0.0]

    def script(to: socket.socket) -> None:
        for number in range(SINGLE):
            gate.acquire()
            sent_at[0] = time.perf_counter()
            to.sendall(_event(number))

    with tempfile.TemporaryDirectory() as folder, _serving(script) as port:
        collector, stop = _collector(port, folder)
        thread = threading.Thread(target=collector.run)
        thread.start()
        time.sleep(0.5)  # logged in, and what a login brings is on disk
        for _ in range(SINGLE):
            before = collector.journal.durable
            gate.release()
            if collector.journal.wait_durable(before, 10) == before:
                raise BenchError("an event did not get to the disk")
            found.append(time.perf_counter() - sent_at[0])
        stop.set()
        thread.join()
    return found


@dataclass(frozen=True)
class Feed:
    """Events per second as fast as they are read, how long one takes to the disk, and the memory."""

    name: str = "ami"
    what: str = "AMI events to durable journal"
    yardstick: str = "the named package's own reader on the same stream"
    at_most: float = 1.0

    def measure(self, run: Run) -> Outcome:
        """See `Row.measure`."""
        with tempfile.TemporaryDirectory(dir=run.folder) as folder, _serving(_burst) as port:
            pairs = in_turn(
                lambda: apart(f"{__name__}:ours", port=port, folder=tempfile.mkdtemp(dir=folder)),
                lambda: apart(f"{__name__}:theirs", port=port, folder=folder),
                run.rounds,
            )
        latency = _latencies()
        found = compared(pairs, f"{EVENTS:,} events of {len(_event(0))} bytes, none lost")
        rate = EVENTS / min(one.wall_s for one, _ in pairs)
        peaks = [max(pair[side].peak_mib for pair in pairs) for side in (0, 1)]
        notes = (
            f"{rate:,.0f} events/s on disk",
            f"one event on disk after {seconds(percentile(latency, 0.5))}, 95 % within "
            f"{seconds(percentile(latency, 0.95))}",
            f"peak {peaks[0]:.0f} MiB, the package {peaks[1]:.0f}",
        )
        return Outcome(
            found.ratio, found.least, found.most, found.ours, found.yardstick, found.size, notes=notes
        )
