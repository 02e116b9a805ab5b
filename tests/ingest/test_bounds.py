"""What a load holds in memory does not grow with its file: numbers, rows, and files being written."""

from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest

import ingest.base
import ingest.load
from callstats import writer as writing
from callstats.cases.vault import Vault
from callstats.errors import InputError
from callstats.fields import EVENTS
from callstats.store import BatchWriter
from ingest.base import Context, Seen
from ingest.bounded import bounded
from tests.ingest.loading import Site, lines_of
from tests.ingest.reading import context, dialect, result

CDR = "cdr_csv/Master.csv"


def test_few_numbers_are_remembered_and_what_is_read_stays_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    content = b"".join(lines_of(CDR))
    usual = result(content, dialect("cdr_csv"))
    assert len({*usual.events["caller"].to_pylist(), *usual.events["exten"].to_pylist()}) > 40
    monkeypatch.setattr(ingest.base, "KNOWN_NUMBERS", 8)
    bounded = context()
    found = result(content, dialect("cdr_csv"), known=bounded, block_bytes=1000)
    assert found.events.equals(usual.events)
    assert len(bounded._known) <= 16  # those of one block, when they are more than may stay


def test_numbers_for_the_vault_are_given_away_in_parts_and_none_is_lost() -> None:
    whole, parts = context(), context()
    result(b"".join(lines_of(CDR)), dialect("cdr_csv"), known=whole)
    lines, given = lines_of(CDR), dict[str, Seen]()
    for start in range(0, len(lines), 20):
        result(b"".join(lines[start : start + 20]), dialect("cdr_csv"), known=parts)
        assert parts.taken(at_least=1000) == {}
        given |= parts.taken(at_least=1)
        assert parts.numbers == {}
    assert given == whole.numbers
    assert len(given) > 20


def test_a_number_that_the_vault_would_not_keep_is_not_collected(site: Site) -> None:
    vault = Vault.open(site.settings, site.store.database)
    since = vault.keeps_from()
    assert since is not None
    old, new = since - timedelta(seconds=1), vault.clock()
    assert vault.put({"n1-old": ("+37120000001", old)}) == 0
    assert vault.put({"n1-new": ("+37120000002", new)}) == 1
    collector = Context.of(site.settings, vault.pseudonymiser)
    collector.seen_from_us = int(since.timestamp() * 1_000_000)
    collector.saw("n1-old", "+37120000001", int(old.timestamp() * 1_000_000))
    collector.saw("n1-new", "+37120000002", int(new.timestamp() * 1_000_000))
    assert set(collector.numbers) == {"n1-new"}


def test_a_vault_that_is_switched_off_collects_nothing(site: Site) -> None:
    numbers = site.settings.numbers.model_copy(update={"vault_days": 0})
    settings = site.settings.model_copy(update={"numbers": numbers})
    vault = Vault.open(settings, site.store.database)
    assert vault.keeps_from() is None
    ingest.load.load([site.put("Master.csv", b"".join(lines_of(CDR)))], settings, site.store, compute=False)
    assert vault.size() == 0
    assert site.store.scan("events").num_rows == len(lines_of(CDR))


def test_rows_wait_for_their_files_only_up_to_a_bound(
    site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(writing, "BUFFERED_ROWS", 50)
    held: list[int] = []
    add = BatchWriter.add

    def noted(writer: BatchWriter, events: pa.Table) -> int:
        late = 0
        for start in range(0, events.num_rows, 20):
            late += add(writer, events.slice(start, 20))
            held.append(writer._buffered)
        return late

    monkeypatch.setattr(BatchWriter, "add", noted)
    site.load(site.put("Master.csv", b"".join(lines_of(CDR))))
    assert max(held) <= 50
    assert len(held) > 5
    assert len(site.store.event_files()) > 1
    assert site.store.scan("events").select(EVENTS.names).num_rows == len(lines_of(CDR))


def test_a_file_that_becomes_shorter_while_it_is_read_is_not_taken_for_read(site: Site) -> None:
    path = site.put("queue_log", b"".join(lines_of("queue_log")))
    with path.open("rb") as file:
        stream = bounded(file, path.stat().st_size)
        path.write_bytes(b"")
        with pytest.raises(InputError, match="became shorter while it was read"):
            stream.read()
