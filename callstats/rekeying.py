"""A new key for the pseudonyms: everything stored is rewritten in one generation, without any number.

A pseudonym under the new key is the key's hash of the old pseudonym. All files of the facts are written anew
beside the old ones, then one transaction makes them valid, rewrites the number vault and takes the key into
use: before it everything is as it was, after it nothing refers to the old pseudonyms. What was begun before
(a load, a computation) is refused at its end and begins again. The old key stays in the key file: the way
from a number to its pseudonym leads through all keys.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from callstats import data_requests, parquet
from callstats.cases import catalog, commits, generations, register
from callstats.cases.catalog import ConflictError, FileRow
from callstats.cases.keys import generation, site_pseudonymiser
from callstats.cases.vault import Vault
from callstats.errors import SettingsError, StoreError
from callstats.fields import TABLES
from callstats.pseudonyms import Pseudonymiser, prepare_key
from callstats.settings import Settings
from callstats.store import LEASE, Store

TRIES: Final = 5


@dataclass(frozen=True)
class Rekeyed:
    """What was done: ids of the keys, files written anew with their rows, numbers of the vault."""

    old_key: int
    new_key: int
    files: int
    rows: int
    numbers: int


def rekey(store: Store, settings: Settings) -> Rekeyed:
    """Takes a new key into use; one that an interrupted run had prepared is used.

    Raises ConflictError when others keep writing or another process does the same, SettingsError when the key
    file cannot be read or written.
    """
    old = site_pseudonymiser(settings, store.database)
    new = prepare_key(settings.numbers.key_file, old.key_id)
    if new.previous != old:
        raise SettingsError(
            f"{settings.numbers.key_file}: holds more than one key that is not in use; keep the first of them"
        )
    done: dict[str, FileRow | None] = {}
    for _ in range(TRIES):
        with store.reading():
            for file in _live(store):
                if file.id not in done:
                    done[file.id] = _rewritten(store, file, new)
            try:
                return _commit(store, settings, done, old, new)
            except ConflictError:
                continue
    raise ConflictError("store: other processes keep writing; give the numbers a new key when they are done")


def _live(store: Store) -> list[FileRow]:
    with store.database.read() as connection:
        return [file for name in TABLES for file in catalog.live_files(connection, name)]


def _commit(
    store: Store, settings: Settings, done: dict[str, FileRow | None], old: Pseudonymiser, new: Pseudonymiser
) -> Rekeyed:
    renewed = {before: after for before, after in done.items() if after is not None}
    vault = Vault.open(settings, store.database, store.clock)
    with store.database.write() as connection:
        if generation(connection) != old.key_id:
            raise StoreError("store: another process has just given the numbers a new key")
        if prepare_key(settings.numbers.key_file, old.key_id) != new:
            raise StoreError(f"{settings.numbers.key_file}: was changed meanwhile; nothing was done")
        generations.replace_all(connection, done.keys(), renewed, new, now=store.clock())
        register.rekey(connection, new.rewritten)
        data_requests.rekey(connection, new.rewritten)
        numbers = vault.rekey(connection, new)
    return Rekeyed(old.key_id, new.key_id, len(renewed), sum(file.rows for file in renewed.values()), numbers)


def _rewritten(store: Store, file: FileRow, new: Pseudonymiser) -> FileRow | None:
    """The file with its pseudonyms under the new key, written and pending; None where it holds none.

    A row group at a time: the memory does not grow with the file.
    """
    source = store.root / file.path
    named = parquet.new_id()
    renewed = replace(file, id=named, path=file.path.replace(file.id, named), version=None)
    found = False

    def groups() -> Iterator[pa.RecordBatch]:
        nonlocal found
        with pq.ParquetFile(source) as read:
            for place in range(read.num_row_groups):
                before = read.read_row_group(place)
                after = rekeyed(before, new)
                found = found or after is not before
                yield from after.to_batches()

    now = store.clock()
    with store.database.write() as connection:
        commits.register(connection, [renewed], now, now + LEASE)
    size, _ = parquet.write_stream(groups(), pq.read_schema(source), store.root / renewed.path)
    if not found:
        store.discard([renewed])
        return None
    return replace(renewed, bytes=size)


def rekeyed(table: pa.Table, new: Pseudonymiser) -> pa.Table:
    """The table with every pseudonym of the key before `new` under `new`, wherever a text holds one.

    The very table where it holds none.
    """
    if new.previous is None:
        raise ValueError("a first key has nothing to rewrite")
    pattern = rf"[nx]{new.previous.key_id}-[0-9a-f]{{32}}"
    changed = table
    for place, name in enumerate(table.column_names):
        column = table[name]
        renewed = _column(column, pattern, new)
        if renewed is not column:
            changed = changed.set_column(place, table.schema.field(name), renewed)
    return changed


def _column(column: pa.ChunkedArray, pattern: str, new: Pseudonymiser) -> pa.ChunkedArray:
    if pa.types.is_string(column.type):
        return _texts(column, pattern, new)
    if not pa.types.is_list(column.type) or not pa.types.is_string(column.type.value_type):
        return column
    rows = _one(column)
    before = pa.chunked_array([rows.flatten()], pa.string())
    after = _texts(before, pattern, new)
    if after is before:
        return column
    lengths = pc.fill_null(pc.list_value_length(rows), 0)
    ends = pc.cumulative_sum(lengths).cast(pa.int32())
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), ends])
    rebuilt = pa.ListArray.from_arrays(offsets, _one(after), type=column.type, mask=pc.is_null(rows))
    return pa.chunked_array([rebuilt], column.type)


def _texts(column: pa.ChunkedArray, pattern: str, new: Pseudonymiser) -> pa.ChunkedArray:
    held = pc.fill_null(pc.match_substring_regex(column, pattern), False)
    if not pc.any(held).as_py():
        return column
    chosen = _one(column.filter(held)).dictionary_encode()
    known = [new.rewritten(text) for text in chosen.dictionary.to_pylist()]
    values = pa.array(known, pa.string()).take(chosen.indices)
    return pa.chunked_array([pc.replace_with_mask(_one(column), _one(held), values)], column.type)


def _one(column: pa.ChunkedArray) -> pa.Array:
    """The column in one piece: it is that of one row group."""
    joined = column.combine_chunks()
    return pa.concat_arrays(joined.chunks) if isinstance(joined, pa.ChunkedArray) else joined
