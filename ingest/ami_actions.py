"""What is said to an AMI: actions by the owner's package `asterisk-ami`, and what their answers mean.

The package is sound in its actions and responses and is used for these alone; the transport is ours
(`ingest.ami_link`): a caller's text can never reach it, so that no line end slips into an action.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

from asterisk.ami import LoginAction, SimpleAction
from asterisk.ami.response import Response

from callstats.errors import UsageError

__all__ = ["SNAPSHOTS", "action", "answer", "banner", "challenge_login", "plain_login"]

# Asked after each login: what rings, talks and waits at that moment.
SNAPSHOTS: Final = ("CoreShowChannels", "QueueStatus")
BANNER: Final = re.compile(rb"Asterisk Call Manager/([0-9.]{1,16})\r\n")
_ID: Final = re.compile(rb"(?im)^ActionID: ([^\r\n]*)")


def action(name: str, action_id: str, **fields: str) -> bytes:
    """An action as it goes over the wire. Raises UsageError where a value holds a line end."""
    return _wire(SimpleAction(name, ActionID=action_id, **fields))


def plain_login(user: str, secret: str, action_id: str) -> bytes:
    """A login with the secret as it is: for TLS, or this machine."""
    login = LoginAction(user, secret)
    login.ActionID = action_id
    return _wire(login)


def challenge_login(user: str, secret: str, challenge: str, action_id: str) -> bytes:
    """A login that answers a challenge: the secret does not go over the wire."""
    key = hashlib.md5(f"{challenge}{secret}".encode(), usedforsecurity=False).hexdigest()
    return action("Login", action_id, Username=user, AuthType="MD5", Key=key)


def _wire(said: SimpleAction) -> bytes:
    for value in (said.name, *said.keys, *said.keys.values()):
        if any(end in str(value) for end in "\r\n\0"):
            raise UsageError("AMI: a user name or secret holds a line end; correct it in the settings")
    return f"{said}\r\n".encode()


def answer(block: bytes, action_id: str) -> Response | None:
    """The response to one of our actions; None where the block is something else."""
    if not block.startswith(b"Response:"):
        return None
    told = _ID.search(block)
    if told is None or told[1].decode("utf-8", "replace") != action_id:
        return None
    # the package cuts lines at more than CR LF; a response to us holds no caller's text
    return Response.read(block.decode("utf-8", "replace"))


def banner(start: bytes) -> str | None:
    """The version that a manager's banner tells; None where it is none."""
    found = BANNER.match(start)
    return found[1].decode() if found else None
