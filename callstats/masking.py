"""Hiding numbers and names in texts that people read: rejects, logs, error messages."""

from __future__ import annotations

import re

from callstats.pseudonyms import PSEUDONYM

DOTS = "••••"
# Pseudonyms stay; a number is five digits in a row, or one with a plus that is written in groups.
_DIGITS = re.compile(rf"(?P<keep>{PSEUDONYM.pattern})|\+\d(?:[ ().-]{{0,2}}\d){{5,}}|\d{{5,}}")
# Fields that hold a caller's or member's name: AMI and JSON.
_NAMED_FIELD = re.compile(
    r"""(?P<head>\b\w{0,20}(?:callerid|connectedline|cid|member|caller)_?name["'\\]*\s*[:=]\s*)"""
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


def _display_names(text: str) -> str:
    """Hide names in caller ids `"Name" <number>`, at any level of quoting (CSV doubles, JSON escapes)."""
    parts = text.split("<")
    for place, after in enumerate(parts[1:]):
        closed = ">" in after.partition("\n")[0]
        if closed or parts[place].rstrip().endswith(('"', "\\")):  # a line may be cut before its ">"
            head, closing, tail = parts[place].rpartition(">")
            start = max(tail.rfind("\n"), tail.rfind("\r")) + 1
            parts[place] = head + closing + tail[:start] + _hide_last_field(tail[start:])
    return "<".join(parts)


_FIELD_START = re.compile(r'(?:,|"(?:,|:\s*)|: )(?=[\\"])')


def _hide_last_field(before: str) -> str:
    """Hide the name at the end of `before`, back to its field's start, or the line's when unclear."""
    name = before.rstrip()
    if name.endswith(('"', "\\")):
        cut = max((found.end() for found in _FIELD_START.finditer(name)), default=0)
    else:
        cut = max(name.rfind(mark) for mark in ",|:;\"'") + 1
    core = name[cut:].strip("\"'\\ ")
    return name[:cut] + name[cut:].replace(core, DOTS, 1) + before[len(name) :] if core else before
