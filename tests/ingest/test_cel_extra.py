"""What eventextra says is the same whether a line has the usual form, read at once, or is read as JSON."""

import json

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.cel_extra import EXTRA, FIELDS, extras, one
from ingest.csvtext import value_fault

USUAL = (
    '{"hangupcause":16,"hangupsource":"PJSIP/201-00000005","dialstatus":"ANSWER"}',
    '{"hangupcause":0,"hangupsource":"","dialstatus":""}',
    '{"bridge_id":"a16991aa-1785-4be6-98b5-c29b542f0b00","bridge_technology":"simple_bridge"}',
    '{"bridge_id":"N/A","bridge_technology":""}',
    "16,SIP/401-0000000a,ANSWER",
)
PIECES = st.sampled_from(
    ['"', "\\", "\\u0000", "\\ud800", "\n", "\x00", "ā", "}", ",", ":", "0", "-", "N/A", " ", "1e2"]
)


@st.composite
def texts(draw: st.DrawFn) -> str | None:
    text = draw(st.sampled_from(USUAL))
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(text)))
        text = text[:place] + draw(PIECES) + text[place + draw(st.integers(0, 2)) :]
    return draw(st.sampled_from([text, text, text, None]))


@given(rows=st.lists(st.tuples(st.sampled_from([*EXTRA, "CHAN_START"]), texts()), max_size=12))
def test_both_ways_say_the_same(rows: list[tuple[str, str | None]]) -> None:
    kinds, said = pa.array([k for k, _ in rows], pa.string()), pa.array([t for _, t in rows], pa.string())
    columns, faults = extras(kinds, said)
    for row, (kind, text) in enumerate(rows):
        values = one(kind, text) if kind in EXTRA and text is not None else {}
        bad = [fault for value in values.values() if (fault := value_fault(value))]
        assert faults.get(row) == (bad[0] if bad else None)
        if not bad:
            assert {name: columns[name][row].as_py() for name in FIELDS} == {
                name: values.get(name) for name in FIELDS
            }


@pytest.mark.parametrize("text", USUAL[:4])
def test_the_usual_forms_are_those_that_json_reads(text: str) -> None:
    assert json.loads(text)
    kind = "HANGUP" if "hangup" in text else "BRIDGE_EXIT"
    columns, _ = extras(pa.array([kind]), pa.array([text]))
    assert {n: c[0].as_py() for n, c in columns.items() if c[0].is_valid} == one(kind, text)
