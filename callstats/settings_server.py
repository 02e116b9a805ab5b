"""Settings of the server: where it listens, under which names it is asked for, and its certificate."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from callstats.settings_rules import Part

Name = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$")]


def _address(value: str) -> str:
    try:
        return str(ip_address(value))
    except ValueError:
        raise ValueError(f"{value!r} is no address; write one like 127.0.0.1 or 0.0.0.0") from None


class Server(Part):
    """Where pages and API are served.

    `address`: to listen on; another than this machine's own needs accounts and a certificate. `names`: host
    names that browsers ask for, of this server or of a proxy before it. `certificate`, `key`: PEM files.
    """

    address: Annotated[str, AfterValidator(_address)] = "127.0.0.1"
    names: tuple[Name, ...] = ()
    certificate: Path | None = None
    key: Path | None = None

    @model_validator(mode="after")
    def _pair(self) -> Server:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key belong together; give both or neither")
        return self

    @property
    def on_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return ip_address(self.address).is_loopback
