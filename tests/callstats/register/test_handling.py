"""The register in figures: hand-counted shares and working times, what is left out, what versions see."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from callstats.report import metrics_table
from callstats.snapshot import Before
from tests.callstats.register.conftest import Register
from tests.handmade import ANNA, DAY, JURIS, at, call, callback, message

MON, TUE, WED, THU = (date(2026, 3, day) for day in (2, 3, 4, 5))


def figures(
    register: Register, by: tuple[str, ...] = ("department",)
) -> dict[tuple[Any, ...], dict[str, Any]]:
    table = metrics_table(register.store, register.site, ("message_handling",), by)
    return {(row["measure"], *(row[name] for name in by)): row for row in table.to_pylist()}


def worked(register: Register) -> None:
    """Four messages of Monday: in time; a day late; empty; anonymous. The data end on Thursday at 12."""
    register.told(
        message("pbx:1", ANNA, left_at=at("16:00")),
        message("pbx:2", JURIS, left_at=at("10:00")),
        message("pbx:3", "n1-cc", left_at=at("11:00"), empty=True, duration_s=1.0),
        message("pbx:4", None, caller="anonymous", left_at=at("12:00")),
        calls=[
            callback("pbx:40", JURIS, "401", started_at=at("09:30", THU), talk_s=40.0),
            call("pbx:90", started_at=at("12:00", THU), ended_at=at("12:00", THU)),
        ],
    )
    order = {
        case.message.call_id: number for number in (1, 2, 3, 4) if (case := register.case(number)).message
    }
    one, two, anonymous = (order[f"pbx:{n}"] for n in (1, 2, 4))
    register.act(one, "checked", when=at("09:00", TUE))  # 1 h of Monday and 1 h of Tuesday
    register.act(one, "forwarded", department="social", when=at("10:00", TUE))
    register.act(one, "contacted", how="email", when=at("08:30", WED))  # 7 h of Tuesday, half of Wednesday's
    register.act(two, "forwarded", department="finance", when=at("08:00", WED))  # 7 + 9 h
    register.act(anonymous, "forwarded", department="social", when=at("13:00"))  # 1 h


def test_shares_and_working_times_by_hand(register: Register) -> None:
    worked(register)
    found = figures(register)
    forwarded = found["forwarded_in_time", "pr"]
    assert (forwarded["k"], forwarded["n"], dict(forwarded["excluded"])) == (2, 3, {"empty": 1})
    assert (found["forwarded_next_date", "pr"]["k"], found["forwarded_next_date", "pr"]["n"]) == (2, 3)
    checked = found["checked_working_s", "pr"]  # who forwards has listened: 2 h, 16 h, 1 h
    assert (checked["value"], checked["n"], checked["max"]) == (2 * 3600, 3, 16 * 3600)
    assert found["forwarded_working_s", "pr"]["value"] == 3 * 3600  # 3 h, 16 h, 1 h
    social = found["contacted_in_time", "social"]
    assert (social["k"], social["n"], dict(social["excluded"])) == (1, 1, {"not_callable": 1})
    assert found["contacted_working_s", "social"]["value"] == 7.5 * 3600
    finance = found["contacted_in_time", "finance"]  # called on Thursday at 9:30, due by Thursday's end
    assert (finance["k"], finance["n"], finance["certain"]) == (1, 1, 1)
    assert found["contacted_working_s", "finance"]["value"] == (9 + 1.5) * 3600
    assert found["forwarded_in_time", "social"]["value"] is None
    assert found["contacted_in_time", "pr"]["value"] is None


def test_the_whole_is_added_up_from_its_parts(register: Register) -> None:
    worked(register)
    found = figures(register, ())
    assert (found["contacted_in_time",]["k"], found["contacted_in_time",]["n"]) == (2, 2)
    assert (found["forwarded_in_time",]["k"], found["forwarded_in_time",]["n"]) == (2, 3)


def test_what_is_not_due_yet_is_left_out_and_counted(register: Register) -> None:
    register.told(message("pbx:1", left_at=at("10:00")), calls=[call("pbx:90", started_at=at("12:00"))])
    found = figures(register)["forwarded_in_time", "pr"]
    assert (found["value"], found["n"], dict(found["excluded"])) == (None, 0, {"not_due": 1})


def test_every_step_is_a_new_version_of_the_figures(register: Register) -> None:
    register.told(message("pbx:1"))
    before = register.store.data_version()
    register.act(1, "checked", when=at("11:00"))
    assert register.store.data_version() != before


def test_a_snapshot_knows_no_later_step(register: Register) -> None:
    register.told(message("pbx:1"))
    facts = register.store.snapshot()
    register.act(1, "checked", when=at("11:00"))
    assert [len(steps) for _, steps in facts.case_steps().values()] == [1]
    assert [len(steps) for _, steps in register.store.snapshot().case_steps().values()] == [2]
    known = Before(register.store.snapshot(), THU)  # the step was written down on Thursday
    assert [len(steps) for _, steps in known.case_steps().values()] == [0]
    assert DAY + timedelta(1) == TUE
