"""Triggers that refuse changes to what was recorded: hygiene against slips; the proof is the tree."""

from __future__ import annotations

from sqlalchemy import DDL, Table, event

from exchange.ledger import store

_SQLITE = """
CREATE TRIGGER IF NOT EXISTS {name} BEFORE {action} ON {table} {condition}
BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END
"""
_POSTGRES = """
CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '{table} is append-only'; END $$;
CREATE OR REPLACE TRIGGER {name} BEFORE {action} ON {table} FOR EACH {each} {condition} EXECUTE FUNCTION {name}()
"""

# the head may only grow; a payload may only be forgotten, salt and data together
_FORGETS = "NEW.idx = OLD.idx AND NEW.salt IS NULL AND NEW.data IS NULL"
_ALLOWED = {store.HEAD: "NEW.size > OLD.size AND NEW.id = OLD.id", store.PAYLOADS: _FORGETS}
_FROZEN = (store.ENTRIES, store.TILES, store.CHECKPOINTS, store.COSIGNATURES, store.TIMESTAMPS)


def statements(dialect: str) -> dict[str, list[str]]:
    """DDL of all triggers by table name, for migrations; running it again changes nothing."""
    return {table.name: _for(table, dialect) for table in (*_FROZEN, *_ALLOWED)}


def _for(table: Table, dialect: str) -> list[str]:
    allowed = _ALLOWED.get(table)
    condition = "" if allowed is None else f"WHEN (NOT ({allowed}))"
    template = _SQLITE if dialect == "sqlite" else _POSTGRES
    found = [
        template.format(
            name=f"{table.name}_no_{action.lower()}",
            table=table.name,
            action=action,
            each="STATEMENT" if action == "TRUNCATE" else "ROW",
            condition=condition if action == "UPDATE" else "",
        )
        for action in ("UPDATE", "DELETE", "TRUNCATE")
        if dialect != "sqlite" or action != "TRUNCATE"
    ]
    if dialect == "sqlite":
        # INSERT OR REPLACE deletes without firing the DELETE trigger unless recursive_triggers is on
        key = " AND ".join(f"{column.name} = NEW.{column.name}" for column in table.primary_key)
        exists = f"WHEN EXISTS (SELECT 1 FROM {table.name} WHERE {key})"
        found.append(
            _SQLITE.format(name=f"{table.name}_no_replace", table=table.name, action="INSERT", condition=exists)
        )
    return found


for _table in (*_FROZEN, *_ALLOWED):
    for _dialect in ("sqlite", "postgresql"):
        for _statement in _for(_table, _dialect):
            _ddl = DDL(_statement.replace("%", "%%"))  # type: ignore[no-untyped-call]
            event.listen(_table, "after_create", _ddl.execute_if(dialect=_dialect))
