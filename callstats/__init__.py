"""The domain: what a call is and what the figures mean. No sockets, no HTTP (but `callstats.remote`)."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("callstats")
except PackageNotFoundError:  # read from a folder that nobody installed
    __version__ = "0+unknown"
