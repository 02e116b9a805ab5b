"""From text columns to event columns: the same code for whatever way the text was read.

A `Shaper` works on one block. A row with an impossible value gets a fault (the first one counts), a row that
is known and of no use a reason to be ignored; all others become events.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
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
from ingest.distinct import each, encoded, masked, plain
from ingest.times import NONE, SECOND_US, Times

__all__ = ["APP", "NAME", "Shaper", "member"]

_TAIL = r"(-[0-9a-f]{8,16}(?:;[0-9]+)?(?:<[A-Z]+>)?)$"
_LONG_NUMBER = r"[0-9]{7}"
# What `scrub` surely leaves as it is: no seven digits in a row, and no bracket as in CALLERID(name)=.
_HARMLESS = r"^(?:[0-9]{0,6}[^0-9(])*[0-9]{0,6}$"
_CHANNEL = rf"^(?:[0-9]{{0,6}}[^0-9(])*[0-9]{{0,6}}{_TAIL}"
_WHOLE = r"^-?[0-9]{1,12}$"
_AMOUNT = r"^[0-9]{1,11}(\.[0-9]{1,9})?$"
# A dialplan line that writes the presentation to userfield; a display name by RFC 3323.
_NOTED = r"(?i)prohib|withheld|anonymous|restricted"
_ANONYMOUS = r'(?i)^\s*"?(?:anonymous|withheld|restricted|private|private number)"?\s*(?:<.*)?$'
# Applications whose arguments tell whom a call went to; those of all others may hold any text.
_APPS = ("Dial", "Queue", "VoiceMail", "Voicemail", "AppDial", "AppQueue")
# An Asterisk's own ids, [systemname-]epoch.counter and bridges; and what any PBX's ids are made of.
_EPOCH_TAIL = r"[0-9]{9,10}\.[0-9]{1,9}$"
_PLAIN_ID = rf"^{_EPOCH_TAIL}"
_OWN_ID = rf"^(?:[A-Za-z]+[0-9]{{0,4}}-)?{_EPOCH_TAIL}|^[0-9a-f]{{8}}-(?:[0-9a-f]{{4}}-){{3}}[0-9a-f]{{12}}$"
_ID = r"^[A-Za-z0-9_.:@/+~-]{1,150}$"
# Names of events and applications; capitals, or no word of a PBX.
NAME = r"^[A-Z0-9_]{0,4}[A-Z][A-Z_]*[A-Z0-9_]{0,4}$"
APP = r"^[A-Za-z][A-Za-z0-9_]{0,39}$"
WITHHELD = "withheld"
LATEST = np.iinfo(np.int64).max
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
        return plain(self.texts(name))

    def texts(self, name: str) -> pa.Array:
        """`text`, left encoded where it is."""
        return each(self.values(name), _or_null)

    def column(self, name: str) -> pa.Array:
        """The column as it was read; null where the format lacks it."""
        return plain(self.values(name))

    def values(self, name: str) -> pa.Array:
        """`column`, left encoded where it is."""
        column = self.columns.get(name)
        return pa.nulls(self.rows, pa.string()) if column is None else column

    def either(self, name: str, uniqueid: str, other: str) -> None:
        """Give the texts of a column that may be either to the one or the other: uniqueids have a form."""
        column = self.column(name)
        if column.null_count == len(column):
            return
        fits = pc.match_substring_regex(column, r"^(?:.*-)?[0-9]{9,10}\.[0-9]+$")
        nothing = pa.scalar(None, pa.string())
        self.columns = {
            **self.columns,
            uniqueid: pc.coalesce(self.column(uniqueid), pc.if_else(fits, column, nothing)),
            other: pc.coalesce(self.column(other), pc.if_else(fits, nothing, column)),
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
        different = encoded(column)
        found = self.context.known_all(different.dictionary.to_pylist())
        indices = different.indices
        if withheld is not None:
            indices = pc.if_else(pc.fill_null(withheld, False), pa.scalar(None, indices.type), indices)
        kept = pa.array([f.stored for f in found], pa.string()).take(indices)
        cls = pa.array([f.cls for f in found], pa.string()).take(indices)
        wanted = self.context.seen_from_us < LATEST
        clients = [(f.stored, f.e164) if f.e164 and f.stored else None for f in found] if wanted else []
        if any(clients):
            self._seen.append((pa.DictionaryArray.from_arrays(indices, different.dictionary), clients))
        if withheld is not None:
            hide = pc.fill_null(withheld, False)
            kept = pc.if_else(hide, "anonymous", kept)
            cls = pc.if_else(hide, "anonymous", cls)
        return kept, cls

    def hidden(self, userfield: pa.Array, name: pa.Array) -> pa.Array | None:
        """Where the line shows beside the number that it was withheld: by a note, or by the name sent."""
        noted = plain(each(userfield, lambda texts: pc.match_substring_regex(texts, _NOTED)))
        named = plain(each(name, lambda texts: pc.match_substring_regex(texts, _ANONYMOUS)))
        found = pc.or_(pc.fill_null(noted, False), pc.fill_null(named, False))
        return found if pc.any(found).as_py() else None

    def withheld(self, cls: pa.Array) -> pa.Array:
        """True where the class says that the caller withheld the number; null: the line cannot show it."""
        return pc.if_else(pc.fill_null(pc.equal(cls, "anonymous"), False), True, pa.scalar(None, pa.bool_()))

    def queue_of(self, app: pa.Array, data: pa.Array) -> pa.Array:
        """The queue's name from the arguments of Queue()."""
        queues = each(app, lambda names: pc.equal(names, "Queue"))
        return masked(each(data, _queue), plain(queues))

    def channel(self, column: pa.Array, withheld: pa.Array | None = None) -> pa.Array:
        """Channel names with pseudonyms for clients' numbers; the running number at the end stays.

        Where the caller withheld the number, a name that holds one (`PJSIP/28404019-00000001`, a guest's own
        channel) keeps technology and running number only.
        """
        named = plain(self._scrubbed(column, _channel, _CHANNEL))
        if withheld is None or not pc.any(withheld).as_py():
            return named
        told = pc.and_(withheld, pc.match_substring_regex(plain(column), rf"/.*{_LONG_NUMBER}"))
        rows = np.flatnonzero(pc.fill_null(told, False).to_numpy(zero_copy_only=False))
        cut = [_unnamed(name, self.context) for name in plain(column).take(pa.array(rows)).to_pylist()]
        return self._put(named, rows, cut)

    def scrubbed(self, column: pa.Array) -> pa.Array:
        """Names of queues and contexts, dial strings: without clients' numbers and names."""
        return self._scrubbed(column, _scrub, _HARMLESS)

    def app_data(self, app: pa.Array, column: pa.Array) -> pa.Array:
        """Arguments of the applications that connect calls, without clients' numbers; else null."""
        told = each(app, lambda names: pc.is_in(names, pa.array(_APPS)))
        return self.scrubbed(masked(column, plain(told)))

    def written(self, column: pa.Array) -> pa.Array:
        """What people have typed (reasons of pauses): numbers in any form are masked."""
        different = encoded(plain(self.scrubbed(column)))
        found = [mask_numbers(text) for text in different.dictionary.to_pylist()]
        return pa.array(found, pa.string()).take(different.indices)

    def ids(self, column: pa.Array) -> pa.Array:
        """Ids of channels and bridges; a number in one becomes a pseudonym, what is no id is null."""
        if column.null_count == len(column) or _all_match(column, _PLAIN_ID) or _all_match(column, _OWN_ID):
            return column
        found = self.word(column, _ID)
        doubtful = pc.match_substring_regex(pc.replace_substring_regex(found, _EPOCH_TAIL, ""), _LONG_NUMBER)
        rows = np.flatnonzero(pc.fill_null(doubtful, False).to_numpy(zero_copy_only=False))
        return self._put(found, rows, [_id(v, self.context) for v in found.take(pa.array(rows)).to_pylist()])

    def word(self, column: pa.Array, pattern: str) -> pa.Array:
        """The column with null where the text does not match: no fixed word of the PBX, perhaps a name."""
        return each(column, lambda texts: _fitting(texts, pattern))

    def _put(self, column: pa.Array, rows: Int64, values: pa.Array | Sequence[str | None]) -> pa.Array:
        hit = np.zeros(len(column), bool)
        hit[rows] = True
        return pc.replace_with_mask(column, pa.array(hit), pa.array(values, pa.string()))

    def _scrubbed(self, column: pa.Array, scrubber: Callable[[str, Context], str], harmless: str) -> pa.Array:
        return each(column, lambda texts: self._scrubbed_texts(texts, scrubber, harmless))

    def _scrubbed_texts(
        self, texts: pa.Array, scrubber: Callable[[str, Context], str], harmless: str
    ) -> pa.Array:
        """Texts of which those that are not surely harmless are scrubbed, equal ones once."""
        if texts.null_count == len(texts):
            return texts
        fine = pc.fill_null(pc.match_substring_regex(texts, harmless), True)
        rows = np.flatnonzero(~fine.to_numpy(zero_copy_only=False))
        if not len(rows):
            return texts
        doubtful = encoded(texts.take(pa.array(rows)))
        known = [scrubber(text, self.context) for text in doubtful.dictionary.to_pylist()]
        return self._put(texts, rows, pa.array(known, pa.string()).take(doubtful.indices))

    def members(self, column: pa.Array) -> pa.Array:
        """Queue members: the extension where the text tells it, else a pseudonym of the name."""
        different = encoded(column)
        found = [member(value, self.context) for value in different.dictionary.to_pylist()]
        return pa.array(found, pa.string()).take(different.indices)

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
        """Whole multiples by row; what a value is, is found once for each different one."""
        if column.null_count == len(column):
            return np.full(self.rows, NONE)
        different = encoded(column)
        found, bad = _amounts(different.dictionary, unit)
        places = pc.fill_null(different.indices, len(found)).to_numpy(zero_copy_only=False)
        if bad.any():
            self.fault(np.append(bad, False)[places], f"impossible number in {what}")
        values: Int64 = np.append(found, NONE)[places]
        return values

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
        for numbers, clients in self._seen:
            used = good & np.asarray(numbers.indices.is_valid())
            rows = pa.table({"client": numbers.indices, "at": pa.array(at)}).filter(pa.array(used))
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


