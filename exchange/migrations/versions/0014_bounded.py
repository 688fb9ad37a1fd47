"""Sums of oversight name a bounded number of fields and the purpose a refused call stated; rules say who looks.

The sums follow from the ledger: they are emptied, and the next round counts them again.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0015"
branch_labels = None
depends_on = None

_DERIVED = ("channels", "days", "hours", "events", "breaches", "head")


def upgrade() -> None:
    """To this shape. Of the purposes refused callers stated, those stay that some agreement has."""
    _empty()
    op.add_column("oversight_channels", sa.Column("claimed", sa.Text(), nullable=False, server_default=""))
    op.add_column("oversight_channels", sa.Column("base", sa.Text(), nullable=False, server_default=""))
    op.add_column("oversight_channels", sa.Column("began", sa.Integer(), nullable=False, server_default="0"))
    op.create_index(op.f("ix_oversight_channels_base"), "oversight_channels", ["base"], unique=False)
    op.create_table(
        "oversight_months",
        sa.Column("month", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("channel", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("calls", _whole(), nullable=False),
        sa.Column("records", _whole(), nullable=False),
        sa.Column("entry", _whole(), nullable=False),
        sa.PrimaryKeyConstraint("month", "channel", name=op.f("pk_oversight_months")),
    )
    words = ("provider", "consumer", "interface", "operation")
    op.create_table(
        "oversight_alarms",
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("hour", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in words),
        *(sa.Column(name, sa.Float(), nullable=False) for name in ("observed", "usual", "score")),
        sa.Column("detail_zh", sa.Text(), nullable=False),
        sa.Column("detail_en", sa.Text(), nullable=False),
        sa.Column("entry", _whole(), nullable=False),
        sa.PrimaryKeyConstraint("day", "number", name=op.f("pk_oversight_alarms")),
    )
    op.create_table(
        "oversight_watched",
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_oversight_watched")),
    )
    op.create_table(
        "oversight_beside",
        sa.Column("agreement", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("first", sa.Integer(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("agreement", "field", name=op.f("pk_oversight_beside")),
    )
    op.add_column("disclosure_rules", sa.Column("viewer", sa.Text(), nullable=False, server_default=""))
    op.execute(
        "UPDATE deliveries SET claimed = '(other)' WHERE claimed <> '' "
        "AND claimed NOT IN (SELECT purpose FROM agreements)"
    )


def downgrade() -> None:
    """Back to the shape before."""
    _empty()
    op.drop_column("disclosure_rules", "viewer")
    for name in ("beside", "watched", "alarms", "months"):
        op.drop_table(f"oversight_{name}")
    op.drop_index(op.f("ix_oversight_channels_base"), table_name="oversight_channels")
    op.drop_column("oversight_channels", "began")
    op.drop_column("oversight_channels", "base")
    op.drop_column("oversight_channels", "claimed")


def _whole() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _empty() -> None:
    for name in _DERIVED:
        op.execute(f"DELETE FROM oversight_{name}")
