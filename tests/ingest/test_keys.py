import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ingest.keys import PAGE_LINES, LineKeys


def _keys(records: list[bytes], cuts: list[int] | None = None, first: int = 1) -> list[bytes]:
    keys, found, start = LineKeys("pbx", "cdr"), [], 0
    for cut in [*sorted(cuts or []), len(records)]:
        lines = np.arange(first + start, first + max(start, cut))
        found += keys.keys(records[start : max(start, cut)], lines).to_pylist()
        start = max(start, cut)
    return found


@given(
    records=st.lists(st.sampled_from([b"a", b"b", b"c", b"a1"]), max_size=40),
    cuts=st.lists(st.integers(0, 40), max_size=6),
    first=st.integers(PAGE_LINES - 30, PAGE_LINES + 5),
)
def test_keys_do_not_depend_on_blocks_and_every_repeat_has_its_own(
    records: list[bytes], cuts: list[int], first: int
) -> None:
    whole = _keys(records, first=first)
    assert _keys(records, [min(cut, len(records)) for cut in cuts], first) == whole
    assert len(set(whole)) == len(whole)


def test_the_n_th_copy_has_the_same_key_in_a_longer_file() -> None:
    records = [b"a", b"b", b"a", b"a", b"b"]
    assert _keys(records)[:3] == _keys(records[:3])
    assert _keys([b"a", b"a"]) == [_keys(records)[0], _keys(records)[2]]


def test_pbx_and_family_are_part_of_the_identity() -> None:
    keys = {LineKeys(pbx, family).key(b"a", 1) for pbx in ("one", "two") for family in ("cdr", "cel")}
    assert len(keys) == 4
    assert all(len(key) == 16 for key in keys)


def test_copies_far_apart_are_one_line() -> None:
    keys = LineKeys("pbx", "cdr")
    first = keys.key(b"a", 1)
    assert keys.key(b"a", PAGE_LINES) != first
    assert keys.key(b"a", 4 * PAGE_LINES) == first
