"""The rows of the bench, in the order of the design's table; a new one is a module here and a line below."""

from benchmarks.harness import Row
from benchmarks.rows.append import Append
from benchmarks.rows.assembling import Assembling
from benchmarks.rows.feed import Feed
from benchmarks.rows.figures import Figures
from benchmarks.rows.new_day import NewDay
from benchmarks.rows.page import Page
from benchmarks.rows.reading import Reading

__all__ = ["ROWS"]

ROWS: tuple[Row, ...] = (
    Reading("cdr", "CDR CSV → typed events in the store"),
    Reading("cel", "CEL CSV → typed events in the store"),
    Reading("queue_log", "queue_log → typed events in the store"),
    Assembling(),
    Figures(),
    NewDay(),
    Append(),
    Page(),
    Feed(),
)
