"""One connection to one Asterisk: made, logged in, kept alive, over. What comes goes to a `Sink` as it is.

The socket belongs to the thread that runs it. A peer that vanished without a word is noticed: pings go out,
and where nothing comes for `DEAD_S` the connection is over. Why it is over is told in plain words.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from asterisk.ami.response import Response

from callstats.errors import CallstatsError, SettingsError
from callstats.settings_ami import AmiServer
from ingest import ami_actions
from ingest.ami_blocks import Blocks
from ingest.ami_stream import END
from ingest.base import MAX_RECORD_BYTES
from ingest.dialects.ami import OWN_ACTIONS

__all__ = ["LinkDownError", "LoginRefusedError", "Sink", "WrongPeerError", "run"]

CONNECT_S: Final = 10.0
LOGIN_S: Final = 10.0
PING_S: Final = 5.0
DEAD_S: Final = 15.0
TICK_S: Final = 1.0
RECEIVE_BYTES: Final = 1 << 18
SHOWN_BYTES: Final = 40
MOST_HELD: Final = 8 << 20  # before the login is answered


class LinkDownError(CallstatsError):
    """A connection that could not be made, or is over; the text says why and what helps."""


class LoginRefusedError(LinkDownError):
    """The PBX does not let this user in."""


class WrongPeerError(LinkDownError):
    """Something else than an Asterisk manager answers there, or not the one that was expected."""


class Sink(Protocol):
    """Takes what a connection gives; each call may wait, and the PBX waits with it."""

    def connected(self, peer: str, version: str) -> None:
        """Logged in."""
        ...

    def received(self, blocks: bytes, ordinal: int) -> None:
        """Whole blocks, masked; `ordinal`: how many came before them."""
        ...

    def alive(self) -> None:
        """Bytes came, or it is time to look whether to go on; raises to end the connection."""
        ...


@dataclass
class _Line:
    """A connected socket, and what was received of it. State: the blocks, when something came or went."""

    socket: socket.socket
    sink: Sink
    clock: Callable[[], float]
    blocks: Blocks
    heard_at: float
    pinged_at: float
    asked: int = 0

    def send(self, data: bytes) -> None:
        try:
            self.socket.sendall(data)
        except OSError as error:
            raise LinkDownError(f"the connection broke while asking: {_reason(error)}") from None

    def receive(self) -> bytes | None:
        """What came; None where nothing did for a moment. Raises LinkDownError at the end."""
        try:
            data = self.socket.recv(RECEIVE_BYTES)
        except (TimeoutError, ssl.SSLWantReadError):
            return None
        except OSError as error:
            raise LinkDownError(f"the connection broke: {_reason(error)}") from None
        if not data:
            raise LinkDownError("the PBX closed the connection")
        self.heard_at = self.clock()
        return data

    def next_id(self) -> str:
        self.asked += 1
        return f"{OWN_ACTIONS}{self.asked}"


def run(server: AmiServer, sink: Sink, clock: Callable[[], float] = time.monotonic) -> None:
    """Connects, logs in and receives until the connection is over.

    Raises LinkDownError (LoginRefusedError, WrongPeerError) that says why, and what ``sink`` raises.
    """
    with closing(_connected(server)) as found:
        line = _Line(found, sink, clock, Blocks(), clock(), clock())
        first, version = _greeted(line)
        _log_in(line, server, first, version)
        for name in ami_actions.SNAPSHOTS:
            line.send(ami_actions.action(name, line.next_id()))
        while True:
            _look(line)
            if (data := line.receive()) is not None:
                _take(line, data)


def _look(line: _Line) -> None:
    """Asks whether the peer is there; ends the connection where it is not."""
    line.sink.alive()
    now = line.clock()
    if now - line.heard_at > DEAD_S:
        raise LinkDownError(f"nothing was heard for {DEAD_S:.0f} s, not even an answer to a ping")
    if now - line.pinged_at >= PING_S:
        line.pinged_at = now
        line.send(ami_actions.action("Ping", line.next_id()))


def _take(line: _Line, data: bytes) -> None:
    before = line.blocks.count
    if whole := line.blocks.feed(data):
        line.sink.received(whole, before)


def _connected(server: AmiServer) -> socket.socket:
    where = f"{server.host}:{server.port}"
    try:
        plain = socket.create_connection((server.host, server.port), CONNECT_S)
    except (socket.gaierror, UnicodeError):
        raise LinkDownError(f"{where}: no machine of this name is known; see host in [[ami]]") from None
    except ConnectionRefusedError:
        raise LinkDownError(
            f"{where}: nobody listens there; see enabled, port and bindaddr in manager.conf, and the firewall"
        ) from None
    except TimeoutError:
        raise LinkDownError(
            f"{where}: no answer within {CONNECT_S:.0f} s; see the network and the firewall"
        ) from None
    except OSError as error:
        raise LinkDownError(f"{where}: cannot be reached: {_reason(error)}") from None
    try:
        _keep_alive(plain)
        found = _secured(plain, server) if server.tls else plain
        found.settimeout(TICK_S)
    except BaseException:
        plain.close()
        raise
    return found


def _keep_alive(found: socket.socket) -> None:
    found.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("TCP_KEEPIDLE", 10), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3)):
        if option := getattr(socket, name, None):
            found.setsockopt(socket.IPPROTO_TCP, option, value)
    if option := getattr(socket, "TCP_USER_TIMEOUT", None):
        found.setsockopt(socket.IPPROTO_TCP, option, int(DEAD_S * 1000))


def _secured(plain: socket.socket, server: AmiServer) -> ssl.SSLSocket:
    where = f"{server.host}:{server.port}"
    context = _context(server.ca_file)
    if not server.verify:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        return context.wrap_socket(plain, server_hostname=server.server_name or server.host)
    except ssl.SSLCertVerificationError as error:
        raise WrongPeerError(
            f"{where}: its certificate is not to be trusted: {error.verify_message}; give the file of the "
            "authority that signed it as ca_file in [[ami]], and the name in it as server_name"
        ) from None
    except TimeoutError:
        raise WrongPeerError(
            f"{where}: does not answer as TLS does; see tls in [[ami]] and tlsenable in manager.conf"
        ) from None
    except (ssl.SSLError, OSError, ValueError) as error:
        raise WrongPeerError(
            f"{where}: no TLS there ({_reason(error)}); see tls in [[ami]], tlsenable and tlsbindaddr"
        ) from None


def _context(ca_file: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
    except (OSError, ssl.SSLError) as error:
        raise LinkDownError(
            f"{ca_file}: is no file of certificates that can be read: {_reason(error)}"
        ) from None


def _greeted(line: _Line) -> tuple[bytes, str]:
    """The bytes up to the banner's end and after, and the version that it tells."""
    data = b""
    until = line.clock() + LOGIN_S
    while (version := ami_actions.banner(data)) is None:
        if len(data) > 2 * SHOWN_BYTES or (b"\n" in data and not data.startswith(b"Asterisk Call Manager")):
            shown = "".join(c if " " <= c <= "~" else "." for c in data[:SHOWN_BYTES].decode("latin-1"))
            raise WrongPeerError(
                f"no Asterisk manager answers there, but something that says {shown!r}; see port in [[ami]]"
            )
        if line.clock() > until:
            raise WrongPeerError(
                "what answers there says nothing; is it Asterisk's manager? see port in [[ami]]"
            )
        data += line.receive() or b""
        line.sink.alive()
    return data, version


