"""Accounts: who may sign in, as what; their sessions, tokens and failed sign-ins."""

import sqlalchemy as sa
from alembic import op

from callstats.cases.models import Instant

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the tables."""
    op.create_table(
        "accounts",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=True),
        sa.Column("login", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("password", sa.String),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("ended_at", Instant),
        sa.PrimaryKeyConstraint("id", name="pk_accounts"),
        sa.UniqueConstraint("login", name="uq_accounts_login"),
    )
    role = (sa.Column("role", sa.String, nullable=False), sa.Column("department", sa.String))
    extension = (sa.Column("extension", sa.String, nullable=False),)
    for table, what in (("account_grants", role), ("account_extensions", extension)):
        op.create_table(
            table,
            sa.Column("id", sa.Integer, nullable=False, autoincrement=True),
            sa.Column("account", sa.Integer, nullable=False),
            *what,
            sa.Column("valid_from", sa.Date, nullable=False),
            sa.Column("valid_to", sa.Date),
            sa.Column("author", sa.String, nullable=False),
            sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
            sa.ForeignKeyConstraint(["account"], ["accounts.id"], name=f"fk_{table}_account"),
        )
        op.create_index(f"ix_{table}_account", table, ["account"])
    op.create_table(
        "sessions",
        sa.Column("secret", sa.String, nullable=False),
        sa.Column("account", sa.Integer, nullable=False),
        *(sa.Column(name, Instant, nullable=False) for name in ("began_at", "seen_at", "ends_at")),
        sa.PrimaryKeyConstraint("secret", name="pk_sessions"),
        sa.ForeignKeyConstraint(["account"], ["accounts.id"], name="fk_sessions_account"),
    )
    op.create_index("ix_sessions_account", "sessions", ["account"])
    op.create_table(
        "tokens",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=True),
        sa.Column("secret", sa.String, nullable=False),
        sa.Column("account", sa.Integer, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("role", sa.String, nullable=False),
        sa.Column("made_at", Instant, nullable=False),
        sa.Column("ends_at", Instant, nullable=False),
        sa.Column("revoked_at", Instant),
        sa.PrimaryKeyConstraint("id", name="pk_tokens"),
        sa.UniqueConstraint("secret", name="uq_tokens_secret"),
        sa.ForeignKeyConstraint(["account"], ["accounts.id"], name="fk_tokens_account"),
    )
    op.create_index("ix_tokens_account", "tokens", ["account"])
    op.create_table(
        "sign_in_faults",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=True),
        sa.Column("login", sa.String, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sign_in_faults"),
    )
    op.create_index("ix_sign_in_faults_login_at", "sign_in_faults", ["login", "at"])
