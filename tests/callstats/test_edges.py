"""Ids of one call never reach from one PBX into another, however alike the names of channels are."""

import pyarrow as pa

from callstats import engine
from callstats.assemble import text

TEXT_COLUMNS = ("pbx", "source", "kind", "uid", "lid", "duid", "dlid", "channel", "dest_channel")


def heard(*rows: dict[str, object]) -> pa.Table:
    """Rows of CDR without linkedid, as far as the text reads them."""
    fixed = {"source": "cdr", "kind": "cdr"}
    schema = pa.schema(
        [*((name, pa.string()) for name in TEXT_COLUMNS), ("at_us", pa.int64()), ("ended_us", pa.int64())]
    )
    return pa.Table.from_pylist([dict.fromkeys(schema.names) | fixed | row for row in rows], schema)


def tied(*rows: dict[str, object]) -> set[tuple[str, str]]:
    """Pairs of different ids that belong together."""
    found = engine.run(text("edges"), {"heard": heard(*rows)}).to_pylist()
    return {(row["a"], row["b"]) for row in found if row["a"] < row["b"]}


def row(pbx: str, uid: str, channel: str, dest: str, at_s: int = 0) -> dict[str, object]:
    us = at_s * 1_000_000
    named = {"pbx": pbx, "uid": f"{pbx}:{uid}", "channel": channel, "dest_channel": dest}
    return named | {"at_us": us, "ended_us": us + 20_000_000}


def test_halves_of_a_local_channel_belong_together_on_their_own_pbx_only() -> None:
    outer = ("1", "SIP/trunk-1", "Local/201@phones-1;1")
    inner = ("2", "Local/201@phones-1;2", "SIP/201-2")
    assert tied(*(row(pbx, *half, 5) for pbx in ("a", "b") for half in (outer, inner))) == {
        ("a:1", "a:2"),
        ("b:1", "b:2"),
    }


def test_a_dialled_channels_own_row_is_of_the_call_that_dialled_it_on_its_own_pbx_only() -> None:
    dialling, dialled = ("1", "SIP/trunk-1", "SIP/201-2"), ("2", "SIP/201-2", "SIP/202-3")
    assert tied(*(row(pbx, *half, 5) for pbx in ("a", "b") for half in (dialling, dialled))) == {
        ("a:1", "a:2"),
        ("b:1", "b:2"),
    }
