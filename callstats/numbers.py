"""Phone numbers: one form per number, a class for each, and nobody's number in the clear.

Rules: domain 3d (Latvian plan), tried on the forms of domain 3b and 3c. Other countries go by `phonenumbers`.
Own numbers are written in national digits (`67012200`), whatever form the PBX or the configuration used.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import unquote

import phonenumbers
import pyarrow as pa
from phonenumbers import PhoneNumberType, shortnumberinfo

from callstats.masking import DOTS, mask
from callstats.pseudonyms import PSEUDONYM, Pseudonymiser, load_pseudonymiser
from callstats.settings_types import EMERGENCY

if TYPE_CHECKING:
    from callstats.settings import Settings

__all__ = [
    "CLIENT_CLASSES",
    "NORMALISER_VERSION",
    "PLAIN_CLASSES",
    "Number",
    "NumberClass",
    "NumberPlan",
    "Pseudonymiser",
    "load_pseudonymiser",
    "mask",
    "normalise",
    "normalise_column",
    "scrub",
    "stored",
    "stored_column",
    "usual_client",
]

# Raise when a rule changes the form or class of a number: pseudonyms made before may no longer match.
NORMALISER_VERSION = 1

NumberClass = Literal[
    "extension",  # a phone of the institution
    "own",  # main, department and hotline numbers
    "mobile",
    "fixed",
    "freephone",
    "shared_cost",
    "premium",
    "m2m",
    "other_service",
    "foreign",
    "emergency",
    "short_code",
    "service",  # feature codes (*8)
    "label",  # words of the dialplan: special extensions (s, i, t) and queue names
    "anonymous",
    "legacy7",  # seven digits, as before 2008: not repaired
    "unparsed",
    "empty",
]
PLAIN_CLASSES = frozenset({"extension", "own", "emergency", "short_code", "service", "label"})
# A line that a citizen can be called back on; 80, 81, 90 and short codes never count as clients (domain 3e).
CLIENT_CLASSES = frozenset({"mobile", "fixed", "m2m", "other_service", "foreign", "legacy7"})

_WITHHELD = frozenset(
    {"anonymous", "unknown", "restricted", "private", "unavailable", "withheld", "blocked", "nonumber"}
    | {"numberwithheld", "idwithheld"}
)
_SPECIAL = frozenset({"s", "i", "t", "h", "o", "a", "e", "T", "fax", "failed", "hang", "~~s~~"})
_LV: tuple[tuple[NumberClass, re.Pattern[str]], ...] = (
    ("mobile", re.compile(r"2\d{7}")),
    ("fixed", re.compile(r"6\d{7}")),
    ("m2m", re.compile(r"7[0-4]\d{6}|30000\d{7}")),
    ("other_service", re.compile(r"78\d{6}")),
    ("freephone", re.compile(r"80\d{6}")),
    ("shared_cost", re.compile(r"81\d{6}")),
    ("premium", re.compile(r"90\d{6}")),
)
_USUAL = re.compile(r"(?:\+371|00371|371)?([26][0-9]{7})")
_LV_SHORT = re.compile(r"1\d{2,4}|116\d{3}|8[2-9]\d{2,3}")
_TYPES: dict[int, NumberClass] = {
    PhoneNumberType.MOBILE: "mobile",
    PhoneNumberType.TOLL_FREE: "freephone",
    PhoneNumberType.SHARED_COST: "shared_cost",
    PhoneNumberType.PREMIUM_RATE: "premium",
}


@dataclass(frozen=True, slots=True)
class Number:
    """A number as understood: class, E.164 if any, plain text; `doubtful` when zeros had to go (3d.6)."""

    cls: NumberClass
    e164: str | None
    text: str
    doubtful: bool = False

    def __repr__(self) -> str:
        """Masked: numbers must not reach logs or error texts."""
        word = self.cls == "unparsed" and not self.text.lstrip("+").isdigit()  # perhaps a person's SIP name
        return f"Number({self.cls}, {DOTS if word else mask(self.text)})"


@dataclass(frozen=True, eq=False)
class NumberPlan:
    """What a site's numbers look like.

    `own` and `direct` hold E.164; compared by identity so that caching is cheap.
    """

    country: str = "LV"
    calling_code: str = "371"
    extensions: frozenset[str] = frozenset()
    own: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    outbound_prefixes: tuple[str, ...] = ()
    blocks: tuple[str, ...] = ()

    @classmethod
    def from_settings(cls, settings: Settings) -> NumberPlan:
        """The plan of a site: extensions, own numbers, queues, prefixes and blocks, of all periods."""
        code = str(phonenumbers.country_code_for_region(settings.country))
        bare = cls(country=settings.country, calling_code=code)
        listed = [
            *settings.main_numbers,
            *settings.hotline.numbers,
            *(n for d in settings.departments for n in d.numbers),
        ]
        extensions = frozenset(e for d in settings.departments for e in d.extensions)
        own = frozenset(to_e164(number, bare) for number in listed)
        return cls(
            country=settings.country,
            calling_code=code,
            extensions=extensions,
            own=own | frozenset(direct_numbers(own, extensions)),
            names=frozenset(q for d in settings.departments for q in d.queues),
            outbound_prefixes=tuple(sorted(settings.outbound_prefixes, key=len, reverse=True)),
            blocks=tuple(f"+{code}{block}" for block in settings.number_blocks),
        )


def to_e164(number: str, plan: NumberPlan) -> str:
    """An own number of the configuration in E.164, or as it is written when it is none (a short number)."""
    found = normalise(number, plan)
    return found.e164 or found.text


def direct_numbers(own: Iterable[str], extensions: Iterable[str]) -> dict[str, str]:
    """Direct-dial numbers (E.164) that nobody listed, with their extension: 67012201 rings 201.

    Only where at least three listed own numbers share the head ("+37167012"), so that the block is surely the
    site's: a stranger's number must not pass for an own one.
    """
    listed = set(own)
    heads: dict[str, int] = {}
    for length in {len(e) for e in extensions if 2 <= len(e) <= 4 and e.isdigit()}:
        for number in listed:
            heads[number[:-length]] = heads.get(number[:-length], 0) + 1
    return {
        head + extension: extension
        for head, count in heads.items()
        for extension in extensions
        if count >= 3
        and extension.isdigit()
        and any(len(head + extension) == len(n) and n.startswith(head) for n in listed)
        if head + extension not in listed
    }


def plain(e164: str, plan: NumberPlan) -> str:
    """National digits of a home number, E.164 of a foreign one."""
    return e164.removeprefix(f"+{plan.calling_code}")


def clean(raw: str) -> str:
    """The number part of what a PBX or SIP header says: no `<>`, scheme, host or parameters (3d.1)."""
    text = unquote(raw).strip()
    bracketed = re.search(r"<([^<>]*)>", text)
    text = bracketed[1] if bracketed else text.strip("<>\"' ")
    text = re.sub(r"^(?:sips?|tel):", "", text.strip(), flags=re.IGNORECASE)
    return re.split(r"[@;]", text, maxsplit=1)[0].strip()


def _home(digits: str, plan: NumberPlan) -> NumberClass | None:
    """Class of a national number of the home country, or None."""
    if plan.country == "LV":
        return next((cls for cls, pattern in _LV if pattern.fullmatch(digits)), None)
    try:
        number = phonenumbers.parse(f"+{plan.calling_code}{digits}", None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return _TYPES.get(phonenumbers.number_type(number), "fixed")


def _short(digits: str, plan: NumberPlan) -> NumberClass | None:
    """Emergency number or short code of the home country, or None."""
    if plan.country == "LV":
        if digits in EMERGENCY:
            return "emergency"
        return "short_code" if _LV_SHORT.fullmatch(digits) else None
    if len(digits) > 6:
        return None
    if shortnumberinfo.is_emergency_number(digits, plan.country):
        return "emergency"
    number = phonenumbers.PhoneNumber(country_code=int(plan.calling_code), national_number=int(digits))
    return "short_code" if shortnumberinfo.is_valid_short_number_for_region(number, plan.country) else None


def _number(cls: NumberClass, e164: str, plan: NumberPlan, doubtful: bool = False) -> Number:
    if plain(e164, plan) in plan.extensions or e164 in plan.extensions:
        return Number("extension", None, e164 if e164 in plan.extensions else plain(e164, plan), doubtful)
    mine = e164 in plan.own or any(e164.startswith(block) for block in plan.blocks)
    return Number("own" if mine else cls, e164, plain(e164, plan), doubtful)


def _national(digits: str, plan: NumberPlan, doubtful: bool = False) -> Number | None:
    for body in (digits, digits.removeprefix(plan.calling_code)):
        if cls := _home(body, plan):
            return _number(cls, f"+{plan.calling_code}{body}", plan, doubtful)
    return None


def _international(digits: str, plan: NumberPlan) -> Number | None:
    """A number given with its country code, digits only."""
    if digits.startswith(plan.calling_code) and (home := _national(digits, plan)):
        return home
    try:
        number = phonenumbers.parse(f"+{digits}", None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return _number("unparsed" if digits.startswith(plan.calling_code) else "foreign", e164, plan)


def _external(digits: str, plan: NumberPlan) -> Number | None:
    if home := _national(digits, plan):
        return home
    if digits.startswith("00") and (found := _international(digits[2:], plan)):
        return found
    return _national(digits.lstrip("0"), plan, doubtful=True) if digits.startswith("0") else None


@lru_cache(maxsize=1 << 17)
def normalise(raw: str, plan: NumberPlan) -> Number:
    """The number that `raw` stands for. Total: any text gets a class, nothing raises."""
    if found := usual_client(raw, plan):
        return Number(found[0], found[1], plain(found[1], plan))
    return _understood(raw, plan)


def usual_client(raw: str, plan: NumberPlan) -> tuple[NumberClass, str] | None:
    """Class and E.164 of a Latvian client's number in a common form: nine of ten numbers of a PBX.

    None: only the long way can tell. Where it tells something, it says what the long way says, faster.
    """
    if plan.country != "LV" or not (found := _USUAL.fullmatch(raw)):
        return None
    digits = found[1]
    e164 = f"+371{digits}"
    if e164 in plan.own or not plan.extensions.isdisjoint((raw, digits, e164)):
        return None
    if plan.blocks and e164.startswith(plan.blocks):
        return None
    return ("mobile" if digits[0] == "2" else "fixed"), e164


def _understood(raw: str, plan: NumberPlan) -> Number:
    text = clean(raw)
    if not text:
        return Number("empty", None, "")
    if re.sub(r"[\s_-]", "", text).lower() in _WITHHELD:
        return Number("anonymous", None, "")
    digits = re.sub(r"[\s().-]", "", text)
    if digits.isascii() and digits.isdigit() and _short(digits, plan) == "emergency":
        return Number("emergency", None, digits)
    if text in plan.extensions:
        return Number("extension", None, text)
    if text in plan.names or text in _SPECIAL:
        return Number("label", None, text)
    if re.fullmatch(r"[*#][\d*#]*", text):
        return Number("service", None, text)
    if not re.fullmatch(r"\+?[0-9]+", digits):
        return Number("unparsed", None, text)
    if digits in plan.own and not digits.startswith("+"):  # own short numbers have no E.164
        return Number("own", None, digits)
    if digits.startswith("+"):
        return _international(digits[1:], plan) or Number("unparsed", None, digits)
    if cls := _short(digits, plan):
        return Number(cls, None, digits)
    stripped = [digits.removeprefix(p) for p in plan.outbound_prefixes if digits.startswith(p)]
    for body in (digits, *stripped):
        if home := _national(body, plan):
            return home
    for body in (digits, *stripped):
        if found := _external(body, plan):
            return found
    for body in stripped:
        if cls := _short(body, plan):
            return Number(cls, None, body)
    return Number("legacy7" if len(digits) == 7 else "unparsed", None, digits)


def stored(number: Number, pseudonymiser: Pseudonymiser) -> str:
    """What may be kept of a number in the facts: own, short, service plain, clients' as pseudonym.

    "anonymous" and "" (nothing said) stay apart. Digits too few to reach anyone (under five) stay plain;
    words that the plan does not know may be a person's SIP name and become pseudonyms.
    """
    if number.cls == "service":
        return mask(number.text)  # *21*28404019# diverts to a client's number
    if number.cls in PLAIN_CLASSES:
        return number.text
    if number.cls in ("anonymous", "empty"):
        return "anonymous" if number.cls == "anonymous" else ""
    if number.e164 is None and len(number.text) < 5 and number.text.isascii() and number.text.isdigit():
        return number.text
    return pseudonymiser.pseudonym(number.e164 or number.text)


def normalise_column(column: pa.Array | pa.ChunkedArray, plan: NumberPlan) -> pa.StructArray:
    """A text column as struct(cls, e164, text, doubtful); each different text once, null stays null."""
    encoded = _encoded(column)
    found = [normalise(value, plan) for value in encoded.dictionary.to_pylist()]
    parts: list[list[Any]] = [
        [n.cls for n in found],
        [n.e164 for n in found],
        [n.text for n in found],
        [n.doubtful for n in found],
    ]
    return _struct(parts, _FULL).take(encoded.indices)


def stored_column(
    column: pa.Array | pa.ChunkedArray, plan: NumberPlan, pseudonymiser: Pseudonymiser
) -> pa.StructArray:
    """What may be kept of a text column: struct(stored, cls); each different text once, null stays null."""
    encoded = _encoded(column)
    found = [normalise(value, plan) for value in encoded.dictionary.to_pylist()]
    parts: list[list[Any]] = [[stored(n, pseudonymiser) for n in found], [n.cls for n in found]]
    return _struct(parts, _STORED).take(encoded.indices)


def scrub(app_data: str, plan: NumberPlan, pseudonymiser: Pseudonymiser) -> str:
    """Application data or a dial string with pseudonyms for clients' numbers; idempotent.

    Runs of seven digits and more count as numbers; extensions, short codes, ports, timeouts, options and
    uniqueids stay. Names that `Set(CALLERID(name)=…)` and the like give are dropped.
    """
    named = _NAME_SET.sub(lambda found: found[1], app_data) if "(" in app_data else app_data
    return _RUN.sub(lambda found: found["keep"] or _pseudonym(found[0], plan, pseudonymiser), named)


def _pseudonym(raw: str, plan: NumberPlan, pseudonymiser: Pseudonymiser) -> str:
    if client := usual_client(raw, plan):
        return pseudonymiser.pseudonym(client[1])
    return stored(normalise(raw, plan), pseudonymiser)


def _struct(parts: Sequence[list[Any]], kind: pa.StructType) -> pa.StructArray:
    arrays = [pa.array(part, kind.field(place).type) for place, part in enumerate(parts)]
    return pa.StructArray.from_arrays(arrays, fields=list(kind))


def _encoded(column: pa.Array | pa.ChunkedArray) -> pa.DictionaryArray:
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return whole if isinstance(whole, pa.DictionaryArray) else whole.dictionary_encode()


_FULL = pa.struct(
    [("cls", pa.string()), ("e164", pa.string()), ("text", pa.string()), ("doubtful", pa.bool_())]
)
_STORED = pa.struct([("stored", pa.string()), ("cls", pa.string())])
_UUID = r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b"
_RUN = re.compile(rf"(?P<keep>{PSEUDONYM.pattern}|{_UUID}|(?<![\d+])1\d{{9}}\.\d+)|\+?\d{{7,}}")
_NAME_SET = re.compile(r"((?:CALLERID|CONNECTEDLINE|REDIRECTING)\((?:[\w-]*name|all)[^)]*\)=).*")
