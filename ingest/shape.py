"""From text columns to event columns: the same code for whatever way the text was read.

A `Shaper` works on one block. A row with an impossible value gets a fault (the first one counts), a row that
is known and of no use a reason to be ignored; all others become events.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, timezone
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from callstats.masking import mask_numbers
from callstats.numbers import scrub
from ingest import times
from ingest.base import Context, Int64
from ingest.times import NONE, SECOND_US, Times

__all__ = ["APP", "NAME", "Shaper", "member"]

_TAIL = r"(-[0-9a-f]{8,16}(?:;[0-9]+)?(?:<[A-Z]+>)?)$"
_LONG_NUMBER = r"[0-9]{7}"
_WHOLE = r"^-?[0-9]{1,12}$"
_AMOUNT = r"^[0-9]{1,11}(\.[0-9]{1,9})?$"
# A dialplan line that writes the presentation to userfield; a display name by RFC 3323.
_NOTED = r"(?i)prohib|withheld|anonymous|restricted"
_ANONYMOUS = r'(?i)^\s*"?(?:anonymous|withheld|restricted|private|private number)"?\s*(?:<.*)?$'
# Applications whose arguments tell whom a call went to; those of all others may hold any text.
_APPS = ("Dial", "Queue", "VoiceMail", "Voicemail", "AppDial", "AppQueue")
# An Asterisk's own ids, [systemname-]epoch.counter and bridges; and what any PBX's ids are made of.
_EPOCH_TAIL = r"[0-9]{9,10}\.[0-9]{1,9}$"
_OWN_ID = rf"^(?:[A-Za-z]+[0-9]{{0,4}}-)?{_EPOCH_TAIL}|^[0-9a-f]{{8}}-(?:[0-9a-f]{{4}}-){{3}}[0-9a-f]{{12}}$"
_ID = r"^[A-Za-z0-9_.:@/+~-]{1,150}$"
# Names of events and applications; capitals, or no word of a PBX.
NAME = r"^[A-Z0-9_]{0,4}[A-Z][A-Z_]*[A-Z0-9_]{0,4}$"
APP = r"^[A-Za-z][A-Za-z0-9_]{0,39}$"
WITHHELD = "withheld"
_INTERFACE = re.compile(r"[A-Za-z0-9]+/([^@/;-]+).*")


class Shaper:
    """The text columns of a block (null where the format lacks the value) and what comes of them."""

    def __init__(
        self, columns: Mapping[str, pa.Array], rows: int, context: Context, utc: bool = False
    ) -> None:
        self.columns = columns
        self.rows = rows
        self.context = context
        self.zone = UTC if utc else context.zone
        self.out: dict[str, pa.Array] = {}
        self.faults: dict[int, str] = {}
        self.ignored: dict[int, str] = {}
        self._seen: list[tuple[pa.DictionaryArray, list[tuple[str, str] | None]]] = []

    def text(self, name: str) -> pa.Array:
        """The column with null for empty text."""
        column = self.column(name)
        return pc.if_else(pc.equal(column, ""), pa.scalar(None, pa.string()), column)

    def column(self, name: str) -> pa.Array:
        """The column as it was read; null where the format lacks it."""
        column = self.columns.get(name)
        return pa.nulls(self.rows, pa.string()) if column is None else column

    def either(self, name: str, uniqueid: str, other: str) -> None:
        """Give the texts of a column that may be either to the one or the other: uniqueids have a form."""
        column = self.columns.get(name)
        if column is None or column.null_count == len(column):
            return
        fits = pc.match_substring_regex(column, r"^(?:.*-)?[0-9]{9,10}\.[0-9]+$")
        nothing = pa.scalar(None, pa.string())
        self.columns = {
            **self.columns,
            uniqueid: pc.coalesce(self.columns[uniqueid], pc.if_else(fits, column, nothing)),
            other: pc.coalesce(self.columns[other], pc.if_else(fits, nothing, column)),
        }

    def fault(self, rows: npt.NDArray[np.bool_], reason: str) -> None:
        """Mark rows as faulty."""
        for row in np.flatnonzero(rows):
            self.faults.setdefault(int(row), reason)

    def ignore(self, rows: npt.NDArray[np.bool_], reasons: Iterable[str | None]) -> None:
        """Mark rows as known and of no use, each with its reason."""
        for row, reason in zip(np.flatnonzero(rows), reasons, strict=True):
            self.ignored.setdefault(int(row), str(reason))

    # -------------------------------------------------------------- numbers and names
    def number(self, column: pa.Array, withheld: pa.Array | None = None) -> tuple[pa.Array, pa.Array]:
        """What may be kept of a number column, and its class; where `withheld` is true both say anonymous."""
        encoded = column.dictionary_encode()
        found = [self.context.known(value) for value in encoded.dictionary.to_pylist()]
        indices = encoded.indices
        if withheld is not None:
            indices = pc.if_else(pc.fill_null(withheld, False), pa.scalar(None, indices.type), indices)
        kept = pa.array([f.stored for f in found], pa.string()).take(indices)
        cls = pa.array([f.cls for f in found], pa.string()).take(indices)
        clients = [(f.stored, f.e164) if f.e164 and f.stored else None for f in found]
        if any(clients):
            self._seen.append((pa.DictionaryArray.from_arrays(indices, encoded.dictionary), clients))
        if withheld is not None:
            hide = pc.fill_null(withheld, False)
            kept = pc.if_else(hide, "anonymous", kept)
            cls = pc.if_else(hide, "anonymous", cls)
        return kept, cls

    def hidden(self, userfield: pa.Array, name: pa.Array) -> pa.Array | None:
        """Where the line shows beside the number that it was withheld: by a note, or by the name sent."""
        noted = pc.fill_null(pc.match_substring_regex(userfield, _NOTED), False)
        named = pc.fill_null(pc.match_substring_regex(name, _ANONYMOUS), False)
        found = pc.or_(noted, named)
        return found if pc.any(found).as_py() else None

    def withheld(self, cls: pa.Array) -> pa.Array:
        """True where the class says that the caller withheld the number; null: the line cannot show it."""
        return pc.if_else(pc.fill_null(pc.equal(cls, "anonymous"), False), True, pa.scalar(None, pa.bool_()))

    def queue_of(self, app: pa.Array, data: pa.Array) -> pa.Array:
        """The queue's name from the arguments of Queue()."""
        queue = pc.struct_field(pc.extract_regex(data, r"^(?P<q>[^,|]+)"), "q")
        return pc.if_else(pc.fill_null(pc.equal(app, "Queue"), False), queue, pa.scalar(None, pa.string()))

    def channel(self, column: pa.Array, withheld: pa.Array | None = None) -> pa.Array:
        """Channel names with pseudonyms for clients' numbers; the running number at the end stays.

        Where the caller withheld the number, a name that holds one (`PJSIP/28404019-00000001`, a guest's own
        channel) keeps technology and running number only.
        """
        named = self._scrubbed(column, _channel, _TAIL)
        if withheld is None or not pc.any(withheld).as_py():
            return named
        told = pc.and_(withheld, pc.match_substring_regex(column, rf"/.*{_LONG_NUMBER}"))
        rows = np.flatnonzero(pc.fill_null(told, False).to_numpy(zero_copy_only=False))
        cut = [_unnamed(name, self.context) for name in column.take(pa.array(rows)).to_pylist()]
        return self._put(named, rows, cut)

    def scrubbed(self, column: pa.Array) -> pa.Array:
        """Names of queues and contexts, dial strings: without clients' numbers and names."""
        return self._scrubbed(column, _scrub, None)

    def app_data(self, app: pa.Array, column: pa.Array) -> pa.Array:
        """Arguments of the applications that connect calls, without clients' numbers; else null."""
        told = pc.fill_null(pc.is_in(app, pa.array(_APPS)), False)
        return self.scrubbed(pc.if_else(told, column, pa.scalar(None, pa.string())))

    def written(self, column: pa.Array) -> pa.Array:
        """What people have typed (reasons of pauses): numbers in any form are masked."""
        encoded = self.scrubbed(column).dictionary_encode()
        found = [mask_numbers(text) for text in encoded.dictionary.to_pylist()]
        return pa.array(found, pa.string()).take(encoded.indices)

    def ids(self, column: pa.Array) -> pa.Array:
        """Ids of channels and bridges; a number in one becomes a pseudonym, what is no id is null."""
        if pc.all(pc.match_substring_regex(column, _OWN_ID)).as_py() is not False:
            return column
        found = self.word(column, _ID)
        doubtful = pc.match_substring_regex(pc.replace_substring_regex(found, _EPOCH_TAIL, ""), _LONG_NUMBER)
        rows = np.flatnonzero(pc.fill_null(doubtful, False).to_numpy(zero_copy_only=False))
        return self._put(found, rows, [_id(v, self.context) for v in found.take(pa.array(rows)).to_pylist()])

    def word(self, column: pa.Array, pattern: str) -> pa.Array:
        """The column with null where the text does not match: no fixed word of the PBX, perhaps a name."""
        fits = pc.match_substring_regex(column, pattern)
        if pc.all(fits).as_py() is not False:
            return column
        return pc.if_else(fits, column, pa.scalar(None, pa.string()))

    def _put(self, column: pa.Array, rows: Int64, values: Sequence[str | None]) -> pa.Array:
        hit = np.zeros(self.rows, bool)
        hit[rows] = True
        return pc.replace_with_mask(column, pa.array(hit), pa.array(values, pa.string()))

    def _scrubbed(self, column: pa.Array, scrubber: object, tail: str | None) -> pa.Array:
        bare = pc.replace_substring_regex(column, tail, "") if tail else column
        suspicious = pc.match_substring_regex(bare, f"{_LONG_NUMBER}|CALLERID|CONNECTEDLINE|REDIRECTING")
        rows = np.flatnonzero(pc.fill_null(suspicious, False).to_numpy(zero_copy_only=False))
        if not len(rows):
            return column
        assert callable(scrubber)
        known: dict[str, str] = {}
        values = column.take(pa.array(rows)).to_pylist()
        for value in values:
            if value not in known:
                known[value] = scrubber(value, self.context)
        return self._put(column, rows, [known[v] for v in values])

    def members(self, column: pa.Array) -> pa.Array:
        """Queue members: the extension where the text tells it, else a pseudonym of the name."""
        encoded = column.dictionary_encode()
        found = [member(value, self.context) for value in encoded.dictionary.to_pylist()]
        return pa.array(found, pa.string()).take(encoded.indices)

    # -------------------------------------------------------------- times and amounts
    def moments(self, name: str, zone: ZoneInfo | timezone, what: str) -> Times:
        """A time column; text that is no time is a fault."""
        found = times.parse(self.column(name), zone)
        if found.bad.any():
            self.fault(found.bad, f"{times.IMPOSSIBLE} in {what}")
        return found

    def amount_us(self, column: pa.Array, what: str, unit_us: int = SECOND_US) -> Int64:
        """Seconds (or amounts of `unit_us`) as microseconds; NONE where empty, a fault where it is none."""
        return self._whole(column, what, unit_us)

    def integer(self, column: pa.Array, what: str) -> pa.Array:
        """A column of whole numbers; null where empty, a fault where it is none."""
        return optional(self._whole(column, what, 1))

    def _whole(self, column: pa.Array, what: str, unit: int) -> Int64:
        empty = pc.fill_null(pc.equal(column, ""), True)
        plain = pc.fill_null(pc.match_substring_regex(column, _WHOLE if unit == 1 else _AMOUNT), False)
        fault = ~(np.asarray(empty) | np.asarray(plain))
        if fault.any():
            self.fault(fault, f"impossible number in {what}")
        if not np.asarray(plain).any():
            return np.full(self.rows, NONE)
        texts = pc.if_else(plain, column, pa.scalar("0"))
        try:
            values = texts.cast(pa.int64()).to_numpy(zero_copy_only=False) * unit
        except pa.ArrowInvalid:
            values = np.rint(texts.cast(pa.float64()).to_numpy(zero_copy_only=False) * unit).astype(np.int64)
        return np.where(np.asarray(plain), values, NONE)

    # -------------------------------------------------------------- the end
    def finish(self, at: Int64, resolution: Int64) -> None:
        """Put the times of the events into `out` and report clients' numbers as seen then."""
        self.out["at"] = times.to_arrow(at)
        self.out["resolution_us"] = pa.array(resolution, pa.int64())
        self.out["local_date"] = times.local_dates(at, self.context.zone)
        good = at >= max(self.context.seen_from_us, NONE + 1)
        if not good.any():
            return
        good[list(self.faults) + list(self.ignored)] = False
        for encoded, clients in self._seen:
            used = good & np.asarray(encoded.indices.is_valid())
            rows = pa.table({"client": encoded.indices, "at": pa.array(at)}).filter(pa.array(used))
            last = rows.group_by("client").aggregate([("at", "max")])
            for client, seen in zip(last["client"].to_pylist(), last["at_max"].to_pylist(), strict=True):
                if (known := clients[client]) is not None:
                    self.context.saw(known[0], known[1], seen)


