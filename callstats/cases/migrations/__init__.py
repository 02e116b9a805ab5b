"""Alembic migrations of the SQL side; run by `callstats.cases.database`."""
