"""A simulated municipality: seeded months in the PBX's own formats, with their truth.

`story` says what is going to happen, `plant` what the PBX is configured to do with it, `town` who calls whom
and when; the PBX between them (`exchange`) turns stories into what Asterisk would write and into the truth of
the phones' side.

`exchange` is threads over a heap of instants (`clockwork`, `switch`): `dialplan` walks the steps of a number
through `dialing`, `queueing` and `strategy`, `halves` (Local channels), `talking` (bridges, transfers) and
`voicemail`; `phones` are the other end of the wire. What happens is told to sinks (`trace`), which write:
`cdr` with `cdr_files`, `cel`, `queue_log`, `ami`, `spool`, `truth`. One that is not asked for costs nothing.
"""
