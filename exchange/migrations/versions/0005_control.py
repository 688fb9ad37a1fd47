"""Sandboxes are controlled: their clock and faults, and snapshots of what was written."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this shape."""
    op.add_column("sandboxes", sa.Column("clock", sa.JSON()))
    op.add_column("sandboxes", sa.Column("faults", sa.JSON()))
    op.add_column("sandboxes", sa.Column("revision", sa.Integer(), nullable=False, server_default="0"))
    op.create_index(op.f("ix_sandboxes_world"), "sandboxes", ["world"])
    op.create_table(
        "sandbox_snapshots",
        sa.Column("sandbox", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("seed", sa.Text(), nullable=False),
        sa.Column("taken_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("sandbox", "name", name=op.f("pk_sandbox_snapshots")),
    )


def downgrade() -> None:
    """Back to the shape before."""
    op.drop_table("sandbox_snapshots")
    op.drop_index(op.f("ix_sandboxes_world"), "sandboxes")
    for name in ("revision", "faults", "clock"):
        op.drop_column("sandboxes", name)