def optional(values: Int64) -> pa.Array:
    """Whole numbers as Arrow; NONE is null."""
    return pa.array(values, pa.int64(), mask=values == NONE)


def _channel(name: str, context: Context) -> str:
    found = re.search(_TAIL, name)
    cut = found.start() if found else len(name)
    return scrub(name[:cut], context.plan, context.pseudonymiser) + name[cut:]


def _unnamed(name: str, context: Context) -> str:
    """The name without the client's number that it holds; a Local channel holds the dialled one."""
    found = re.search(_TAIL, name)
    cut = found.start() if found else len(name)
    technology, slash, endpoint = name[:cut].partition("/")
    numbers = re.findall(r"\+?[0-9]{7,}", endpoint)
    if slash and technology != "Local" and any(context.known(number).e164 for number in numbers):
        return f"{technology}/{WITHHELD}{name[cut:]}"
    return _channel(name, context)


def _id(text: str, context: Context) -> str:
    found = re.search(_EPOCH_TAIL, text)
    cut = found.start() if found else len(text)
    return _scrub(text[:cut], context) + text[cut:]


def _scrub(text: str, context: Context) -> str:
    return scrub(text, context.plan, context.pseudonymiser)


def member(text: str | None, context: Context) -> str | None:
    """A queue member by extension (`PJSIP/401`, `Local/701@agents/n`, `Agent/1001`), else by pseudonym."""
    if not text or text == "NONE":
        return None
    found = _INTERFACE.fullmatch(text)
    inner = found[1] if found else text
    if inner in context.plan.extensions or (inner.isascii() and inner.isdigit() and len(inner) < 7):
        return inner
    if re.fullmatch(r"\+?[0-9]{7,}", inner):
        return context.known(inner).stored
    return context.pseudonymiser.name(text)
