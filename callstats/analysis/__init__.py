"""The facts and figures in an analyst's hands: lazy tables, metrics, charts; of a store here or of a server.

`callstats.open` gives an `Analysis`. What an analyst may see is decided in `callstats.analysis.tables` (no
employee, no extension, no channel: domain/05 requirement 5) and, for figures, in `callstats.small_cells`.
"""

from callstats.analysis.desk import Analysis, open_analysis

__all__ = ["Analysis", "open_analysis"]
