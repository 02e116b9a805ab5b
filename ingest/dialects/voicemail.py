"""The voicemail spool: `msgNNNN.txt` beside the sound of each message, one message per file."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC
from typing import BinaryIO

import pyarrow as pa

from callstats.settings import Settings
from ingest.base import (
    BLOCK_BYTES,
    MAX_RECORD_BYTES,
    Context,
    Dialect,
    Reading,
    no_events,
    rejected,
    table_of,
)
from ingest.blocks import TOO_LONG
from ingest.csvtext import BadLineError, text_fault
from ingest.keys import LineKeys
from ingest.shape import Shaper, optional
from ingest.times import NONE

__all__ = ["Voicemail"]

COLUMNS = ("origtime", "callerid", "callerchan", "exten", "context", "duration", "mailbox", "msg_id")
_PLACE = re.compile(r".*/(?P<context>[^/]+)/(?P<box>[^/]+)/(?P<folder>[^/]+)/msg\d+\.txt")
_FOLDERS = {"INBOX", "Old", "Work", "Family", "Friends", "Urgent", "Deleted"}
_FOLDERS |= {f"Cust{number}" for number in range(1, 6)}
NOWHERE = "no mailbox: neither the path nor [hotline] mailboxes tell its context; load it from the spool"


class Voicemail(Dialect):
    """A voice message. Its identity is mailbox and msg_id: messages are renumbered and moved to Old."""

    name = "voicemail"
    source = "voicemail"
    family = "voicemail"
    lasting = False

    def identify(self, head: bytes, path_name: str) -> bool:
        """It has the section and the field that Asterisk writes."""
        return re.search(rb"(?m)^\[message\]\r?$", head) is not None and b"\norigmailbox=" in head

    def read(
        self,
        stream: BinaryIO,
        context: Context,
        path: str,
        *,
        complete: bool = True,
        block_bytes: int = BLOCK_BYTES,
    ) -> Iterator[Reading]:
        """See `Dialect.read`; a file is one record. If not `complete`, one without msg_id is not read yet."""
        raw = stream.read(MAX_RECORD_BYTES + 1)
        try:
            if len(raw) > MAX_RECORD_BYTES:
                raise BadLineError(TOO_LONG)
            row = _row(raw, path, context.settings)
        except BadLineError as fault:
            yield _refused(path, str(fault), raw)
            return
        shaper = Shaper({name: pa.array([row.get(name)], pa.string()) for name in COLUMNS}, 1, context)
        _shape(shaper)
        if shaper.faults:
            yield _refused(path, shaper.faults[0], raw)
            return
        identity = row.get("msg_id") or f"{row['origtime']} {row.get('callerchan', '')}"
        key = LineKeys(context.pbx, self.family).key(f"{row['mailbox']}\n{identity}".encode(), 1)
        columns = {**shaper.out, **self.constants(context, 1)}
        columns |= {"line": pa.array([1]), "line_key": pa.array([key], pa.binary())}
        yield Reading.of(table_of(columns, 1), (), Counter(), read=1, end=len(raw))


def _refused(path: str, reason: str, raw: bytes) -> Reading:
    return Reading.of(no_events(), (rejected(path, 1, reason, raw),), Counter(), read=1, end=len(raw))


def mailbox_of(raw: bytes, path: str, settings: Settings) -> str | None:
    """The mailbox that a message lies in: the same content in two mailboxes is two messages."""
    return _mailbox(_fields(raw).get("origmailbox", ""), path, settings)


def _fields(raw: bytes) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in raw.decode("utf-8", "replace").splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith((";", "[")):
            found.setdefault(key.strip().lower(), value.strip())
    return found


def _row(raw: bytes, path: str, settings: Settings) -> Mapping[str, str]:
    """The fields of a message file, and its mailbox with context. Raises BadLineError."""
    if fault := text_fault(raw):
        raise BadLineError(fault)
    found = _fields(raw)
    if missing := [name for name in ("origmailbox", "origtime", "duration") if not found.get(name)]:
        raise BadLineError(f"no {', '.join(missing)}")
    mailbox = _mailbox(found["origmailbox"], path, settings)
    if mailbox is None:
        raise BadLineError(NOWHERE)
    return found | {"mailbox": mailbox}


def _mailbox(box: str, path: str, settings: Settings) -> str | None:
    """`box@context`; None where nothing tells the context.

    `context` in the file is the dialplan's; the mailbox's is only in the spool's path, which may be given
    relative or through a link.
    """
    for told in (os.path.abspath(path), os.path.realpath(path)):
        place = _PLACE.fullmatch(told)
        if place and (place["box"] == box or (place["folder"] in _FOLDERS and place["box"].isdecimal())):
            return f"{box}@{place['context']}"
    configured = [name for name in settings.hotline.mailboxes if name.partition("@")[0] == box]
    return configured[0] if len(configured) == 1 else None


def _shape(shaper: Shaper) -> None:
    out = shaper.out
    at = shaper.moments("origtime", UTC, "origtime")
    shaper.fault((at.early == NONE) & ~at.bad, "no origtime")
    out["kind"] = pa.array(["message"])
    out["mailbox"], out["msg_id"] = shaper.text("mailbox"), shaper.text("msg_id")
    hidden = shaper.hidden(pa.nulls(1, pa.string()), shaper.column("callerid"))
    out["caller"], out["caller_class"] = shaper.number(shaper.text("callerid"), hidden)
    out["withheld"] = shaper.withheld(out["caller_class"])
    out["channel"] = shaper.channel(shaper.text("callerchan"), out["withheld"])
    out["exten"], out["exten_class"] = shaper.number(shaper.text("exten"))
    out["context"] = shaper.scrubbed(shaper.text("context"))
    out["message_us"] = optional(shaper.amount_us(shaper.column("duration"), "duration"))
    shaper.finish(at.early, at.resolution)
