"""The command `callstats`: the one place that knows the domain, the readers and the pages.

Exit status: 0 done; 1 some input was rejected or a check failed (said which); 2 wrong usage or configuration.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final

from callstats import __version__, export, log
from callstats.errors import CallstatsError, SettingsError, UsageError, unexpected
from callstats.fields import CERTAINTY
from callstats.settings import Settings

DONE, REJECTED, USAGE = 0, 1, 2
DEFAULT_PORT: Final = 8000
Command = Callable[[argparse.Namespace], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns the exit status."""
    options = _parser().parse_args(arguments)
    log.configure()
    run: Command = options.run
    try:
        return run(options)
    except CallstatsError as error:
        for line in str(error).splitlines():
            print(f"callstats: {line}", file=sys.stderr)
        return USAGE if isinstance(error, SettingsError | UsageError) else REJECTED
    except BrokenPipeError:  # the reader of our output has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # its text may hold a number or a name
        print(f"callstats: {unexpected(error)}; please report this line", file=sys.stderr)
        return REJECTED


def _parser() -> argparse.ArgumentParser:
    everywhere = argparse.ArgumentParser(add_help=False)
    everywhere.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        default=argparse.SUPPRESS,
        help="settings (default: callstats.toml)",
    )
    everywhere.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        default=argparse.SUPPRESS,
        help="folder of the facts and the database",
    )
    parser = argparse.ArgumentParser(
        prog="callstats", description="From what a PBX wrote to a department's figures.", parents=[everywhere]
    )
    parser.add_argument("--version", action="version", version=f"callstats {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Command, text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text, parents=[everywhere])
        added.set_defaults(run=run)
        return added

    ingest = command(
        "ingest", _ingest, "Load files, or folders of them: per file read = kept + ignored + rejected."
    )
    ingest.add_argument("paths", type=Path, nargs="+", metavar="PATH")
    ingest.add_argument("--json", action="store_true", help="report as JSON")

    metrics = command("metrics", _metrics, "Figures, all of them unless named.")
    metrics.add_argument("slugs", nargs="*", metavar="SLUG")
    metrics.add_argument(
        "--by", default="department", help="department, hour, weekday, day, week or month, joined by commas"
    )
    metrics.add_argument("--from", dest="start", type=_day, metavar="D", help="first day, such as 2026-01-31")
    metrics.add_argument("--to", dest="end", type=_day, metavar="D", help="day after the last one")
    metrics.add_argument("--json", action="store_true", help="as JSON")

    exporting = command("export", _export, "A table as CSV, Parquet or JSON lines; times are UTC.")
    exporting.add_argument("table", choices=export.EXPORTED, metavar="TABLE", help=", ".join(export.EXPORTED))
    exporting.add_argument("--to", type=Path, metavar="FILE", help="FILE.csv, FILE.parquet or FILE.jsonl")

    explain = command("explain", _explain, "A call as a person would tell it, with the lines it came from.")
    explain.add_argument("call_id", metavar="CALL_ID")

    command("serve", _serve, "Pages and API on 127.0.0.1 (port 8000, or PORT of the environment).")
    command("demo", _demo, "Load the sample recordings into .demo/ and show them on 127.0.0.1.")
    command("doctor", _doctor, "Check configuration, database, data, extensions and rejects.")
    command("purge", _purge, "Forget phone numbers whose days are over, and files that nobody needs.")
    return parser


def _day(text: str) -> date:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day; write it like 2026-01-31") from None
    if not 1970 <= found.year <= 2100:
        raise argparse.ArgumentTypeError(f"{text!r} is too far away; give a day from 1970 to 2100")
    return found


def _settings(options: argparse.Namespace) -> Settings:
    return Settings.load(getattr(options, "config", None), getattr(options, "data", None))


def _json(value: Any) -> None:
    json.dump(value, sys.stdout, ensure_ascii=False, indent=2, default=export.json_value)
    print()


def _ingest(options: argparse.Namespace) -> int:
    from callstats.store import Store
    from ingest.load import finish, load
    from ingest.report import as_json, as_text

    settings = _settings(options)
    with Store.open(settings) as store:
        reports = load(options.paths, settings, store, compute=False)
        if options.json:
            _json(as_json(reports))
        else:
            print(as_text(reports), flush=True)
        finish(settings, store)  # last: what was loaded is told even if computing fails
    return DONE if all(report.clean for report in reports) else REJECTED


def _current(settings: Settings) -> Any:
    """The store with its computed tables up to date, after a crash or a change of settings too."""
    from callstats.recompute import recompute
    from callstats.store import Store

    store = Store.open(settings)
    recompute(store, settings)
    return store


def _metrics(options: argparse.Namespace) -> int:
    from callstats.report import metrics_table, told

    settings = _settings(options)
    by = tuple(part.strip() for part in options.by.split(",") if part.strip())
    with _current(settings) as store:
        table = metrics_table(store, settings, tuple(options.slugs) or None, by, options.start, options.end)
    if options.json:
        _json([row | {"excluded": dict(row["excluded"] or ())} for row in table.to_pylist()])
        return DONE
    names = ("metric", "measure", *by, "value", "low", "high", "k", "n", "excluded", *CERTAINTY)
    rows = [
        [
            told(row)
            if name == "value"
            else sum(dict(row[name]).values())
            if name == "excluded"
            else row[name]
            for name in names
        ]
        for row in table.to_pylist()
    ]
    print(as_columns(names, rows))
    return DONE


def as_columns(names: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Rows as text in columns; `-` where nothing is known."""
    texts = [list(names), *([_cell(value) for value in row] for row in rows)]
    widths = [max(len(row[i]) for row in texts) for i in range(len(names))]
    padded = ([cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in texts)
    return "\n".join("  ".join(row).rstrip() for row in padded)


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _export(options: argparse.Namespace) -> int:
    with _current(_settings(options)) as store:
        export.write(export.ordered(store.scan(options.table)), options.to)
    return DONE


def _explain(options: argparse.Namespace) -> int:
    from callstats.explain import explain

    language = "lv" if os.environ.get("LC_ALL", os.environ.get("LANG", "")).startswith("lv") else "en"
    settings = _settings(options)
    with _current(settings) as store:
        print(explain(store, options.call_id, language, settings))
    return DONE


def _serve(options: argparse.Namespace) -> int:
    from api.app import listening, serve

    settings, port = _settings(options), _port()
    with listening(port=port) as listener:
        _current(settings).close()
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


def _doctor(options: argparse.Namespace) -> int:
    from callstats.doctor import examine

    settings = _settings(options)
    checks = examine(settings)
    for check in checks:
        print(f"{'ok  ' if check.well else 'LOOK'} {check.what}: {check.found}")
    return DONE if all(check.well for check in checks) else REJECTED


def _purge(options: argparse.Namespace) -> int:
    from callstats.cases.vault import Vault
    from callstats.store import Store

    settings = _settings(options)
    with Store.open(settings) as store:
        numbers = Vault.open(settings, store.database).purge()
        files = store.sweep()
    print(f"Forgotten: {numbers} phone numbers whose days were over, {files} files that nobody needed.")
    return DONE


if __name__ == "__main__":
    sys.exit(main())
