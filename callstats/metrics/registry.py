"""All metrics, found by their modules: the slug is the module's name."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import Final

import callstats.metrics as package
from callstats.errors import UsageError
from callstats.metrics.base import Metric

_GROUND: Final = frozenset(
    {
        "base",
        "cells",
        "describe",
        "inputs",
        "links",
        "open_time",
        "registry",
        "returns",
        "stats",
    }
)


def _found() -> dict[str, Metric]:
    slugs = sorted(m.name for m in iter_modules(package.__path__) if m.name not in _GROUND)
    found: dict[str, Metric] = {}
    for slug in slugs:
        metric = getattr(import_module(f"{package.__name__}.{slug}"), "METRIC", None)
        if not isinstance(metric, Metric) or metric.slug != slug:
            raise TypeError(f"callstats/metrics/{slug}.py declares no METRIC with module=__name__")
        found[slug] = metric
    return found


METRICS: Final[dict[str, Metric]] = _found()


def metric(slug: str) -> Metric:
    """The metric of that slug. Raises UsageError that names the known ones."""
    try:
        return METRICS[slug]
    except KeyError:
        raise UsageError(f"no metric {slug!r}; known: {', '.join(METRICS)}") from None
