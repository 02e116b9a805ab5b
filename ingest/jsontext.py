r"""JSON lines as Asterisk's advanced writers write them: flat, compact, quotes escaped, backslashes not.

`"name":"Jānis \\"Jancis\\""` is no JSON, and `"name":"a \\n"` is JSON with another meaning than was written.
But the writer is simple enough to be read back: a quote inside a value always follows a backslash, so
`,"key":` with its quotes bare always begins a key.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from ingest.csvtext import BadLineError, bare, text_fault, value_fault

__all__ = ["flat"]

_KEY = re.compile(r'[{,]"([A-Za-z_][\w .-]*)":')
_BARE = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null")
NOT_JSON = "not a JSON object"
UNCLEAR = "JSON that can be read in more than one way"


def flat(raw: bytes) -> Mapping[str, str]:
    """Keys (small letters) and values (as text; null as empty) of a line. Raises BadLineError."""
    if fault := text_fault(raw):
        raise BadLineError(fault)
    text = bare(raw).decode("utf-8").strip()
    if not (text.startswith("{") and text.endswith("}")):
        raise BadLineError(NOT_JSON)
    found = _as_written(text)
    return found if found is not None else _as_json(text)


def _as_written(text: str) -> Mapping[str, str] | None:
    """The values by the writer's own grammar, or None when another program wrote the line."""
    keys = list(_KEY.finditer(text))
    if not keys or keys[0].start() != 0:
        return None
    found: dict[str, str] = {}
    stops = [key.start() for key in keys[1:]] + [len(text) - 1]
    for key, stop in zip(keys, stops, strict=True):
        value = _value(text[key.end() : stop])
        name = key[1].lower()
        if value is None or name in found:
            return None
        found[name] = value
    return found


def _value(text: str) -> str | None:
    """One value; a quote in it must follow a backslash, and only that backslash was added by the writer."""
    if len(text) >= 2 and text[0] == text[-1] == '"':
        inner = text[1:-1]
        if '"' not in inner:
            return inner
        bare = re.search(r'(?<!\\)"', inner)
        return None if bare else inner.replace('\\"', '"')
    return (text if text != "null" else "") if _BARE.fullmatch(text) else None


def _as_json(text: str) -> Mapping[str, str]:
    """The values of a line that is JSON with other spacing, numbers as they are written."""
    try:
        found = json.loads(text, parse_float=str, parse_int=str)
    except (ValueError, RecursionError):
        raise BadLineError(UNCLEAR if _KEY.match(text) else NOT_JSON) from None
    if not isinstance(found, dict):
        raise BadLineError(NOT_JSON)
    texts = {key.lower(): _text(value) for key, value in found.items()}
    if fault := next(filter(None, map(value_fault, texts.values())), None):
        raise BadLineError(fault)
    return texts


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
