"""Fingerprints of the keys that pseudonyms were made with."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the table; the key file in use is remembered when it is next read."""
    op.create_table(
        "number_keys",
        sa.Column("key_id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("fingerprint", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("key_id", name="pk_number_keys"),
    )
