"""Types of single settings: each checks its value and says in one line what is allowed."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, NamedTuple
from zoneinfo import available_timezones

from pydantic import AfterValidator, BeforeValidator, Field
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
# Emergency numbers of the Latvian plan (domain 3d): they can never be an extension.
EMERGENCY = frozenset({"110", "112", "113", "01", "02", "03", "04"})


class Window(NamedTuple):
    """Open hours of a day in local minutes after midnight, half-open `[opens, closes)`, up to 1440."""

    opens: int
    closes: int


def minutes(text: object) -> int:
    """Minutes after midnight of "HH:MM"; "24:00" is 1440. Raises ValueError for anything else."""
    found = re.fullmatch(r"(\d{2}):([0-5]\d)", text) if isinstance(text, str) else None
    value = int(found[1]) * 60 + int(found[2]) if found else 1441
    if value > 1440:
        raise ValueError(f'{text!r} is not a time of day; write "HH:MM" from "00:00" to "24:00"')
    return value


def _windows(value: object) -> object:
    if not isinstance(value, list | tuple) or not all(
        isinstance(p, list | tuple) and len(p) == 2 for p in value
    ):
        raise ValueError(
            'must be a list of pairs such as [["08:00", "12:00"], ["13:00", "17:00"]], or [] for closed'
        )
    found = [p if isinstance(p, Window) else Window(minutes(p[0]), minutes(p[1])) for p in value]
    end = -1
    for (opens, closes), pair in zip(found, value, strict=True):
        if closes <= opens:
            raise ValueError(f"{list(pair)} closes before it opens; write the earlier time first")
        if opens < end:
            raise ValueError(f"{list(pair)} overlaps the one before it; write them in order, without overlap")
        end = closes
    return tuple(found)


def _not_bool(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("must be a number, not true or false")
    return value


def _day(value: object) -> object:
    if isinstance(value, bool | int | float):
        raise ValueError("must be a date without quotes, such as 2026-01-31")
    return value


def one_or_many(value: object) -> object:
    """A single text as a list of one."""
    return (value,) if isinstance(value, str) else value


def unique(value: tuple[str, ...]) -> tuple[str, ...]:
    """The list, if nothing in it is named twice."""
    twice = sorted({item for item in value if value.count(item) > 1})
    if twice:
        raise ValueError(f"names {', '.join(twice)} twice; once is enough")
    return value


def _number(text: str) -> str:
    digits = re.sub(r"[ ()-]", "", text)
    if not re.fullmatch(r"\+?\d{3,15}", digits):
        raise ValueError('must be a phone number of 3 to 15 digits, such as "67012200" or "+37167012200"')
    return digits


def _extension(text: str) -> str:
    if not re.fullmatch(r"[\w.+*#-]+", text):
        raise ValueError(
            f'{text!r} is not an extension; write it as the PBX dials it, "201" and not "PJSIP/201"'
        )
    if text in EMERGENCY:
        raise ValueError(f"{text} is an emergency number and cannot be an extension")
    return text


def _mailbox(text: str) -> str:
    if not re.fullmatch(r"[^\s@]+(@[^\s@]+)?", text):
        raise ValueError(f'{text!r} is not a mailbox; write "box@context", such as "8000@hotline"')
    return text if "@" in text else f"{text}@default"


def _text(text: str) -> str:
    if not text.strip() or text != text.strip():
        raise ValueError("must not be empty, nor begin or end with a space")
    return text


def _identifier(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", text):
        raise ValueError(
            f'{text!r} is not an id; use small letters a-z, digits, "-" and "_", such as "social"'
        )
    return text


def _timezone(text: str) -> str:
    if text not in available_timezones():
        raise ValueError(f'{text!r} is not a time zone; write one such as "Europe/Riga"')
    return text


def _country(text: str) -> str:
    import holidays
    import phonenumbers

    if text not in phonenumbers.SUPPORTED_REGIONS or text not in holidays.list_supported_countries():
        raise ValueError(f'{text!r} is not a country code known here; write two capital letters such as "LV"')
    return text


def _database(text: str) -> str:
    scheme = text.partition(":")[0]
    if scheme not in {"sqlite", "postgresql", "postgresql+psycopg"} or "://" not in text:
        raise ValueError('must begin with "sqlite:///" or "postgresql://"')
    try:
        make_url(text)
    except (ArgumentError, ValueError):  # its text would tell the password
        raise ValueError('is no address; write it like "postgresql://user@host:5432/name"') from None
    return text.replace("postgresql://", "postgresql+psycopg://", 1)


def _columns(value: object) -> object:
    """A column list as people have it: a list, `fields =` of an advanced mapping, or a classic mapping."""
    if not isinstance(value, str):
        return value
    items = [item.strip() for item in re.split(r",(?![^(){}]*[)}])", value.rpartition("=>")[2])]
    return [_column(item) for item in items]


def _column(item: str) -> str:
    variable = re.search(r"\$\{CDR\(([^(){}]*)\)\}", item)
    if variable or "$" not in item:
        return variable[1] if variable else item
    raise ValueError(f"{item!r} is no CDR column; write ${{CDR(name)}}, or the columns as a list of names")


Number = Annotated[float, BeforeValidator(_not_bool)]
Whole = Annotated[int, BeforeValidator(_not_bool)]
Day = Annotated[date, BeforeValidator(_day)]
Windows = Annotated[tuple[Window, ...], BeforeValidator(_windows)]
Text = Annotated[str, AfterValidator(_text)]
Identifier = Annotated[str, AfterValidator(_identifier)]
Texts = Annotated[tuple[Text, ...], BeforeValidator(one_or_many), AfterValidator(unique)]
PhoneNumbers = Annotated[tuple[Annotated[str, AfterValidator(_number)], ...], AfterValidator(unique)]
Extensions = Annotated[tuple[Annotated[str, AfterValidator(_extension)], ...], AfterValidator(unique)]
Mailboxes = Annotated[tuple[Annotated[str, AfterValidator(_mailbox)], ...], AfterValidator(unique)]
Prefixes = Annotated[tuple[Annotated[str, Field(pattern=r"^[0-9*#]{1,4}$")], ...], AfterValidator(unique)]
Blocks = Annotated[tuple[Annotated[str, Field(pattern=r"^[0-9]{3,14}$")], ...], AfterValidator(unique)]
Columns = Annotated[tuple[Text, ...], BeforeValidator(_columns), Field(min_length=3)]
TimeZone = Annotated[str, AfterValidator(_timezone)]
Country = Annotated[str, AfterValidator(_country)]
Database = Annotated[str, AfterValidator(_database)]