def _log_in(line: _Line, server: AmiServer, first: bytes, version: str) -> None:
    """Logs in; what comes meanwhile is received like all the rest."""
    held: list[bytes] = [first]
    try:
        secret = server.password()
    except SettingsError as error:
        raise LoginRefusedError(str(error)) from None
    if server.login == "challenge":
        asked = line.next_id()
        line.send(ami_actions.action("Challenge", asked, AuthType="MD5"))
        found = _answered(line, asked, held)
        challenge = found.keys.get("Challenge", "")
        if found.is_error() or not challenge:
            raise LoginRefusedError(
                "the PBX gives no challenge (authtimeout, allowmultiplelogin or MD5 switched off); "
                'see login in [[ami]]: "plain" over TLS'
            )
        asked = line.next_id()
        line.send(ami_actions.challenge_login(server.user, secret, challenge, asked))
    else:
        asked = line.next_id()
        line.send(ami_actions.plain_login(server.user, secret, asked))
    found = _answered(line, asked, held)
    if found.is_error():
        raise LoginRefusedError(
            f"the PBX refuses the user {server.user!r}: {found.keys.get('Message', 'no reason given')}; "
            "see [[ami]] user and secret, and the section of that name, deny and permit in manager.conf"
        )
    line.sink.connected(f"{server.host}:{server.port}", version)
    for data in held:
        _take(line, data)


def _answered(line: _Line, asked: str, held: list[bytes]) -> Response:
    """The response to an action; all that comes is held until one is logged in."""
    until = line.clock() + LOGIN_S
    seen = b"".join(held)
    while True:
        for block in seen.split(END)[:-1]:
            begun = block.find(b"Response:")
            if begun >= 0 and (found := ami_actions.answer(block[begun:], asked)):
                return found
        if line.clock() > until:
            raise LinkDownError("the PBX does not answer a login; is it overloaded?")
        line.sink.alive()
        if sum(map(len, held)) > MOST_HELD:
            raise WrongPeerError("what answers there talks without end before it lets anybody in")
        if (data := line.receive()) is not None:
            held.append(data)
            seen = (seen + data)[-2 * MAX_RECORD_BYTES :]


def _reason(error: Exception) -> str:
    reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or type(error).__name__
    return str(reason)
