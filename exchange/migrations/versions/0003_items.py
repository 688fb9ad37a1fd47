"""What interfaces give and ask, field by field; when their data were last refreshed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

COLUMNS = (
    "refreshed_at", "indexed", "sharing_class", "classification", "update_frequency", "offered_by",
    "search_title", "search_fields", "search_shown",
)  # fmt: skip


def upgrade() -> None:
    """To this shape. Rows of interfaces already published are made at the next start of the service."""
    for name in COLUMNS:
        op.add_column("interfaces", sa.Column(name, sa.Text()))
    op.create_table(
        "interface_items",
        sa.Column("interface", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("way", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("title", sa.JSON(), nullable=False),
        sa.Column("element", sa.Text(), nullable=False),
        sa.Column("qualifier", sa.Text(), nullable=False),
        sa.Column("meaning", sa.Text(), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("sensitivity", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["interface"], ["interfaces.id"], name=op.f("fk_interface_items_interface_interfaces")),
        sa.PrimaryKeyConstraint("interface", "number", name=op.f("pk_interface_items")),
    )
    op.create_index(op.f("ix_interface_items_element"), "interface_items", ["element"])
    op.create_index(op.f("ix_interface_items_meaning"), "interface_items", ["meaning"])


def downgrade() -> None:
    """Back to the shape before."""
    op.drop_table("interface_items")
    for name in reversed(COLUMNS):
        op.drop_column("interfaces", name)
