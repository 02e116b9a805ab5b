"""Alembic's entry: migrates over the connection it is given, inside that connection's transaction."""

from alembic import context

from callstats.cases import (  # noqa: F401  (their tables are in the metadata)
    account_tables,
    register_tables,
    remark_tables,
)
from callstats.cases.models import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
