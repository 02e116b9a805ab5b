"""Tables of the hotline register (clause 17): cases, what identifies them, and their steps.

Steps are only ever added. `cases` holds what finding and counting cases needs; all of it but the number and
the kind follows from the steps (`callstats.register.steps`).
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
)

from callstats.cases.models import Instant, metadata

cases: Final = Table(
    "cases",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("kind", String, CheckConstraint("kind IN ('message', 'promise')", name="kind"), nullable=False),
    Column("steps", Integer, nullable=False),  # how many there are: who adds one names it
    Column("day", Date, nullable=False),  # local date of the message, or of the promise
    Column("closed", Boolean, nullable=False),
    Column("closed_at", Instant),
    Column("department", String),  # to whom it was forwarded
    Column("client", String),  # pseudonym of the number that called
    Column("callback", String),  # pseudonym of the number that the message asks to call
    Index(None, "closed", "department"),
    Index(None, "client"),
    Index(None, "callback"),
)

# By what a message is known again: its identity in the spool, or its call where only that was seen.
case_keys: Final = Table(
    "case_keys",
    metadata,
    Column("key", String, primary_key=True),
    Column("case", Integer, ForeignKey("cases.number"), nullable=False, index=True),
)

case_steps: Final = Table(
    "case_steps",
    metadata,
    Column("case", Integer, ForeignKey("cases.number"), primary_key=True, autoincrement=False),
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("number", BigInteger, nullable=False, unique=True),  # of all steps, in the order of commits
    Column("step", String, nullable=False),
    Column("at", Instant, nullable=False),  # when it was done; `entered_at`: when it was written down
    Column("entered_at", Instant, nullable=False),
    Column("author", String, nullable=False),
    Column("said", String, nullable=False),  # what the step says, JSON
    CheckConstraint("place > 0", name="from_one"),
)

register_state: Final = Table(
    "register_state",
    metadata,
    Column("id", Integer, CheckConstraint("id = 1", name="one_row"), primary_key=True),
    Column("seen", BigInteger, nullable=False),  # commits of the facts whose messages have their cases
    Column("entered", BigInteger, nullable=False),  # steps ever added: the version of what people did
)

# Reminders: one row per recipient, way and day. What they say is kept with them.
outbox: Final = Table(
    "outbox",
    metadata,
    Column("message_id", String, primary_key=True),  # stable: the same reminder has it again
    Column("way", String, CheckConstraint("way IN ('email', 'webhook')", name="way"), nullable=False),
    Column("recipient", String, nullable=False),
    Column("day", Date, nullable=False),  # local date on which the cases that it tells of are due
    Column("cases", String, nullable=False),  # JSON: numbers, departments, due dates; no client
    Column("made_at", Instant, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("next_try_at", Instant, nullable=False),
    Column("sent_at", Instant),
    Column("fault", String),
    UniqueConstraint("way", "recipient", "day"),
)

# Who saw a client's number, when and why; rows are only ever added, each sealed with the one before.
access_log: Final = Table(
    "access_log",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at", Instant, nullable=False),
    Column("author", String, nullable=False),
    Column("action", String, nullable=False),
    Column("about", String, nullable=False),
    Column("reason", String),
    Column("before", String, nullable=False),  # seal of the row before; "": there was none
    Column("seal", String, nullable=False),
)
