"""What a configuration hides, or a cut takes away, may cost certainty and never truth.

The sample's own events, less some: no judgement that stays certain may be wrong by the phones' truth.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import cache

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from callstats.fields import EVENTS
from callstats.settings import Settings
from tests.accuracy import truth
from tests.accuracy.__main__ import config_of
from tests.accuracy.score import Rules, score
from tests.accuracy.sources import (
    AMI,
    CDR,
    CEL,
    QUEUE,
    SourceSet,
    files,
    judged_tables,
    read_events,
    stored_as,
)
from tests.shared import ROOT

SAMPLE = ROOT / "sample_cdr"
Cut = Callable[[pa.Table], pa.Table]


@cache
def settings() -> Settings:
    return Settings.load(config_of(SAMPLE))


@cache
def events(patterns: tuple[str, ...]) -> pa.Table:
    return read_events(files(SAMPLE, SourceSet(patterns, 1.5)), settings())


def certainly_wrong(table: pa.Table) -> list[str]:
    told = truth.load(SAMPLE, config_of(SAMPLE))
    rules = Rules(tolerance_s=1.5, stored=stored_as(settings()), cdr_only=True)
    return [str(f) for f in score(told.calls, judged_tables(table, settings()), rules) if f.certain_wrong]


def without(*kinds: str) -> Cut:
    return lambda table: table.filter(pc.invert(pc.is_in(table["kind"], pa.array(kinds))))


def only_dials(table: pa.Table) -> pa.Table:
    """cel.conf ``apps=dial``: of all applications only Dial is told."""
    told = pc.is_in(table["kind"], pa.array(["APP_START", "APP_END"]))
    return table.filter(pc.or_(pc.invert(told), pc.fill_null(pc.equal(table["app"], "Dial"), False)))


@pytest.mark.parametrize(
    ("patterns", "hidden"),
    [
        pytest.param(CEL, only_dials, id="cel apps=dial"),
        pytest.param((*CEL, *QUEUE, *CDR), only_dials, id="cel apps=dial, queue_log, cdr"),
        pytest.param(CEL, without("APP_START", "APP_END"), id="cel no applications"),
        pytest.param(CEL, without("HANGUP"), id="cel no HANGUP"),
        pytest.param(CEL, without("ANSWER"), id="cel no ANSWER"),
        pytest.param(CEL, without("CHAN_START"), id="cel no CHAN_START"),
        pytest.param(CEL, without("BRIDGE_ENTER", "BRIDGE_EXIT"), id="cel no bridges"),
        pytest.param(AMI, without("HangupRequest"), id="ami no HangupRequest"),
        pytest.param(AMI, without("Hangup"), id="ami no Hangup"),
        pytest.param(AMI, without("DialState"), id="ami no DialState"),
        pytest.param(AMI, without("Newexten"), id="ami no Newexten"),
    ],
)
def test_what_a_configuration_hides_is_no_silence(patterns: tuple[str, ...], hidden: Cut) -> None:
    assert certainly_wrong(hidden(events(patterns))) == []


@pytest.mark.parametrize("other", [(), QUEUE, CDR], ids=["alone", "with queue_log", "with cdr"])
@pytest.mark.parametrize(("begin", "end"), [(0.0, 0.4), (0.3, 0.6), (0.5, 1.01)])
def test_a_cel_file_that_begins_ends_or_breaks_anywhere(
    begin: float, end: float, other: tuple[str, ...]
) -> None:
    table = events(CEL)
    first, last = (pc.min_max(table["at"])[which].as_py() for which in ("min", "max"))
    since, until = (first + timedelta(seconds=(last - first).total_seconds() * part) for part in (begin, end))
    lost = pc.and_(pc.greater_equal(table["at"], since), pc.less(table["at"], until))
    rest = table.filter(pc.invert(lost))
    more = events(other) if other else EVENTS.schema.empty_table()
    # a queue that began before anything else was heard is a call of its own here: judged by the other tests
    found = [f for f in certainly_wrong(pa.concat_tables([rest, more])) if "no such call" not in f]
    assert found == []
