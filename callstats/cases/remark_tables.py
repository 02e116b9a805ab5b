"""Tables of what people say: a head of a month, an employee of a call, a client of what is kept."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Date, ForeignKey, Index, Integer, String, Table, Text

from callstats.cases.models import Instant, metadata

month_remarks: Final = Table(
    "month_remarks",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("department", String, nullable=False),
    Column("month", Date, nullable=False),
    Column("metric", String),  # the figure that is contested; null: a comment to the month
    Column("text", Text, nullable=False),
    Column("author", String, nullable=False),
    Column("at", Instant, nullable=False),
    Column("withdrawn_at", Instant),
    Index(None, "month", "department"),
)

corrections: Final = Table(
    "corrections",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("call_id", String, nullable=False),
    Column("local_date", Date, nullable=False),  # of the call: the request goes when the call does
    Column("department", String, nullable=False),
    Column("account", Integer, ForeignKey("accounts.id")),  # null: of the demonstration
    Column("author", String, nullable=False),
    Column("text", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("accepted", Integer),  # 1, 0; null: not answered yet
    Column("answer", Text),
    Column("answered_by", String),
    Column("answered_at", Instant),
    Index(None, "department"),
)

data_requests: Final = Table(
    "data_requests",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("kind", String, nullable=False),
    Column("client", String, nullable=False),  # pseudonym: the number itself is not kept for it
    Column("received_on", Date, nullable=False),
    Column("due_on", Date, nullable=False),
    Column("note", Text, nullable=False),
    Column("author", String, nullable=False),
    Column("at", Instant, nullable=False),
    Column("outcome", Text),
    Column("closed_by", String),
    Column("closed_at", Instant),
    Index(None, "client"),
)
