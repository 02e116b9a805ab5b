"""The settings of a site: `callstats.toml` and the environment, read once and checked whole.

Every fault is one line that says what is wrong, where (file and key, or environment variable) and what is
allowed; several faults are told together in one `SettingsError`. Environment variables
(`CALLSTATS_CADENCE__OFF_S=3`) win over the file, and `data` given to `Settings.load` wins over both.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Mapping
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import phonenumbers
from pydantic import Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings import SettingsError as EnvironmentFault

from callstats.errors import SettingsError
from callstats.settings_ami import AmiServer, Journal
from callstats.settings_faults import fault_lines, unknown_variables, unreadable_variable
from callstats.settings_feed import Watch
from callstats.settings_messages import Messages
from callstats.settings_reminders import Reminders
from callstats.settings_rules import (
    DEFAULT_HOURS,
    Cadence,
    Hours,
    Neutral,
    Part,
    Rule,
    ThirdSignal,
    rule_faults,
)
from callstats.settings_server import Server
from callstats.settings_sign_in import SignIn
from callstats.settings_types import (
    Blocks,
    Columns,
    Country,
    Database,
    Day,
    Extensions,
    Identifier,
    Mailboxes,
    Number,
    PhoneNumbers,
    Prefixes,
    Text,
    Texts,
    TimeZone,
    Whole,
)

CONFIG_NAME = "callstats.toml"
ENV_PREFIX = "CALLSTATS_"


class Hotline(Part):
    """The free information phone (clause 17): numbers, mailboxes, who is responsible, who else calls back."""

    numbers: PhoneNumbers = ()
    mailboxes: Mailboxes = ()
    department: str | None = None
    callback_departments: Texts = ()


class Name(Part):
    """Name of a department by language."""

    lv: Text | None = None
    en: Text | None = None


class Department(Part):
    """A department in a period `[valid_from, valid_to)` (None: open); one id may have several periods."""

    id: Identifier
    name: Name = Name()
    parent: Text | None = None
    extensions: Extensions = ()
    queues: Texts = ()
    numbers: PhoneNumbers = ()
    valid_from: Day | None = None
    valid_to: Day | None = None
    hours: Hours | None = None

    @model_validator(mode="after")
    def _period(self) -> Department:
        if self.valid_from and self.valid_to and self.valid_to <= self.valid_from:
            raise ValueError("valid_to is the first day no longer valid and must be later than valid_from")
        return self

    def valid_on(self, day: date) -> bool:
        """Whether the department is valid on a local date."""
        return (self.valid_from or date.min) <= day and (self.valid_to is None or day < self.valid_to)

    def overlaps(self, other: Department) -> bool:
        """Whether both are valid on at least one common day."""
        mine, theirs = (self.valid_from or date.min), (other.valid_from or date.min)
        return mine < (other.valid_to or date.max) and theirs < (self.valid_to or date.max)


class CdrCustom(Part):
    """Columns of one `cdr_custom` file: a list, or the text of `fields =` or of the mapping, copied."""

    columns: Columns
    name: Text | None = None


class PbxTime(Part):
    """How the PBX writes times: `cdr_csv_utc` is true where cdr.conf says `usegmtime=yes`."""

    cdr_csv_utc: bool = False


class Features(Part):
    """Feature codes of the PBX: pickup codes and the codes (prefixes) that open a mailbox."""

    pickup: Texts = ("*8",)
    voicemail: Texts = ("*97", "*98")


class Numbers(Part):
    """Phone number protection: key file (in the data folder if relative), days in the vault (0: off)."""

    key_file: Path = Path("numbers.key")
    vault_days: Whole = Field(default=5, ge=0, le=366)


class Retention(Part):
    """How long raw events (days), pseudonymised facts, closed cases and the access log (months) are kept.

    domain/05 req. 7.
    """

    events_days: Whole = Field(default=90, ge=3, le=3660)
    facts_months: Whole = Field(default=13, ge=1, le=120)
    cases_months: Whole = Field(default=12, ge=1, le=120)
    access_months: Whole = Field(default=12, ge=1, le=120)

    @model_validator(mode="after")
    def _order(self) -> Retention:
        if self.facts_months * 28 < self.events_days:
            raise ValueError(
                "facts_months is shorter than events_days: what was computed would go before its lines; "
                "give events_days fewer days"
            )
        return self


class CalendarRules(Part):
    """Holidays: follow moved working days, hours less before a holiday, and the file with exceptions."""

    follow_moved_days: bool = True
    preholiday_minus_h: Number = Field(default=1.0, ge=0, le=12)
    overrides: Path | None = None


class Settings(BaseSettings):
    """All settings of a site. Build with `Settings.load`; frozen; paths are absolute after loading."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX,
        env_nested_delimiter="__",
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
    )

    timezone: TimeZone = "Europe/Riga"
    country: Country = "LV"
    data: Path = Path("data")
    pbx: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+$")] = "pbx"
    simulated: bool = False  # invented calls: every page, figure and export says so
    database: Database | None = Field(default=None, repr=False)
    main_numbers: PhoneNumbers = ()
    number_blocks: Blocks = ()
    outbound_prefixes: Prefixes = ()
    trunks: Texts = ()
    cadence: Cadence = Cadence()
    third_signal: ThirdSignal = ThirdSignal()
    neutral: Neutral = Neutral()
    rules: tuple[Rule, ...] = ()
    hours: Hours = DEFAULT_HOURS
    hotline: Hotline = Hotline()
    messages: Messages = Messages()
    reminders: Reminders = Reminders()
    server: Server = Server()
    sign_in: SignIn = SignIn()
    departments: tuple[Department, ...] = ()
    cdr_custom: tuple[CdrCustom, ...] = ()
    pbx_time: PbxTime = PbxTime()
    features: Features = Features()
    numbers: Numbers = Numbers()
    retention: Retention = Retention()
    ami: tuple[AmiServer, ...] = ()
    journal: Journal = Journal()
    watch: Watch = Watch()
    calendar: CalendarRules = CalendarRules()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment over file; no dotenv, no secrets folder."""
        return env_settings, init_settings

    @model_validator(mode="after")
    def _references(self) -> Settings:
        faults = [*_department_faults(self), *_reference_faults(self), *rule_faults(self.rules)]
        if faults:
            raise ValueError("\n".join(faults))
        return self

    @classmethod
    def load(cls, config: Path | None = None, data: Path | None = None) -> Settings:
        """Settings from a file (default: `callstats.toml` here, if there is one) and the environment.

        `data` in the file is relative to the file, elsewhere to the current folder. Raises SettingsError with
        one line per fault.
        """
        path = config or (Path(CONFIG_NAME) if Path(CONFIG_NAME).exists() else None)
        values = _read(path) if path else {}
        where = path.name if path else CONFIG_NAME
        faults = unknown_variables(cls, os.environ, ENV_PREFIX)
        try:
            settings = cls(**values)
        except ValidationError as error:
            raise SettingsError(
                "\n".join(faults + fault_lines(cls, error, where, os.environ, ENV_PREFIX))
            ) from None
        except EnvironmentFault as error:
            raise SettingsError(unreadable_variable(str(error), os.environ, ENV_PREFIX)) from None
        if faults:
            raise SettingsError("\n".join(faults))
        home = path.resolve().parent if path else Path.cwd()
        own = "data" in values and not any(name.upper() == f"{ENV_PREFIX}DATA" for name in os.environ)
        folder = (
            data.resolve() if data else ((home if own else Path.cwd()) / settings.data.expanduser()).resolve()
        )
        numbers = settings.numbers.model_copy(
            update={"key_file": folder / settings.numbers.key_file.expanduser()}
        )
        overrides = settings.calendar.overrides
        calendar = settings.calendar.model_copy(
            update={"overrides": home / overrides.expanduser() if overrides else None}
        )
        files = {"certificate": settings.server.certificate, "key": settings.server.key}
        server = settings.server.model_copy(
            update={name: home / given.expanduser() if given else None for name, given in files.items()}
        )
        journal = settings.journal.model_copy(
            update={"folder": folder / settings.journal.folder.expanduser()}
        )
        ami = tuple(one.located(home) for one in settings.ami)
        located = {"numbers": numbers, "calendar": calendar, "server": server, "journal": journal, "ami": ami}
        watch = settings.watch.located(home)
        return settings.model_copy(update={"data": folder, "watch": watch, **located})

    @property
    def database_url(self) -> str:
        """SQL URL of cases and catalog; SQLite in the data folder unless `database` says otherwise."""
        return self.database or f"sqlite:///{self.data / 'callstats.sqlite3'}"

    @property
    def managers(self) -> dict[str, AmiServer]:
        """The managers of [[ami]] by the name of their PBX in the facts."""
        return {one.pbx or self.pbx: one for one in self.ami}

    @cached_property
    def zone(self) -> ZoneInfo:
        """The site's time zone."""
        return ZoneInfo(self.timezone)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path.name}: not valid TOML: {error}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{path.name}: not UTF-8 text; save the file as UTF-8") from None
    except OSError as error:
        raise SettingsError(
            f"{path}: cannot be read: {error.strerror}; name the file with --config"
        ) from None


