"""Where the sound of a message lies in the PBX's voicemail spool, and how full the mailboxes are.

Files are renumbered when a message is moved or removed, so that only `msg_id` in the text beside the sound
tells which one it is. Nothing is copied: what the PBX removed is gone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from callstats.settings import Settings

SOUNDS: Final = {".wav": "audio/wav", ".mp3": "audio/mpeg", ".ogg": "audio/ogg"}  # browsers play these
FOLDERS: Final = ("INBOX", "Old", "Urgent", "Work", "Family", "Friends")
FULL: Final = 0.8  # of a mailbox's limit: a warning
_MAILBOX: Final = re.compile(r"[0-9A-Za-z_.-]{1,80}@[0-9A-Za-z_.-]{1,80}")
_MSG_ID: Final = re.compile(r"(?m)^msg_id=(.*)$")


@dataclass(frozen=True)
class Mailbox:
    """How full a mailbox is: messages in its fullest folder, and how many one may hold."""

    name: str
    messages: int
    limit: int

    @property
    def nearly_full(self) -> bool:
        """Whether it is at 80 % of its limit: then the PBX will soon take no message."""
        return self.messages >= FULL * self.limit


def sound_of(settings: Settings, mailbox: str | None, msg_id: str | None) -> Path | None:
    """The sound of a message that a browser can play; None where there is none (any more)."""
    for folder in _folders(settings, mailbox):
        for told in sorted(folder.glob("msg[0-9][0-9][0-9][0-9].txt")):
            if msg_id and _id_in(told) == msg_id:
                return next((p for end in SOUNDS if (p := told.with_suffix(end)).is_file()), None)
    return None


def mailboxes(settings: Settings) -> list[Mailbox]:
    """The hotline's mailboxes that are in the spool."""
    found = []
    for name in settings.hotline.mailboxes:
        counts = [len(list(one.glob("msg[0-9][0-9][0-9][0-9].txt"))) for one in _folders(settings, name)]
        if counts:
            found.append(Mailbox(name, max(counts), settings.messages.mailbox_limit))
    return found


def _folders(settings: Settings, mailbox: str | None) -> Iterator[Path]:
    """The folders of a mailbox, of the hotline only."""
    spool = settings.messages.spool
    if spool is None or mailbox not in settings.hotline.mailboxes or not _MAILBOX.fullmatch(mailbox):
        return
    box, _, context = mailbox.partition("@")
    home = spool / context / box
    yield from (folder for name in FOLDERS if (folder := home / name).is_dir())


def _id_in(told: Path) -> str | None:
    try:
        found = _MSG_ID.search(told.read_text(encoding="utf-8", errors="replace"))
    except OSError:  # renumbered this very moment
        return None
    return found[1].strip() if found else None
