"""`serve`, `demo`: the pages on this machine."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Final

from callstats.cli.base import DONE, Declare, current, settings_of
from callstats.errors import UsageError

DEFAULT_PORT: Final = 8000


def declare(command: Declare) -> None:
    """Declares the commands of this module."""
    command("serve", _serve, "Pages and API on 127.0.0.1 (port 8000, or PORT of the environment).")
    command("demo", _demo, "Load the sample recordings into .demo/ and show them on 127.0.0.1.")


def _serve(options: argparse.Namespace) -> int:
    from api.app import listening, serve

    settings, port = settings_of(options), _port()
    with listening(port=port) as listener:
        current(settings).close()
        print(f"Pages: http://127.0.0.1:{port}/", flush=True)
        serve(settings, listener=listener)
    return DONE


def _port() -> int:
    text = os.environ.get("PORT") or str(DEFAULT_PORT)
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65536:
        raise UsageError(f"PORT: {text!r} is no port; give a number from 1 to 65535")
    return int(text)


def _demo(options: argparse.Namespace) -> int:
    from api.app import listening, serve
    from callstats.demo import sample, summary
    from callstats.store import Store
    from ingest.load import load

    port = _port()
    with listening(port=port) as listener:
        folder, settings = sample(
            Path.cwd(), getattr(options, "config", None), getattr(options, "data", None)
        )
        with Store.open(settings) as store:
            reports = load([folder], settings, store)
            print(summary(store, settings, sum(report.read for report in reports)))
        print(f"Pages: http://127.0.0.1:{port}/", flush=True)
        serve(settings, listener=listener)
    return DONE
