"""Settings of the register of messages: from when on there is one, and where the PBX keeps their sound."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from callstats.settings_rules import Part
from callstats.settings_types import Day, Whole


class Messages(Part):
    """The hotline's messages in the register (clause 17).

    `since`: messages of earlier days get no case (None: all do). `spool`: the PBX's voicemail folder, from
    which a message's sound is played; `mailbox_limit`: how many messages a mailbox's folder holds (`maxmsg`
    of voicemail.conf).
    """

    since: Day | None = None
    spool: Path | None = None
    mailbox_limit: Whole = Field(default=100, ge=1, le=9999)
