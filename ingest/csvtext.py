"""CSV as Asterisk writes it: one record per line, quotes doubled, nothing escaped by a backslash.

Quotes stand around a field or doubled in it, never in a bare one. `exact` reads one line; `csvblock`
reads many at once after a check of the same grammar.
"""

from __future__ import annotations

__all__ = ["BadLineError", "bare", "exact", "fields", "marked", "text_fault", "value_fault"]

BLANK = "blank line"
NUL = "holds a NUL byte"
NOT_UTF8 = "not UTF-8 text"
BOM = b"\xef\xbb\xbf"
QUOTES = "quotes do not match"


class BadLineError(ValueError):
    """A line that is no record of the format; the text is the reject's reason."""


def text_fault(raw: bytes) -> str | None:
    """Why the bytes of a line are no text, or None."""
    if b"\x00" in raw:
        return NUL
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return NOT_UTF8
    return None


def value_fault(text: str) -> str | None:
    """Why a value is no text that can be written down, or None: JSON can escape NUL and half a character."""
    try:
        return text_fault(text.encode("utf-8"))
    except UnicodeEncodeError:
        return NOT_UTF8


def marked(data: bytes) -> bool:
    """Whether a byte order mark stands anywhere; to look for its first byte is many times faster."""
    return BOM[:1] in data and BOM in data


def bare(raw: bytes) -> bytes:
    """A line without what only shows which program copied it: a byte order mark, the CR of Windows."""
    return raw.removeprefix(BOM).removesuffix(b"\r")


def exact(raw: bytes) -> list[str]:
    """The fields of one line without its newline. Raises BadLineError with the reason when it is not CSV."""
    if fault := text_fault(raw):
        raise BadLineError(fault)
    return fields(bare(raw).decode("utf-8"))


def fields(text: str) -> list[str]:
    """The fields of one line of text. Raises BadLineError."""
    if '"' not in text:
        return text.split(",")
    found: list[str] = []
    place, end = 0, len(text)
    while True:
        if text.startswith('"', place):
            value, place = _quoted(text, place + 1)
        else:
            stop = text.find(",", place)
            stop = end if stop < 0 else stop
            value, place = text[place:stop], stop
            if '"' in value:
                raise BadLineError(QUOTES)
        found.append(value)
        if place == end:
            return found
        if text[place] != ",":
            raise BadLineError(QUOTES)
        place += 1


def _quoted(text: str, place: int) -> tuple[str, int]:
    """The value of a quoted field whose text begins at `place`, and where it ends (after the quote)."""
    start = place
    doubled = False
    while (stop := text.find('"', place)) >= 0:
        if not text.startswith('"', stop + 1):
            value = text[start:stop]
            return (value.replace('""', '"') if doubled else value), stop + 1
        doubled, place = True, stop + 2
    raise BadLineError(QUOTES)
