"""The one place where logging is configured. Phone numbers never reach a log: every record is masked."""

from __future__ import annotations

import logging
import sys
from typing import TextIO

from callstats.masking import mask


class MaskingFormatter(logging.Formatter):
    """Formats a record, tracebacks included, with numbers and quoted names masked."""

    def format(self, record: logging.LogRecord) -> str:
        return mask(super().format(record))


def configure(level: int = logging.WARNING, stream: TextIO | None = None) -> None:
    """Sends all logging to standard error (or `stream`), masked; calling again replaces the configuration."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(MaskingFormatter("{asctime} {levelname} {name}: {message}", style="{"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
