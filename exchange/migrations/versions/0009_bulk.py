"""Bulk sharing: sources behind tables, share tokens, snapshots and their files, what left, privacy budgets."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this shape."""
    op.create_table(
        "bulk_sources",
        sa.Column("interface", sa.Text(), nullable=False),
        sa.Column("table", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("fresh_seconds", sa.Integer(), nullable=False),
        sa.Column("set_at", sa.Text(), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("nonce", sa.LargeBinary()),
        sa.Column("sealed", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("interface", "table", name=op.f("pk_bulk_sources")),
    )
    op.create_table(
        "bulk_shares",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("agreement", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("issued_at", sa.Text(), nullable=False),
        sa.Column("issued_by", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.Text(), nullable=False),
        sa.Column("revoked_at", sa.Text()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulk_shares")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_bulk_shares_secret_hash")),
    )
    op.create_index(op.f("ix_bulk_shares_agreement"), "bulk_shares", ["agreement"])
    op.create_table(
        "bulk_snapshots",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("agreement", sa.Text(), nullable=False),
        sa.Column("table", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("made_at", sa.Text(), nullable=False),
        sa.Column("schema", sa.Text(), nullable=False),
        sa.Column("columns", sa.JSON(), nullable=False),
        sa.Column("gone_at", sa.Text()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulk_snapshots")),
        sa.UniqueConstraint("agreement", "table", "version", name=op.f("uq_bulk_snapshots_agreement_table_version")),
    )
    op.create_table(
        "bulk_files",
        sa.Column("snapshot", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("records", sa.BigInteger(), nullable=False),
        sa.Column("head", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("snapshot", "number", name=op.f("pk_bulk_files")),
    )
    op.create_table(
        "bulk_queries",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("agreement", sa.Text(), nullable=False),
        sa.Column("snapshot", sa.Text(), nullable=False),
        sa.Column("table", sa.Text(), nullable=False),
        sa.Column("share", sa.Text(), nullable=False),
        sa.Column("caller", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("numbers", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulk_queries")),
    )
    op.create_index(op.f("ix_bulk_queries_agreement"), "bulk_queries", ["agreement"])
    op.create_index(op.f("ix_bulk_queries_snapshot"), "bulk_queries", ["snapshot"])
    op.create_table(
        "bulk_flows",
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("delivery", sa.Text(), nullable=False),
        sa.Column("requests", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("first_at", sa.Text(), nullable=False),
        sa.Column("last_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("query", "number", name=op.f("pk_bulk_flows")),
    )
    op.create_index(op.f("ix_bulk_flows_delivery"), "bulk_flows", ["delivery"])
    op.create_table(
        "bulk_budgets",
        sa.Column("agreement", sa.Text(), nullable=False),
        sa.Column("spent", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("agreement", name=op.f("pk_bulk_budgets")),
    )


def downgrade() -> None:
    """Back to the shape before."""
    for name in ("budgets", "flows", "queries", "files", "snapshots", "shares", "sources"):
        op.drop_table(f"bulk_{name}")
