"""Access: parties can be suspended, clients have two secrets at a time or keys, tokens can be revoked one by one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this shape. The secret a client had is its first."""
    op.add_column("parties", sa.Column("suspended_at", sa.Text()))
    op.add_column("members", sa.Column("subject", sa.Text()))
    op.create_index(op.f("ix_members_subject"), "members", ["subject"], unique=True)
    op.add_column("clients", sa.Column("keys", sa.JSON()))
    op.create_table(
        "client_secrets",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("client", sa.Text(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["client"], ["clients.id"], name=op.f("fk_client_secrets_client_clients")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_client_secrets")),
    )
    op.create_index(op.f("ix_client_secrets_client"), "client_secrets", ["client"], unique=False)
    op.execute(
        "INSERT INTO client_secrets (id, client, hash, created_at) "
        "SELECT 'sec_' || id, id, secret, created_at FROM clients WHERE revoked_at IS NULL"
    )
    op.drop_column("clients", "secret")
    op.create_table(
        "spent_tokens",
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("until", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_spent_tokens")),
    )
    op.create_index(op.f("ix_spent_tokens_until"), "spent_tokens", ["until"], unique=False)


def downgrade() -> None:
    """Back to the shape before; of two secrets the newer one is kept."""
    op.drop_table("spent_tokens")
    op.add_column("clients", sa.Column("secret", sa.LargeBinary(), nullable=False, server_default=sa.text("''")))
    op.execute(
        "UPDATE clients SET secret = (SELECT hash FROM client_secrets WHERE client = clients.id "
        "ORDER BY created_at DESC, id DESC LIMIT 1) WHERE id IN (SELECT client FROM client_secrets)"
    )
    op.drop_table("client_secrets")
    op.drop_column("clients", "keys")
    op.drop_index(op.f("ix_members_subject"), table_name="members")
    op.drop_column("members", "subject")
    op.drop_column("parties", "suspended_at")
