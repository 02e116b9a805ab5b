"""CDR in the formats of `cdr_csv` and `cdr_custom` (FACTS, Text, CSV, time)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TextIO
from zoneinfo import ZoneInfo

from callstats.simulate.cdr import CdrEngine, Record
from callstats.simulate.channel import SECOND_US
from callstats.simulate.trace import Sink

__all__ = ["CdrCsv", "CdrCustom", "LocalClock", "caller_text", "quoted"]


class LocalClock:
    """Writes instants as the PBX's local time in whole seconds; a minute's text is made once."""

    def __init__(self, timezone: str) -> None:
        self.zone = ZoneInfo(timezone)
        self._minutes: dict[int, str] = {}

    def text(self, t: int) -> str:
        """``2026-11-23 04:21:17`` of epoch microseconds."""
        minute, second = divmod(t // SECOND_US, 60)
        known = self._minutes.get(minute)
        if known is None:
            if len(self._minutes) > 5000:
                self._minutes.clear()
            known = datetime.fromtimestamp(minute * 60, self.zone).strftime("%Y-%m-%d %H:%M:")
            self._minutes[minute] = known
        return f"{known}{second:02d}"


def quoted(text: str) -> str:
    """A CSV field in quotes."""
    return '"' + text.replace('"', '""') + '"' if '"' in text else f'"{text}"'


def caller_text(name: str, number: str) -> str:
    """A caller as CDR(clid) has it: backslashes and quotes of the name are escaped (once more)."""
    if "\\" in name or '"' in name:
        name = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{name}" <{number}>' if number else f'"{name}" <>' if name else ""


class _CdrFile(Sink):
    """A file of CDR lines. `cancel_disposition`: as in cdr.conf; one file that wants it decides for all."""

    def __init__(
        self, stream: TextIO, timezone: str = "Europe/Riga", *, cancel_disposition: bool = False
    ) -> None:
        self.write = stream.write
        self.cancel_disposition = cancel_disposition
        self.clock = LocalClock(timezone)

    def joins(self, others: Sequence[Sink]) -> Sink:
        """See `Sink.joins`: all files of CDR are fed by one engine."""
        engine = next((o for o in others if isinstance(o, CdrEngine)), None) or CdrEngine()
        engine.writers.append(self._written)
        engine.cancels |= self.cancel_disposition
        return engine

    def _written(self, record: Record) -> None:
        self.write(self.line(record))

    def line(self, record: Record) -> str:
        """One line with its end."""
        raise NotImplementedError


class CdrCsv(_CdrFile):
    """`cdr_csv`: 18 columns, with `new_columns` 21; numbers are bare, so is an answer that never was."""

    def __init__(
        self,
        stream: TextIO,
        timezone: str = "Europe/Riga",
        *,
        cancel_disposition: bool = False,
        new_columns: bool = False,
    ) -> None:
        super().__init__(stream, timezone, cancel_disposition=cancel_disposition)
        self.new_columns = new_columns

    def line(self, record: Record) -> str:
        """See `_CdrFile.line`."""
        r, text = record, self.clock.text
        assert r.end is not None
        answer = f'"{text(r.answer)}"' if r.answer is not None else ""
        line = (
            f'"{r.account}",{quoted(r.number)},{quoted(r.exten)},"{r.context}",'
            f'{quoted(caller_text(r.name, r.number))},"{r.a.name}","{r.b.name if r.b else ""}","{r.app}",'
            f'{quoted(r.data)},"{text(r.start)}",{answer},"{text(r.end)}",{r.duration_s},{r.billed_s},'
            f'"{r.disposition}","DOCUMENTATION","{r.a.uniqueid}",{quoted(r.userfield)}'
        )
        if self.new_columns:
            return f'{line},"{r.peer_account}","{r.linkedid}",{r.sequence}\n'
        return line + "\n"


class CdrCustom(_CdrFile):
    """`cdr_custom` with the 21 columns of the recordings: clid, src, dst, …; all quoted but the sequence."""

    def line(self, record: Record) -> str:
        """See `_CdrFile.line`."""
        r, text = record, self.clock.text
        assert r.end is not None
        answer = text(r.answer) if r.answer is not None else ""
        return (
            f'{quoted(caller_text(r.name, r.number))},{quoted(r.number)},{quoted(r.exten)},"{r.context}",'
            f'"{r.a.name}","{r.b.name if r.b else ""}","{r.app}",{quoted(r.data)},"{text(r.start)}",'
            f'"{answer}","{text(r.end)}","{r.duration_s}","{r.billed_s}","{r.disposition}","DOCUMENTATION","{r.account}",'
            f'"{r.a.uniqueid}",{quoted(r.userfield)},{r.sequence},"{r.linkedid}","{r.peer_account}"\n'
        )
