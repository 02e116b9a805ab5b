"""Entered intervals in a neutral state; rows are only ever added."""

import sqlalchemy as sa
from alembic import op

from callstats.cases.models import Instant

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the table."""
    op.create_table(
        "neutral_intervals",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=True),
        sa.Column("department", sa.String),
        sa.Column("phone", sa.String),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("from_at", Instant, nullable=False),
        sa.Column("to_at", Instant, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("author", sa.String, nullable=False),
        sa.Column("entered_at", Instant, nullable=False),
        sa.Column("supersedes", sa.Integer),
        sa.Column("withdrawn", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_neutral_intervals"),
        sa.UniqueConstraint("supersedes", name="uq_neutral_intervals_supersedes"),
        sa.ForeignKeyConstraint(
            ["supersedes"], ["neutral_intervals.id"], name="fk_neutral_intervals_supersedes"
        ),
        sa.CheckConstraint(
            "(department IS NULL) <> (phone IS NULL)", name="ck_neutral_intervals_one_of_both"
        ),
        sa.CheckConstraint("from_at < to_at", name="ck_neutral_intervals_forward"),
        sa.CheckConstraint(
            "NOT withdrawn OR supersedes IS NOT NULL", name="ck_neutral_intervals_withdraws_one"
        ),
    )
