"""From a socket's bytes to whole AMI blocks, secrets masked: what the journal keeps.

A block ends with an empty line. Nothing is taken apart here: the bytes stay as the PBX sent them, but for
values that are secrets, which become `***` of the same kind of line.
"""

from __future__ import annotations

import re
from typing import Final

from ingest.ami_stream import END
from ingest.base import MAX_RECORD_BYTES

__all__ = ["Blocks", "masked"]

MASK: Final = b"***"
# A key is a secret's by its name; what a caller keys in, or a dialplan sets, may be the PIN of a mailbox.
# Each pattern looks at one block alone: two collectors, or other cuts, must give the same bytes.
_NAMED: Final = re.compile(
    rb"(?im)^((?:[\w-]*(?:password|passwd|passcode|secret|pwd)[\w-]*|(?:[\w-]*[-_])?pin(?:code)?):[ ]?)"
    rb"[^\r\n]*"
)
_VARIABLE: Final = re.compile(rb"(?m)^(Event: VarSet\r\n(?:[^\r\n]+\r\n)*?Value:[ ]?)[^\r\n]*")
_SET: Final = re.compile(
    rb"(?im)^(Application: M?Set\r\nAppData:[ ]?[^\r\n]*?\w*(?:passw|passcode|secret|pwd|pin)\w*=)[^\r\n]*"
)
_ASKED: Final = re.compile(rb"(?m)^(Application: (?:VM)?Authenticate\r\nAppData:[ ]?)[^\r\n]*")
_DIGIT: Final = re.compile(rb"(?m)^(Digit:[ ]?)[^\r\n]*")
# Pattern, and plain texts of which one is in every block that it finds: to look for these costs little.
_MASKS: Final = (
    (
        _NAMED,
        (
            b"assw",
            b"ASSW",
            b"assc",
            b"ASSC",
            b"ecret",
            b"ECRET",
            b"wd",
            b"WD",
            b"in:",
            b"IN:",
            b"inc",
            b"INC",
        ),
    ),
    (_VARIABLE, (b"Event: VarSet",)),
    (_SET, (b"Application: Set", b"Application: MSet")),
    (_ASKED, (b"uthenticate\r\n",)),
    (_DIGIT, (b"Digit:",)),
)


def masked(blocks: bytes) -> bytes:
    """The blocks with the values of secrets masked."""
    for pattern, hints in _MASKS:
        if any(hint in blocks for hint in hints):
            blocks = pattern.sub(rb"\1" + MASK, blocks)
    return blocks


class Blocks:
    """Cuts what came at the last whole block. State: the rest, and how many blocks there were."""

    def __init__(self) -> None:
        self._rest = b""
        self.count = 0

    def feed(self, chunk: bytes) -> bytes:
        """The blocks that are whole with this chunk, masked; none while the first is not.

        A block longer than any PBX writes is given out as it is, so that memory stays bounded.
        """
        data = self._rest + chunk
        cut = data.rfind(END)
        if cut < 0:
            self._rest = data
            return self.end() if len(data) > MAX_RECORD_BYTES else b""
        cut += len(END)
        self._rest = data[cut:]
        whole = data[:cut]
        self.count += whole.count(END)
        return masked(whole)

    def end(self) -> bytes:
        """What is left without its end, masked."""
        rest, self._rest = self._rest, b""
        return masked(rest)
