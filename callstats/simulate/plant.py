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
    """An announcement of `sound_s`, then `wait_s` for a digit; no digit is `otherwise`.

    It is a context of its own: the PBX goes to its extension ``s``, answers, and waits `lead_s` before the
    announcement.
    """

    choices: Mapping[str, tuple[Step, ...]]
    otherwise: str
    sound_s: float = 2.0
    wait_s: float = 6.0
    lead_s: float = 0.5
    context: str = "ivr"
    sound: str = "hello-world"


@dataclass(frozen=True)
class Voicemail:
    """A mailbox takes a message; option ``u`` plays the greeting first, ``s`` no instructions."""

    mailbox: str
    options: str = "s"


@dataclass(frozen=True)
class VoicemailMain:
    """An employee listens to a mailbox."""

    mailbox: str
    options: str = "s"


@dataclass(frozen=True)
class SetUserfield:
    """The dialplan writes CDR(userfield)."""

    value: str


@dataclass(frozen=True)
class SetOther:
    """Any other Set() of the dialplan, as written: ``CDR(unit)=social``."""

    text: str


@dataclass(frozen=True)
class NoOp:
    """A remark of the dialplan; ``${QUEUESTATUS}`` and ``${HANGUPCAUSE}`` are filled in."""

    text: str


@dataclass(frozen=True)
class Playback:
    """A sound file is played to its end."""

    sound: str
    seconds: float = 1.0


@dataclass(frozen=True)
class Hangup:
    """The PBX hangs up: with a cause, ``${HANGUPCAUSE}`` (that of the last phone), or none said."""

    cause: str = ""


Step = (
    Answer
    | Wait
    | Dial
    | Enqueue
    | Menu
    | Voicemail
    | VoicemailMain
    | SetUserfield
    | SetOther
    | NoOp
    | Playback
    | Hangup
)


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

    `numbers`: steps behind each dialled number (citizens); where no `Hangup` ends them the PBX hangs up, with
    the last phone's cause after a Dial. A number that is not there but ends in a phone's extension after
    `direct_prefix` rings that phone for `direct_timeout_s`. Colleagues' extensions ring for
    `internal_timeout_s`. `outbound_prefix`: with it the main number is shown instead of the extension.
    `accounts`, `names`: account code and caller name per phone, as the PBX writes them.
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
    names: Mapping[str, str] = field(default_factory=dict)
    main_name: str = ""
    trunk: str = "public"
    trunk_account: str = "trunk"
    trunk_uri: str = "sip:{number}@127.0.0.2:7000"
    country: str = "371"
    agent_timeout_s: float = 15.0
    pickup_code: str = "*8"
    listen_code: str = "*97"
    listen_mailbox: str = ""
    systemname: str = ""
