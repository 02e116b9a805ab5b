"""What surrounds every response: who may ask, security headers, and answers kept by data version."""

from __future__ import annotations

import logging
import re
from collections import OrderedDict
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import TooLargeError, WrongHostError, of, unforeseen
from api.formats import simulated
from callstats.errors import CallstatsError
from callstats.origin import HEADER

_log = logging.getLogger(__name__)
LOOPBACK: Final = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:[0-9]{1,5})?", re.IGNORECASE)
SECURITY: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "media-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), interest-cohort=()",
}
MOST_BYTES: Final = 2 * 1024 * 1024  # of a request
KEPT_BYTES: Final = 64 * 1024 * 1024


class Shell:
    """Security headers on everything; only requests that name this server are served; HEAD is GET without
    its body (RFC 9110, 9.3.2).

    Another host name in the request means that a foreign page has its name point here (DNS rebinding).
    ``names``: those that the settings give beside this machine's own.
    """

    def __init__(self, app: ASGIApp, names: Sequence[str] = ()) -> None:
        self.app = app
        self.names = frozenset(names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        started = False
        head = scope["method"] == "HEAD"
        if head:
            scope = {**scope, "method": "GET"}

        async def secured(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "private, no-cache")
            elif head:
                message = {
                    "type": "http.response.body",
                    "body": b"",
                    "more_body": message.get("more_body", False),
                }
            await send(message)

        try:
            self._admit(Headers(scope=scope).get("host", ""))
            await self.app(scope, _short(receive), secured)
        except CallstatsError as error:
            await of(error)(scope, receive, secured)
        except Exception as error:
            # the message may hold data: the trace goes to the log, the client is told nothing of it
            _log.error("unforeseen %s at %s", type(error).__name__, scope["path"], exc_info=error)
            if started:
                raise
            await unforeseen()(scope, receive, secured)

    def _admit(self, host: str) -> None:
        name = re.sub(r":[0-9]{1,5}\Z", "", host.lower())
        if not LOOPBACK.fullmatch(host) and name not in self.names:
            raise WrongHostError("this server is not asked for by that name; server.names lists those it has")


def _short(receive: Receive) -> Receive:
    """The body as it comes, up to `MOST_BYTES`: whoever asks, nobody fills the memory."""
    come = 0

    async def counted() -> Message:
        nonlocal come
        message = await receive()
        come += len(message.get("body", b""))
        if come > MOST_BYTES:
            raise TooLargeError(f"the request is longer than {MOST_BYTES} bytes")
        return message

    return counted


class Labelled:
    """A header on every response of a site with simulated calls; the writers of bodies learn it too.

    ``elsewhere``: paths of other sites, which tell for themselves.
    """

    def __init__(self, app: ASGIApp, invented: bool, elsewhere: tuple[str, ...] = ()) -> None:
        self.app = app
        self.invented = invented
        self.elsewhere = elsewhere

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(self.elsewhere):
            await self.app(scope, receive, send)
            return

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start" and self.invented:
                MutableHeaders(scope=message).setdefault(HEADER, "true")
            await send(message)

        held = simulated.set(self.invented)
        try:
            await self.app(scope, receive, told)
        finally:
            simulated.reset(held)


class KeptByVersion:
    """Answers of GET requests, kept until the data or the settings change; ETag and 304 (RFC 9110).

    State: the newest version's answers, least recently used first, at most `KEPT_BYTES`.
    """

    VARY: Final = ("accept", "accept-language", "cookie")

    def __init__(
        self, app: ASGIApp, version: Callable[[], str], skip: tuple[str, ...], written: Callable[[], None]
    ) -> None:
        self.app = app
        self.version = version
        self.written = written
        self.skip = skip
        self._kept: OrderedDict[bytes, tuple[list[tuple[bytes, bytes]], bytes]] = OrderedDict()
        self._of = ""
        self._bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET" or scope["path"].startswith(self.skip):

            async def told(message: Message) -> None:
                self.written()  # before the answer: the page that follows shows what was entered
                await send(message)

            writes = scope["type"] == "http" and scope["method"] != "GET"
            await self.app(scope, receive, told if writes else send)
            return
        version = self.version()
        if version != self._of:
            self._kept, self._of, self._bytes = OrderedDict(), version, 0
        headers = Headers(scope=scope)
        parts = [
            scope["path"].encode(),
            scope["query_string"],
            *(headers.get(n, "").encode() for n in self.VARY),
            scope["state"]["visitor_key"],  # what one may see, another may not
        ]
        key = b"\0".join(parts)
        kept = self._kept.get(key)
        if kept is None:
            kept = await self._made(key, version, scope, receive, send)
        else:
            self._kept.move_to_end(key)
        if kept is not None:
            await _sent(*kept, headers.get("if-none-match", ""), send)

    async def _made(
        self, key: bytes, version: str, scope: Scope, receive: Receive, send: Send
    ) -> tuple[list[tuple[bytes, bytes]], bytes] | None:
        """The answer made anew; one that is no success is passed on as it comes, and is not kept."""
        start: Message = {}
        chunks: list[bytes] = []

        async def collect(message: Message) -> None:
            if message["type"] == "http.response.start" and _may_be_kept(message):
                start.update(message)
            elif start and message["type"] == "http.response.body":
                chunks.append(message.get("body", b""))
            else:
                await send(message)

        await self.app(scope, receive, collect)
        if not start:
            return None
        body = b"".join(chunks)
        tag = sha256(b"\0".join([version.encode(), key, body])).hexdigest()[:32]
        raw = [
            *start["headers"],
            (b"etag", f'"{tag}"'.encode()),
            (b"vary", ", ".join(self.VARY).encode()),
        ]
        if version == self._of:
            self._kept[key] = (raw, body)
            self._bytes += len(body)
            while self._bytes > KEPT_BYTES and self._kept:
                self._bytes -= len(self._kept.popitem(last=False)[1][1])
        return raw, body


def _may_be_kept(start: Message) -> bool:
    """Whether an answer may be given again: files are taken one by one, as some are written down."""
    return start["status"] == 200 and "content-disposition" not in Headers(raw=start["headers"])


async def _sent(raw: list[tuple[bytes, bytes]], body: bytes, asked: str, send: Send) -> None:
    tag = dict(raw)[b"etag"].decode()
    same = asked.strip() == "*" or tag in [one.strip().removeprefix("W/") for one in asked.split(",")]
    if same:
        raw, body = [(name, value) for name, value in raw if not name.startswith(b"content-")], b""
    await send({"type": "http.response.start", "status": 304 if same else 200, "headers": list(raw)})
    await send({"type": "http.response.body", "body": body})
