import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.csvtext import BadLineError
from ingest.jsontext import flat

KEYS = ("clid", "src", "lastdata", "start", "userfield")


def _written(values: dict[str, str]) -> bytes:
    """A line as Asterisk's writer makes it: quotes escaped, backslashes not."""
    inner = ",".join('"{}":"{}"'.format(k, v.replace('"', '\\"')) for k, v in values.items())
    return f"{{{inner}}}".encode()


@given(st.lists(st.text(st.sampled_from('ab\\",:{}0 ā\n'), max_size=9), min_size=5, max_size=5))
def test_what_the_writer_wrote_is_read_back_though_it_is_often_no_json(texts: list[str]) -> None:
    values = dict(zip(KEYS, texts, strict=True))
    line = _written(values)
    assert flat(line) == values


@pytest.mark.parametrize(
    ("line", "values"),
    [
        (r'{"clid":"\"Anna \\"A\\"\" <1>","src":"1"}', {"clid": r'"Anna \"A\"" <1>', "src": "1"}),
        (r'{"name":"C:\new","num":"1"}', {"name": r"C:\new", "num": "1"}),
        (r'{"name":"ends in \","num":"1"}', {"name": "ends in \\", "num": "1"}),
        ('{"start":1795402052.385826,"answer":0.000000,"n":-1,"x":null}',
         {"start": "1795402052.385826", "answer": "0.000000", "n": "-1", "x": ""}),
        ('{"Start": 1795402052.385826, "lv": "\\u0101", "b": true, "l": [1, "a"]}',
         {"start": "1795402052.385826", "lv": "ā", "b": "true", "l": '["1", "a"]'}),
        ('  {"a":"1"}\r', {"a": "1"}),
    ],
)  # fmt: skip
def test_lines_and_their_values(line: str, values: dict[str, str]) -> None:
    assert flat(line.encode()) == values


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", "not a JSON object"),
        (b"[1]", "not a JSON object"),
        (b"{nonsense}", "not a JSON object"),
        (b'{"a":"b"c"}', "JSON that can be read in more than one way"),
        (b'{"a":"b","a":"c" x}', "JSON that can be read in more than one way"),
        (b'{"a":' + b"[" * 100_000 + b"}", "JSON that can be read in more than one way"),
        (b'{"a":"\xff"}', "not UTF-8 text"),
        (b'{"a":"\x00"}', "holds a NUL byte"),
    ],
)
def test_what_is_no_line_of_json(line: bytes, reason: str) -> None:
    with pytest.raises(BadLineError, match=reason):
        flat(line)


@given(
    st.dictionaries(
        st.sampled_from(KEYS), st.text(st.characters(codec="utf-8", exclude_characters='\\"\x00'))
    )
)
def test_plain_json_is_read_as_json(values: dict[str, str]) -> None:
    line = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
    if "\\" not in line and values:
        assert flat(line.encode()) == values
