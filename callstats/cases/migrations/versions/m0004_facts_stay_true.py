"""What keeps the facts true: versions of files, ids that cross days, ends of feeds, retention.

The days of a database from before are computed anew: what crosses days is looked up in the files then.
"""

import sqlalchemy as sa
from alembic import op

from callstats.cases.models import Instant

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the columns and tables; every day becomes stale."""
    with op.batch_alter_table("data_version") as table:
        table.add_column(sa.Column("content", sa.BigInteger, nullable=False, server_default="0"))
        table.add_column(sa.Column("swept", sa.BigInteger, nullable=False, server_default="0"))
        table.add_column(sa.Column("feeds_changed", sa.BigInteger, nullable=False, server_default="0"))
        table.add_column(sa.Column("feeds_seen", sa.BigInteger, nullable=False, server_default="0"))
    op.execute("UPDATE data_version SET content = counter, feeds_changed = counter")
    with op.batch_alter_table("data_version") as table:
        table.alter_column("content", server_default=None)
        table.alter_column("swept", server_default=None)
        table.alter_column("feeds_changed", server_default=None)
        table.alter_column("feeds_seen", server_default=None)
    with op.batch_alter_table("files") as table:
        table.add_column(sa.Column("last_date", sa.Date))
        table.add_column(sa.Column("replaced_version", sa.BigInteger))
        table.add_column(sa.Column("evidence", sa.BigInteger))
        table.add_column(sa.Column("indexed", sa.Boolean))
    op.execute("UPDATE files SET last_date = local_date, evidence = version")
    op.execute("UPDATE files SET indexed = (table_name <> 'events')")
    # nobody reads across a migration: what was replaced before counts as never listed
    op.execute("UPDATE files SET replaced_version = version WHERE state = 'replaced'")
    with op.batch_alter_table("files") as table:
        table.alter_column("last_date", nullable=False)
        table.alter_column("indexed", nullable=False)
    with op.batch_alter_table("days") as table:
        table.add_column(sa.Column("spread_version", sa.BigInteger, nullable=False, server_default="-1"))
        table.drop_column("reach_to")
    with op.batch_alter_table("days") as table:
        table.alter_column("spread_version", server_default=None)
    op.execute("UPDATE days SET computed_version = -1, rules = ''")
    op.create_table(
        "crossings",
        sa.Column("file", sa.String, nullable=False),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("other_day", sa.Date, nullable=False),
        sa.PrimaryKeyConstraint("file", "id", "other_day", name="pk_crossings"),
        sa.ForeignKeyConstraint(["file"], ["files.id"], name="fk_crossings_file", ondelete="CASCADE"),
    )
    op.create_index("ix_crossings_id", "crossings", ["id"])
    op.create_index("ix_crossings_other_day", "crossings", ["other_day"])
    op.create_table(
        "feed_ends",
        sa.Column("file", sa.String, nullable=False),
        sa.Column("line_key", sa.String, nullable=False),
        sa.Column("pbx", sa.String, nullable=False),
        sa.Column("batch", sa.String, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("connection", sa.BigInteger),
        sa.Column("line", sa.BigInteger),
        sa.PrimaryKeyConstraint("file", "line_key", name="pk_feed_ends"),
        sa.ForeignKeyConstraint(["file"], ["files.id"], name="fk_feed_ends_file", ondelete="CASCADE"),
    )
    op.create_table(
        "feed_gaps",
        sa.Column("pbx", sa.String, nullable=False),
        sa.Column("from_us", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("to_us", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("pbx", "from_us", name="pk_feed_gaps"),
    )
    horizons = op.create_table(
        "horizons",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("sealed_before", sa.Date),
        sa.Column("purged_before", sa.Date),
        sa.Column("facts_before", sa.Date),
        sa.PrimaryKeyConstraint("id", name="pk_horizons"),
        sa.CheckConstraint("id = 1", name="ck_horizons_one_row"),
    )
    op.bulk_insert(horizons, [{"id": 1}])
    op.create_table(
        "purges",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("what", sa.String, nullable=False),
        sa.Column("setting", sa.String, nullable=False),
        sa.Column("before", sa.Date),
        sa.Column("days", sa.BigInteger, nullable=False),
        sa.Column("files", sa.BigInteger, nullable=False),
        sa.Column("rows", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_purges"),
    )
