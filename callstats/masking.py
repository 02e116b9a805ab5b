"""Hiding numbers and names in texts that people read: rejects, logs, error messages."""

from __future__ import annotations

import re

from callstats.pseudonyms import PSEUDONYM

DOTS = "••••"
# Pseudonyms stay; a number is five digits in a row, or one with a plus that is written in groups.
_DIGITS = re.compile(rf"(?P<keep>{PSEUDONYM.pattern})|\+\d(?:[ ().-]{{0,2}}\d){{5,}}|\d{{5,}}")
# Fields that hold a caller's or member's name: AMI and JSON.
_NAMED_FIELD = re.compile(
    r"""(?P<head>\b(?:callerid|connectedline|cid_?|calleridnum|dest\w*line|member|caller)_?name["'\\]*\s*[:=]\s*)"""
    r"""(?P<quote>["'\\]*)(?P<name>[^"\r\n]*)""",
    re.IGNORECASE,
)
# Two words in a row that begin with a capital: a person's name in a field of its own (CEL, queue_log).
_PERSON = re.compile(r"\b[^\W\d_a-z][^\W\d_]+(?:[ ,]+[^\W\d_a-z][^\W\d_]+)+")


def mask(text: str) -> str:
    """The text with runs of five and more digits as `26••••00` and people's names as dots; idempotent."""
    named = _NAMED_FIELD.sub(
        lambda m: f"{m['head']}{m['quote']}{DOTS if m['name'] else ''}", _display_names(text)
    )
    return _DIGITS.sub(_mask_run, _PERSON.sub(DOTS, named))


def _mask_run(found: re.Match[str]) -> str:
    if found["keep"]:
        return found["keep"]
    digits = re.sub(r"\D", "", found[0])
    return f"{'+' if found[0].startswith('+') else ''}{digits[:2]}{DOTS}{digits[-2:]}"


# A caller id `"Name" <number>` at any level of quoting: CSV doubles quotes, JSON and Asterisk escape them.
_BEFORE_BRACKET = re.compile(r"[^<>\r\n]*(?=<[^<>\r\n]*>)")
_FIELD_START = re.compile(r"""(?:^|["'\]}]\s*[,|]|:)\s*(?=["'\\])|^|[|:,;]""")


def _display_names(text: str) -> str:
    return _BEFORE_BRACKET.sub(lambda found: _hide_last_field(found[0]), text)


def _hide_last_field(before: str) -> str:
    """Hide the name at the end of `before`, back to its field's start, or the line's when unclear."""
    name = before.rstrip()
    if not name or not name.endswith(('"', "'", "\\")):
        cut = max((name.rfind(c) for c in ",|:;\"'"), default=-1) + 1
    else:
        starts = [m.end() for m in re.finditer(r'(?:^|",|":\s*|: )(?=[\\"])', name)]
        cut = starts[-1] if starts else 0
    hidden = name[cut:]
    core = hidden.strip("\"'\\ ")
    return before if not core else name[:cut] + hidden.replace(core, DOTS, 1) + before[len(name) :]
