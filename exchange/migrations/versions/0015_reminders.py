"""Reminders: when the person of a finished matter was reminded to rate it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this shape."""
    op.add_column("handled_matters", sa.Column("reminded_at", sa.Text()))


def downgrade() -> None:
    """Back to the shape before."""
    op.drop_column("handled_matters", "reminded_at")
