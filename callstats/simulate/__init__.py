"""A simulated municipality: seeded months in the PBX's own formats, with their truth.

`story` says what is going to happen, `plant` what the PBX is configured to do with it, `town` who calls whom
and when; the PBX between them (`exchange`) turns stories into what Asterisk would write and into the truth of
the phones' side.
"""
