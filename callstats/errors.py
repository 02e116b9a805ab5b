"""The one exception tree: everything that callstats raises on purpose derives from `CallstatsError`."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Final

_OURS: Final = tuple(Path(__file__).parents[1] / name for name in ("callstats", "ingest", "api"))


class CallstatsError(Exception):
    """A fault that is told to people in one clear line: what, where, what to do."""


class SettingsError(CallstatsError):
    """A fault in `callstats.toml` or the environment; several faults are one line each."""


class ClosedMonthError(SettingsError):
    """The settings were changed so that a closed month would be measured or judged otherwise."""


class InputError(CallstatsError):
    """Input (a file, a line, a parameter) that cannot be used."""


class StoreError(CallstatsError):
    """The store or the database is missing, damaged, locked or of another version."""


class UsageError(CallstatsError):
    """A command or function was used in a way it does not allow."""


def in_words(error: Exception) -> str:
    """What stopped something, in one line: an error of ours as it says, any other as what broke and where."""
    return str(error) if isinstance(error, CallstatsError) else unexpected(error)


def unexpected(error: Exception) -> str:
    """What broke and where, in one line; never the error's text, which may hold a number or a name."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if any(Path(frame.filename).is_relative_to(part) for part in _OURS)]
    place = (ours or frames)[-1:]
    told = "".join(f" ({Path(frame.filename).name}, line {frame.lineno})" for frame in place)
    return f"unexpected {type(error).__name__}{told}"
