"""What people may do with a case, and what two who do it at once, or a clock that is wrong, cannot break."""

from __future__ import annotations

import subprocess
import sys
import threading
from datetime import date, timedelta
from typing import Any

import pytest

from callstats.cases import access_log
from callstats.cases import register as stored
from callstats.cases.access_log import Access
from callstats.cases.register import ChangedError, NoCaseError
from callstats.cases.register_tables import access_log as log_table
from callstats.cases.vault import Vault
from callstats.errors import UsageError
from callstats.register import acts
from callstats.register.opening import cases_of, known
from callstats.register.table import CASES, cases_table
from callstats.rekeying import rekey
from callstats.retention import purge
from callstats.settings import Department
from tests.callstats.register.conftest import NOW, Register
from tests.handmade import DAY, at, message
from tests.shared import ROOT

NUMBER = "+37126001234"


@pytest.fixture
def one(register: Register) -> Register:
    """A register with one message, whose number is in the vault."""
    vault = Vault.open(register.site, register.store.database, register.store.clock)
    client = vault.pseudonymiser.pseudonym(NUMBER)
    vault.put({client: (NUMBER, NOW)})
    register.told(message("pbx:1", client))
    return register


def test_a_closed_case_takes_steps_only_after_it_is_reopened(one: Register) -> None:
    one.act(1, "closed", reason="settled")
    with pytest.raises(UsageError, match="closed; reopen it first"):
        one.act(1, "forwarded", department="social")
    one.act(1, "noted", text="vēl zvanīs")
    one.act(1, "reopened")
    assert one.act(1, "forwarded", department="social").department == "social"
    with pytest.raises(UsageError, match="not closed"):
        one.act(1, "reopened")


def test_only_the_last_step_is_taken_back_by_its_author_within_half_an_hour(one: Register) -> None:
    one.act(1, "checked")
    one.act(1, "forwarded", department="social")
    with pytest.raises(UsageError, match="only its last step"):
        one.act(1, "undone", place=2)
    with pytest.raises(UsageError, match="Ilze did this"):
        one.act(1, "undone", "Anna", place=3)
    case = one.act(1, "undone", place=3)
    assert (case.forwarded, case.checked_at is not None) == (None, True)
    assert one.act(1, "undone", place=2).checked_at is None  # and so on backwards
    one.act(1, "checked")
    one.later(minutes=31)
    with pytest.raises(UsageError, match="30 minutes"):
        one.act(1, "undone", place=6)
    assert [step.step for step in one.case(1).steps if step.undone] == ["checked", "forwarded"]


def test_who_is_slower_writes_nothing(one: Register) -> None:
    acts.act(one.store, one.site, 1, "checked", {}, "Ilze", seen=1)
    with pytest.raises(ChangedError, match="somebody else"):
        acts.act(one.store, one.site, 1, "closed", {"reason": "settled"}, "Anna", seen=1)
    with pytest.raises(ChangedError):
        acts.act(one.store, one.site, 1, "checked", {}, "Anna", seen=7)
    assert [step.step for step in one.case(1).steps] == ["left", "checked"]
    with pytest.raises(NoCaseError, match="no case 99"):
        acts.act(one.store, one.site, 99, "checked", {}, "Ilze", seen=1)


