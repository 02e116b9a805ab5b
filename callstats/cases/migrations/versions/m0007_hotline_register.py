"""The hotline register: cases, their keys and steps; an outbox of reminders."""

import sqlalchemy as sa
from alembic import op

from callstats.cases.models import Instant

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the tables."""
    op.create_table(
        "cases",
        sa.Column("number", sa.Integer, nullable=False, autoincrement=True),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("steps", sa.Integer, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("closed", sa.Boolean, nullable=False),
        sa.Column("closed_at", Instant),
        *(sa.Column(name, sa.String) for name in ("department", "client", "callback")),
        sa.PrimaryKeyConstraint("number", name="pk_cases"),
        sa.CheckConstraint("kind IN ('message', 'promise')", name="ck_cases_kind"),
    )
    op.create_index("ix_cases_closed_department", "cases", ["closed", "department"])
    op.create_index("ix_cases_client", "cases", ["client"])
    op.create_index("ix_cases_callback", "cases", ["callback"])
    op.create_table(
        "case_keys",
        sa.Column("key", sa.String, nullable=False),
        sa.Column("case", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_case_keys"),
        sa.ForeignKeyConstraint(["case"], ["cases.number"], name="fk_case_keys_case"),
    )
    op.create_index("ix_case_keys_case", "case_keys", ["case"])
    op.create_table(
        "case_steps",
        sa.Column("case", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("place", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("step", sa.String, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("entered_at", Instant, nullable=False),
        sa.Column("author", sa.String, nullable=False),
        sa.Column("said", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("case", "place", name="pk_case_steps"),
        sa.UniqueConstraint("number", name="uq_case_steps_number"),
        sa.ForeignKeyConstraint(["case"], ["cases.number"], name="fk_case_steps_case"),
        sa.CheckConstraint("place > 0", name="ck_case_steps_from_one"),
    )
    state = op.create_table(
        "register_state",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("seen", sa.BigInteger, nullable=False),
        sa.Column("entered", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_register_state"),
        sa.CheckConstraint("id = 1", name="ck_register_state_one_row"),
    )
    op.bulk_insert(state, [{"id": 1, "seen": 0, "entered": 0}])
    op.create_table(
        "outbox",
        sa.Column("message_id", sa.String, nullable=False),
        sa.Column("way", sa.String, nullable=False),
        sa.Column("recipient", sa.String, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("cases", sa.String, nullable=False),
        sa.Column("made_at", Instant, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("next_try_at", Instant, nullable=False),
        sa.Column("sent_at", Instant),
        sa.Column("fault", sa.String),
        sa.PrimaryKeyConstraint("message_id", name="pk_outbox"),
        sa.UniqueConstraint("way", "recipient", "day", name="uq_outbox_way_recipient_day"),
        sa.CheckConstraint("way IN ('email', 'webhook')", name="ck_outbox_way"),
    )
    op.create_table(
        "access_log",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=True),
        sa.Column("at", Instant, nullable=False),
        *(sa.Column(name, sa.String, nullable=False) for name in ("author", "action", "about")),
        sa.Column("reason", sa.String),
        sa.Column("before", sa.String, nullable=False),
        sa.Column("seal", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_access_log"),
    )
