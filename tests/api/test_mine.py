"""*Mani zvani*: an employee's own calls, and nobody else's."""

from __future__ import annotations

from pathlib import Path

from callstats.accounts import keeping, signing
from callstats.accounts.roles import Grant
from callstats.settings import Numbers
from callstats.store import Store
from tests.api.asking import asking
from tests.handmade import DAY, attempt, call, settings, store_with, visit

SECRET = "trīs zaļi zirgi"


def test_an_employee_sees_the_calls_of_own_phones_and_nobody_else_does(tmp_path: Path) -> None:
    site = settings(tmp_path, numbers=Numbers(key_file=tmp_path / "numbers.key"))
    rows = {
        "calls": [call("pbx:1")],
        "visits": [visit("pbx:1", talk_s=33.0)],
        "attempts": [attempt("pbx:1", "201")],
    }
    with store_with(site, **rows) as store:
        for login, role in (("anna", "employee"), ("juris", "employee"), ("head", "head")):
            keeping.add(store, login, login.title(), SECRET, "admin")
            keeping.grant(store, site, login, Grant(role, "social", DAY), "admin")  # type: ignore[arg-type]
        keeping.give_extension(store, "anna", "201", DAY, None, "admin")
        keeping.give_extension(store, "juris", "202", DAY, None, "admin")
    with asking(site) as client, Store.open(site) as store:

        def page(login: str, path: str = "/mine?lang=lv") -> str:
            secret = signing.sign_in(store, login, SECRET)
            return client.get(path, headers={"cookie": f"session={secret}"}).text

        own = page("anna")
        assert "Jūsu tālruņi: 201" in own
        assert "es atbildēju" in own
        assert "33,0" in own
        assert "n1-" not in own
        assert "Šajā periodā jūsu tālruņiem zvanu nav." in page("juris")
        assert "Jums nav piesaistīts neviens tālrunis" in page("head")
        assert "33,0" not in page("head")
