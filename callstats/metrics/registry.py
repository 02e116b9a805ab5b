"""All metrics, found by their modules: the slug is the module's name.

A site's own are modules of the folder that the environment's CALLSTATS_METRICS names; they are found as
modules of this package, and so are in API, pages, command and notebooks like the others.
"""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Final

import callstats.metrics as package
from callstats.errors import SettingsError, UsageError
from callstats.metrics.base import Metric

OWN: Final = "CALLSTATS_METRICS"
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


def _own() -> list[str]:
    """The folder of the site's own metrics, if it has one. Raises SettingsError where there is no such."""
    given = os.environ.get(OWN)
    if not given:
        return []
    if not Path(given).is_dir():
        raise SettingsError(
            f"environment variable {OWN}: {given} is no folder; name one with a module per metric"
        )
    return [str(Path(given).resolve())]


def _found() -> dict[str, Metric]:
    ours = {m.name for m in iter_modules(package.__path__)}
    for folder in _own():
        if twice := sorted(ours & {m.name for m in iter_modules([folder])}):
            raise SettingsError(
                f"{OWN}: {folder}: {', '.join(twice)}: there is a module of that name already"
            )
        package.__path__.append(folder)
    slugs = sorted(m.name for m in iter_modules(package.__path__) if m.name not in _GROUND)
    found: dict[str, Metric] = {}
    for slug in slugs:
        try:
            metric = getattr(import_module(f"{package.__name__}.{slug}"), "METRIC", None)
        except Exception as error:
            if slug in ours:
                raise
            raise SettingsError(f"{OWN}: {slug}.py cannot be loaded: {error}") from error
        if not isinstance(metric, Metric) or metric.slug != slug:
            raise SettingsError(f"metrics: {slug}.py declares no METRIC with module=__name__")
        found[slug] = metric
    return found


METRICS: Final[dict[str, Metric]] = _found()


def also_called(slug: str) -> str:
    """The slug of the metric that has this other usual name; any other text as it is."""
    return next((one.slug for one in METRICS.values() if slug in one.also_called), slug)


def metric(slug: str) -> Metric:
    """The metric of that slug. Raises UsageError that names the known ones."""
    try:
        return METRICS[also_called(slug)]
    except KeyError:
        raise UsageError(f"no metric {slug!r}; known: {', '.join(METRICS)}") from None
