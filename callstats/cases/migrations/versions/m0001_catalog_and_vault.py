"""Catalog of the facts and the number vault.

Written out in full: a migration must not change when the models do.
"""

import sqlalchemy as sa
from alembic import op

from callstats.cases.models import Instant

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the first tables and the version row."""
    version = op.create_table(
        "data_version",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("counter", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_data_version"),
        sa.CheckConstraint("id = 1", name="ck_data_version_one_row"),
    )
    op.bulk_insert(version, [{"id": 1, "counter": 0, "digest": ""}])
    op.create_table(
        "batches",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("pbx", sa.String, nullable=False),
        sa.Column("source", sa.String, nullable=False),
        sa.Column("dialect", sa.String, nullable=False),
        sa.Column("path", sa.String, nullable=False),
        sa.Column("sha256", sa.String, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("lineage", sa.String, nullable=False),
        sa.Column("rows_read", sa.BigInteger, nullable=False),
        sa.Column("rows_kept", sa.BigInteger, nullable=False),
        sa.Column("rows_ignored", sa.BigInteger, nullable=False),
        sa.Column("rows_rejected", sa.BigInteger, nullable=False),
        sa.Column("rows_new", sa.BigInteger, nullable=False),
        sa.Column("loaded_at", Instant, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_batches"),
        sa.CheckConstraint("state IN ('live', 'grown')", name="ck_batches_state"),
    )
    op.create_index("ix_batches_lineage_pbx_dialect", "batches", ["lineage", "pbx", "dialect"])
    op.create_table(
        "files",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("table_name", sa.String, nullable=False),
        sa.Column("local_date", sa.Date, nullable=False),
        sa.Column("path", sa.String, nullable=False),
        sa.Column("rows", sa.BigInteger, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("pbx", sa.String),
        sa.Column("source", sa.String),
        sa.Column("feed_ends", sa.Boolean, nullable=False),
        sa.Column("min_at", Instant),
        sa.Column("max_at", Instant),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("lease_until", Instant),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("replaced_at", Instant),
        sa.Column("version", sa.BigInteger),
        sa.Column("batch", sa.String),
        sa.PrimaryKeyConstraint("id", name="pk_files"),
        sa.UniqueConstraint("path", name="uq_files_path"),
        sa.ForeignKeyConstraint(["batch"], ["batches.id"], name="fk_files_batch"),
        sa.CheckConstraint("state IN ('pending', 'live', 'replaced')", name="ck_files_state"),
    )
    op.create_index("ix_files_table_name_state_local_date", "files", ["table_name", "state", "local_date"])
    op.create_table(
        "days",
        sa.Column("local_date", sa.Date, nullable=False),
        sa.Column("event_version", sa.BigInteger, nullable=False),
        sa.Column("computed_version", sa.BigInteger, nullable=False),
        sa.Column("reach_to", sa.Date, nullable=False),
        sa.Column("rules", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("local_date", name="pk_days"),
    )
    op.create_table(
        "readers",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("since", Instant, nullable=False),
        sa.Column("lease_until", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_readers"),
    )
    op.create_table(
        "numbers",
        sa.Column("pseudonym", sa.String, nullable=False),
        sa.Column("secret", sa.LargeBinary, nullable=False),
        sa.Column("seen_at", Instant, nullable=False),
        sa.Column("expires_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("pseudonym", name="pk_numbers"),
    )
    op.create_index("ix_numbers_expires_at", "numbers", ["expires_at"])
