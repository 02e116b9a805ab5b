"""Any bytes give records or rejects, counts add up, and neither blocks nor speed change what is read."""

from collections.abc import Sequence
from functools import cache

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ingest.base import Dialect
from ingest.blocks import Block, blocks
from ingest.lines import LineDialect, LineReader, Tokens
from tests.ingest.reading import SAMPLES, Result, context, dialect, lines_of, result

KINDS = {
    "cdr_csv": ("cdr_csv/18_columns.csv", "cdr_csv/21_columns.csv", "cdr_csv/clocks_back.csv"),
    "cdr_custom": ("cdr_custom/Master.csv", "cdr_custom/HighRes.csv", "cdr_custom/full_tz.csv"),
    "cdr_json": ("cdr_json/full.json",),
    "cel_csv": ("cel_csv/20_columns.csv", "cel_csv/asterisk_11.csv", "cel_csv/19_columns.csv"),
    "cel_json": ("cel_json/full.json", "cel_json/newer_names.json"),
    "queue_log": ("queue_log/queue_log", "queue_log/other_forms.log"),
}
# what CSV readers disagree on
PIECES = (
    b'"', b'""', b",", b"\n", b"\r", b"\\", b'\\"', b"\x00", b"|", b" ", b"\xef\xbb\xbf", b"\xff",
    b"\xc4\x81", b'","', b'"\n"', b"{", b"}", b":", b"1795402040", b'"2026-11-23 04:47:32"', b"'",
    b"\t", b"\x1c", b"NULL",
)  # fmt: skip


@cache
def _lines(kind: str) -> tuple[bytes, ...]:
    return tuple(lines_of(*KINDS[kind]))


@st.composite
def files(draw: st.DrawFn, known: tuple[bytes, ...]) -> bytes:
    """Lines of real files, some of them spoiled, and bytes that nobody wrote."""
    broken = st.lists(st.sampled_from(PIECES), max_size=12).map(b"".join) | st.binary(max_size=40)
    parts = []
    for _ in range(draw(st.integers(0, 8))):
        line = draw(st.sampled_from(known))
        match draw(st.integers(0, 3)):
            case 0:
                place = draw(st.integers(0, len(line)))
                parts.append(line[:place] + draw(broken) + line[place + draw(st.integers(0, 3)) :])
            case 1:
                parts.append(draw(broken) + b"\n")
            case _:
                parts.append(line)
    return b"".join(parts)


def _records(found: Result) -> int:
    return found.kept + sum(found.ignored.values()) + len(found.rejects)


@pytest.mark.parametrize("kind", [*KINDS, "ami", "voicemail"])
@given(content=st.binary(max_size=300) | st.lists(st.sampled_from(PIECES), max_size=30).map(b"".join))
def test_any_bytes_give_records_or_rejects(kind: str, content: bytes) -> None:
    found = result(content, dialect(kind))
    assert found.read == _records(found)
    if isinstance(dialect(kind), LineDialect):
        whole, rest = content.count(b"\n"), not content.endswith(b"\n") and content != b""
        assert found.read == whole + rest


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=30)
@given(data=st.data())
def test_spoiled_files_give_records_or_rejects_in_blocks_of_any_size(kind: str, data: st.DataObject) -> None:
    content = data.draw(files(_lines(kind)))
    whole = result(content, dialect(kind))
    parts = result(content, dialect(kind), block_bytes=data.draw(st.integers(1, 900)))
    assert whole.read == _records(whole)
    assert parts.events.equals(whole.events)
    assert parts.rejects == whole.rejects
    assert parts.ignored == whole.ignored


def _block(content: bytes) -> Block | None:
    found = list(blocks(_Bytes(content), "file", complete=True, block_bytes=1 << 20))
    return found[0] if found and len(found[0].starts) else None


class _Bytes:
    def __init__(self, content: bytes) -> None:
        self.content = content

    def read(self, size: int, /) -> bytes:
        found, self.content = self.content[:size], self.content[size:]
        return found


def _reader(kind: Dialect, content: bytes) -> LineReader:
    assert isinstance(kind, LineDialect)
    return kind.opened(content, context(), "file")


def _rows(tokens: Tokens, names: Sequence[str]) -> list[tuple[int, dict[str, str | None]]]:
    columns = {name: tokens.columns[name].to_pylist() for name in names}
    return [
        (line, {name: values[row] for name, values in columns.items()})
        for row, line in enumerate(tokens.rows.tolist())
    ]


@pytest.mark.parametrize("kind", ["cdr_csv", "cdr_custom", "cel_csv", "queue_log"])
@given(data=st.data())
def test_a_block_read_as_a_whole_says_what_its_lines_say(kind: str, data: st.DataObject) -> None:
    content = data.draw(files(tuple(lines_of(KINDS[kind][0]))))
    block = _block(content)
    if block is None:
        return
    quick = _reader(dialect(kind), content).quickly(block)
    reader = _reader(dialect(kind), content)
    exact = reader.exactly(block, np.arange(len(block.starts)))
    if quick is not None:
        assert _rows(quick, reader.columns) == _rows(exact, reader.columns)
        assert (dict(quick.faults), dict(quick.ignored)) == (exact.faults, exact.ignored)


ANY_TEXT = st.text(st.characters(exclude_characters="\n\r\0", codec="utf-8"))
ODD = ['a"', '"', '""', ",", '","', "\\", '\\"', " ", "", "NULL", "\u2028", "\x1c", "'", "x", "1", "", "", ""]


@given(fields=st.lists(ANY_TEXT, min_size=18, max_size=18))
@example(fields=ODD)
def test_whatever_a_pbx_quotes_is_read_back_both_ways(fields: list[str]) -> None:
    line = ",".join('"' + f.replace('"', '""') + '"' for f in fields).encode() + b"\n"
    good = _lines("cdr_csv")[0]
    block = _block(good + line)
    assert block is not None
    reader = _reader(dialect("cdr_csv"), good)
    quick = reader.quickly(block)
    assert quick is not None
    assert len(quick.rows) == 2
    names = ("dst", "clid", "lastdata", "userfield")
    wanted = [fields[i] for i in (2, 4, 8, 17)]
    assert [quick.columns[name][1].as_py() for name in names] == wanted
    assert [reader.values(line[:-1])[name] for name in names] == wanted


@pytest.mark.parametrize("kind", ["cdr_csv", "cdr_custom", "cel_csv", "queue_log"])
def test_real_files_are_read_as_a_whole(kind: str) -> None:
    for sample in KINDS[kind]:
        content = (SAMPLES / sample).read_bytes()
        block = _block(content)
        assert block is not None
        quick = _reader(dialect(kind), content).quickly(block)
        assert quick is not None
        assert len(quick.rows) == content.count(b"\n")


def test_readings_add_up_to_one_table_with_rising_line_numbers() -> None:
    found = result(b"".join(_lines("cel_csv")) * 40, dialect("cel_csv"), block_bytes=5000)
    lines = found.events["line"].to_pylist()
    assert lines == sorted(lines)
    assert len(set(found.events["line_key"].to_pylist())) == len(lines)
    assert isinstance(found.events, pa.Table)
