"""Settings of signing in through the organisation's own provider (OpenID Connect Core 1.0)."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator

from callstats.accounts.roles import OF_DEPARTMENT, Role
from callstats.settings_rules import Part
from callstats.settings_types import Identifier, Text, Texts


def _issuer(value: str) -> str:
    parts = urlsplit(value)
    near = parts.hostname in ("localhost", "127.0.0.1", "::1")
    if not parts.hostname or parts.query or parts.fragment:
        raise ValueError("is no address such as https://login.novads.example/realms/novads")
    if parts.scheme != "https" and not (near and parts.scheme == "http"):
        raise ValueError("must begin with https://; what it says would cross the network unprotected")
    return value


class Group(Part):
    """Who is in a group of the provider has a role here, of a department where the role has one."""

    group: Text
    role: Role
    department: Identifier | None = None

    @model_validator(mode="after")
    def _of_department(self) -> Group:
        if (self.role in OF_DEPARTMENT) != (self.department is not None):
            needs = "needs a department" if self.role in OF_DEPARTMENT else "is of no department"
            raise ValueError(f"role {self.role} {needs}")
        return self


class SignIn(Part):
    """The provider, such as Entra ID or Keycloak; without `issuer` there are local accounts only.

    `issuer`: exactly as the provider's discovery document says it. `client_secret`: from the environment
    (`CALLSTATS_SIGN_IN__CLIENT_SECRET`). `groups_claim`: where the ID token lists groups or roles, with dots
    into its parts (Keycloak's roles: `realm_access.roles`). `login_claim`: what an account is called by.
    """

    issuer: Annotated[str, AfterValidator(_issuer)] | None = None
    name: Text = "OpenID Connect"
    client_id: Text = "callstats"
    client_secret: SecretStr | None = Field(default=None, repr=False)
    scopes: Texts = ("openid", "profile", "email")
    groups_claim: Text = "groups"
    login_claim: Text = "preferred_username"
    groups: tuple[Group, ...] = Field(default=())

    @model_validator(mode="after")
    def _whole(self) -> SignIn:
        if self.issuer is not None and not self.groups:
            raise ValueError("issuer without [[sign_in.groups]]: nobody would get a role")
        if "openid" not in self.scopes:
            raise ValueError('scopes must hold "openid"')
        return self
