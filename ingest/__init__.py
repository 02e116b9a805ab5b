"""From what a PBX wrote to events: one dialect per format, nothing vanishes."""
