"""Checkpoints are cosigned by witnesses and time-stamped; the keys of the subject index can be exchanged."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from exchange.ledger import guard
from exchange.ledger.store import Index

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TABLES = ("ledger_cosignatures", "ledger_timestamps")


def upgrade() -> None:
    """To this shape."""
    op.execute("CREATE TABLE ledger_subjects_before AS SELECT subject, idx FROM ledger_subjects")
    op.drop_table("ledger_subjects")
    op.create_table(
        "ledger_subjects",
        sa.Column("epoch", Index, autoincrement=False, nullable=False),
        sa.Column("subject", sa.LargeBinary(), nullable=False),
        sa.Column("idx", Index, autoincrement=False, nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False, server_default="1"),
        sa.PrimaryKeyConstraint("epoch", "subject", "idx", name=op.f("pk_ledger_subjects")),
    )
    op.execute(
        "INSERT INTO ledger_subjects (epoch, subject, idx)"
        " SELECT idx / 16384, subject, idx FROM ledger_subjects_before ORDER BY 1, 2"
    )
    op.drop_table("ledger_subjects_before")
    op.create_table(
        "ledger_cosignatures",
        sa.Column("size", Index, autoincrement=False, nullable=False),
        sa.Column("witness", sa.Text(), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("size", "witness", name=op.f("pk_ledger_cosignatures")),
    )
    op.create_table(
        "ledger_timestamps",
        sa.Column("size", Index, autoincrement=False, nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("size", name=op.f("pk_ledger_timestamps")),
    )
    statements = guard.statements(op.get_bind().dialect.name)
    for table in TABLES:
        for statement in statements[table]:
            op.execute(sa.text(statement.replace(":", "\\:")))


def downgrade() -> None:
    """Back to the shape before."""
    for table in reversed(TABLES):
        op.drop_table(table)
    op.execute("CREATE TABLE ledger_subjects_after AS SELECT subject, idx FROM ledger_subjects")
    op.drop_table("ledger_subjects")
    op.create_table(
        "ledger_subjects",
        sa.Column("subject", sa.LargeBinary(), nullable=False),
        sa.Column("idx", Index, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("subject", "idx", name=op.f("pk_ledger_subjects")),
    )
    op.execute("INSERT INTO ledger_subjects (subject, idx) SELECT subject, idx FROM ledger_subjects_after")
    op.drop_table("ledger_subjects_after")