def _spelling(value: str, country: str) -> str:
    """One spelling for +371 67012200 and 67012200, so that one number has one owner."""
    return value.removeprefix(f"+{phonenumbers.country_code_for_region(country)}")


def _shared(settings: Settings, kind: Literal["extensions", "queues", "numbers"]) -> Iterable[str]:
    seen: dict[str, list[tuple[int, Department]]] = {}
    for place, department in enumerate(settings.departments):
        for value in getattr(department, kind):
            earlier = seen.setdefault(_spelling(value, settings.country), [])
            for other_place, other in earlier:
                if department.id != other.id and department.overlaps(other):
                    yield (
                        f"departments[{place}].{kind}: {value} already belongs to {other.id!r} "
                        f"(departments[{other_place}]) at the same time; give one valid_to or remove it"
                    )
            earlier.append((place, department))


def _department_faults(settings: Settings) -> Iterable[str]:
    departments = settings.departments
    for place, department in enumerate(departments):
        for other_place, other in enumerate(departments[:place]):
            if department.id == other.id and department.overlaps(other):
                yield (
                    f"departments[{place}].id: {department.id!r} is already departments[{other_place}] "
                    "at the same time; give the earlier one valid_to and the later one valid_from"
                )
    yield from _shared(settings, "extensions")
    yield from _shared(settings, "queues")
    yield from _shared(settings, "numbers")
    parents = {d.id: d.parent for d in departments}
    for place, department in enumerate(departments):
        chain, current = [department.id], department.parent
        while current is not None and current not in chain:
            chain.append(current)
            current = parents.get(current)
        if current == department.id:
            yield f"departments[{place}].parent: goes in a circle ({' > '.join([*chain, department.id])})"


