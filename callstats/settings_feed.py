"""Settings of what is followed while a PBX writes it."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from callstats.settings_rules import Part
from callstats.settings_types import Number, Texts


class Watch(Part):
    """What `callstats watch` follows, unless it is told paths: looked at every `every_s` seconds."""

    paths: Texts = ()
    every_s: Number = Field(default=1.0, ge=0.1, le=3600)

    def located(self, home: Path) -> Watch:
        """The same with absolute paths; those of the settings are relative to their file's folder."""
        found = tuple(str(home / Path(path).expanduser()) for path in self.paths)
        return self.model_copy(update={"paths": found})
