"""The command `callstats`: the one place that knows the domain, the readers and the pages.

Each module declares some commands. Exit status: 0 done; 1 some input was rejected or a check failed (said
which); 2 wrong usage or configuration.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Final

from callstats import __version__, log, supervisor
from callstats.cli import (
    accounts,
    checking,
    closing,
    computing,
    feeding,
    figures,
    loading,
    neutral,
    pages,
    reminding,
    running,
    simulate,
    upkeep,
)
from callstats.cli.base import DONE, REJECTED, USAGE, Command, everywhere
from callstats.errors import CallstatsError, SettingsError, UsageError, unexpected

# in the order of the help
DAMAGED: Final = (
    "a data file is missing or damaged: `callstats verify` names it; restore the data folder from a backup"
)
DECLARED: Final = (
    loading, feeding, computing, figures, closing, neutral, pages, accounts, reminding, running, simulate,
    checking, upkeep,
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns the exit status."""
    options = _parser().parse_args(arguments)
    log.configure()
    supervisor.with_parent()
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
        advice = DAMAGED if _of_a_file(error) else "please report this line"
        print(f"callstats: {unexpected(error)}; {advice}", file=sys.stderr)
        return REJECTED


def _of_a_file(error: Exception) -> bool:
    """Whether a library could not read a file: ours are all Parquet."""
    import duckdb
    import pyarrow as pa

    unreadable = (FileNotFoundError, pa.ArrowInvalid, duckdb.IOException, duckdb.InvalidInputException)
    return isinstance(error, unreadable)


def _parser() -> argparse.ArgumentParser:
    shared = everywhere()
    parser = argparse.ArgumentParser(
        prog="callstats", description="From what a PBX wrote to a department's figures.", parents=[shared]
    )
    parser.add_argument("--version", action="version", version=f"callstats {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Command, text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text, parents=[shared])
        added.set_defaults(run=run)
        return added

    for module in DECLARED:
        module.declare(command)
    return parser
