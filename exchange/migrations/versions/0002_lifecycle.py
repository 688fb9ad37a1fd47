"""Announced and retired versions, subscriptions, notices, probes and waivers of the catalogue."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this shape."""
    op.add_column("interfaces", sa.Column("retire_on", sa.Text()))
    op.add_column("interface_versions", sa.Column("effective_at", sa.Text()))
    op.create_table(
        "interface_subscriptions",
        sa.Column("interface", sa.Text(), nullable=False),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("since", sa.Text(), nullable=False),
        sa.Column("consented", sa.Text()),
        sa.ForeignKeyConstraint(
            ["interface"], ["interfaces.id"], name=op.f("fk_interface_subscriptions_interface_interfaces")
        ),
        sa.ForeignKeyConstraint(["party"], ["parties.id"], name=op.f("fk_interface_subscriptions_party_parties")),
        sa.PrimaryKeyConstraint("interface", "party", name=op.f("pk_interface_subscriptions")),
    )
    op.create_index(op.f("ix_interface_subscriptions_party"), "interface_subscriptions", ["party"])
    op.create_table(
        "interface_notices",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("interface", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("effective_at", sa.Text()),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["interface"], ["interfaces.id"], name=op.f("fk_interface_notices_interface_interfaces")
        ),
        sa.ForeignKeyConstraint(["party"], ["parties.id"], name=op.f("fk_interface_notices_party_parties")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_interface_notices")),
    )
    op.create_index(op.f("ix_interface_notices_party"), "interface_notices", ["party"])
    op.create_table(
        "interface_probes",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("interface", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("passed", sa.Boolean(), nullable=False),
        sa.Column("results", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["interface"], ["interfaces.id"], name=op.f("fk_interface_probes_interface_interfaces")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_interface_probes")),
    )
    op.create_index(op.f("ix_interface_probes_interface"), "interface_probes", ["interface"])
    op.create_table(
        "interface_waivers",
        sa.Column("interface", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("until", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["interface"], ["interfaces.id"], name=op.f("fk_interface_waivers_interface_interfaces")
        ),
        sa.PrimaryKeyConstraint("interface", name=op.f("pk_interface_waivers")),
    )


def downgrade() -> None:
    """Back to the shape before."""
    op.drop_table("interface_waivers")
    op.drop_table("interface_probes")
    op.drop_table("interface_notices")
    op.drop_table("interface_subscriptions")
    op.drop_column("interface_versions", "effective_at")
    op.drop_column("interfaces", "retire_on")
