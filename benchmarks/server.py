"""A server for the bench: the site of a data folder, or an empty route.

    python -m benchmarks.server site|empty DATA HANDLE

HANDLE is a socket that is bound to a port already.
"""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from typing import Final

import uvicorn
from fastapi import FastAPI

from api.app import serve
from callstats.settings import Settings

CONFIG: Final = Path(__file__).parents[1] / "sample_cdr" / "callstats.toml"


def main(what: str, data: str, handle: str) -> None:
    """Serves until it is ended; both ways with the same settings of the server."""
    held = socket.socket(fileno=int(handle))
    if what == "site":
        serve(Settings.load(CONFIG, Path(data)), listener=held)
        return
    app = FastAPI()

    @app.get("/")
    def nothing() -> None:
        """The empty route."""

    held.listen()
    uvicorn.Server(uvicorn.Config(app, log_level="warning", server_header=False)).run(sockets=[held])


if __name__ == "__main__":
    main(*sys.argv[1:])
