"""A real server on a free port of this machine, and a client that asks it."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
import uvicorn
from fastapi import FastAPI

from api.app import create_app
from callstats.accounts import signing
from callstats.settings import Settings
from callstats.store import Store


class Asking(httpx2.Client):
    """A client of one server; `app` is what the server runs."""

    def __init__(self, app: FastAPI, port: int) -> None:
        super().__init__(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60)
        self.app = app


@contextmanager
def asking(site: Settings | FastAPI) -> Iterator[Asking]:
    """A client of a site's (or an application's) own server, which ends with it."""
    app = site if isinstance(site, FastAPI) else create_app(site)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="on"))
    # named TCP, or asyncio leaves small answers waiting for the client's acknowledgement
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listening:
        listening.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            while not server.started and thread.is_alive():
                time.sleep(0.01)
            with Asking(app, listening.getsockname()[1]) as client:
                yield client
        finally:
            server.should_exit = True
            thread.join()


def sign_in_as(client: Asking, site: Settings, login: str, password: str) -> None:
    """Gives the client a session of an account."""
    with Store.open(site) as store:
        client.cookies.set("session", signing.sign_in(store, login, password))
