"""The register's pages: who sees what, steps by forms, conflicts, numbers, sound, the Chancellery's side."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import quote

import pytest

from callstats.cases import access_log
from callstats.register.acts import case_of
from callstats.settings import Settings
from callstats.store import Store
from tests.api.asking import Asking
from tests.api.register.conftest import ANDRIS, ILZE, NUMBER, as_person, do, steps


def test_who_does_not_say_who_he_is_is_asked(client: Asking) -> None:
    answer = client.get("/register")
    assert (answer.status_code, answer.headers["location"]) == (303, "/who?next=%2Fregister")
    assert do(client, 1, "checked", 1).status_code == 403
    said = client.post("/who", data={"name": " Ilze  P ", "department": "pr", "next": "/register/1"})
    assert (said.status_code, said.headers["location"]) == (303, "/register/1")
    assert "samesite=lax" in said.headers["set-cookie"].lower()
    assert "You are Ilze P" in client.get("/register?lang=en").text


@pytest.mark.parametrize("elsewhere", ["//evil.example/", "https://evil.example/", "/\\evil.example"])
def test_nobody_is_sent_to_another_site(client: Asking, elsewhere: str) -> None:
    said = client.post("/who", data={"name": "Ilze", "department": "pr", "next": elsewhere})
    assert said.headers["location"] == "/"


def test_a_message_goes_its_way_and_every_step_is_in_the_history(client: Asking, site: Settings) -> None:
    as_person(client, ILZE)
    assert do(client, 1, "checked", 1).headers["location"] == "/register?did=1&undo=2"
    assert do(client, 1, "described", 2, about="Nedeg lampa", category="fault").status_code == 303
    assert do(client, 1, "forwarded", 3, department="social", employee="A. S.").status_code == 303
    as_person(client, ANDRIS)
    assert do(client, 1, "taken", 4).status_code == 303
    assert do(client, 1, "contacted", 5, how="mobile").status_code == 303
    assert do(client, 1, "closed", 6, reason="settled").status_code == 303
    assert steps(site, 1) == [
        ("left", "callstats"), ("checked", "Ilze P"), ("described", "Ilze P"), ("forwarded", "Ilze P"),
        ("taken", "Andris S"), ("contacted", "Andris S"), ("closed", "Andris S"),
    ]  # fmt: skip
    page = client.get("/register/1?lang=lv").text
    assert "Slēgta" in page
    assert "sazinājos no mobilā" in page
    assert "Nedeg lampa" in page


def test_two_at_once_never_overwrite_each_other(client: Asking, site: Settings) -> None:
    as_person(client, ILZE)
    assert do(client, 1, "forwarded", 1, department="social").status_code == 303
    late = do(client, 1, "forwarded", 1, department="finance")
    assert late.status_code == 409
    assert "changed by somebody else" in late.text
    assert len(steps(site, 1)) == 2


def test_a_step_can_be_taken_back_by_who_did_it(client: Asking, site: Settings) -> None:
    as_person(client, ILZE)
    do(client, 1, "checked", 1)
    as_person(client, ("pr", "Other"))
    assert do(client, 1, "undone", 2, place="2").status_code == 422
    as_person(client, ILZE)
    assert do(client, 1, "undone", 2, place="2").headers["location"] == "/register?did=1"
    with Store.open(site) as store:
        assert case_of(store, 1).checked_at is None


def test_a_department_sees_its_own_cases_only(client: Asking) -> None:
    as_person(client, ANDRIS)
    assert client.get("/register/1").status_code == 403
    assert 'id="c1"' not in client.get("/register").text
    assert do(client, 1, "checked", 1).status_code == 403
    assert client.post("/register/1/number", data={}).status_code == 403
    as_person(client, ILZE)
    do(client, 1, "forwarded", 1, department="social")
    as_person(client, ANDRIS)
    assert 'id="c1"' in client.get("/register").text
    assert 'id="c2"' not in client.get("/register").text
    assert client.get("/register/1").status_code == 200
    assert client.post("/register/new", data={"about": "x"}).status_code == 403


def test_the_number_is_masked_shown_by_one_key_and_who_saw_it_is_written_down(
    client: Asking, site: Settings
) -> None:
    as_person(client, ILZE)
    listed = client.get("/register").text
    assert "26••••34" in listed
    assert "6001234" not in listed
    shown = client.post("/register/1/number", data={})
    assert f'href="tel:{NUMBER}"' in shown.text
    assert shown.headers["cache-control"] == "no-store"
    do(client, 1, "closed", 1, reason="settled")
    assert client.post("/register/1/number", data={}).status_code == 403
    assert client.post("/register/1/number", data={"reason": "sūdzība"}).status_code == 200
    with Store.open(site) as store, store.database.read() as connection:
        log = access_log.listed(connection)
        assert [(one.author, one.action, one.about, one.reason) for one in log] == [
            ("Ilze P", "number_shown", "case 1", None),
            ("Ilze P", "number_shown", "case 1", "sūdzība"),
        ]
        assert access_log.broken(connection) is None


def test_a_client_is_found_by_number_which_gets_into_no_address(client: Asking) -> None:
    as_person(client, ILZE)
    answer = client.post("/register/search", data={"number": "2600 1234"})
    assert re.fullmatch(r"/register\?client=n1-[0-9a-f]{32}", answer.headers["location"])
    page = client.get(answer.headers["location"]).text
    assert 'id="c1"' in page
    assert 'id="c2"' in page
    assert client.post("/register/search", data={"number": "112"}).status_code == 422


def test_several_are_forwarded_at_once_and_what_could_not_be_is_told(client: Asking, site: Settings) -> None:
    as_person(client, ILZE)
    do(client, 2, "checked", 1)
    ticked = [("step", "forwarded"), ("department", "finance"), ("case", "1:1"), ("case", "2:1")]
    body = "&".join(f"{name}={quote(value)}" for name, value in ticked)
    heads = {"content-type": "application/x-www-form-urlencoded"}
    answer = client.post("/register/steps", content=body, headers=heads)
    assert "case+2+was+changed" in answer.headers["location"]
    assert [len(steps(site, number)) for number in (1, 2)] == [2, 2]
    assert client.post("/register/steps", data={"step": "checked"}).status_code == 422


def test_empty_messages_wait_apart_and_are_closed_with_one_key(client: Asking, site: Settings) -> None:
    as_person(client, ILZE)
    assert re.search(r">Jauna</a> 2</li>", client.get("/register?lang=lv").text), "two that say something"
    page = client.get("/register?lang=lv").text
    assert "Tukšās (1)" in page
    assert 'id="c3"' not in page
    client.post("/register/steps", data={"step": "closed", "reason": "empty", "case": "3:1"})
    assert "Tukšās (0)" in client.get("/register?lang=lv").text
    assert steps(site, 3)[-1] == ("closed", "Ilze P")


def test_a_foreign_page_cannot_send_a_form(client: Asking, site: Settings) -> None:
    as_person(client, ILZE)
    for heads in ({"sec-fetch-site": "cross-site"}, {"origin": "http://evil.example"}, {"origin": "null"}):
        answer = client.post("/register/1/steps", data={"step": "checked", "seen": "1"}, headers=heads)
        assert answer.status_code == 403
    assert len(steps(site, 1)) == 1


@pytest.mark.parametrize(
    ("step", "fields", "said"),
    [
        ("forwarded", {"department": "nowhere"}, "nowhere"),
        ("forwarded", {}, "either a department or an institution"),
        ("contacted", {"how": "telepathy"}, "how"),
        ("left", {}, "step"),
        ("dance", {}, "no step"),
        ("checked", {"at": "2026-03-02"}, "at"),
        ("checked", {"at": "2090-03-02T10:00"}, "future"),
        ("checked", {"at": "0001-01-01T00:00"}, "at"),
        ("checked", {"at": "9999-12-31T23:59"}, "at"),
        ("noted", {"text": "x" * 2001}, "text"),
        ("contacted", {"how": "email", "at": "2026-03-01T10:00"}, "before the message"),
        ("heard", {"heard": "80000000"}, "no number of a client"),
    ],
)
def test_what_cannot_be_is_refused_with_what_is_wrong(
    client: Asking, site: Settings, step: str, fields: dict[str, str], said: str
) -> None:
    as_person(client, ILZE)
    answer = do(client, 1, step, 1, **fields)
    assert answer.status_code == 422
    assert said in answer.json()["detail"]
    assert len(steps(site, 1)) == 1


def test_a_case_by_hand_and_a_promise(client: Asking, site: Settings) -> None:
    as_person(client, ILZE)
    answer = client.post("/register/new", data={"number": "26005555", "about": "Zvanīja uz mobilo"})
    assert answer.headers["location"] == "/register?did=4"
    as_person(client, ANDRIS)
    given = {"kind": "promise", "number": "26006666", "by": "2030-01-02T12:00", "department": "social"}
    assert client.post("/register/new", data=given).headers["location"] == "/register?did=5"
    page = client.get("/register?lang=lv").text
    assert "solītais laiks" in page
    assert "26••••66" in page
    assert client.post("/register/new", data=given | {"by": "2020-01-02T12:00"}).status_code == 422
    letter = given | {"number": "", "form": "email", "employee": "L. Parauga"}
    assert client.post("/register/new", data=letter).headers["location"] == "/register?did=6"
    assert "solījums: e-pasts" in client.get("/register?lang=lv").text
    history = client.get("/register/6?lang=lv").text
    assert "e-pasts, 02.01.2030. 12:00 → Sociālais dienests, L. Parauga" in history
    assert client.post("/register/new", data=letter | {"form": "call"}).status_code == 422


def test_sound_is_found_by_its_identity_however_the_file_is_called(client: Asking, tmp_path: Path) -> None:
    as_person(client, ILZE)
    box = tmp_path / "spool" / "hotline" / "8000"
    (box / "INBOX").mkdir(parents=True)
    (box / "INBOX" / "msg0007.txt").write_text("[message]\nmsg_id=m-pbx:1\n")
    (box / "INBOX" / "msg0007.wav").write_bytes(b"RIFFsound")
    answer = client.get("/register/1/sound")
    assert (answer.content, answer.headers["content-type"]) == (b"RIFFsound", "audio/wav")
    (box / "Old").mkdir()
    for end in (".txt", ".wav"):
        (box / "INBOX" / f"msg0007{end}").rename(box / "Old" / f"msg0000{end}")
    assert client.get("/register/1/sound").content == b"RIFFsound"
    assert "<audio" in client.get("/register/1").text
    (box / "Old" / "msg0000.txt").unlink()
    assert client.get("/register/1/sound").status_code == 404
    assert "vairs nav" in client.get("/register/1?lang=lv").text


def test_a_mailbox_that_is_nearly_full_is_told(client: Asking, tmp_path: Path) -> None:
    as_person(client, ILZE)
    folder = tmp_path / "spool" / "hotline" / "8000" / "INBOX"
    folder.mkdir(parents=True)
    for number in range(4):
        assert ("8000@hotline" in client.get("/register").text) == (number > 3)
        (folder / f"msg{number:04}.txt").write_text("msg_id=x\n")
    assert "8000@hotline" in client.get("/register").text


def test_the_chancellery_reads_shares_suggestions_and_complaints_without_numbers(client: Asking) -> None:
    as_person(client, ILZE)
    do(client, 1, "described", 1, about="Lūdz soliņu parkā, 26001234", category="suggestion")
    do(client, 1, "forwarded", 2, department="social")
    answer = client.get("/register/summary?lang=lv")
    page = answer.text
    assert answer.headers["cache-control"] == client.get("/register").headers["cache-control"] == "no-store"
    assert "Lūdz soliņu parkā" in page
    assert "Sociālais dienests" in page
    assert "0 no 1" in page  # forwarded, long after the next working day
    assert "Lūdz soliņu parkā, 26••••34" in page, "a number that somebody typed is hidden too"
    assert "6001234" not in page
    assert "n1-" not in page


def test_programs_get_the_register_without_numbers_names_and_content(client: Asking) -> None:
    as_person(client, ILZE)
    do(client, 1, "described", 1, about="Privāts", category="question")
    before = client.get("/api/v1/cases")
    row = before.json()["items"][0]
    assert (row["case"], row["status"], row["forwarded_in_time"], row["overdue"]) == (1, "new", False, True)
    assert "Privāts" not in before.text
    assert "Ilze" not in before.text
    do(client, 1, "checked", 2)
    assert client.get("/api/v1/cases").json()["items"][0]["status"] == "checked"


@pytest.mark.parametrize("body", [b"\xff\xfe=1", b"step=checked&step=checked&seen=1", b"a" * (1 << 21)])
def test_a_form_that_cannot_be_read_is_refused(client: Asking, body: bytes) -> None:
    as_person(client, ILZE)
    answer = client.post("/register/1/steps", content=body)
    assert answer.status_code == 422


def test_pages_are_never_older_than_the_last_step(client: Asking) -> None:
    as_person(client, ILZE)
    assert "to be checked" in client.get("/register/1?lang=en").text
    do(client, 1, "checked", 1)
    assert "to be checked" not in client.get("/register/1?lang=en").text


@pytest.mark.parametrize("number", ["0", "-1", "99999999999", "x"])
def test_a_number_that_is_none_is_told(client: Asking, number: str) -> None:
    as_person(client, ILZE)
    assert client.get(f"/register/{number}").status_code == 422
    assert client.post("/register/steps", data={"step": "checked", "case": f"{number}:1"}).status_code in (
        404,
        422,
    )


def test_odd_text_comes_back_as_it_was_written(client: Asking) -> None:
    as_person(client, ILZE)
    odd = "<script>alert('ē')</script> \x00 🙂 ' \" & =1+1"
    assert do(client, 1, "described", 1, about=odd).status_code == 303
    page = client.get("/register/1").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page
    assert "🙂" in page
    assert client.post("/who", data={"name": "a\x00b", "department": "pr"}).status_code == 422
