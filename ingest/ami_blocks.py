"""From a socket's bytes to whole AMI blocks, secrets masked: what the journal keeps.

A block ends with an empty line. Nothing is taken apart here: the bytes stay as the PBX sent them, but for
values that are secrets, which become `***` of the same kind of line.
"""

from __future__ import annotations

import re
from typing import Final

from ingest.base import MAX_RECORD_BYTES

__all__ = ["Blocks", "masked"]

END: Final = b"\r\n\r\n"
MASK: Final = b"***"
# A key is a secret's by its name; digits that a caller keys in may be the PIN of a mailbox.
_NAMED: Final = re.compile(
    rb"(?i)^([\w-]*(?:password|passwd|secret|passcode)[\w-]*:[ ]?)[^\r\n]*", re.MULTILINE
)
_VALUE: Final = re.compile(
    rb"(?im)^(Variable: [^\r\n]*(?:password|passwd|secret|passcode|_pin|pin_|pincode)[^\r\n]*\r\n"
    rb"(?:[^\r\n]+\r\n)*?Value:[ ]?)[^\r\n]*"
)
_DIGIT: Final = re.compile(rb"(?m)^(Digit:[ ]?)[^\r\n]*")
_SECRETS: Final = re.compile(rb"(?i)passw|secret|passco|pin_|_pin|pincode")
_HINTS: Final = tuple(
    form
    for word in (b"assw", b"ecret", b"assco", b"pin_", b"_pin", b"incode")
    for form in (word, word.upper())
)


def masked(blocks: bytes) -> bytes:
    """The blocks with the values of secrets masked."""
    # plain searches first: a pattern over every byte would cost more than all the rest
    if any(hint in blocks for hint in _HINTS) and _SECRETS.search(blocks):
        blocks = _NAMED.sub(rb"\1" + MASK, blocks)
        blocks = _VALUE.sub(rb"\1" + MASK, blocks)
    if b"Digit:" in blocks:
        blocks = _DIGIT.sub(rb"\1" + MASK, blocks)
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
