"""A damaged beginning costs the damaged lines, not the file."""

import bz2
import gzip
import lzma
from collections.abc import Callable
from pathlib import Path

import pytest

from callstats.errors import InputError
from ingest.heads import HEAD_LINES, heads
from ingest.reader import identify
from tests.ingest.reading import SAMPLES, result, settings_for

DAMAGE = {
    "NUL bytes": (b"\x00" * 70_000 + b"\n", 1),
    "a line of 10 MB": (b"x" * (10 << 20) + b"\n", 1),
    "lines of rubbish": (b"garbage\n" * 60, 60),
    "rubbish and a torn line": (b"garbage\n" * 2000 + b"\xff" * 100_000 + b"\n", 2001),
}
FILES = (
    "queue_log/queue_log", "cdr_csv/18_columns.csv", "cdr_csv/utc.csv", "cdr_custom/Master.csv",
    "cdr_custom/HighRes.csv", "cdr_json/full.json", "cel_csv/20_columns.csv", "cel_json/full.json",
)  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("sample", FILES)
def test_a_file_with_a_damaged_beginning_loads(sample: str, damage: str, tmp_path: Path) -> None:
    junk, lines = DAMAGE[damage]
    sound, path = (SAMPLES / sample).read_bytes() * 5, tmp_path / "file"
    path.write_bytes(junk + sound)
    settings = settings_for(sample)
    kind = identify(path, settings)
    good, found = result(sound, kind, settings), result(path, kind, settings)
    assert found.kept == good.kept
    assert found.events["line_key"].equals(good.events["line_key"])
    assert found.events["at"].equals(good.events["at"])
    assert len(found.rejects) == len(good.rejects) + lines


def test_a_stranger_is_still_a_stranger(tmp_path: Path) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_bytes(b"Dear Sir or Madam,\n" * 20_000 + b"\x00" * 100_000)
    with pytest.raises(InputError, match="no dialect knows this file"):
        identify(letter)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_a_compressed_file_is_what_is_packed_in_it(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    path = tmp_path / "queue_log.1"
    packed = pack((SAMPLES / "queue_log/queue_log").read_bytes())
    path.write_bytes(packed)
    assert identify(path).name == "queue_log"
    for other in (pack(b"Dear Sir or Madam,\n"), packed[:12], packed[:10] + b"\x00" * 99):
        path.write_bytes(other)
        with pytest.raises(InputError, match="no dialect knows this file"):
            identify(path)


def test_heads_begin_at_lines_and_go_on_to_the_end() -> None:
    lines = [b"%d\n" % n for n in range(3 * HEAD_LINES)]
    found = list(heads(b"".join(lines)))
    assert found == [b"".join(lines[HEAD_LINES:]), b"".join(lines[2 * HEAD_LINES :])]
    assert list(heads(b"x" * 200_000 + b"\nnext")) == [b"next"]
    assert list(heads(b"no end")) == list(heads(b"")) == []
