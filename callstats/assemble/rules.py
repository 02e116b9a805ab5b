"""The third-signal rule in force per department and date, as a table for the judging text (clause 15.1)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Final

import pyarrow as pa

from callstats.settings import Rule, Settings

THIRD_SIGNAL_RULES: Final = pa.schema(
    [
        ("department", pa.string()),
        ("valid_from", pa.date32()),
        ("valid_to", pa.date32()),
        ("limit_us", pa.int64()),
        ("period_us", pa.int64()),
        ("clock", pa.string()),
        ("rule_version", pa.string()),
    ]
)


def third_signal_rules(settings: Settings, departments: Iterable[str]) -> pa.Table:
    """Table of `THIRD_SIGNAL_RULES`: half-open dates (null is open); in time is ring time < ``limit_us``.

    The row with an empty department is for visits of no department.
    """
    rows = [row for unit in ("", *departments) for row in _periods(settings, unit)]
    return pa.Table.from_pylist(rows, THIRD_SIGNAL_RULES)


def _periods(settings: Settings, department: str) -> Iterator[dict[str, object]]:
    changes = sorted(
        (r for r in settings.rules if r.department in (None, department)),
        key=lambda r: (r.effective_from, r.department is not None),
    )
    starts: list[date | None] = [None, *sorted({r.effective_from for r in changes})]
    for start, end in zip(starts, [*starts[1:], None], strict=True):
        in_force = [r for r in changes if start is not None and r.effective_from <= start]
        yield {"department": department, "valid_from": start, "valid_to": end, **_rule(settings, in_force)}


def _rule(settings: Settings, changes: Iterable[Rule]) -> dict[str, object]:
    on_s, off_s = settings.cadence.on_s, settings.cadence.off_s
    signals, boundary = settings.third_signal.signals, settings.third_signal.boundary
    clock = settings.third_signal.clock
    for change in changes:
        on_s = change.on_s if change.on_s is not None else on_s
        off_s = change.off_s if change.off_s is not None else off_s
        signals = change.signals if change.signals is not None else signals
        boundary = change.boundary if change.boundary is not None else boundary
        clock = change.clock if change.clock is not None else clock
    period_us, on_us = round((on_s + off_s) * 1e6), round(on_s * 1e6)
    # before the next signal starts: R < N*P; before the last one has ended: R <= (N-1)*P + on (domain 2c)
    limit_us = signals * period_us if boundary == "before_next" else (signals - 1) * period_us + on_us + 1
    stated = f"signals={signals} on={on_s} off={off_s} boundary={boundary} clock={clock}"
    version = hashlib.blake2b(stated.encode(), digest_size=4).hexdigest()
    return {"limit_us": limit_us, "period_us": period_us, "clock": clock, "rule_version": version}
