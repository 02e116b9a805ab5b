"""One case for each message, however often and from whatever source it is loaded."""

from __future__ import annotations

import subprocess
import sys
import threading
from datetime import timedelta
from typing import Any

import pytest

from callstats.cases import register as stored
from callstats.cases.register import ChangedError
from callstats.register.opening import bring_up_to_date
from tests.callstats.register.conftest import Register
from tests.handmade import ANNA, DAY, JURIS, at, fill, message
from tests.shared import ROOT


def by_call(call_id: str, **more: Any) -> dict[str, Any]:
    """A message of which only the call was seen: no identity in the spool, its length estimated."""
    return message(call_id, **({"msg_id": None, "duration_s": 19.0, "certainty": "estimated"} | more))


def numbers(register: Register) -> list[int]:
    with register.store.database.read() as connection:
        return [one.number for one in stored.found(connection)]


def test_a_message_gets_one_case_however_often_it_is_loaded(register: Register) -> None:
    assert register.told(message("pbx:1")) == 1
    assert register.told(message("pbx:1")) == 0
    assert [one.step for one in register.case(1).steps] == ["left"]
    told = register.case(1).message
    assert told is not None
    assert (told.call_id, told.msg_id, told.duration_s, told.client) == ("pbx:1", "m-pbx:1", 20.0, ANNA)


def test_call_first_then_the_spool(register: Register) -> None:
    assert register.told(by_call("pbx:1")) == 1
    register.act(1, "checked")
    assert register.told(message("pbx:1")) == 0
    case = register.case(1)
    assert [one.step for one in case.steps] == ["left", "checked", "seen"]
    assert case.message is not None
    assert (case.message.msg_id, case.message.certainty) == ("m-pbx:1", "certain")
    assert register.told(message("pbx:1")) == 0
    assert len(register.case(1).steps) == 3


def test_the_spool_first_then_its_call(register: Register) -> None:
    alone = message("pbx:1", msg_id="m-1") | {"call_id": None}
    assert register.told(alone) == 1
    assert register.told(message("pbx:1", msg_id="m-1")) == 0
    assert numbers(register) == [1]
    assert register.case(1).message.call_id == "pbx:1"  # type: ignore[union-attr]


def test_a_call_that_gets_another_id_keeps_its_case(register: Register) -> None:
    register.told(by_call("pbx:2"))
    assert register.told(by_call("pbx:1")) == 0
    assert numbers(register) == [1]


def test_two_messages_of_one_call_are_two_cases(register: Register) -> None:
    one = message("pbx:1", msg_id="m-1")
    other = message("pbx:1", msg_id="m-2", left_at=at("10:01"))
    assert register.told(one, other) == 2
    assert register.told(one, other) == 0


def test_two_messages_of_one_client_at_one_time_in_two_mailboxes_are_two_cases(register: Register) -> None:
    assert register.told(message("pbx:1"), message("pbx:2", mailbox="8001@hotline", msg_id="m-2")) == 2


def test_cases_that_turn_out_to_be_one_message_go_on_as_the_older_one(register: Register) -> None:
    alone = message("pbx:1", msg_id="m-1", left_at=at("10:00:20")) | {"call_id": None}
    register.told(by_call("pbx:1"), alone)
    assert numbers(register) == [1, 2]
    register.act(2, "described", about="Nedeg lampa")
    assert register.told(message("pbx:1", msg_id="m-1")) == 0
    assert register.case(2).merged_into == 1
    assert list(register.desk()) == [1]
    assert register.told(message("pbx:1", msg_id="m-1")) == 0


def test_a_message_that_the_lines_show_no_more_says_so_and_stays(register: Register) -> None:
    register.told(by_call("pbx:1"), message("pbx:9", left_at=at("15:00")))
    register.told(message("pbx:9", left_at=at("15:00")))
    assert register.case(1).message.gone  # type: ignore[union-attr]
    assert not register.case(2).message.gone  # type: ignore[union-attr]
    steps = len(register.case(1).steps)
    register.told(message("pbx:9", left_at=at("15:00")))
    assert len(register.case(1).steps) == steps
    assert register.told(by_call("pbx:1"), message("pbx:9", left_at=at("15:00"))) == 0
    assert not register.case(1).message.gone  # type: ignore[union-attr]


def test_only_the_hotline_s_messages_get_cases(register: Register) -> None:
    assert register.told(message("pbx:1", hotline=False), message("pbx:2", JURIS)) == 1


def test_messages_from_before_the_register_get_none(register: Register) -> None:
    given = register.site.messages.model_copy(update={"since": DAY + timedelta(1)})
    register.site = register.site.model_copy(update={"messages": given})
    assert register.told(message("pbx:1"), message("pbx:2", left_at=at("10:00", DAY + timedelta(1)))) == 1


@pytest.mark.parametrize("first", [True, False])
def test_a_short_message_that_turns_out_to_be_long_and_the_other_way(register: Register, first: bool) -> None:
    register.told(by_call("pbx:1", empty=first, duration_s=2.0 if first else 9.0))
    assert register.case(1).empty is first
    register.told(message("pbx:1", empty=not first))
    assert register.case(1).empty is not first


