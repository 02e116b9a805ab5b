"""A collector at work against a server of our own, and what its journal holds afterwards."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from pydantic import SecretStr

from callstats.pseudonyms import Pseudonymiser
from callstats.settings_ami import AmiServer
from ingest.collect import Collector
from ingest.journal import Read, Reader
from ingest.journal_format import Kind, Record
from tests.ingest.fake_ami import SECRET, FakeAmi, Peer, told, until

KEYS = Pseudonymiser(b"k" * 32)


def server_of(fake: FakeAmi, **more: object) -> AmiServer:
    """The settings that lead to a fake server."""
    return AmiServer.model_validate(
        {"host": fake.host, "port": fake.port, "user": "callstats", "secret": SecretStr(SECRET)} | more
    )


@contextmanager
def beside(run: Callable[[], None], stop: threading.Event) -> Iterator[None]:
    """Something that runs until `stop` is set, while a test goes on."""
    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(60)
        assert not thread.is_alive()


@contextmanager
def collecting(server: AmiServer, folder: Path) -> Iterator[Collector]:
    """A collector at work."""
    stop = threading.Event()
    collector = Collector(server, "pbx", folder, KEYS, stop)
    with beside(collector.run, stop):
        yield collector


def journaled(folder: Path) -> list[Record]:
    """All records of the collector's journal."""
    found: list[Record] = []
    with closing(Reader(folder / "pbx", KEYS)) as reader:
        while more := list(reader.read()):
            assert all(isinstance(one, Read) for one in more)
            found += [one.record for one in more if isinstance(one, Read)]
    return found


def stream(folder: Path) -> bytes:
    """What the PBX said, as the journal has it."""
    return b"".join(record.data for record in journaled(folder) if record.kind == Kind.DATA)


def kinds(folder: Path) -> list[Kind]:
    """Which records stand in the journal, data that follow each other once."""
    found: list[Kind] = []
    for record in journaled(folder):
        if record.kind != Kind.DATA or found[-1:] != [Kind.DATA]:
            found.append(record.kind)
    return found


def collected(fake: FakeAmi, folder: Path, count: int, **more: object) -> list[int]:
    """The numbers of the events that were collected, when so many were."""
    with fake.running(), collecting(server_of(fake, **more), folder):
        until(lambda: len(told(stream(folder))) >= count)
    return told(stream(folder))


def sending(*data: bytes) -> Callable[[Peer], None]:
    """A script that sends some bytes, once."""

    def script(peer: Peer) -> None:
        if peer.number == 1:
            for one in data:
                peer.send(one)

    return script
