"""Oversight keeps sums of the ledger; rules of disclosure and codes of identity; samples and tickets of quality."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this shape."""
    op.create_table(
        "disclosure_rules",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("law", sa.Text(), nullable=False),
        sa.Column("interface", sa.Text(), nullable=False),
        sa.Column("consumer", sa.Text(), nullable=False),
        sa.Column("delay_days", sa.Integer(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("review_on", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disclosure_rules")),
    )
    op.create_table(
        "identity_codes",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("code", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_codes")),
    )
    op.create_table(
        "identity_limits",
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("since", sa.Text(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_identity_limits")),
    )
    op.create_table(
        "oversight_breaches",
        sa.Column("clock", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("due", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("entry", _whole(), nullable=False),
        sa.PrimaryKeyConstraint("clock", name=op.f("pk_oversight_breaches")),
    )
    op.create_index("ix_oversight_breaches_subject", "oversight_breaches", ["subject"], unique=False)
    op.create_table(
        "oversight_channels",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("consumer", sa.Text(), nullable=False),
        sa.Column("interface", sa.Text(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("agreement", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("law", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("sensitivity", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_oversight_channels")),
        sa.UniqueConstraint("key", name=op.f("uq_oversight_channels_key")),
    )
    op.create_table(
        "oversight_days",
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("channel", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("calls", _whole(), nullable=False),
        sa.Column("records", _whole(), nullable=False),
        sa.Column("entry", _whole(), nullable=False),
        sa.PrimaryKeyConstraint("day", "channel", name=op.f("pk_oversight_days")),
    )
    op.create_table(
        "oversight_events",
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("times", _whole(), nullable=False),
        sa.PrimaryKeyConstraint("day", "party", "role", "kind", "detail", name=op.f("pk_oversight_events")),
    )
    op.create_table(
        "oversight_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("next", _whole(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_oversight_head")),
    )
    op.create_table(
        "oversight_hours",
        sa.Column("hour", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("channel", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("calls", _whole(), nullable=False),
        sa.Column("records", _whole(), nullable=False),
        sa.Column("entry", _whole(), nullable=False),
        sa.PrimaryKeyConstraint("hour", "channel", name=op.f("pk_oversight_hours")),
    )
    op.create_table(
        "quality_samples",
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("interface", sa.Text(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("checks", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", "interface", "operation", name=op.f("pk_quality_samples")),
    )
    op.create_table(
        "quality_tickets",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("interface", sa.Text(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("pointer", sa.Text(), nullable=False),
        sa.Column("first_at", sa.Text(), nullable=False),
        sa.Column("last_at", sa.Text(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("broken", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("last", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quality_tickets")),
    )
    op.create_index(op.f("ix_quality_tickets_provider"), "quality_tickets", ["provider"], unique=False)
    op.create_index(
        "ix_quality_tickets_what",
        "quality_tickets",
        ["interface", "operation", "source", "rule", "field"],
        unique=False,
    )


def downgrade() -> None:
    """Back to the shape before."""
    op.drop_index("ix_quality_tickets_what", table_name="quality_tickets")
    op.drop_index(op.f("ix_quality_tickets_provider"), table_name="quality_tickets")
    op.drop_table("quality_tickets")
    op.drop_table("quality_samples")
    op.drop_table("oversight_hours")
    op.drop_table("oversight_head")
    op.drop_table("oversight_events")
    op.drop_table("oversight_days")
    op.drop_table("oversight_channels")
    op.drop_index("ix_oversight_breaches_subject", table_name="oversight_breaches")
    op.drop_table("oversight_breaches")
    op.drop_table("identity_limits")
    op.drop_table("identity_codes")
    op.drop_table("disclosure_rules")


def _whole() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")
