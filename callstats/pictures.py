"""Charts outside the pages: the house's style as a template for charts of one's own, and pictures of charts.

A picture is drawn by the Chromium of this machine from the installed library; no request leaves the machine.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import plotly.graph_objects as go
import plotly.io as pio

from callstats import charts
from callstats.errors import UsageError

TEMPLATE: Final = "callstats"
KINDS: Final = (".png", ".svg", ".pdf", ".jpg", ".webp")
_AXIS: Final = {"automargin": True, "gridcolor": "#d9dee2", "linecolor": "#8b949a", "zeroline": False}


def template() -> go.layout.Template:
    """The style of the pages' charts: fonts, colours, margins, legend above."""
    return go.layout.Template(
        layout={
            **charts.STYLE,
            "colorway": list(charts.COLOURS),
            "margin": {"l": 56, "r": 16, "t": 64, "b": 48},
            "xaxis": _AXIS,
            "yaxis": _AXIS,
        }
    )


def use_template() -> None:
    """Makes it what every new Plotly figure of this process begins with."""
    pio.templates[TEMPLATE] = template()
    pio.templates.default = TEMPLATE


def picture(
    figure: go.Figure, to: str | Path, width: int = 900, height: int | None = None, scale: float = 2
) -> Path:
    """Writes a chart as picture, on white; returns its path.

    Raises UsageError for another kind of file, and where the package for it or a Chromium is missing.
    """
    path = Path(to)
    if path.suffix.lower() not in KINDS:
        raise UsageError(f"{path.name}: unknown kind of picture; name one that ends in {', '.join(KINDS)}")
    shown = go.Figure(figure).update_layout(paper_bgcolor="white", plot_bgcolor="white")
    try:
        shown.write_image(path, width=width, height=height, scale=scale)
    except ValueError as error:  # what plotly raises where kaleido is not installed
        raise UsageError(f"{path.name}: {error}; pip install 'callstats[notebooks]'") from None
    except Exception as error:
        if type(error).__name__ != "ChromeNotFoundError":
            raise
        raise UsageError(f"{path.name}: no Chromium here; apt install chromium") from None
    return path
