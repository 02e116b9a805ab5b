"""What people say: comments on months, contested figures, requests to correct a call and about own data."""

import sqlalchemy as sa
from alembic import op

from callstats.cases.models import Instant

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the tables."""
    op.create_table(
        "month_remarks",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=True),
        sa.Column("department", sa.String, nullable=False),
        sa.Column("month", sa.Date, nullable=False),
        sa.Column("metric", sa.String),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("author", sa.String, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("withdrawn_at", Instant),
        sa.PrimaryKeyConstraint("id", name="pk_month_remarks"),
    )
    op.create_index("ix_month_remarks_month_department", "month_remarks", ["month", "department"])
    op.create_table(
        "corrections",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=True),
        sa.Column("call_id", sa.String, nullable=False),
        sa.Column("local_date", sa.Date, nullable=False),
        sa.Column("department", sa.String, nullable=False),
        sa.Column("account", sa.Integer),
        sa.Column("author", sa.String, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("accepted", sa.Integer),
        sa.Column("answer", sa.Text),
        sa.Column("answered_by", sa.String),
        sa.Column("answered_at", Instant),
        sa.PrimaryKeyConstraint("id", name="pk_corrections"),
        sa.ForeignKeyConstraint(["account"], ["accounts.id"], name="fk_corrections_account"),
    )
    op.create_index("ix_corrections_department", "corrections", ["department"])
    op.create_table(
        "data_requests",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=True),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("client", sa.String, nullable=False),
        sa.Column("received_on", sa.Date, nullable=False),
        sa.Column("due_on", sa.Date, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("author", sa.String, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("outcome", sa.Text),
        sa.Column("closed_by", sa.String),
        sa.Column("closed_at", Instant),
        sa.PrimaryKeyConstraint("id", name="pk_data_requests"),
    )
    op.create_index("ix_data_requests_client", "data_requests", ["client"])
