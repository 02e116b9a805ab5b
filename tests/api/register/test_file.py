"""The register as a file: content without numbers, for who may see it."""

from __future__ import annotations

import csv
import re
from datetime import datetime, time
from io import BytesIO, StringIO

import openpyxl

from callstats.cases import access_log
from callstats.settings import Settings
from callstats.store import Store
from tests.api.asking import Asking
from tests.api.register.conftest import ANDRIS, ILZE, as_person, do
from tests.handmade import DAY


def _cells(content: bytes) -> list[dict[str, object]]:
    rows = list(openpyxl.load_workbook(BytesIO(content)).worksheets[0].values)
    return [dict(zip(map(str, rows[0]), row, strict=True)) for row in rows[1:]]


def test_the_list_is_taken_as_a_file_with_its_content_and_without_numbers(
    client: Asking, site: Settings
) -> None:
    as_person(client, ILZE)
    do(client, 1, "described", 1, about="=HYPERLINK(1)", category="fault", reg_no="1-2/3")
    do(client, 1, "forwarded", 2, department="social", employee="A. S.")
    do(client, 1, "noted", 3, text="zvanīt pēc 15")
    answer = client.get("/register/file", params={"format": "xlsx", "lang": "lv"})
    assert answer.headers["cache-control"] == "no-store"
    assert re.search(r'filename="zinas_\d{4}-\d\d-\d\d\.xlsx"', answer.headers["content-disposition"])
    found = {row["Nr."]: row for row in _cells(answer.content)}
    assert sorted(map(str, found)) == ["1", "2", "3"]
    case = found[1]
    assert case["Statuss"] == "Pārsūtīta"
    assert case["Saņemta"] == datetime.combine(DAY, time(10))
    assert case["Zvanītājs"] == "26••••34; zvana 1. reizi"
    assert case["Ziņas būtība"] == "=HYPERLINK(1)"
    assert case["Veids"] == "bojājums"
    assert case["Pārsūtīta (kam)"] == "Sociālais dienests, A. S."
    assert case["Saziņa ar klientu"] == "centrālē atzvans nav redzams"
    assert (case["Reģ. Nr."], case["Piezīmes"]) == ("1-2/3", "zvanīt pēc 15")
    text = client.get("/register/file", params={"format": "csv", "status": "forwarded", "lang": "en"}).text
    rows = list(csv.DictReader(StringIO(text)))
    assert [(row["No."], row["What it is about"]) for row in rows] == [("1", "'=HYPERLINK(1)")]
    assert rows[0]["Received"] == f"{DAY} 10:00:00"
    assert "6001234" not in text
    assert "n1-" not in text
    with Store.open(site) as store, store.database.read() as connection:
        log = [(one.author, one.action, one.about) for one in access_log.listed(connection)]
    assert log == [
        ("Ilze P", "register_exported", "3 cases: 1, 2, 3"),
        ("Ilze P", "register_exported", "1 cases: 1"),
    ]


def test_a_department_takes_a_file_of_its_own_cases_only(client: Asking) -> None:
    assert client.get("/register/file").status_code == 403
    as_person(client, ILZE)
    do(client, 1, "forwarded", 1, department="social")
    as_person(client, ANDRIS)
    assert [row["No."] for row in _cells(client.get("/register/file?lang=en").content)] == [1]
    page = client.get("/register?status=forwarded&q=x").text
    assert 'href="/register/file?status=forwarded&amp;q=x&amp;format=xlsx"' in page
