"""Tables of the SQL side. Instants are UTC; `local_date` is a day in the site's time zone.

The catalog knows every batch and every Parquet file of the facts. A file is `pending` (being written, until
its lease ends), `live`, or `replaced` (kept for those who still read it). It was valid from `version` up to
`replaced_version`, so that the facts of any version can be listed while their files are there; `evidence` is
the version that brought the newest of its lines, which a file that only gathers others keeps.
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
    Column("counter", BigInteger, nullable=False),  # commits of any kind
    Column("content", BigInteger, nullable=False),  # commits that changed what the facts say
    Column("digest", String, nullable=False),
    Column("swept", BigInteger, nullable=False),  # older versions cannot be listed whole any more
    Column("feeds_changed", BigInteger, nullable=False),  # version of the last change of a feed's ends
    Column("feeds_seen", BigInteger, nullable=False),  # version whose feeds the table `feed_gaps` tells
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
    Column("last_date", Date, nullable=False),  # of a month's file the last day, else the same day
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
    Column("replaced_version", BigInteger),
    Column("evidence", BigInteger),
    Column("indexed", Boolean, nullable=False),  # `crossings` and `feed_ends` tell of it
    Column("batch", String, ForeignKey("batches.id")),  # null where it holds lines of several
    Index(None, "table_name", "state", "local_date"),
)

# An id whose lines in a file are of another day than the one on which it came up; "": a CDR row without
# linkedid that began on the file's day and ended on another.
crossings: Final = Table(
    "crossings",
    metadata,
    Column("file", String, ForeignKey("files.id", ondelete="CASCADE"), primary_key=True),
    Column("id", String, primary_key=True),
    Column("other_day", Date, primary_key=True),
    Index(None, "id"),
    Index(None, "other_day"),
)

# Where recorded feeds begin and end.
feed_ends: Final = Table(
    "feed_ends",
    metadata,
    Column("file", String, ForeignKey("files.id", ondelete="CASCADE"), primary_key=True),
    Column("line_key", String, primary_key=True),
    Column("pbx", String, nullable=False),
    Column("batch", String, nullable=False),
    Column("at", Instant, nullable=False),
    Column("kind", String, nullable=False),
    Column("connection", BigInteger),
    Column("line", BigInteger),
)

# A connection of the collector: from when to when it was heard, in the PBX's time; it may be open still.
live_feeds: Final = Table(
    "live_feeds",
    metadata,
    Column("pbx", String, primary_key=True),
    Column("name", String, primary_key=True),  # journal, and number of the connection in it
    Column("connected_us", BigInteger, nullable=False),
    Column("heard_us", BigInteger, nullable=False),
)

# How far the journal of a collector was taken into the facts: segment and record that are next; and which
# block of which connection has to stand there, or something is missing.
journal_cursors: Final = Table(
    "journal_cursors",
    metadata,
    Column("journal", String, primary_key=True),
    Column("segment", BigInteger, nullable=False),
    Column("record", BigInteger, nullable=False),
    Column("connection", BigInteger, nullable=False),
    Column("ordinal", BigInteger, nullable=False),
    Column("at", Instant, nullable=False),
)

# When no feed of a PBX was there, as of the last computing: what differs makes days stale.
feed_gaps: Final = Table(
    "feed_gaps",
    metadata,
    Column("pbx", String, primary_key=True),
    Column("from_us", BigInteger, primary_key=True, autoincrement=False),
    Column("to_us", BigInteger, nullable=False),
)

days: Final = Table(
    "days",
    metadata,
    Column("local_date", Date, primary_key=True),
    Column("event_version", BigInteger, nullable=False),
    Column("computed_version", BigInteger, nullable=False),
    Column("spread_version", BigInteger, nullable=False),
    Column("rules", String, nullable=False),
)

# Retention only moves forward. Days before `sealed_before` take no lines and are not computed any more, of
# those before `purged_before` no event is left, of those before `facts_before` nothing but stored figures.
horizons: Final = Table(
    "horizons",
    metadata,
    Column("id", Integer, CheckConstraint("id = 1", name="one_row"), primary_key=True),
    Column("sealed_before", Date),
    Column("purged_before", Date),
    Column("facts_before", Date),
)

# What went, when and by which setting.
purges: Final = Table(
    "purges",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("what", String, nullable=False),
    Column("setting", String, nullable=False),
    Column("before", Date),
    Column("days", BigInteger, nullable=False),
    Column("files", BigInteger, nullable=False),
    Column("rows", BigInteger, nullable=False),
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

neutral_intervals: Final = Table(
    "neutral_intervals",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("department", String),
    Column("phone", String),
    Column("state", String, nullable=False),
    Column("from_at", Instant, nullable=False),
    Column("to_at", Instant, nullable=False),
    Column("reason", String, nullable=False),
    Column("author", String, nullable=False),
    Column("entered_at", Instant, nullable=False),
    Column("supersedes", Integer, ForeignKey("neutral_intervals.id"), unique=True),
    Column("withdrawn", Boolean, nullable=False),
    CheckConstraint("(department IS NULL) <> (phone IS NULL)", name="one_of_both"),
    CheckConstraint("from_at < to_at", name="forward"),
    CheckConstraint("NOT withdrawn OR supersedes IS NOT NULL", name="withdraws_one"),
)

number_keys: Final = Table(
    "number_keys",
    metadata,
    Column("key_id", Integer, primary_key=True, autoincrement=False),
    Column("fingerprint", String, nullable=False),
    Column("version", BigInteger, nullable=False, server_default="0"),
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
    Column("entered", BigInteger, nullable=False),
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
    Column("mean", Double),
    Column("p90", Double),
    Column("max", Double),
    Column("open_h", Double),
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
    Column("n", BigInteger, nullable=False),
    Column("k", BigInteger, nullable=False),
    Column("sum_us", BigInteger),
    Column("max_us", BigInteger),
    Column("bars", LargeBinary),
    ForeignKeyConstraint(["month", "edition"], ["month_editions.month", "month_editions.edition"]),
    Index(None, "metric", "month"),
)
