"""The live feed: connections of the collector, and how far its journal was taken in."""

import sqlalchemy as sa
from alembic import op

from callstats.cases.models import Instant

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the tables."""
    op.create_table(
        "live_feeds",
        sa.Column("pbx", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("connected_us", sa.BigInteger, nullable=False),
        sa.Column("heard_us", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("pbx", "name", name="pk_live_feeds"),
    )
    op.create_table(
        "journal_cursors",
        sa.Column("journal", sa.String, nullable=False),
        sa.Column("segment", sa.BigInteger, nullable=False),
        sa.Column("record", sa.BigInteger, nullable=False),
        sa.Column("connection", sa.BigInteger, nullable=False),
        sa.Column("ordinal", sa.BigInteger, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("journal", name="pk_journal_cursors"),
    )
