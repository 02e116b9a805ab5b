"""An OpenID provider in a process of its own, for the tests: idpyoidc, a certified implementation.

``python -m tests.oidc.provider PORT`` serves it; ``POST /control`` says what is to happen next, as JSON:
``users`` (name → claims), ``rotate`` (new signing keys), ``spoil`` (what is wrong with the next ID tokens).
Who may sign in there: each of the users, with the password ``secret-of-NAME``.
"""

from __future__ import annotations

import base64
import json
import logging
import sys
import time
import warnings
from typing import Any, Final
from urllib.parse import parse_qsl

import uvicorn
from cryptojwt.jwk.rsa import new_rsa_key
from cryptojwt.jws.jws import JWS, factory
from cryptojwt.key_bundle import build_key_bundle
from cryptojwt.key_jar import KeyJar
from idpyoidc.message.oauth2 import ResponseMessage
from idpyoidc.message.oidc import AccessTokenRequest, AuthorizationRequest
from idpyoidc.server import Server
from idpyoidc.server.configure import OPConfiguration
from idpyoidc.server.exception import FailedAuthentication
from idpyoidc.server.oauth2.add_on.pkce import CC_METHOD
from idpyoidc.server.user_authn.user import UserPassJinja2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

CLIENT: Final = "callstats"
SECRET: Final = "secret-of-the-client-and-long-enough"
KEYS: Final = [{"type": "RSA", "use": ["sig"]}, {"type": "EC", "crv": "P-256", "use": ["sig"]}]
CLAIMS: Final = ["sub", "name", "preferred_username", "email", "groups"]
FORM: Final = """<!doctype html><html lang="en"><title>Log in</title><h1>The organisation's log in</h1>
<form method="post" action="{action}"><input type="hidden" name="token" value="{token}">
<label>Username <input name="username"></label>
<label>Password <input type="password" name="password"></label>
<button>Log in</button></form></html>"""


class Page:
    """What the library renders its form with."""

    def render(self, _: str, action: str, token: str, **__: Any) -> str:
        return FORM.format(action=action, token=token)


class Users(dict[str, str]):
    """Passwords of those that the provider knows."""

    def __contains__(self, name: object) -> bool:
        return name in CLAIMS_OF

    def __getitem__(self, name: str) -> str:
        return f"secret-of-{name}"


CLAIMS_OF: dict[str, dict[str, Any]] = {}


def users(**_: Any) -> Users:
    return Users()


def configured(issuer: str) -> OPConfiguration:
    """A provider with codes, PKCE and ID tokens, and one client with a secret."""
    endpoint = "idpyoidc.server.oidc."
    methods = ["client_secret_basic", "client_secret_post"]
    conf = {
        "issuer": issuer,
        "httpc_params": {"verify": True},
        "preference": {"subject_types_supported": ["public"], "id_token_signing_alg_values_supported": [
            "RS256", "ES256", "none"]},
        "key_conf": {"key_defs": KEYS, "uri_path": "jwks.json"},
        "token_handler_args": {
            "code": {"lifetime": 600, "kwargs": {"crypt_conf": _crypt()}},
            "token": {"class": "idpyoidc.server.token.jwt_token.JWTToken", "kwargs": {"lifetime": 3600}},
            "id_token": {
                "class": "idpyoidc.server.token.id_token.IDToken",
                "kwargs": {"base_claims": {name: None for name in CLAIMS if name != "sub"}},
            },
        },
        "session_params": {"encrypter": _crypt()},
        "cookie_handler": {
            "class": "idpyoidc.server.cookie_handler.CookieHandler",
            "kwargs": {
                "keys": {"key_defs": [{"type": "OCT", "use": ["enc"], "kid": "enc"},
                                      {"type": "OCT", "use": ["sig"], "kid": "sig"}]},
                "name": {"session": "op", "register": "op_rp", "session_management": "op_sman"},
            },
        },
        "endpoint": {
            "provider_config": {
                "path": ".well-known/openid-configuration",
                "class": endpoint + "provider_config.ProviderConfiguration",
                "kwargs": {},
            },
            "authorization": {
                "path": "authorization",
                "class": endpoint + "authorization.Authorization",
                "kwargs": {"response_types_supported": ["code"], "response_modes_supported": ["query"]},
            },
            "token": {
                "path": "token",
                "class": endpoint + "token.Token",
                "kwargs": {"client_authn_method": methods},
            },
            "userinfo": {"path": "userinfo", "class": endpoint + "userinfo.UserInfo", "kwargs": {}},
        },
        "add_on": {
            "pkce": {
                "function": "idpyoidc.server.oauth2.add_on.pkce.add_support",
                "kwargs": {"essential": True, "code_challenge_methods": {"S256": CC_METHOD["S256"]}},
            },
            "scopes": {
                "function": "idpyoidc.server.oidc.add_on.custom_scopes.add_custom_scopes",
                "kwargs": {"groups": ["groups"]},
            },
        },
        "authentication": {
            "user": {
                "acr": "urn:oasis:names:tc:SAML:2.0:ac:classes:Password",
                "class": UserPassJinja2,
                "kwargs": {"db": {"class": users, "kwargs": {}}, "template_handler": Page(),
                           "verify_endpoint": "/verify"},
            },
        },
        "userinfo": {"class": "idpyoidc.server.user_info.UserInfo", "kwargs": {"db": CLAIMS_OF}},
    }  # fmt: skip
    return OPConfiguration(conf)


