"""Which reader of facts serves which kind of case.

A file's cases are assembled together, each as a PBX of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import ModuleType

from tests.cases import by_ami, by_cdr, by_cel, by_pairs, by_queue
from tests.cases.check import Check, left_out
from tests.cases.load import Case
from tests.cases.site import settings
from tests.cases.tables import told

KINDS: Mapping[str, ModuleType] = {
    "cel_to_call": by_cel,
    "cel_expected_records": by_cel,
    "cel_expected_sequences": by_cel,
    "cdr_expected_records": by_cdr,
    "cdr_to_call": by_cdr,
    "cdr_cel_pair": by_pairs,
    "ami_to_call_states": by_ami,
    "ami_to_call": by_ami,
    "ami_expected_events": by_ami,
    "queue_log_to_calls": by_queue,
    "queue_log_to_agent_intervals": by_queue,
    "queue_log_to_stats": by_queue,
    "queue_log_rows": by_queue,
}
OUT: Mapping[str, str] = {
    "live_script": "a script for a live PBX, without rows",
    "aggregates_to_metrics": "begins with another project's hourly tables, not with what a PBX says",
    "file_to_metrics": "begins with another project's file of figures, not with what a PBX says",
    "queue_events_to_metrics": "a service level with a threshold per queue is another project's metric",
    "intervals_to_metrics": "logins of agents are not measured",
    "calls_to_metrics": "campaigns and welcome messages are another project's words",
    "queue_log_to_agent_intervals": by_queue.AGENTS,
    "rule": "reading material",
}
UNKNOWN = "a kind of case that is not known here"
NO_ROWS = "the case has no rows"


def checks(cases: Sequence[Case]) -> Iterator[Check]:
    """Every fact of a file's cases, scored or left out with the reason."""
    for each_phone in (False, True):
        chosen = [case for case in cases if (case.kind == "ami_to_call_states") is each_phone]
        if chosen:
            yield from _checks(chosen, each_phone)


def _checks(cases: Sequence[Case], each_phone: bool) -> Iterator[Check]:
    given = {n: KINDS[c.kind].inputs(c) for n, c in enumerate(cases) if c.kind in KINDS and c.kind not in OUT}
    site = settings(cases, by_pairs.rows(cases), each_phone=each_phone)
    found = told(site, {f"c{n}{part}": data for n, parts in given.items() for part, data in parts.items()})
    for n, case in enumerate(cases):
        if not given.get(n):
            why = OUT.get(case.kind, NO_ROWS if case.kind in KINDS else UNKNOWN)
            yield from (left_out(case, fact, why) for fact in case.facts)
        else:
            yield from KINDS[case.kind].checks(case, {part: found[f"c{n}{part}"] for part in given[n]})
