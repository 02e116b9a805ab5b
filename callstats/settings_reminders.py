"""Settings of the reminders: who is told what is due, by e-mail or webhook, and through which server."""

from __future__ import annotations

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator

from callstats.settings_rules import Part
from callstats.settings_types import Identifier, Text, Whole


def _address(value: str) -> str:
    if not re.fullmatch(r"[^@\s,;<>\"]{1,64}@[^@\s,;<>\"]{1,190}", value):
        raise ValueError("is no e-mail address such as pr@novads.example")
    return value


def _web(value: str) -> str:
    try:
        parts = urlsplit(value)
        named = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        plain = not parts.username and not parts.query and re.fullmatch(r"[!-~]+", value)
    except ValueError:  # no port, or no address in brackets
        named = plain = None
    if not (named and plain):
        raise ValueError("is no address such as https://callstats.novads.example")
    return value.rstrip("/")


Email = Annotated[str, AfterValidator(_address)]
Web = Annotated[str, AfterValidator(_web)]


class Smtp(Part):
    """The mail server; the password comes from the environment (`CALLSTATS_REMINDERS__SMTP__PASSWORD`)."""

    host: Text = "localhost"
    port: Whole = Field(default=25, ge=1, le=65535)
    security: Literal["none", "starttls", "tls"] = "none"
    user: Text | None = None
    password: SecretStr | None = None

    @model_validator(mode="after")
    def _login(self) -> Smtp:
        if self.user is not None and self.security == "none" and self.host not in ("localhost", "127.0.0.1"):
            raise ValueError("a password would go over the network as it is; set security to starttls or tls")
        return self


class Recipient(Part):
    """Who is told what a department has to do: one address, or one webhook with the secret that signs it."""

    department: Identifier
    email: Email | None = None
    webhook: Web | None = None
    secret: SecretStr | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Recipient:
        if (self.email is None) == (self.webhook is None):
            raise ValueError("name either email or webhook")
        return self

    @property
    def way(self) -> Literal["email", "webhook"]:
        """How it is told."""
        return "email" if self.email is not None else "webhook"

    @property
    def address(self) -> str:
        """Where it is told."""
        return self.email or self.webhook or ""


class Reminders(Part):
    """Reminders of what is due; without recipients nobody is reminded.

    `base_url`: where people open callstats, for the links; `sender`: whose mail it is. One address may stand
    for several departments: it gets one reminder a day for all of them.
    """

    base_url: Web | None = None
    sender: Email = "callstats@localhost"
    smtp: Smtp = Smtp()
    recipients: tuple[Recipient, ...] = ()

    @model_validator(mode="after")
    def _one_secret(self) -> Reminders:
        for one in self.recipients:
            if any(other.address == one.address and other.secret != one.secret for other in self.recipients):
                raise ValueError(f"the webhook of {one.department!r} has two secrets; give it one")
        return self