def _crypt() -> dict[str, Any]:
    return {"kwargs": {"keys": {"key_defs": [
        {"type": "OCT", "use": ["enc"], "kid": "password"}, {"type": "OCT", "use": ["enc"], "kid": "salt"},
    ]}, "iterations": 1}}  # fmt: skip


class Provider:
    """The provider's endpoints. State: the library's server, and how the next ID tokens are to be spoiled."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.bundle = build_key_bundle(KEYS)
        keys = KeyJar()
        for owner in (issuer, ""):  # its own keys go by both names in the library
            keys.add_kb(owner, self.bundle)
        self.server = Server(configured(issuer), keyjar=keys)
        self.server.context.userinfo.db = CLAIMS_OF  # the configuration is copied
        self.server.context.cdb[CLIENT] = {
            "client_secret": SECRET, "redirect_uris": [], "response_types_supported": ["code"],
            "token_endpoint_auth_method": "client_secret_basic",
            "allowed_scopes": ["openid", "profile", "email"],
            "id_token_signed_response_alg": "RS256",
        }  # fmt: skip
        self.spoil = ""

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self.told("provider_config")),
                Route("/authorization", self.told("authorization")),
                Route("/token", self.told("token"), methods=["POST"]),
                Route("/userinfo", self.told("userinfo"), methods=["GET", "POST"]),
                Route("/jwks.json", self.jwks),
                Route("/verify", self.verify, methods=["POST"]),
                Route("/control", self.control, methods=["POST"]),
            ]
        )

    def told(self, name: str) -> Any:
        async def answer(request: Request) -> Response:
            endpoint = self.server.get_endpoint(name)
            fields = await form_of(request) if request.method == "POST" else dict(request.query_params)
            about = {"headers": dict(request.headers), "method": request.method, "url": str(request.url)}
            asked = endpoint.parse_request(fields, http_info=about)
            if isinstance(asked, ResponseMessage) and "error" in asked:
                return JSONResponse(asked.to_dict(), 400)
            if name == "token":
                asked = AccessTokenRequest(**asked)
            return self.response(endpoint, asked, **endpoint.process_request(asked, http_info=about))

        return answer

    def response(self, endpoint: Any, asked: Any, **found: Any) -> Response:
        if "http_response" in found:
            return HTMLResponse(found["http_response"])
        if "error" in found:
            return JSONResponse({"error": str(found["error"])}, 400)
        info = endpoint.do_response(request=asked, **found)
        if endpoint.response_placement == "url":
            return RedirectResponse(info["response"], 303)
        body = json.loads(info["response"])
        if "id_token" in body and self.spoil:
            body["id_token"] = self.spoiled(body["id_token"])
        return JSONResponse(body)

    async def jwks(self, _: Request) -> Response:
        return JSONResponse({"keys": [key.serialize() for key in list(self.bundle.keys())]})

    async def verify(self, request: Request) -> Response:
        fields = await form_of(request)
        method = self.server.context.authn_broker.get_method_by_id("user")
        try:
            name = method.verify(**fields)
        except FailedAuthentication:
            return HTMLResponse("wrong", 401)
        given = method.unpack_token(fields["token"])
        asked = AuthorizationRequest().from_urlencoded(given["query"])
        endpoint = self.server.get_endpoint("authorization")
        session = endpoint.create_session(asked, name, given["authn_class_ref"], given["iat"], method)
        return self.response(endpoint, asked, **endpoint.authz_part2(request=asked, session_id=session))

    async def control(self, request: Request) -> Response:
        said = await request.json()
        CLAIMS_OF.update(said.get("users", {}))
        self.spoil = said.get("spoil", self.spoil)
        if "redirect" in said:
            self.server.context.cdb[CLIENT]["redirect_uris"] = [(said["redirect"], {})]
        if said.get("rotate"):
            old = list(self.bundle.keys())
            self.bundle.extend(build_key_bundle(KEYS).keys())
            for key in old:
                self.bundle.remove(key)
        return JSONResponse({})

    def spoiled(self, token: str) -> str:
        """The ID token with one thing wrong, signed by the provider unless that is what is wrong."""
        claims = dict(factory(token).jwt.payload())
        now = int(time.time())
        if self.spoil == "expired":
            claims |= {"iat": now - 7200, "exp": now - 3600}
        elif self.spoil == "audience":
            claims["aud"] = ["another-client"]
        elif self.spoil == "issuer":
            claims["iss"] = "https://login.elsewhere.example"
        elif self.spoil == "nonce":
            claims["nonce"] = "of another try"
        elif self.spoil == "unsigned":
            return ".".join((_part({"alg": "none"}), _part(claims), ""))
        key = next(one for one in list(self.bundle.keys()) if one.kty == "RSA")
        if self.spoil == "forged":  # somebody else's key under the name of the provider's
            kid, key = key.kid, new_rsa_key()
            key.kid = kid
        return str(JWS(json.dumps(claims), alg="RS256").sign_compact([key]))


async def form_of(request: Request) -> dict[str, str]:
    return dict(parse_qsl((await request.body()).decode()))


def _part(found: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(found).encode()).rstrip(b"=").decode()


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    port = int(sys.argv[1])
    uvicorn.run(
        Provider(f"http://127.0.0.1:{port}").app(),
        port=port,
        log_level="error",
    )
