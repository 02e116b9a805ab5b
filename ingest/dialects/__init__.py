"""One file per format that a PBX writes; a new one is added here, with a sample and its golden result."""

from __future__ import annotations

from callstats.settings import Settings
from ingest.base import Dialect
from ingest.dialects.ami import Ami
from ingest.dialects.cdr_csv import CdrCsv
from ingest.dialects.cdr_custom import CdrCustom
from ingest.dialects.cdr_json import CdrJson
from ingest.dialects.cel_csv import CelCsv
from ingest.dialects.cel_json import CelJson
from ingest.dialects.queue_log import QueueLog
from ingest.dialects.voicemail import Voicemail

__all__ = ["dialects"]


def dialects(settings: Settings | None = None) -> tuple[Dialect, ...]:
    """Every dialect; `settings` give the site's own column layouts."""
    return (
        CdrCsv(),
        CdrCustom(settings),
        CdrJson(),
        CelCsv(),
        CelJson(),
        QueueLog(),
        Ami(),
        Voicemail(),
    )
