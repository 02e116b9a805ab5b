"""The domain: what a call is and what the figures mean. No sockets, no HTTP (but `callstats.remote`).

In a notebook: ``cs = callstats.open(…)``, see `callstats.analysis`.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

try:
    __version__ = version("callstats")
except PackageNotFoundError:  # read from a folder that nobody installed
    __version__ = "0+unknown"

if TYPE_CHECKING:
    from callstats.analysis import open_analysis as open
else:

    def __getattr__(name: str) -> object:
        """`open`, loaded when it is asked for: the command does not need it."""
        if name != "open":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from callstats.analysis import open_analysis

        return open_analysis


__all__ = ["__version__", "open"]
