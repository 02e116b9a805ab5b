"""One metric, one module: its declaration and its SQL text. The module's name is the metric's slug.

`registry.METRICS` holds them all; command, API, CSV, page and documentation derive from it.
"""
