"""`serve`, `demo`: the pages on this machine."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from callstats.cli.base import DONE, Declare, current, settings_of
from callstats.errors import UsageError
from callstats.settings import Settings

if TYPE_CHECKING:
    from callstats.demo import Demo

DEFAULT_PORT: Final = 8000


def declare(command: Declare) -> None:
    """Declares the commands of this module."""
    command("serve", _serve, "Pages and API (port 8000, or PORT of the environment; see [server]).")
    demo = command(
        "demo", _demo, "A simulated quarter and a real PBX's recording, in .demo/, shown on 127.0.0.1."
    )
    demo.add_argument("--calls", type=int, metavar="N", help="about so many simulated calls")
    demo.add_argument("--only-make", action="store_true", help="make it, for the notebooks; show nothing")


def _serve(options: argparse.Namespace) -> int:
    from api.app import listening, serve

    settings, port = settings_of(options), _port()
    with listening(settings, port) as listener:
        current(settings).close()
        print(f"Pages: {_address(settings, port)}", flush=True)
        serve(settings, listener=listener)
    return DONE


def _address(settings: Settings, port: int) -> str:
    server = settings.server
    scheme = "https" if server.certificate else "http"
    host = next(iter(server.names), server.address)
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}/"


def _port() -> int:
    text = os.environ.get("PORT") or str(DEFAULT_PORT)
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65536:
        raise UsageError(f"PORT: {text!r} is no port; give a number from 1 to 65535")
    return int(text)


def _demo(options: argparse.Namespace) -> int:
    from api.app import Neighbour, listening, serve
    from callstats import demo

    if options.only_make:
        _made(options)
        return DONE
    port = _port()
    with listening(port=port) as listener:
        shown = _made(options)
        recording = Neighbour(demo.RECORDING, demo.RECORDING_TITLE, shown.recording)
        address = f"http://127.0.0.1:{port}"
        print(f"Pages: {address}/ (simulated), {address}{demo.RECORDING}/ (recorded)", flush=True)
        serve(shown.town, listener=listener, neighbours=[recording], links=demo.LINKS)
    return DONE


def _made(options: argparse.Namespace) -> Demo:
    """The demonstration's two sites, loaded and computed."""
    from callstats import demo
    from callstats.cli.simulate import Teller
    from callstats.demo_register import work_the_register
    from callstats.store import Store
    from ingest.load import load

    calls = demo.CALLS if options.calls is None else options.calls
    shown = demo.prepare(
        Path.cwd(), getattr(options, "config", None), getattr(options, "data", None), calls, Teller().tell
    )
    for settings, files in shown.sites():
        if not shown.ready:
            with Store.open(settings) as store:
                load([files], settings, store)
        with current(settings) as store:  # closes the months that were loaded
            if settings.simulated:
                work_the_register(store, settings)
            print(demo.summary(store, settings), flush=True)
    shown.finished()
    return shown