def _amounts(texts: pa.Array, unit: int) -> tuple[Int64, npt.NDArray[np.bool_]]:
    """Whole multiples of `unit` by text, NONE where there is none, and which texts are no numbers."""
    empty = pc.fill_null(pc.equal(texts, ""), True).to_numpy(zero_copy_only=False)
    matched = pc.match_substring_regex(texts, _WHOLE if unit == 1 else _AMOUNT)
    good = pc.fill_null(matched, False).to_numpy(zero_copy_only=False)
    if not good.any():
        return np.full(len(texts), NONE), ~(empty | good)
    numbers = pc.if_else(pa.array(good), texts, pa.scalar("0"))
    try:
        values = numbers.cast(pa.int64()).to_numpy(zero_copy_only=False) * unit
    except pa.ArrowInvalid:
        values = np.rint(numbers.cast(pa.float64()).to_numpy(zero_copy_only=False) * unit).astype(np.int64)
    return np.where(good, values, NONE), ~(empty | good)


def _or_null(texts: pa.Array) -> pa.Array:
    return pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)


def _queue(data: pa.Array) -> pa.Array:
    return pc.struct_field(pc.extract_regex(data, r"^(?P<q>[^,|]+)"), "q")


def _all_match(column: pa.Array, pattern: str) -> bool:
    return pc.all(pc.match_substring_regex(column, pattern)).as_py() is not False


def _fitting(texts: pa.Array, pattern: str) -> pa.Array:
    fits = pc.match_substring_regex(texts, pattern)
    if pc.all(fits).as_py() is not False:
        return texts
    return pc.if_else(fits, texts, pa.scalar(None, pa.string()))