def _reference_faults(settings: Settings) -> Iterable[str]:
    known = sorted({d.id for d in settings.departments})
    names: Mapping[str, str | None] = {
        "hotline.department": settings.hotline.department,
        **{
            f"hotline.callback_departments[{i}]": d
            for i, d in enumerate(settings.hotline.callback_departments)
        },
        **{f"rules[{i}].department": rule.department for i, rule in enumerate(settings.rules)},
        **{
            f"reminders.recipients[{i}].department": one.department
            for i, one in enumerate(settings.reminders.recipients)
        },
        **{
            f"sign_in.groups[{i}].department": one.department for i, one in enumerate(settings.sign_in.groups)
        },
    }
    for key, name in names.items():
        if name is not None and name not in known:
            yield f"{key}: no department {name!r}; known: {', '.join(known) or 'none'}"
    if (settings.hotline.numbers or settings.hotline.mailboxes) and settings.hotline.department is None:
        yield "hotline.department: is missing; name the department that checks the hotline's messages"
    heard = [one.pbx or settings.pbx for one in settings.ami]
    for place, name in enumerate(heard):
        if name in heard[:place]:
            yield f"ami[{place}].pbx: {name!r} is ami[{heard.index(name)}] already; give each PBX a name"
    hotline = {_spelling(number, settings.country) for number in settings.hotline.numbers}
    for place, department in enumerate(settings.departments):
        for number in department.numbers:
            if (
                department.id != settings.hotline.department
                and _spelling(number, settings.country) in hotline
            ):
                yield (
                    f"departments[{place}].numbers: {number} is a hotline number; "
                    f"it belongs to {settings.hotline.department!r} already"
                )