def test_of_many_at_once_exactly_one_wins(one: Register) -> None:
    won: list[str] = []
    lost: list[str] = []

    def go(name: str) -> None:
        try:
            acts.act(one.store, one.site, 1, "forwarded", {"department": "social"}, name, seen=1)
            won.append(name)
        except ChangedError:
            lost.append(name)

    threads = [threading.Thread(target=go, args=(f"Person {n}",)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(won), len(lost)) == (1, 5)
    assert [step.author for step in one.case(1).steps] == ["callstats", won[0]]


@pytest.mark.parametrize(
    ("step", "said", "told"),
    [
        ("forwarded", {"department": "x"}, "'x' is none on 2026-03-05; there are: pr"),
        ("forwarded", {"department": "social", "institution": "Policija"}, "either a department or"),
        ("described", {}, "says nothing"),
        ("noted", {"text": "  "}, "text"),
        ("checked", {"extra": 1}, "extra"),
        ("taken", {}, "not forwarded to a department"),
        ("seen", {}, "is not entered"),
    ],
)
def test_what_a_case_cannot_take_is_refused_and_nothing_is_written(
    one: Register, step: str, said: dict[str, Any], told: str
) -> None:
    with pytest.raises(UsageError, match=told):
        one.act(1, step, **said)
    assert len(one.case(1).steps) == 1


def test_a_department_that_ended_gets_nothing_and_its_cases_say_so(one: Register) -> None:
    one.act(1, "forwarded", department="finance")
    ended = tuple(
        Department(**{**d.model_dump(), "valid_to": date(2026, 3, 5)}) if d.id == "finance" else d
        for d in one.site.departments
    )
    one.site = one.site.model_copy(update={"departments": ended})
    assert one.desk()[1].ended_department
    with pytest.raises(UsageError, match="'finance' is none"):
        one.act(1, "forwarded", department="finance")
    assert not one.desk()[1].clock.unresolved
    assert one.act(1, "forwarded", department="social").department == "social"


def test_a_time_before_the_message_or_in_the_future_is_refused(one: Register) -> None:
    with pytest.raises(UsageError, match="in the future"):
        one.act(1, "checked", when=NOW + timedelta(hours=1))
    with pytest.raises(UsageError, match="before the message"):
        one.act(1, "contacted", how="email", when=at("09:00"))
    case = one.act(1, "contacted", how="email", when=at("15:00"))
    assert (case.steps[-1].at, case.steps[-1].entered_at) == (at("15:00"), NOW)


def test_a_number_stays_in_the_vault_as_long_as_its_case_is_open(one: Register) -> None:
    vault = Vault.open(one.site, one.store.database, one.store.clock)
    one.later(days=60)
    assert acts.number_of(one.store, one.site, one.case(1)) == NUMBER
    assert (vault.purge(), vault.expired()) == (0, 0)
    one.act(1, "closed", reason="settled")
    assert acts.number_of(one.store, one.site, one.case(1)) is None
    assert vault.purge() == 1


def test_a_new_key_moves_the_register_too(one: Register) -> None:
    acts.heard(one.store, one.site, 1, "26009999", "Ilze", seen=1)
    before = one.case(1)
    rekey(one.store, one.site)
    case = one.case(1)
    assert case.client is not None
    assert case.client.startswith("n2-")
    assert case.client != before.client
    assert acts.number_of(one.store, one.site, case) == "+37126009999"
    with one.store.database.read() as connection:
        assert stored.found(connection, clients=[case.client])[0].number == 1
    assert acts.pseudonym_of(one.store, one.site, "26009999") == case.callback
    from callstats.register.opening import bring_up_to_date

    assert bring_up_to_date(one.store, one.site) == 0
    assert [step.step for step in one.case(1).steps] == ["left", "heard"]


def test_a_promise_is_a_case_of_its_own(register: Register) -> None:
    case = acts.open_promise(
        register.store, register.site, "Andris", by=at("16:00", date(2026, 3, 6)), department="social",
        number="26001234", about="Atbilde par pabalstu",
    )  # fmt: skip
    entry = register.desk()[case.number]
    assert (entry.status, entry.clock.waits, entry.clock.whom) == ("forwarded", "contact", "social")
    assert entry.clock.due is not None
    assert entry.clock.due.at == at("16:00", date(2026, 3, 6))
    assert register.desk(departments=["social"]).keys() == {case.number}
    with pytest.raises(UsageError, match="not after the promise"):
        acts.open_promise(register.store, register.site, "A", by=NOW, department="social", number="26001234")
    with pytest.raises(UsageError, match="needs the number"):
        acts.open_promise(register.store, register.site, "A", by=NOW + timedelta(1), department="social")


@pytest.mark.parametrize("number", ["112", "80000000", "67012200", "201", "abc", "+371"])
def test_what_is_no_client_s_number_is_refused(register: Register, number: str) -> None:
    with pytest.raises(UsageError, match="no number of a client"):
        acts.open_by_hand(register.store, register.site, "Ilze", left_at=NOW, number=number)


def test_what_is_kept_of_a_case_follows_from_its_steps(one: Register) -> None:
    one.act(1, "forwarded", department="social")
    one.act(1, "closed", reason="other", text="x")
    one.act(1, "reopened")
    with one.store.database.read() as connection:
        case = cases_of(connection, [1])[1]
        open_ones = stored.found(connection, closed=False, departments=["social"])
        assert [found.number for found in open_ones] == [1]
        assert known(case).closed is False
        assert stored.entered(connection) == 4


def test_the_table_holds_every_case_once_without_number_and_content(one: Register) -> None:
    one.act(1, "described", about="Privāts", category="complaint")
    one.act(1, "forwarded", department="social", when=at("15:00"))
    one.act(1, "contacted", how="email", when=at("09:00", DAY + timedelta(1)))
    table = cases_table(one.store, one.site)
    assert table.schema.equals(CASES.schema)
    (row,) = table.to_pylist()
    assert (row["status"], row["forwarded_in_time"], row["contacted_in_time"]) == ("contacted", True, True)
    assert row["attempted_working_s"] == (2 + 1) * 3600  # from 15 to 17, and from 8 to 9
    assert "Privāts" not in str(row)
    assert NUMBER not in str(row)


def test_the_access_log_shows_what_was_changed_in_it(one: Register) -> None:
    database = one.store.database
    for number in range(3):
        with database.write() as connection:
            access_log.note(connection, Access(NOW, "Ilze", "number_shown", f"case {number}"))
    with database.read() as connection:
        assert access_log.broken(connection) is None
        assert [row.about for row in access_log.listed(connection)] == ["case 0", "case 1", "case 2"]
    with database.write() as connection:
        connection.execute(log_table.update().where(log_table.c.id == 2).values(author="Anna"))
    with database.read() as connection:
        assert access_log.broken(connection) == 2


def test_retention_removes_what_a_closed_case_says_and_no_message_gets_a_second_one(one: Register) -> None:
    kept = one.site.retention.model_copy(update={"cases_months": 1, "access_months": 1})
    one.site = one.site.model_copy(update={"retention": kept})
    one.act(1, "closed", reason="settled")
    with one.store.database.write() as connection:
        access_log.note(connection, Access(NOW, "Ilze", "number_shown", "case 1"))
    one.later(days=30)
    assert not [gone for gone in purge(one.store, one.site).gone if gone.what in ("cases", "access_log")]
    with one.store.database.write() as connection:
        access_log.note(connection, Access(one.now[0], "Ilze", "number_shown", "case 1"))
    one.later(days=3)
    for dry_run in (True, False):
        gone = {one.what: one.rows for one in purge(one.store, one.site, dry_run=dry_run).gone}
        assert (gone["cases"], gone["access_log"]) == (1, 1)
    with pytest.raises(NoCaseError):
        one.case(1)
    with one.store.database.read() as connection:
        assert access_log.broken(connection) is None
        assert len(access_log.listed(connection)) == 1
    assert one.told(message("pbx:1", None), message("pbx:2", None, left_at=at("11:00"))) == 1
    assert list(one.desk(closed=True, since=DAY)) == [2]


def test_of_two_processes_that_add_at_once_each_step_is_there_once(one: Register, database_url: str) -> None:
    code = (
        "import sys; from pathlib import Path; from callstats.cases.database import Database\n"
        "from callstats.cases.register import ChangedError; from callstats.register import acts\n"
        "from callstats.store import Store; from tests.handmade import settings\n"
        "site = settings(Path(sys.argv[1])); lost = 0\n"
        "store = Store(site.data, Database.open(sys.argv[2]), site.timezone)\n"
        "for number in range(10):\n"
        "    while True:\n"
        "        seen = len(acts.case_of(store, 1).steps)\n"
        "        said = {'text': f'{sys.argv[3]} {number}'}\n"
        "        try: acts.act(store, site, 1, 'noted', said, sys.argv[3], seen=seen); break\n"
        "        except ChangedError: lost += 1\n"
    )
    commands = [
        [sys.executable, "-c", code, str(one.site.data.parent), database_url, who] for who in ("Ilze", "Anna")
    ]
    running = [subprocess.Popen(command, cwd=ROOT) for command in commands]
    assert [process.wait(timeout=120) for process in running] == [0, 0]
    steps = one.case(1).steps
    assert [step.place for step in steps] == list(range(1, 22))
    said = sorted(step.said.model_dump()["text"] for step in steps[1:])
    assert said == sorted(f"{who} {number}" for who in ("Ilze", "Anna") for number in range(10))


def test_a_step_on_several_cases_is_done_where_it_can_be(one: Register) -> None:
    one.told(message("pbx:1", None), message("pbx:2", None, left_at=at("11:00")))
    one.act(2, "closed", reason="settled")
    seen = {number: len(one.case(number).steps) for number in (1, 2)} | {99: 1}
    done, refused = acts.act_on_all(one.store, one.site, seen, "forwarded", {"department": "social"}, "Ilze")
    assert [(case.number, case.department) for case in done] == [(1, "social")]
    assert [(one.number, one.why) for one in refused] == [
        (2, "case 2 is closed; reopen it first"),
        (99, "there is no case 99"),
    ]


def test_a_department_that_ended_takes_what_was_forwarded_while_there_was_one(one: Register) -> None:
    ended = tuple(
        Department(**{**d.model_dump(), "valid_to": date(2026, 3, 4)}) if d.id == "finance" else d
        for d in one.site.departments
    )
    one.site = one.site.model_copy(update={"departments": ended})
    tuesday = at("10:00", DAY + timedelta(1))
    assert one.act(1, "forwarded", department="finance", when=tuesday).department == "finance"
    with pytest.raises(UsageError, match="'finance' is none on 2026-03-05; there are: pr, social, env"):
        one.act(1, "forwarded", department="finance")


def test_a_case_by_hand_needs_no_number_and_is_never_told_to_be_gone(register: Register) -> None:
    case = acts.open_by_hand(register.store, register.site, "Ilze", left_at=at("10:00"), about="Bedre")
    register.told(message("pbx:9", left_at=at("15:00")))
    found = register.case(case.number)
    assert (found.by_hand, found.callable, found.about) == (True, False, "Bedre")
    assert [step.step for step in found.steps] == ["left", "described"]
    with pytest.raises(UsageError, match=r"left_at: .* in the future"):
        acts.open_by_hand(register.store, register.site, "Ilze", left_at=NOW + timedelta(hours=1))


def test_a_promise_that_is_yet_to_be_given_is_refused_and_nothing_is_written(register: Register) -> None:
    with pytest.raises(UsageError, match=r"promised_at: .* in the future"):
        acts.open_promise(
            register.store, register.site, "Andris", by=NOW + timedelta(days=2), department="social",
            number="26001234", promised_at=NOW + timedelta(days=1),
        )  # fmt: skip
    assert register.desk() == {}
