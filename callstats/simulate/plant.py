"""What the PBX is configured to do: phones, queues, and the steps behind each number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Strategy = Literal["ringall", "rrmemory", "linear"]


@dataclass(frozen=True)
class Answer:
    """The PBX answers the channel itself."""


@dataclass(frozen=True)
class Wait:
    """Nothing happens for a while."""

    seconds: float


@dataclass(frozen=True)
class Dial:
    """Phones rung together, until one answers or `timeout_s` is over."""

    phones: tuple[str, ...]
    timeout_s: float
    options: str = "tT"


@dataclass(frozen=True)
class Enqueue:
    """Waiting in a queue until a member answers or `timeout_s` is over."""

    queue: str
    timeout_s: float
    options: str = "tT"


@dataclass(frozen=True)
class Menu:
    """An announcement of `sound_s`, then `wait_s` for a digit; no digit is `otherwise`."""

    choices: Mapping[str, tuple[Step, ...]]
    otherwise: str
    sound_s: float = 2.0
    wait_s: float = 6.0


@dataclass(frozen=True)
class Voicemail:
    """A mailbox takes a message; option ``u`` plays the greeting first, ``s`` no instructions."""

    mailbox: str
    options: str = "s"


@dataclass(frozen=True)
class SetUserfield:
    """The dialplan writes CDR(userfield)."""

    value: str


Step = Answer | Wait | Dial | Enqueue | Menu | Voicemail | SetUserfield


@dataclass(frozen=True)
class Member:
    """A queue's member: interface (``PJSIP/201``, ``Local/701@agents/n``), name, and the phone behind it."""

    interface: str
    name: str
    phone: str


@dataclass(frozen=True)
class QueueOf:
    """A queue: strategy, seconds of ringing per try, seconds between tries, members in order."""

    strategy: Strategy
    timeout_s: float
    retry_s: float
    members: tuple[Member, ...]


@dataclass(frozen=True)
class Plant:
    """The whole configuration.

    `numbers`: steps behind each dialled number (citizens); a number that is not there but ends in a phone's
    extension after `direct_prefix` rings that phone for `direct_timeout_s`. Colleagues' extensions ring for
    `internal_timeout_s`. `outbound_prefix`: with it the main number is shown instead of the extension.
    `accounts`: account code per phone, as the PBX writes it.
    """

    phones: tuple[str, ...]
    queues: Mapping[str, QueueOf]
    numbers: Mapping[str, tuple[Step, ...]]
    main_number: str
    direct_prefix: str
    mailboxes: tuple[str, ...] = ()
    direct_timeout_s: float = 40.0
    internal_timeout_s: float = 30.0
    outbound_timeout_s: float = 45.0
    outbound_prefix: str = "9"
    timezone: str = "Europe/Riga"
    accounts: Mapping[str, str] = field(default_factory=dict)
