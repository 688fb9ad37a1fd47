"""The history of the database's shape. `upgrade` brings any database to the newest one; several workers may call it."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

from exchange.database import Database

ADVISORY_LOCK = 0x746F6E67  # "tong": workers that start together migrate one after the other


def upgrade(database: Database) -> None:
    """Create or upgrade all tables in one transaction; nothing happens when they are current."""
    with database.transaction() as tx:
        if database.dialect == "postgresql":
            tx.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
        command.upgrade(configuration(tx), "head")


def configuration(connection: Connection) -> Config:
    """Alembic's settings, without a file: the scripts beside this module, on this connection."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    return config
