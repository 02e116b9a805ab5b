"""Signing in at the organisation's provider, which is a process and an implementation of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
from playwright.sync_api import Browser
from pydantic import SecretStr

from api.single_sign_on import identity_of
from callstats.accounts import keeping
from callstats.accounts.roles import Grant
from callstats.accounts.signing import SignInError
from callstats.cases import access_log
from callstats.settings import Settings
from callstats.settings_sign_in import Group, SignIn
from callstats.store import Store
from tests.api.asking import Asking, asking
from tests.api.test_page_browser import CHROMIUM, browser
from tests.handmade import settings, store_with, visit
from tests.oidc.provider import SECRET
from tests.oidc.serving import Running, providing

__all__ = ["browser"]
PAGE = "/departments/social"
HTML = {"accept": "text/html", "accept-language": "en"}
GROUPS = (
    Group(group="cs-heads-social", role="head", department="social"),
    Group(group="cs-chancellery", role="chancellery"),
    Group(group="cs-admins", role="admin"),
)
ANNA = {"sub": "anna", "name": "Anna Paraudziņa", "preferred_username": "anna@novads.example"}


@pytest.fixture(scope="module")
def provider() -> Iterator[Running]:
    with providing() as found:
        yield found


@pytest.fixture
def site(tmp_path: Path, provider: Running) -> Settings:
    sign_in = SignIn(
        issuer=provider.issuer, name="Novada konts", client_secret=SecretStr(SECRET), groups=GROUPS
    )
    found = settings(tmp_path, sign_in=sign_in)
    store_with(found, visits=[visit("pbx:1")]).close()
    return found


@pytest.fixture
def client(site: Settings, provider: Running) -> Iterator[Asking]:
    with asking(site) as found:
        provider.told(
            redirect=f"{str(found.base_url).rstrip('/')}/signin/provider/back",
            users={"anna": {**ANNA, "groups": ["cs-heads-social", "of no meaning"]}},
            spoil="",
        )
        yield found


def led(client: Asking, provider: Running, name: str = "anna", path: str = PAGE) -> str:
    """Goes to the provider, signs in there; the address that it leads back to."""
    begun = client.get("/signin/provider", params={"next": path})
    assert begun.status_code == 302
    asked = begun.headers["location"]
    assert "code_challenge_method=S256" in asked
    assert "nonce=" in asked
    form = provider.client.get(asked.removeprefix(provider.issuer)).text
    found = re.search(r'name="token" value="([^"]+)"', form)
    assert found, form
    fields = {"token": unescape(found[1]), "username": name, "password": f"secret-of-{name}"}
    back = provider.client.post("/verify", data=fields)
    assert back.status_code == 303, back.text
    return back.headers["location"]


def signed_in(client: Asking, provider: Running, name: str = "anna", path: str = PAGE) -> httpx2.Response:
    address = urlsplit(led(client, provider, name, path))
    return client.get(f"{address.path}?{address.query}", headers=HTML)


def test_groups_become_roles_and_the_person_is_led_back(client: Asking, provider: Running) -> None:
    assert client.get(PAGE).status_code == 401, "where a provider is named nobody is believed"
    done = signed_in(client, provider)
    assert done.status_code == 303, done.text
    assert done.headers["location"] == PAGE
    assert "signin_try=null" in done.headers["set-cookie"], "the try is over"
    assert client.get(PAGE, headers=HTML).status_code == 200
    assert client.get("/departments/finance", headers=HTML).status_code == 403
    account = client.get("/account", headers=HTML).text
    assert "Anna Paraudziņa" in account
    assert "anna@novads.example" in account


def test_roles_follow_the_groups_and_what_an_administrator_gave_stays(
    client: Asking, provider: Running, site: Settings
) -> None:
    signed_in(client, provider)
    with Store.open(site) as store:
        given = Grant("analyst", None, store.clock().date())
        keeping.grant(store, site, "anna@novads.example", given, "admin")
    provider.told(users={"anna": {**ANNA, "groups": ["cs-chancellery"]}})
    assert client.get(PAGE).status_code == 200, "until the next sign-in"
    signed_in(client, provider)
    with Store.open(site) as store, store.database.read() as connection:
        account = keeping.listed(connection)[0]
        today = store.clock().astimezone(site.zone).date()
        assert {one.role for one in account.grants if one.valid_on(today)} == {"chancellery", "analyst"}
        told = [(one.author, one.action, one.about) for one in access_log.listed(connection)]
        assert access_log.broken(connection) is None
    assert ("sign-in provider", "role_ended", "anna@novads.example: head of social") in told
    assert ("sign-in provider", "role_given", "anna@novads.example: chancellery") in told
    assert client.get("/register").status_code == 403


def test_a_newcomer_without_a_group_gets_no_account(
    client: Asking, provider: Running, site: Settings
) -> None:
    provider.told(users={"juris": {"sub": "juris", "groups": ["of no meaning"]}})
    done = signed_in(client, provider, "juris")
    assert done.status_code == 401
    assert "None of your groups has a role here" in done.text
    with Store.open(site) as store, store.database.read() as connection:
        assert keeping.listed(connection) == []


def test_an_account_here_is_not_taken_over_by_a_name_there(
    client: Asking, provider: Running, site: Settings
) -> None:
    with Store.open(site) as store:
        keeping.add(store, "anna@novads.example", "Cita Anna", None, "admin")
    done = signed_in(client, provider)
    assert done.status_code == 401
    assert "ask the administrator to link the two" in done.text


def test_an_ended_account_stays_out(client: Asking, provider: Running, site: Settings) -> None:
    signed_in(client, provider)
    with Store.open(site) as store:
        keeping.end(store, "anna@novads.example", "admin")
    assert client.get(PAGE).status_code == 401
    assert "This account is ended" in signed_in(client, provider).text


@pytest.mark.parametrize("spoil", ["expired", "forged", "audience", "issuer", "nonce", "unsigned"])
def test_a_token_that_does_not_hold_lets_nobody_in(
    client: Asking, provider: Running, site: Settings, spoil: str, caplog: pytest.LogCaptureFixture
) -> None:
    provider.told(spoil=spoil)
    done = signed_in(client, provider)
    assert done.status_code == 401
    assert "session=" not in done.headers.get("set-cookie", "")
    assert "cannot be accepted" in done.text
    assert any("provider's answer does not hold" in one for one in caplog.messages)
    assert "anna" not in caplog.text.casefold(), "the log tells why, and not of whom"
    with Store.open(site) as store, store.database.read() as connection:
        assert keeping.listed(connection) == []
    provider.told(spoil="")
    assert signed_in(client, provider).status_code == 303, "the same provider, a token that holds"


def test_keys_may_change_at_any_time(client: Asking, provider: Running) -> None:
    assert signed_in(client, provider).status_code == 303
    provider.told(rotate=True)
    assert signed_in(client, provider).status_code == 303


def test_the_way_back_is_of_one_browser_and_one_try(client: Asking, provider: Running) -> None:
    address = urlsplit(led(client, provider))
    with Asking(client.app, int(client.base_url.port or 0)) as other:
        stolen = other.get(f"{address.path}?{address.query}", headers=HTML)
    assert stolen.status_code == 401
    assert client.get(f"{address.path}?{address.query}", headers=HTML).status_code == 303
    assert client.get(f"{address.path}?{address.query}", headers=HTML).status_code == 401


@pytest.mark.parametrize("asked", ["", "?code=x", "?state=y", "?error=access_denied", "?code=x&state=y"])
def test_a_way_back_from_nowhere_is_told(client: Asking, asked: str) -> None:
    answer = client.get(f"/signin/provider/back{asked}", headers=HTML)
    assert answer.status_code == 401
    assert "cannot be accepted" in answer.text


@pytest.mark.parametrize("elsewhere", ["//evil.example/", "https://evil.example/", "/\\evil.example"])
def test_nobody_is_led_to_another_site(client: Asking, provider: Running, elsewhere: str) -> None:
    assert signed_in(client, provider, path=elsewhere).headers["location"] == "/"


def test_a_provider_that_is_away_is_told_and_local_accounts_still_work(tmp_path: Path) -> None:
    found = settings(tmp_path, sign_in=SignIn(issuer="http://127.0.0.1:9", groups=GROUPS))
    with store_with(found) as store:
        keeping.add(store, "rita", "Rita", "trīs zaļi zirgi", "admin")
        keeping.grant(store, found, "rita", Grant("admin"), "admin")
    with asking(found) as client:
        told = client.get("/signin/provider", headers=HTML)
        assert told.status_code == 401
        assert "does not answer" in told.text
        done = client.post("/signin", data={"login": "rita", "password": "trīs zaļi zirgi"})
        assert done.status_code == 303


def test_a_provider_under_another_name_is_refused(tmp_path: Path, provider: Running) -> None:
    sign_in = SignIn(issuer=provider.issuer.replace("127.0.0.1", "localhost"), groups=GROUPS)
    found = settings(tmp_path, sign_in=sign_in)
    store_with(found).close()
    with asking(found) as client:
        assert "cannot be accepted" in client.get("/signin/provider", headers=HTML).text


def test_without_a_provider_there_is_no_such_door(tmp_path: Path) -> None:
    found = settings(tmp_path)
    store_with(found).close()
    with asking(found) as client:
        assert client.get("/signin/provider").status_code == 404
        assert client.get("/signin/provider/back").status_code == 404


def test_groups_are_found_where_providers_put_them() -> None:
    given = SignIn(issuer="https://login.example", groups=GROUPS, groups_claim="realm_access.roles")
    keycloak = identity_of(given, {"sub": "1", "realm_access": {"roles": ["cs-admins", 7]}})
    assert keycloak.groups == {"cs-admins"}
    entra = given.model_copy(update={"groups_claim": "groups"})
    assert identity_of(entra, {"sub": "1", "groups": "cs-admins"}).groups == {"cs-admins"}
    assert identity_of(entra, {"sub": "1"}).groups == frozenset()
    with pytest.raises(SignInError, match="too many"):
        identity_of(entra, {"sub": "1", "_claim_names": {"groups": "src1"}})
    with pytest.raises(SignInError, match="did not say who"):
        identity_of(entra, {"name": "x"})


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed (apt-get install chromium)")
def test_a_head_signs_in_by_the_browser(client: Asking, provider: Running, browser: Browser) -> None:
    page = browser.new_page(locale="lv")
    page.goto(f"{client.base_url}{PAGE}")
    assert "/signin?next=" in page.url
    page.get_by_role("link", name="Novada konts").click()
    page.wait_for_url(f"{provider.issuer}/**")
    page.fill("[name=username]", "anna")
    page.fill("[name=password]", "secret-of-anna")
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"**{PAGE}")
    assert page.locator("h1").count() == 1
    assert page.get_by_role("link", name="Anna Paraudziņa").count() == 1
    page.close()
