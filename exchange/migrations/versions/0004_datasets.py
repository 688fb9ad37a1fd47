"""Datasets on request: what exactly was asked, how it ended, how much room it takes and until when."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

KINDS = {".manifest.json": "manifest", ".quality.json": "quality"}


def upgrade() -> None:
    """To this shape. Datasets made before are kept as long as those made now."""
    for name, kind, default in (
        ("total_rows", sa.BigInteger(), "0"),
        ("options", sa.JSON(), "{}"),
        ("state", sa.Text(), "asked"),
        ("began_with", sa.BigInteger(), "0"),
        ("bytes", sa.BigInteger(), "0"),
    ):
        op.add_column("datasets", sa.Column(name, kind, nullable=False, server_default=default))
    for name in ("began_at", "expires_at", "ended_at", "reason"):
        op.add_column("datasets", sa.Column(name, sa.Text()))
    op.create_index(op.f("ix_datasets_state"), "datasets", ["state"], unique=False)
    known = sa.table(
        "datasets",
        *(sa.column(name) for name in ("id", "rows", "total_rows", "state", "made_at", "expires_at", "table")),
        sa.column("files", sa.JSON()),
        sa.column("quality", sa.JSON()),
    )
    for row in op.get_bind().execute(sa.select(known)).all():
        values: dict[str, Any] = {"total_rows": row.rows}
        if row.made_at is not None:
            until = datetime.fromisoformat(row.made_at) + timedelta(days=30)
            values |= {
                "state": "made",
                "expires_at": until.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                "files": [_file(name, row.table) for name in row.files],
                "quality": {"success": row.quality["success"], "tables": [row.quality | {"table": row.table}]},
            }
        op.get_bind().execute(known.update().where(known.c.id == row.id).values(values))


def _file(name: str, table: str) -> dict[str, Any]:
    kind = next((kind for ending, kind in KINDS.items() if name.endswith(ending)), "data")
    return {"name": name, "kind": kind, "table": table, "rows": None, "bytes": 0, "sha256": ""}


def downgrade() -> None:
    """Back to the shape before."""
    op.drop_index(op.f("ix_datasets_state"), table_name="datasets")
    for name in (
        "reason",
        "ended_at",
        "expires_at",
        "began_at",
        "bytes",
        "began_with",
        "state",
        "options",
        "total_rows",
    ):
        op.drop_column("datasets", name)
