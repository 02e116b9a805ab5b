"""The one exception tree: everything that callstats raises on purpose derives from `CallstatsError`."""


class CallstatsError(Exception):
    """A fault that is told to people in one clear line: what, where, what to do."""


class SettingsError(CallstatsError):
    """A fault in `callstats.toml` or the environment; several faults are one line each."""


class InputError(CallstatsError):
    """Input (a file, a line, a parameter) that cannot be used."""


class StoreError(CallstatsError):
    """The store or the database is missing, damaged, locked or of another version."""


class UsageError(CallstatsError):
    """A command or function was used in a way it does not allow."""
