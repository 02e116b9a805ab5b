"""An Asterisk manager of our own making, as hostile as a test wants: one thread per connection."""

from __future__ import annotations

import hashlib
import re
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

USER, SECRET, CHALLENGE = "callstats", "loopback-only", "4711"
BANNER = b"Asterisk Call Manager/9.0.0\r\n"
START_US = 1_795_400_000_000_000


def event(number: int, kind: str = "Newchannel", padding: int = 0) -> bytes:
    """The n-th event: its time and its channel tell its number."""
    at = START_US + number * 1000
    return (
        f"Event: {kind}\r\nPrivilege: call,all\r\nTimestamp: {at // 10**6}.{at % 10**6:06}\r\n"
        f"Channel: PJSIP/201-{number:08x}\r\nChannelState: 0\r\nChannelStateDesc: Down\r\n"
        f"CallerIDNum: 201\r\nExten: 202\r\nContext: from-staff\r\n"
        f"Uniqueid: 1795400000.{number}\r\nLinkedid: 1795400000.{number}\r\n"
        f"AccountCode: {'x' * padding}\r\n\r\n"
    ).encode()


def told(data: bytes) -> list[int]:
    """Numbers of the events in a stream, in order."""
    return [int(n) for n in re.findall(rb"Linkedid: 1795400000\.([0-9]+)\r\n", data)]


@dataclass
class Peer:
    """One connection as the server sees it."""

    socket: socket.socket
    number: int
    ended: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def send(self, data: bytes) -> None:
        """Sends all of it."""
        with self.lock:
            self.socket.sendall(data)

    def dribble(self, data: bytes, size: int = 1) -> None:
        """Sends it in pieces of a size, each in a packet of its own."""
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for place in range(0, len(data), size):
            self.send(data[place : place + size])

    def reset(self) -> None:
        """Ends it with RST, like a PBX that is gone."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.shutdown(socket.SHUT_RD)  # its reader lets go of it
        self.socket.close()


@dataclass
class FakeAmi:
    """What was asked of the server; `script` runs once a connection is logged in."""

    script: Callable[[Peer], None]
    banner: bytes = BANNER
    secret: str = SECRET
    answers: bool = True  # pings
    boots: bool = True
    tls: ssl.SSLContext | None = None
    host: str = "127.0.0.1"
    port: int = 0
    logins: list[str] = field(default_factory=list)
    actions: list[str] = field(default_factory=list)
    connections: int = 0

    @contextmanager
    def running(self) -> Iterator[FakeAmi]:
        """Listens on a port of the loopback until the block ends."""
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        with socket.create_server((self.host, self.port), family=family, backlog=8) as listener:
            self.port = listener.getsockname()[1]
            listener.settimeout(0.1)
            ending = threading.Event()
            accepting = threading.Thread(target=self._accept, args=(listener, ending), daemon=True)
            accepting.start()
            try:
                yield self
            finally:
                ending.set()
                accepting.join()

    def _accept(self, listener: socket.socket, ending: threading.Event) -> None:
        peers: list[Peer] = []
        while not ending.is_set():
            with suppress(TimeoutError, OSError):
                found, _ = listener.accept()
                self.connections += 1
                peer = Peer(found, self.connections)
                peers.append(peer)
                threading.Thread(target=self._serve, args=(peer,), daemon=True).start()
        for peer in peers:
            peer.ended.set()
            with suppress(OSError):
                peer.socket.shutdown(socket.SHUT_RDWR)
            peer.socket.close()

    def _serve(self, peer: Peer) -> None:
        with suppress(OSError, ssl.SSLError):
            if self.tls is not None:
                peer.socket = self.tls.wrap_socket(peer.socket, server_side=True)
            peer.send(self.banner)
            rest = b""
            while data := peer.socket.recv(65536):
                rest += data
                while b"\r\n\r\n" in rest:
                    action, _, rest = rest.partition(b"\r\n\r\n")
                    self._answer(peer, dict(_pairs(action)))
        peer.ended.set()

    def _answer(self, peer: Peer, asked: dict[str, str]) -> None:
        name, head = asked.get("Action", ""), f"ActionID: {asked.get('ActionID', '')}\r\n"
        self.actions.append(name)
        if name == "Challenge":
            peer.send(f"Response: Success\r\n{head}Challenge: {CHALLENGE}\r\n\r\n".encode())
        elif name == "Login":
            self._log_in(peer, asked, head)
        elif name == "Ping" and self.answers:
            now = time.time()
            peer.send(f"Response: Success\r\n{head}Ping: Pong\r\nTimestamp: {now:.6f}\r\n\r\n".encode())
        elif name in ("CoreShowChannels", "QueueStatus"):
            peer.send(
                f"Response: Success\r\n{head}EventList: start\r\nMessage: will follow\r\n\r\n"
                f"Event: {name}Complete\r\n{head}EventList: Complete\r\nListItems: 0\r\n\r\n".encode()
            )

    def _log_in(self, peer: Peer, asked: dict[str, str], head: str) -> None:
        key = hashlib.md5(f"{CHALLENGE}{self.secret}".encode(), usedforsecurity=False).hexdigest()
        good = asked.get("Secret") == self.secret or asked.get("Key") == key
        if not good or asked.get("Username") != USER:
            peer.send(f"Response: Error\r\n{head}Message: Authentication failed\r\n\r\n".encode())
            peer.socket.shutdown(socket.SHUT_RDWR)
            return
        self.logins.append("plain" if "Secret" in asked else "challenge")
        more = b"Event: FullyBooted\r\nPrivilege: system,all\r\nStatus: Fully Booted\r\n\r\n"
        peer.send(f"Response: Success\r\n{head}Message: Authentication accepted\r\n\r\n".encode())
        if self.boots:
            peer.send(more)
        threading.Thread(target=self._play, args=(peer,), daemon=True).start()

    def _play(self, peer: Peer) -> None:
        with suppress(OSError, ssl.SSLError):
            self.script(peer)


def _pairs(action: bytes) -> Iterator[tuple[str, str]]:
    for line in action.decode().split("\r\n"):
        key, _, value = line.partition(": ")
        yield key, value


def until(condition: Callable[[], bool], timeout_s: float = 30.0) -> None:
    """Waits for something to become true; fails the test when it does not."""
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "it did not come to be in time"
        time.sleep(0.01)
