"""The Chancellery's page: institutions, small units together, clocks, coverage, what is contested."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from callstats import remarks
from callstats.accounts import keeping
from callstats.accounts.roles import Grant
from callstats.departments import Departments
from callstats.settings import Numbers, Settings
from callstats.small_cells import Group, within_institutions
from tests.api.asking import Asking, asking, sign_in_as
from tests.handmade import DAY, at, call, message, missed, settings, store_with, visit

SECRET = "trīs zaļi zirgi"
EN = {"accept": "text/html", "accept-language": "en"}
THIRD = "/api/v1/metrics/third_signal_share"


def unit(name: str, phones: int, parent: str | None = None) -> dict[str, object]:
    first = {"a": 100, "b": 200, "c": 300, "d": 400, "e": 500, "f": 600, "g": 700}[name]
    found: dict[str, object] = {"id": name, "extensions": [str(first + n) for n in range(phones)]}
    return found | ({"parent": parent} if parent else {})


@pytest.mark.parametrize(
    ("units", "told"),
    [
        ([unit("a", 3), unit("b", 5)], [(None, ("a",)), (None, ("b",))]),
        ([unit("a", 1), unit("b", 2), unit("c", 4)], [(None, ("c",)), (None, ("a", "b"))]),
        ([unit("a", 1), unit("b", 5), unit("c", 4)], [(None, ("b",)), (None, ("a", "c"))]),
        # of an institution that is small as a whole nothing is told apart
        ([unit("a", 1, "x"), unit("b", 5, "y"), unit("c", 2, "z")], [("y", ("b",)), (None, ("a", "c"))]),
        ([unit("a", 1, "b"), unit("b", 5), unit("c", 4, "b")], [("b", ("b",)), ("b", ("a", "c"))]),
        ([unit("a", 1)], [(None, ("a",))]),
    ],
)
def test_small_units_are_told_within_their_institution(
    tmp_path: Path, units: list[dict[str, object]], told: list[tuple[str | None, tuple[str, ...]]]
) -> None:
    departments = Departments.from_settings(settings(tmp_path, departments=units, hotline={}))
    found = within_institutions(departments, DAY)
    assert [(one.institution, one.departments) for one in found] == told
    assert sorted(d for one in found for d in one.departments) == sorted(str(one["id"]) for one in units)
    assert all(isinstance(one, Group) and one.people >= 0 for one in found)


@pytest.fixture
def site(tmp_path: Path) -> Settings:
    """`social` (three phones), `finance` (two) and `environment` (one) of one institution."""
    found = settings(tmp_path, numbers=Numbers(key_file=tmp_path / "numbers.key"))
    visits = [visit(f"pbx:{n}", entered_at=at(f"09:{n:02}:00")) for n in range(4)]
    visits += [missed(f"pbx:{n}", department="finance", entered_at=at(f"10:{n}:00")) for n in range(10, 13)]
    visits += [visit("pbx:20", department="environment", entered_at=at("11:00"))]
    calls = [call(row["call_id"], started_at=row["entered_at"]) for row in visits]
    said = [message("pbx:50", "n1-" + "0" * 32, left_at=at("16:00"))]
    with store_with(found, visits=visits, calls=calls, messages=said) as store:
        for login, role, of in (("kanceleja", "chancellery", None), ("dace", "head", "finance")):
            keeping.add(store, login, login.title(), SECRET, "admin")
            keeping.grant(store, found, login, Grant(role, of, DAY), "admin")  # type: ignore[arg-type]
        remarks.enter(store, "social", DAY.replace(day=1), None, "Gripas nedēļa", "Rita", DAY)
        remarks.enter(store, "social", DAY.replace(day=1), "third_signal_share", "Nav mūsu", "Rita", DAY)
    return found


@pytest.fixture
def client(site: Settings) -> Iterator[Asking]:
    with asking(site) as found:
        yield found


def row_of(page: str, name: str) -> str:
    found = re.search(rf"<tr><th scope=\"row\">(?:(?!</tr>).)*{name}(?:(?!</tr>).)*</tr>", page, re.DOTALL)
    assert found, name
    return " ".join(re.sub("<[^>]*>", " ", found[0]).split())


def test_the_chancellery_finds_its_page_with_small_units_together(client: Asking, site: Settings) -> None:
    sign_in_as(client, site, "kanceleja", SECRET)
    assert client.get("/", headers=EN).headers["location"] == "/overview"
    page = client.get("/overview", headers=EN).text
    assert "4 of 4" in row_of(page, "Social services")
    assert "Gripas nedēļa" in row_of(page, "Social services")
    together = row_of(page, "Together:")
    assert "Environment" in together
    assert "Finance" in together
    assert "1 of 4" in together, "added up, never a mean of shares"
    assert page.count("Nav mūsu") == 1
    assert "The information phone's deadlines" in page


def test_a_small_unit_is_not_told_apart_to_the_chancellery(client: Asking, site: Settings) -> None:
    sign_in_as(client, site, "kanceleja", SECRET)
    for path in ("/departments/finance", "/departments/finance/figures", f"{THIRD}?department=finance&by="):
        assert client.get(path).status_code == 403, path
    two = f"{THIRD}?department=finance&department=environment&by="
    assert client.get(two).status_code == 403
    rows = {one["department"]: one for one in client.get(THIRD).json()["items"]}
    assert rows["social"]["n"] == 4
    for name in ("finance", "environment"):
        assert (rows[name]["n"], rows[name]["value"], rows[name]["suppressed"]) == (None, None, True)
    assert client.get("/departments/social", headers=EN).status_code == 200


def test_a_head_sees_the_own_small_unit(client: Asking, site: Settings) -> None:
    sign_in_as(client, site, "dace", SECRET)
    assert client.get("/departments/finance", headers=EN).status_code == 200
    rows = client.get(THIRD).json()["items"]
    assert [(one["department"], one["n"], one["suppressed"]) for one in rows] == [("finance", 3, False)]
    assert client.get("/overview").status_code == 403
