"""Every table of a page as a file: CSV safe from formulas, XLSX with meanings, Parquet; who took it."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO, StringIO
from pathlib import Path

import openpyxl
import pyarrow.parquet as pq
import pytest

from callstats import remarks
from callstats.accounts import keeping, signing
from callstats.accounts.roles import OF_DEPARTMENT, ROLES, Grant
from callstats.cases import access_log, neutral
from callstats.cases.neutral import Entry
from callstats.register.opening import bring_up_to_date
from callstats.settings import Numbers, Settings
from callstats.store import Store
from tests.api.asking import Asking, asking
from tests.handmade import DAY, at, attempt, call, message, settings, store_with, visit

SECRET = "trīs zaļi zirgi"
EVIL = "=HYPERLINK(1)"
TABLES = {
    "/mine": "employee",
    "/access-log": "dpo",
    "/overview": "chancellery",
    "/register/summary": "chancellery",
    "/months": "admin",
    "/departments/social/neutral": "head",
    "/departments/social/remarks": "head",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder: Path = tmp_path_factory.mktemp("sheets")
    found = settings(folder, numbers=Numbers(key_file=folder / "numbers.key"))
    rows = {
        "calls": [call("pbx:1")],
        "visits": [visit("pbx:1")],
        "attempts": [attempt("pbx:1", "201")],
        "messages": [message("pbx:3", "n1-" + "0" * 32, left_at=at("10:00"))],
    }
    with store_with(found, **rows) as store:
        bring_up_to_date(store, found)
        for role in ROLES:
            keeping.add(store, role, role.title(), SECRET, "admin")
            of = "social" if role in OF_DEPARTMENT else None
            keeping.grant(store, found, role, Grant(role, of, DAY - timedelta(400)), "admin")
        keeping.give_extension(store, "employee", "201", DAY - timedelta(10), None, "admin")
        entry = Entry("social", None, "training", at("10:00"), at("11:00"), EVIL, "@Rita", store.clock())
        with store.database.write() as connection:
            neutral.add(connection, entry)
        remarks.enter(store, "social", DAY.replace(day=1), None, EVIL, "@Rita", DAY)
    return found


@pytest.fixture(scope="module")
def client(site: Settings) -> Iterator[Asking]:
    with asking(site) as found:
        yield found


@pytest.fixture(scope="module")
def as_role(site: Settings) -> dict[str, dict[str, str]]:
    with Store.open(site) as store:
        return {role: {"cookie": f"session={signing.sign_in(store, role, SECRET)}"} for role in ROLES}


@pytest.mark.parametrize("path", TABLES)
def test_a_table_comes_as_each_kind_of_file_with_one_content(
    client: Asking, as_role: dict[str, dict[str, str]], path: str
) -> None:
    headers = as_role[TABLES[path]]
    page = client.get(path, headers=headers | {"accept": "text/html"})
    for form in ("csv", "xlsx", "parquet"):
        assert f"format={form}" in page.text, path
    got = {form: client.get(f"{path}?format={form}", headers=headers) for form in ("csv", "xlsx", "parquet")}
    assert {one.status_code for one in got.values()} == {200}
    assert {one.headers["cache-control"] for one in got.values()} == {"no-store"}
    assert 'filename="' in got["csv"].headers["content-disposition"]
    told = list(csv.reader(StringIO(got["csv"].content.decode("utf-8-sig"))))
    book = openpyxl.load_workbook(BytesIO(got["xlsx"].content))
    table = pq.read_table(BytesIO(got["parquet"].content))
    assert told[0] == table.column_names == [cell.value for cell in book["callstats"][1]]
    if path == "/access-log":  # it grows by each look
        assert len(told) - 1 < book["callstats"].max_row
    else:
        assert len(told) - 1 == table.num_rows == book["callstats"].max_row - 1
    assert table.num_rows > 0
    meanings = {row[0].value: row[2].value for row in book["columns"].iter_rows(min_row=2)}
    assert set(meanings) == set(table.column_names)
    assert all(meanings.values())


def test_what_people_wrote_is_no_formula(client: Asking, as_role: dict[str, dict[str, str]]) -> None:
    path, headers = "/departments/social/remarks", as_role["head"]
    text = client.get(f"{path}?format=csv", headers=headers).content.decode("utf-8-sig")
    (row,) = csv.DictReader(StringIO(text))
    assert row["text"] == f"'{EVIL}"
    assert row["author"] == "'@Rita"
    book = openpyxl.load_workbook(BytesIO(client.get(f"{path}?format=xlsx", headers=headers).content))
    cells = [cell for line in book["callstats"].iter_rows(min_row=2) for cell in line]
    assert EVIL in [cell.value for cell in cells]
    assert all(cell.data_type != "f" for cell in cells)


def test_figures_come_with_their_definition(client: Asking, as_role: dict[str, dict[str, str]]) -> None:
    path, headers = "/api/v1/metrics/third_signal_share?by=month&department=social", as_role["head"]
    book = openpyxl.load_workbook(BytesIO(client.get(f"{path}&format=xlsx", headers=headers).content))
    told = {row[0].value: row[1].value for row in book["definition"].iter_rows(min_row=2)}
    assert told["metric"] == "third_signal_share"
    assert "15.1" in told["source"]
    assert told["formula"]
    assert told["exclusions"]
    table = pq.read_table(BytesIO(client.get(f"{path}&format=parquet", headers=headers).content))
    assert json.loads(table.schema.metadata[b"definition"])["formula"] == told["formula"]
    link = client.get(f"{path}&format=csv", headers=headers).headers["link"]
    assert link == '</api/v1/metrics?format=csv>; rel="describedby"'


def test_who_took_the_log_is_in_it(
    client: Asking, as_role: dict[str, dict[str, str]], site: Settings
) -> None:
    client.get("/access-log?format=csv", headers=as_role["dpo"])
    with Store.open(site) as store, store.database.read() as connection:
        last = access_log.listed(connection)[-1]
    assert (last.author, last.action, last.about) == ("Dpo", "table_exported", "access log")


@pytest.mark.parametrize("path", TABLES)
def test_a_file_is_for_nobody_else_than_the_page(
    client: Asking, as_role: dict[str, dict[str, str]], path: str
) -> None:
    for role in ROLES:
        page = client.get(path, headers=as_role[role]).status_code
        assert client.get(f"{path}?format=csv", headers=as_role[role]).status_code == page, (path, role)
