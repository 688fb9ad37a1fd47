"""Proceedings beside agreements, violations, clocks that stand still, and years entered before their notice."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this shape. Clocks that ended before were met: nothing else ended one."""
    op.add_column("clocks", sa.Column("stood", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("clocks", sa.Column("stopped_on", sa.Text()))
    op.add_column("clocks", sa.Column("outcome", sa.Text()))
    op.execute("UPDATE clocks SET outcome = 'met' WHERE met_at IS NOT NULL")
    op.add_column("calendar_years", sa.Column("provisional", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "proceedings",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("consumer", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("interface", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.Text(), nullable=False),
        sa.Column("closed_at", sa.Text()),
        sa.Column("due", sa.Text()),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("acts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proceedings")),
    )
    op.create_index(op.f("ix_proceedings_subject"), "proceedings", ["subject"])
    op.create_index(op.f("ix_proceedings_consumer"), "proceedings", ["consumer"])
    op.create_index(op.f("ix_proceedings_provider"), "proceedings", ["provider"])
    op.create_index("ix_proceedings_kind_state", "proceedings", ["kind", "state"])
    op.create_table(
        "violations",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("interface", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("clock", sa.Text()),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("entry", sa.Integer(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("cleared_at", sa.Text()),
        sa.Column("cleared_by", sa.Text()),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_violations")),
        sa.UniqueConstraint("clock", name=op.f("uq_violations_clock")),
    )
    op.create_index(op.f("ix_violations_party"), "violations", ["party"])
    op.create_index(op.f("ix_violations_subject"), "violations", ["subject"])


def downgrade() -> None:
    """Back to the shape before."""
    op.drop_table("violations")
    op.drop_table("proceedings")
    op.drop_column("calendar_years", "provisional")
    for name in ("outcome", "stopped_on", "stood"):
        op.drop_column("clocks", name)
