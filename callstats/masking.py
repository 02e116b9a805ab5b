"""Hiding numbers and names in texts that people read: rejects, logs, error messages."""

from __future__ import annotations

import re

from callstats.errors import UsageError
from callstats.pseudonyms import PSEUDONYM

DOTS = "••••"
# Pseudonyms, dates and times stay; a number is five digits in a row, seven in groups, or six after a plus.
_DATE = r"(?<!\d)(?:19|20)\d\d-[01]\d-[0-3]\d(?:[ T]\d\d:\d\d:\d\d)?(?!\d)"
_COUNTER = r"-[0-9a-f]{8}(?!\w)"  # of a channel: PJSIP/202-0000000b
_DIGITS = re.compile(
    rf"(?P<keep>{PSEUDONYM.pattern}|{_DATE})|\+\d(?:[ ().-]{{0,2}}\d){{5,}}|\d{{5,}}"
    rf"|(?<![\d{DOTS[0]}])\d(?:(?!{_COUNTER})[ .-]?\d){{6,}}(?![\d{DOTS[0]}])"
)
# Fields that hold a name: AMI to the end of the line, JSON to the end of the value even when quotes in
# it were not escaped.
_AMI_NAME = re.compile(r"(?im)^(\w{0,20}(?:callerid|connectedline|member|caller)name:[ \t]*)\S[^\r\n]*")
_JSON_NAME = re.compile(
    r'("(?:\w{0,20}_)?(?:caller)?(?:id)?name"\s*:\s*")(?!"|••••").*?(?="\s*[,}]\s*"|"\s*\}|$)',
    re.IGNORECASE | re.MULTILINE,
)
# A quoted field with words as people's and firms' names have them; an ASCII word alone may be anything.
_FIELD = re.compile(r'"((?:[^"\r\n]|"")*)"')
_NAMELIKE = re.compile(r"[^\W\d_][,;.]?[ '][^\W\d_]|(?![\x00-\x7f])[^\W\d_]")
_NOT_NAMES = frozenset({"NO ANSWER"})
# Two words in a row that begin with a capital, outside quotes: queue_log.
# Words of which one has a letter beyond ASCII: no PBX has such a keyword.
_WORDS = re.compile(r"[^\W\d_]+(?: [^\W\d_]+)*")
_PERSON = re.compile(r"\b[^\W\d_a-z][^\W\d_]+(?:[ ,]+[^\W\d_a-z][^\W\d_]+)+")


def mask(text: str) -> str:
    """The text with numbers as `26••••00` and people's names as dots; idempotent.

    Certain for numbers, of five digits in a row or seven in groups (`28 404 019`). Names are found where they
    show as such (caller ids, name fields, words in a row, letters beyond ASCII); one ASCII word in a column
    of its own is only hidden by who knows the columns.
    """
    named = _JSON_NAME.sub(rf"\g<1>{DOTS}", _AMI_NAME.sub(rf"\g<1>{DOTS}", _display_names(text)))
    fields = _FIELD.sub(_hide_field, named)
    words = _WORDS.sub(lambda found: found[0] if found[0].isascii() else DOTS, fields)
    return mask_numbers(_PERSON.sub(lambda found: _unless_known(found[0]), words))


def mask_numbers(text: str) -> str:
    """The text with its numbers as `26••••00`; names stay."""
    return _DIGITS.sub(_mask_run, text)


def _hide_field(found: re.Match[str]) -> str:
    return f'"{DOTS}"' if _NAMELIKE.search(found[1]) and found[1] not in _NOT_NAMES else found[0]


def _unless_known(words: str) -> str:
    return words if words in _NOT_NAMES else DOTS


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


def said(text: str, name: str, longest: int = 1000) -> str:
    """What a person wrote, in one line, numbers masked. Raises UsageError for nothing, or too much."""
    told = mask_numbers(" ".join(text.split()))
    if not told or len(told) > longest:
        raise UsageError(f"{name}: say it in 1 to {longest} characters")
    return told
