"""`eventextra` of CEL rows: which key says what, by event."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ingest.base import Int64
from ingest.csvtext import value_fault

__all__ = ["EXTRA", "FIELDS", "extras"]

_BRIDGE = {"bridge": "bridge_id"}
EXTRA: Mapping[str, Mapping[str, str]] = {
    "HANGUP": {"cause": "hangupcause", "hangup_source": "hangupsource", "status": "dialstatus"},
    "BRIDGE_ENTER": _BRIDGE,
    "BRIDGE_EXIT": _BRIDGE,
    "BLINDTRANSFER": {
        **_BRIDGE,
        "target_exten": "extension",
        "dest_uniqueid": "transferee_channel_uniqueid",
        "dest_channel": "transferee_channel_name",
    },
    "ATTENDEDTRANSFER": {
        "bridge": "bridge1_id",
        "dest_uniqueid": "channel2_uniqueid",
        "dest_channel": "channel2_name",
    },
    "FORWARD": {"target_exten": "forward"},
    "PICKUP": {"dest_uniqueid": "pickup_channel_uniqueid", "dest_channel": "pickup_channel"},
    "LOCAL_OPTIMIZE": {"dest_uniqueid": "local_two_uniqueid", "dest_channel": "local_two"},
    "LOCAL_OPTIMIZE_BEGIN": {"dest_uniqueid": "local_two_uniqueid", "dest_channel": "local_two"},
}
FIELDS = ("cause", "hangup_source", "status", "bridge", "target_exten", "dest_uniqueid", "dest_channel")
# Before Asterisk 12 a HANGUP said `16,SIP/401-0000000a,ANSWER`.
_OLD_HANGUP = re.compile(r"(?P<cause>[0-9]{1,3}),(?P<hangup_source>[^,]*)(?:,(?P<status>[A-Z]*))?")
_NOTHING = frozenset({"", "N/A"})

# The two forms that nine of ten lines have, letter by letter as Asterisk writes them; in text without quotes,
# backslashes and control characters JSON says what stands there.
_PLAIN = r'[^"\\\x00-\x1f]*'
_USUAL: Mapping[str, str] = {
    "HANGUP": r'^\{"hangupcause":(?P<cause>0|[1-9][0-9]{0,2}),'
    rf'"hangupsource":"(?P<hangup_source>{_PLAIN})","dialstatus":"(?P<status>{_PLAIN})"\}}$',
    "BRIDGE": rf'^\{{"bridge_id":"(?P<bridge>{_PLAIN})","bridge_technology":"{_PLAIN}"\}}$',
}
_ASKED = {"HANGUP": ["HANGUP"], "BRIDGE": ["BRIDGE_ENTER", "BRIDGE_EXIT"]}


def extras(kind: pa.Array, extra: pa.Array) -> tuple[dict[str, pa.Array], dict[int, str]]:
    """The columns `FIELDS` that eventextra fills, null where the event has no such key; faults by row."""
    columns = {name: pa.nulls(len(kind), pa.string()) for name in FIELDS}
    told = pc.and_(pc.is_in(kind, pa.array(sorted(EXTRA))), pc.is_valid(extra))
    left = np.array(told.to_numpy(zero_copy_only=False))
    for form, pattern in _USUAL.items():
        asked = np.asarray(pc.is_in(kind, pa.array(_ASKED[form]))) & left
        rows = np.flatnonzero(asked)
        found = pc.extract_regex(extra.take(pa.array(rows)), pattern)
        fits = found.is_valid().to_numpy(zero_copy_only=False)
        left[rows[fits]] = False
        for field in found.type:
            columns[field.name] = _put(columns[field.name], asked, pc.struct_field(found, field.name))
    return columns, _exactly(kind, extra, np.flatnonzero(left), columns)


def _put(column: pa.Array, asked: npt.NDArray[np.bool_], values: pa.Array) -> pa.Array:
    nothing = pc.is_in(values, pa.array(sorted(_NOTHING)))
    return pc.replace_with_mask(
        column, pa.array(asked), pc.if_else(nothing, pa.scalar(None, pa.string()), values)
    )


def _exactly(
    kind: pa.Array,
    extra: pa.Array,
    rows: Int64,
    columns: dict[str, pa.Array],
) -> dict[int, str]:
    """Fills what some rows say into `columns`, one row at a time; returns their faults."""
    faults: dict[int, str] = {}
    found: dict[str, list[str | None]] = {name: [None] * len(rows) for name in FIELDS}
    picked = pa.array(rows)
    told = zip(kind.take(picked).to_pylist(), extra.take(picked).to_pylist(), strict=True)
    for place, (name, text) in enumerate(told):
        for column, value in one(name, text).items():
            if fault := value_fault(value):
                faults.setdefault(int(rows[place]), fault)
            else:
                found[column][place] = value
    if len(rows):
        hit = np.zeros(len(kind), bool)
        hit[rows] = True
        for name, values in found.items():
            columns[name] = pc.replace_with_mask(columns[name], pa.array(hit), pa.array(values, pa.string()))
    return faults


def one(kind: str, text: str) -> dict[str, str]:
    """The values of one eventextra by event column; text that is no JSON gives none (Asterisk 1.8 to 11)."""
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        said = None
    if isinstance(said, dict):
        values = {column: str(said[key]) for column, key in EXTRA[kind].items() if said.get(key) is not None}
    elif kind == "HANGUP" and (old := _OLD_HANGUP.fullmatch(text)):
        values = {column: value for column, value in old.groupdict().items() if value}
    else:
        values = {}
    return {column: value for column, value in values.items() if value not in _NOTHING}
