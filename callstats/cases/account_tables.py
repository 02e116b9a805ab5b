"""Tables of accounts: who may sign in, as what, and what is open in their name.

A grant is a role, of a department where the role has one, over local days ``[valid_from, valid_to)``. Of
passwords only the argon2id hash is kept, of sessions and tokens only the SHA-256 of a random secret.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Date, ForeignKey, Index, Integer, String, Table, UniqueConstraint

from callstats.cases.models import Instant, metadata

accounts: Final = Table(
    "accounts",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("login", String, nullable=False),
    Column("name", String, nullable=False),
    Column("password", String),  # argon2id; null: signs in elsewhere, or not yet
    Column("created_at", Instant, nullable=False),
    Column("ended_at", Instant),
    UniqueConstraint("login"),
)

account_identities: Final = Table(
    "account_identities",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("account", Integer, ForeignKey("accounts.id"), nullable=False),
    Column("issuer", String, nullable=False),
    Column("subject", String, nullable=False),  # the provider's name for the person, never used anew
    UniqueConstraint("issuer", "subject"),
    Index(None, "account"),
)

account_grants: Final = Table(
    "account_grants",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("account", Integer, ForeignKey("accounts.id"), nullable=False),
    Column("role", String, nullable=False),
    Column("department", String),
    Column("valid_from", Date, nullable=False),
    Column("valid_to", Date),
    Column("author", String, nullable=False),
    Index(None, "account"),
)

account_extensions: Final = Table(
    "account_extensions",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("account", Integer, ForeignKey("accounts.id"), nullable=False),
    Column("extension", String, nullable=False),
    Column("valid_from", Date, nullable=False),
    Column("valid_to", Date),
    Column("author", String, nullable=False),
    Index(None, "account"),
)

sessions: Final = Table(
    "sessions",
    metadata,
    Column("secret", String, primary_key=True),  # SHA-256 of what the cookie holds
    Column("account", Integer, ForeignKey("accounts.id"), nullable=False),
    Column("began_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Index(None, "account"),
)

tokens: Final = Table(
    "tokens",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("secret", String, nullable=False),
    Column("account", Integer, ForeignKey("accounts.id"), nullable=False),
    Column("name", String, nullable=False),
    Column("role", String, nullable=False),  # that the token acts in; the account needs to have it
    Column("made_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("revoked_at", Instant),
    UniqueConstraint("secret"),
    Index(None, "account"),
)

sign_in_faults: Final = Table(
    "sign_in_faults",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("login", String, nullable=False),
    Column("at", Instant, nullable=False),
    Index(None, "login", "at"),
)
