"""At which version of the facts a key was taken into use: what was begun before it is out of date."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the column; keys that are in use now were so from the beginning."""
    op.add_column("number_keys", sa.Column("version", sa.BigInteger, nullable=False, server_default="0"))
