"""The registry in words: the table of the README and the page of definitions (``docs/metrics.md``)."""

from __future__ import annotations

from collections.abc import Iterable

from callstats.metrics.base import Metric
from callstats.metrics.registry import METRICS

_BETTER = {"higher": "higher is better", "lower": "lower is better", None: "no better or worse"}
_HEAD = """# What the figures mean

Made from the declarations in `callstats/metrics/`; a test compares. Every value comes with k, n, what was
left out by reason, how many judgements are certain, borderline, estimated and unknown, a 95 % interval, rule
version and data version. What cannot be judged is in neither k nor n; no data is null, never 0; a week or a
month is computed from its calls, never as a mean of days. No target is set.
"""


def table() -> str:
    """One line per metric, as a Markdown table."""
    rows = (
        f"| `{m.slug}` | {m.title['en']} | {m.title['lv']} | {m.formula} | {m.source['en']} |"
        for m in METRICS.values()
    )
    return "\n".join(["| slug | what | latviski | how | from |", "|---|---|---|---|---|", *rows])


def definitions() -> str:
    """The whole page, ending with a newline."""
    return "\n".join([_HEAD, table(), "", *(line for m in METRICS.values() for line in _section(m))])


def _section(metric: Metric) -> Iterable[str]:
    yield f"## {metric.title['en']}"
    yield ""
    yield f"*{metric.title['lv']}* · `{metric.slug}` · {_BETTER[metric.better]}"
    yield ""
    yield metric.meaning["en"]
    yield ""
    yield f"- Formula: {metric.formula}"
    yield f"- Counted (n): {metric.denominator['en']}"
    yield f"- Source: {metric.source['en']}"
    for reason, said in metric.exclusions.items():
        yield f"- Left out, and told: `{reason}` – {said['en']}"
    for measure in metric.measures:
        yield f"- Measure `{measure.name}` ({measure.unit}): {measure.title['en']} – {measure.meaning['en']}"
    yield f"- Can be split by: {', '.join(metric.axes)}"
    yield ""


if __name__ == "__main__":
    print(definitions(), end="")
