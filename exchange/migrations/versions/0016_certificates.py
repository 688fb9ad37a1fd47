"""Certificates: their id, their revocation, and when their seeds were revealed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0014"
branch_labels = None
depends_on = None

NEW = ("certificate_id", "revoked_at", "revoked_because", "revealed_at")


def upgrade() -> None:
    """To this shape."""
    for name in NEW:
        op.add_column("certifications", sa.Column(name, sa.Text()))


def downgrade() -> None:
    """Back to the shape before."""
    for name in reversed(NEW):
        op.drop_column("certifications", name)
