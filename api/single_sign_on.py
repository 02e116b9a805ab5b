"""Signing in at the organisation's provider: OpenID Connect, authorization code with PKCE, by Authlib.

The provider is asked by this server alone; a browser is led there and back. What it says is believed if its
ID token is signed by one of its keys of today, for this client, this try and this hour.
"""

from __future__ import annotations

from collections.abc import Mapping
from time import monotonic
from typing import Annotated, Any, Final

import httpx2
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.starlette_client import OAuth
from fastapi import APIRouter, Query, Request
from joserfc.errors import JoseError
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from api.doors import DoorQuery, begun, refused_page
from api.errors import NotFoundError
from api.register import inside, to
from api.routes import SiteOf
from callstats.accounts import identities
from callstats.accounts.identities import Identity
from callstats.accounts.signing import SignInError
from callstats.settings_sign_in import SignIn

router = APIRouter(include_in_schema=False)
PATH: Final = "/signin/provider"
COOKIE: Final = "signin_try"
TRY_S: Final = 600
KNOWN_S: Final = 3600  # after which the provider's description and keys are asked for anew
NEXT: Final = "next"
# signed with a key that only the provider has: neither "none" nor one made of the client's secret
ALGORITHMS: Final = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"}
)
LEEWAY_S: Final = 60


class Provider:
    """The provider of a site. State: what it said of itself and its keys, and when it was asked."""

    def __init__(self, given: SignIn, tick: Any = monotonic) -> None:
        self.given = given
        self._tick = tick
        self._known: tuple[float, Any] | None = None

    async def client(self) -> Any:
        """A client that knows the provider. Raises SignInError where that cannot be."""
        if self._known is not None and self._tick() - self._known[0] < KNOWN_S:
            return self._known[1]
        given = self.given
        client = OAuth().register(
            "provider",
            client_id=given.client_id,
            client_secret=given.client_secret.get_secret_value() if given.client_secret else None,
            server_metadata_url=f"{str(given.issuer).rstrip('/')}/.well-known/openid-configuration",
            client_kwargs={
                "scope": " ".join(given.scopes),
                "code_challenge_method": "S256",
                "timeout": 10.0,
                **({} if given.client_secret else {"token_endpoint_auth_method": "none"}),
            },
        )
        said = await client.load_server_metadata()
        if said.get("issuer") != given.issuer:
            raise SignInError(
                f"sign_in.issuer: the provider calls itself {said.get('issuer')!r}, not {given.issuer!r}; "
                "write it in the settings exactly as it does",
                "refused",
            )
        offered = said.get("id_token_signing_alg_values_supported") or ["RS256"]
        said["id_token_signing_alg_values_supported"] = [one for one in offered if one in ALGORITHMS]
        self._known = (self._tick(), client)
        return client

    def forget(self) -> None:
        """Asks the provider anew next time: a try failed, and what is known of it may be why."""
        self._known = None


@router.get(PATH, name="provider_begin")
async def provider_begin(request: Request, site: SiteOf, query: Annotated[DoorQuery, Query()]) -> Response:
    """Leads the browser to the provider."""
    provider = _provider(request)
    try:
        client = await _asked(provider, provider.client())
        request.session[NEXT] = inside(query.next, "/")
        back = request.url_for("provider_back")
        response = await _asked(provider, client.authorize_redirect(request, back))
    except SignInError as fault:
        return refused_page(request, site, inside(query.next, "/"), fault)
    assert isinstance(response, Response)
    return response


@router.get(f"{PATH}/back", name="provider_back")
async def provider_back(request: Request, site: SiteOf) -> Response:
    """Takes what the provider says of the person, and begins a session."""
    provider = _provider(request)
    target = inside(str(request.session.get(NEXT, "/")), "/")
    try:
        client = await _asked(provider, provider.client())
        options = {
            "iss": {"essential": True, "value": provider.given.issuer},
            "aud": {"essential": True, "value": provider.given.client_id},
        }
        token = await _asked(
            provider, client.authorize_access_token(request, claims_options=options, leeway=LEEWAY_S)
        )
        found = identity_of(provider.given, token.get("userinfo") or {})
        secret = await run_in_threadpool(identities.sign_in, site.store, site.settings, found)
    except SignInError as fault:
        return refused_page(request, site, target, fault)
    finally:
        request.session.clear()
    return begun(request, to(request, target), secret)


def identity_of(given: SignIn, claims: Mapping[str, Any]) -> Identity:
    """The person that an ID token is about. Raises SignInError where it does not say who."""
    subject = claims.get("sub")
    if not isinstance(subject, str) or not subject:
        raise SignInError("the provider did not say who you are (no ID token)", "refused")
    groups: Any = claims
    for part in given.groups_claim.split("."):
        groups = groups.get(part) if isinstance(groups, Mapping) else None
    if groups is None and given.groups_claim in claims.get("_claim_names", ()):
        raise SignInError(
            "the provider left your groups out, as they are too many; let it send the roles of this "
            'application instead (sign_in.groups_claim = "roles")',
            "refused",
        )
    listed = [groups] if isinstance(groups, str) else groups if isinstance(groups, list) else []
    texts = (claims.get(given.login_claim), claims.get("name"))
    login, name = (one if isinstance(one, str) else None for one in texts)
    names = frozenset(one for one in listed if isinstance(one, str))
    return Identity(str(given.issuer), subject, login, name, names)


def _provider(request: Request) -> Provider:
    provider: Provider = request.app.state.provider
    if provider.given.issuer is None:
        raise NotFoundError("people sign in with accounts of this server: /signin")
    return provider


async def _asked(provider: Provider, doing: Any) -> Any:
    """What the provider answered. Raises SignInError that tells an administrator what is wrong."""
    try:
        return await doing
    except httpx2.HTTPError as error:
        provider.forget()
        raise SignInError(
            f"the sign-in provider {provider.given.issuer} does not answer: {type(error).__name__}",
            "unreachable",
        ) from None
    except (AuthlibBaseError, JoseError) as error:
        provider.forget()
        raise SignInError(f"the provider's answer does not hold: {_code(error)}", "refused") from None
    except (ValueError, KeyError, TypeError, RuntimeError) as error:
        provider.forget()
        raise SignInError(
            f"the provider's answer cannot be read: {type(error).__name__}", "refused"
        ) from None
    except SignInError:
        provider.forget()
        raise


def _code(error: AuthlibBaseError | JoseError) -> str:
    """The error's code, without what it is about: that may be of a person."""
    found = str(getattr(error, "error", "") or "")
    return found if found.replace("_", "").isalnum() and len(found) < 60 else type(error).__name__
