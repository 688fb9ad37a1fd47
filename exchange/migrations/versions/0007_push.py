"""Push subscriptions with their messages; hosted sandboxes remember how far their faults are counted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this shape."""
    op.add_column("sandboxes", sa.Column("fault_counts", sa.JSON()))
    needed = ("id", "consumer", "provider", "agreement", "interface", "operation", "purpose", "kind", "destination",
              "created_by", "created_at")  # fmt: skip
    op.create_table(
        "push_subscriptions",
        *(sa.Column(name, sa.Text(), nullable=False) for name in needed),
        *(sa.Column(name, sa.Text()) for name in ("every", "at", "division", "division_field")),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("state", "reason")),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("position", "failures")),
        *(sa.Column(name, sa.Text()) for name in ("hold_until", "next_at", "job")),
        sa.Column("rounds", sa.Integer(), nullable=False),
        sa.Column("sealed_call", sa.LargeBinary()),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_former", sa.LargeBinary()),
        sa.Column("former_until", sa.Text()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_push_subscriptions")),
    )
    for name in ("consumer", "provider"):
        op.create_index(op.f(f"ix_push_subscriptions_{name}"), "push_subscriptions", [name])
    op.create_index("ix_push_subscriptions_interface_operation", "push_subscriptions", ["interface", "operation"])
    op.create_table(
        "push_messages",
        sa.Column("subscription", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("id", "at", "due_at", "fate")),
        sa.Column("event", sa.Text()),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("tries", "replays")),
        sa.Column("status", sa.Integer()),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("delivery", sa.Text()),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("done_at", sa.Text()),
        sa.Column("sealed", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("subscription", "position", name=op.f("pk_push_messages")),
        sa.UniqueConstraint("id", name=op.f("uq_push_messages_id")),
    )
    op.create_index("ix_push_messages_fate_due_at", "push_messages", ["fate", "due_at"])
    op.create_index("ix_push_messages_at", "push_messages", ["at"])
    op.create_table(
        "push_events",
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("interface", "id", "fingerprint", "at")),
        sa.Column("messages", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("interface", "id", name=op.f("pk_push_events")),
    )
    op.create_index(op.f("ix_push_events_at"), "push_events", ["at"])


def downgrade() -> None:
    """Back to the shape before."""
    for table in ("push_events", "push_messages", "push_subscriptions"):
        op.drop_table(table)
    op.drop_column("sandboxes", "fault_counts")
