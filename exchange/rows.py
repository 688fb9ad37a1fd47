"""Many rows at once, straight to the driver; on SQLite in few statements.

The driver gives up the interpreter's lock at every step of a statement. Written one by one, rows of a group commit
stand in line for that lock behind whoever serves calls meanwhile, up to five milliseconds each.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Table

MOST = 30_000
"""Values of one statement; SQLite takes 32,766."""


def insert(tx: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Add rows with a value for every column of a table, in the columns' order and as the driver takes them."""
    if not rows:
        return
    into = f"INSERT INTO {table.name} ({', '.join(table.columns.keys())})"
    if tx.dialect.name == "sqlite":
        write(tx, into, rows)
    else:
        tx.exec_driver_sql(f"{into} VALUES ({', '.join(['%s'] * len(table.columns))})", rows)


def write(tx: Connection, head: str, rows: Sequence[tuple[Any, ...]], tail: str = "") -> None:
    """On SQLite: run ``head VALUES (…), (…) tail`` for rows of equal width, in statements of 1, 2, 4, 8 … rows: few
    texts to keep prepared, whatever the number.
    """
    driver: Any = tx.connection.dbapi_connection
    at = 0
    while at < len(rows):
        width = len(rows[at])
        count = 1 << (min(len(rows) - at, MOST // width).bit_length() - 1)
        values = [value for row in rows[at : at + count] for value in row]
        driver.execute(_text(head, width, count, tail), values)
        at += count


@lru_cache(maxsize=256)
def _text(head: str, width: int, count: int, tail: str) -> str:
    row = f"({', '.join('?' * width)})"
    return f"{head} VALUES {', '.join([row] * count)}{tail}"