def test_a_message_left_at_midnight_is_of_the_day_it_was_left(register: Register) -> None:
    register.told(
        message("pbx:1", left_at=at("23:59:59")), message("pbx:2", left_at=at("00:00", DAY + timedelta(1)))
    )
    with register.store.database.read() as connection:
        assert [one.day for one in stored.found(connection)] == [DAY, DAY + timedelta(1)]


def test_of_two_that_open_cases_at_once_each_message_gets_one(register: Register) -> None:
    fill(register.store, messages=[message(f"pbx:{n}", left_at=at(f"10:{n:02}")) for n in range(20)])
    threads = [
        threading.Thread(target=bring_up_to_date, args=(register.store, register.site)) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert numbers(register) == list(range(1, 21))
    assert [len(register.case(number).steps) for number in numbers(register)] == [1] * 20


def test_who_works_a_case_while_its_lines_come_loses_nothing(register: Register) -> None:
    register.told(*(by_call(f"pbx:{n}", left_at=at(f"10:{n:02}")) for n in range(1, 11)))
    faults: list[Exception] = []

    def work() -> None:
        for number in range(10, 0, -1):
            for _ in range(20):
                try:
                    register.act(number, "noted", text="x")
                    break
                except ChangedError:
                    continue
                except Exception as error:
                    faults.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    register.told(*(message(f"pbx:{n}", left_at=at(f"10:{n:02}")) for n in range(1, 11)))
    thread.join()
    assert faults == []
    for number in range(1, 11):
        case = register.case(number)
        assert sorted(one.step for one in case.steps) == ["left", "noted", "seen"]
        assert case.message is not None
        assert case.message.msg_id is not None


def test_a_crash_while_cases_are_opened_opens_none_or_all_and_never_two(
    register: Register, database_url: str
) -> None:
    """A process of its own dies at the end of opening, before that is committed."""
    fill(register.store, messages=[message(f"pbx:{n}", left_at=at(f"10:{n:02}")) for n in range(5)])
    code = (
        "import os, sys; from pathlib import Path\n"
        "from callstats.cases import register; from callstats.cases.database import Database\n"
        "from callstats.register.opening import bring_up_to_date; from callstats.store import Store\n"
        "from tests.handmade import settings\n"
        "site = settings(Path(sys.argv[1])); register.done = lambda *_: os._exit(9)\n"
        "bring_up_to_date(Store(site.data, Database.open(sys.argv[2]), site.timezone), site)\n"
    )
    command = [sys.executable, "-c", code, str(register.site.data.parent), database_url]
    assert subprocess.run(command, cwd=ROOT).returncode == 9
    assert numbers(register) == []
    assert bring_up_to_date(register.store, register.site) == 5
    assert bring_up_to_date(register.store, register.site) == 0
    assert len(numbers(register)) == 5


def test_two_messages_of_a_call_that_was_seen_first_are_its_case_and_one_more(register: Register) -> None:
    register.told(by_call("pbx:1"))
    register.act(1, "checked")
    one, other = (message("pbx:1", msg_id=f"m-{n}", left_at=at(f"10:0{n}")) for n in (1, 2))
    for _ in range(2):
        register.told(other, one)
        assert numbers(register) == [1, 2]
    assert [register.case(n).message.msg_id for n in (1, 2)] == ["m-1", "m-2"]  # type: ignore[union-attr]
    assert [one.step for one in register.case(1).steps] == ["left", "checked", "seen"]


def split(register: Register) -> dict[str, Any]:
    """One message that is two cases: 1 by its call, 2 by its file. Returns it as it is told later."""
    alone = message("pbx:1", msg_id="m-1", left_at=at("10:00:20")) | {"call_id": None}
    register.told(by_call("pbx:1"), alone)
    return message("pbx:1", msg_id="m-1")


def test_an_open_case_never_goes_on_as_a_closed_one(register: Register) -> None:
    whole = split(register)
    register.act(1, "closed", reason="duplicate")  # who sees both closes one and works on the other
    register.act(2, "forwarded", department="social")
    register.told(whole)
    assert (register.case(1).merged_into, register.case(2).merged_into) == (2, None)
    assert list(register.desk(departments=["social"])) == [2]
    assert register.told(whole) == 0
    assert [one.step for one in register.case(2).steps] == ["left", "forwarded", "seen"]


def test_a_merged_case_is_none_of_the_client_s_and_goes_when_its_time_is_over(register: Register) -> None:
    whole = split(register)
    register.told(whole)
    with register.store.database.read() as connection:
        assert [one.number for one in stored.found(connection, clients=[ANNA])] == [1]
        assert stored.waiting_clients(connection) == {ANNA}
        assert stored.closed_before(connection, register.now[0]) == []
        assert stored.closed_before(connection, register.now[0] + timedelta(seconds=1)) == [2]


def test_a_later_begin_of_the_register_does_not_say_that_older_messages_are_gone(register: Register) -> None:
    later = message("pbx:2", left_at=at("10:00", DAY + timedelta(1)))
    register.told(message("pbx:1"), later)
    given = register.site.messages.model_copy(update={"since": DAY + timedelta(1)})
    register.site = register.site.model_copy(update={"messages": given})
    register.told(message("pbx:1"), later)
    assert [register.case(n).message.gone for n in (1, 2)] == [False, False]  # type: ignore[union-attr]
