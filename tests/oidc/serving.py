"""The provider of `tests.oidc.provider` as a process, and how a test tells it what to do."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2


class Running:
    """A provider that runs."""

    def __init__(self, port: int) -> None:
        self.issuer = f"http://127.0.0.1:{port}"
        self.client = httpx2.Client(base_url=self.issuer, trust_env=False, timeout=30)

    def told(self, **said: Any) -> None:
        """Says what is to happen there."""
        self.client.post("/control", json=said).raise_for_status()


@contextmanager
def providing() -> Iterator[Running]:
    """A provider in a process of its own, which ends with the test."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "tests.oidc.provider", str(port)]
    process = subprocess.Popen(command)
    found = Running(port)
    try:
        for _ in range(600):
            if process.poll() is not None:
                break
            try:
                found.client.get("/.well-known/openid-configuration").raise_for_status()
                break
            except httpx2.TransportError:
                time.sleep(0.1)
        if process.poll() is not None:
            assert process.stderr is not None
            raise AssertionError(process.stderr.read().decode())
        yield found
    finally:
        found.client.close()
        process.terminate()
        process.communicate()
