"""Tables of the SQL side. Instants are UTC; `local_date` is a day in the site's time zone.

The catalog knows every batch and every Parquet file of the facts. A file is `pending` (being written, until
its lease ends), `live`, or `replaced` (kept for those who still read it).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Dialect,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
)
from sqlalchemy.types import TypeDecorator, TypeEngine

metadata: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Instant(TypeDecorator[datetime]):
    """An aware instant; SQLite, which has no zones, stores it as naive UTC."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(DateTime(timezone=dialect.name != "sqlite"))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


data_version: Final = Table(
    "data_version",
    metadata,
    Column("id", Integer, CheckConstraint("id = 1", name="one_row"), primary_key=True),
    Column("counter", BigInteger, nullable=False),
    Column("digest", String, nullable=False),
)

batches: Final = Table(
    "batches",
    metadata,
    Column("id", String, primary_key=True),
    Column("pbx", String, nullable=False),
    Column("source", String, nullable=False),
    Column("dialect", String, nullable=False),
    Column("path", String, nullable=False),
    Column("sha256", String, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("lineage", String, nullable=False),
    Column("rows_read", BigInteger, nullable=False),
    Column("rows_kept", BigInteger, nullable=False),
    Column("rows_ignored", BigInteger, nullable=False),
    Column("rows_rejected", BigInteger, nullable=False),
    Column("rows_new", BigInteger, nullable=False),
    Column("loaded_at", Instant, nullable=False),
    Column("state", String, CheckConstraint("state IN ('live', 'grown')", name="state"), nullable=False),
    Index(None, "lineage", "pbx", "dialect"),
)

files: Final = Table(
    "files",
    metadata,
    Column("id", String, primary_key=True),
    Column("table_name", String, nullable=False),
    Column("local_date", Date, nullable=False),
    Column("path", String, nullable=False, unique=True),
    Column("rows", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("pbx", String),
    Column("source", String),
    Column("feed_ends", Boolean, nullable=False),
    Column("min_at", Instant),
    Column("max_at", Instant),
    Column(
        "state",
        String,
        CheckConstraint("state IN ('pending', 'live', 'replaced')", name="state"),
        nullable=False,
    ),
    Column("lease_until", Instant),
    Column("created_at", Instant, nullable=False),
    Column("replaced_at", Instant),
    Column("version", BigInteger),
    Column("batch", String, ForeignKey("batches.id")),
    Index(None, "table_name", "state", "local_date"),
)

days: Final = Table(
    "days",
    metadata,
    Column("local_date", Date, primary_key=True),
    Column("event_version", BigInteger, nullable=False),
    Column("computed_version", BigInteger, nullable=False),
    Column("reach_to", Date, nullable=False),
    Column("rules", String, nullable=False),
)

readers: Final = Table(
    "readers",
    metadata,
    Column("id", String, primary_key=True),
    Column("since", Instant, nullable=False),
    Column("lease_until", Instant, nullable=False),
)

numbers: Final = Table(
    "numbers",
    metadata,
    Column("pseudonym", String, primary_key=True),
    Column("secret", LargeBinary, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False, index=True),
)

number_keys: Final = Table(
    "number_keys",
    metadata,
    Column("key_id", Integer, primary_key=True, autoincrement=False),
    Column("fingerprint", String, nullable=False),
)

# Closed months, append-only: a month that is computed anew gets a further edition, nothing is overwritten.
month_editions: Final = Table(
    "month_editions",
    metadata,
    Column("month", Date, primary_key=True),
    Column("edition", Integer, CheckConstraint("edition > 0", name="from_one"), primary_key=True),
    Column("closed_at", Instant, nullable=False),
    Column("closed_by", String, nullable=False),
    Column("reason", String, CheckConstraint("edition = 1 OR reason IS NOT NULL", name="restated_why")),
    Column("seen_before", Date, nullable=False),
    Column("without", String, nullable=False),
    Column("rules", String, nullable=False),
    Column("rules_fingerprint", String, nullable=False),
    Column("code_version", String, nullable=False),
    Column("data_version", String, nullable=False),
    Column("counter", BigInteger, nullable=False),
)

month_figures: Final = Table(
    "month_figures",
    metadata,
    Column("month", Date, primary_key=True),
    Column("edition", Integer, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("metric", String, nullable=False),
    Column("measure", String, nullable=False),
    Column("axes", String, nullable=False),
    Column("department", String),
    Column("place", String),
    Column("unit", String, nullable=False),
    Column("value", Double),
    Column("low", Double),
    Column("high", Double),
    Column("k", BigInteger, nullable=False),
    Column("n", BigInteger, nullable=False),
    Column("p90", Double),
    Column("max", Double),
    Column("excluded", String, nullable=False),
    Column("certain", BigInteger, nullable=False),
    Column("borderline", BigInteger, nullable=False),
    Column("estimated", BigInteger, nullable=False),
    Column("unknown", BigInteger, nullable=False),
    Column("rule_version", String),
    ForeignKeyConstraint(["month", "edition"], ["month_editions.month", "month_editions.edition"]),
    Index(None, "metric", "axes", "month"),
)

month_parts: Final = Table(
    "month_parts",
    metadata,
    Column("month", Date, primary_key=True),
    Column("edition", Integer, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("metric", String, nullable=False),
    Column("measure", String, nullable=False),
    Column("department", String),
    Column("place", String),
    Column("reason", String),
    Column("certainty", String),
    Column("rule_version", String),
    Column("measured", Boolean),
    Column("times", LargeBinary),
    Column("n", BigInteger, nullable=False),
    Column("k", BigInteger, nullable=False),
    ForeignKeyConstraint(["month", "edition"], ["month_editions.month", "month_editions.edition"]),
    Index(None, "metric", "month"),
)
