"""Settings of the live feed: the managers (AMI) of the PBXs, and how long the journal is kept."""

from __future__ import annotations

import stat
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from callstats.errors import SettingsError
from callstats.settings_rules import Part
from callstats.settings_types import Text, Whole

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+$")]


class AmiServer(Part):
    """One Asterisk manager. Its secret stands here, or alone in a file that only the service may read.

    `pbx`: its name in the facts (default: the site's `pbx`). `login`: `challenge` (MD5; the secret does not
    go over the wire) or `plain`. With `tls` the certificate is verified, against `ca_file` where given,
    for `server_name` (default: `host`).
    """

    pbx: Name | None = None
    host: Text = "127.0.0.1"
    port: Whole = Field(default=5038, ge=1, le=65535)
    user: Text = "callstats"
    secret: SecretStr = SecretStr("")
    secret_file: Path | None = None
    login: Literal["challenge", "plain"] = "challenge"
    tls: bool = False
    verify: bool = True
    ca_file: Path | None = None
    server_name: Text | None = None

    @field_validator("secret")
    @classmethod
    def _one_line(cls, value: SecretStr) -> SecretStr:
        if any(end in value.get_secret_value() for end in "\r\n\0"):
            raise ValueError("a secret is one line")
        return value

    @model_validator(mode="after")
    def _safe(self) -> AmiServer:
        if not self.tls and self.login == "plain" and not self.on_loopback:
            raise ValueError(
                "a plain login sends the secret as it is; set tls = true, or login = 'challenge'"
            )
        if not self.tls and (self.ca_file or self.server_name or not self.verify):
            raise ValueError("ca_file, server_name and verify mean something with tls = true only")
        if self.secret_file and self.secret.get_secret_value():
            raise ValueError("give secret or secret_file, not both")
        return self

    def password(self) -> str:
        """The secret. Raises SettingsError where its file cannot be read, or anybody may read it."""
        if self.secret_file is None:
            return self.secret.get_secret_value()
        try:
            mode = self.secret_file.stat().st_mode
            lines = self.secret_file.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is no text"
            raise SettingsError(f"{self.secret_file}: the secret cannot be read: {reason}") from None
        if mode & stat.S_IRWXO:
            raise SettingsError(
                f"{self.secret_file}: everybody may read this secret; type: chmod 600 {self.secret_file}"
            )
        return lines[0].strip() if lines else ""

    def located(self, home: Path) -> Self:
        """The same with absolute paths; relative ones lie beside the settings, in ``home``."""
        files = {"secret_file": self.secret_file, "ca_file": self.ca_file}
        return self.model_copy(
            update={name: home / given.expanduser() if given else None for name, given in files.items()}
        )

    @property
    def on_loopback(self) -> bool:
        """Whether it is this machine."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


class Journal(Part):
    """The journal of the live feed: its folder (in the data folder if relative), on another disk perhaps.

    `keep_days`: how long segments stay that were taken into the facts (0: not at all).
    """

    folder: Path = Path("journal")
    keep_days: Whole = Field(default=3, ge=0, le=90)
