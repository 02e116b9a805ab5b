"""Closed months: their editions, figures and parts."""

import sqlalchemy as sa
from alembic import op

from callstats.cases.models import Instant

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the tables; months are closed by the next command that computes figures."""
    op.create_table(
        "month_editions",
        sa.Column("month", sa.Date, nullable=False),
        sa.Column("edition", sa.Integer, nullable=False),
        sa.Column("closed_at", Instant, nullable=False),
        sa.Column("closed_by", sa.String, nullable=False),
        sa.Column("reason", sa.String),
        sa.Column("seen_before", sa.Date, nullable=False),
        sa.Column("without", sa.String, nullable=False),
        sa.Column("rules", sa.String, nullable=False),
        sa.Column("rules_fingerprint", sa.String, nullable=False),
        sa.Column("code_version", sa.String, nullable=False),
        sa.Column("data_version", sa.String, nullable=False),
        sa.Column("counter", sa.BigInteger, nullable=False),
        sa.Column("entered", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("month", "edition", name="pk_month_editions"),
        sa.CheckConstraint("edition > 0", name="ck_month_editions_from_one"),
        sa.CheckConstraint("edition = 1 OR reason IS NOT NULL", name="ck_month_editions_restated_why"),
    )
    op.create_table(
        "month_figures",
        *_keys("month_figures"),
        sa.Column("metric", sa.String, nullable=False),
        sa.Column("measure", sa.String, nullable=False),
        sa.Column("axes", sa.String, nullable=False),
        sa.Column("department", sa.String),
        sa.Column("place", sa.String),
        sa.Column("unit", sa.String, nullable=False),
        *(sa.Column(name, sa.Double) for name in ("value", "low", "high")),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("k", "n")),
        *(sa.Column(name, sa.Double) for name in ("mean", "p90", "max", "open_h")),
        sa.Column("excluded", sa.String, nullable=False),
        *(
            sa.Column(name, sa.BigInteger, nullable=False)
            for name in ("certain", "borderline", "estimated", "unknown")
        ),
        sa.Column("rule_version", sa.String),
    )
    op.create_index("ix_month_figures_metric_axes_month", "month_figures", ["metric", "axes", "month"])
    op.create_table(
        "month_parts",
        *_keys("month_parts"),
        sa.Column("metric", sa.String, nullable=False),
        sa.Column("measure", sa.String, nullable=False),
        *(
            sa.Column(name, sa.String)
            for name in ("department", "place", "reason", "certainty", "rule_version")
        ),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("n", "k")),
        *(sa.Column(name, sa.BigInteger) for name in ("sum_us", "max_us")),
        sa.Column("bars", sa.LargeBinary),
    )
    op.create_index("ix_month_parts_metric_month", "month_parts", ["metric", "month"])


def _keys(table: str) -> list[sa.Column[object] | sa.Constraint]:
    """Row number within an edition, and the edition it belongs to."""
    return [
        sa.Column("month", sa.Date, nullable=False),
        sa.Column("edition", sa.Integer, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("month", "edition", "number", name=f"pk_{table}"),
        sa.ForeignKeyConstraint(
            ["month", "edition"],
            ["month_editions.month", "month_editions.edition"],
            name=f"fk_{table}_month_edition",
        ),
    ]
