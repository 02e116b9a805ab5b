"""Two rules of the design, written once more for the judge: the union of ringing, and the rotation class
(15.1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

NEEDED = ("busy", "declined", "unavailable", "no_answer")
TOGETHER_S = 0.25  # phones that are offered a call in one go get their INVITEs within this time


@dataclass(frozen=True)
class Offer:
    """A phone that was offered the call: how that ended, when it was tried (epoch seconds), whether it
    alerted.
    """

    employee: str
    outcome: str
    tried_at: float
    alerted: bool


@dataclass(frozen=True)
class Rotation:
    """The class, why rotation was needed, and classes that are right as well."""

    kind: str
    causes: tuple[str, ...] = ()
    also: tuple[str | None, ...] = ()


def union_s(spans: Sequence[tuple[float, float]], until: float | None) -> float | None:
    """Seconds covered by at least one span, up to `until`; None when there is no span."""
    if not spans:
        return None
    total, reach = 0.0, float("-inf")
    for start, end in sorted(spans):
        stop = end if until is None else min(end, until)
        total += max(0.0, stop - max(start, reach))
        reach = max(reach, stop)
    return total


def rotation_of(offers: Sequence[Offer], phones: int, cut: str | None = None) -> Rotation:
    """Rotation class of a visit in a department of `phones` phones.

    Needed: the phone that was offered first, or one of a group offered together, was busy, declined,
    unreachable or timed out. Covered: another phone of the visit was alerted. A guest in the department's
    queue counts as the department's phone: the queue owns its visit.
    """
    if not offers:
        return Rotation("not_needed", also=(None, "unknown"))
    first = min(o.tried_at for o in offers)
    group = _group(offers, first)
    failed = [o for o in group if o.outcome in NEEDED]
    if not failed:
        # a forward or an answer needs no rotation; nobody but the caller ended the first ringing
        left = any(o.outcome == "abandoned" for o in group)
        return Rotation("caller_left" if left else "not_needed")
    causes = tuple(sorted({o.outcome for o in failed}))
    if any(o.alerted and o.employee != f.employee for f in failed for o in offers):
        return Rotation("rotated", causes)
    also = ("not_needed", "unknown") if cut else ()  # the PBX stopped, the phone never timed out
    return Rotation("no_second_member" if phones < 2 else "not_rotated", causes, also)


def _group(offers: Sequence[Offer], first: float) -> list[Offer]:
    """The offers of the first round: each phone once, tried together with the first."""
    seen: dict[str, Offer] = {}
    for offer in sorted(offers, key=lambda o: o.tried_at):
        if offer.tried_at - first <= TOGETHER_S:
            seen.setdefault(offer.employee, offer)
    return list(seen.values())
