"""The contradictions that ledgers declare: whom two datasets must disagree about because a value of one was spoiled.

It is worked out from the ledgers' cells and says nothing of anybody they do not name, so that what
`contradictions` finds can be held against it both ways: nothing missed, and nothing that was not asked for.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mockdata.defects.contradictions import Dataset, Told, digest, opened, persons, source
from mockdata.quality.expectations import literal


def declared(
    left: Dataset, right: Dataset, left_ledger: Path | None = None, right_ledger: Path | None = None
) -> dict[tuple[str, str, str], frozenset[str]]:
    """(fact, left column, right column) → citizen numbers of those whom the datasets contradict each other about.

    The ledgers are those of defects or of conflicts that lie beside the datasets, None for a clean one. The columns are
    named as in `Contradiction`. Rows that are duplicates or displaced are whole records and contradict nothing. Raises
    duckdb.Error for unreadable files.
    """
    found: dict[tuple[str, str, str], frozenset[str]] = {}
    with opened() as connection:
        for one in persons(left.interface, left.table).values():
            for other in persons(right.interface, right.table).values():
                for fact in sorted(one.keys() & other.keys() - {"citizen_number"}):
                    sides = [
                        (left, one["citizen_number"], one[fact], left_ledger),
                        (right, other["citizen_number"], other[fact], right_ledger),
                    ]
                    names = [f"{dataset.interface.id}.{how.column}" for dataset, _, how, _ in sides]
                    key = (
                        fact,
                        names[0],
                        names[1],
                    )  # one column may tell of two persons, like the state of a marriage
                    found[key] = found.get(key, frozenset()) | _named(connection, *sides)
    return found


_Side = tuple[Dataset, Told, Told, Path | None]


def _named(connection: Any, left: _Side, right: _Side) -> frozenset[str]:
    if left[3] is None and right[3] is None:
        return frozenset()
    tables = []
    for name, (dataset, number, how, ledger) in (("l", left), ("r", right)):
        rows = (
            f"SELECT row_number() OVER () - 1 AS row, {number.sql} AS number, "
            f"{digest(how)} AS value FROM {source(dataset)}"
        )
        cells = 'SELECT NULL::BIGINT AS row, NULL::VARCHAR AS "column" WHERE FALSE'
        if ledger is not None:
            cells = f'SELECT row, "column" FROM read_parquet({literal(ledger)})'
        tables += [
            f"{name}_rows AS MATERIALIZED (SELECT * FROM ({rows}) WHERE number <> '' AND value IS NOT NULL)",
            f"{name}_told AS (SELECT number, min(value) AS low, max(value) AS high FROM {name}_rows GROUP BY 1)",
            # `wrong`: the value itself is; else it is right and stands beside another's number
            f'{name}_named AS (SELECT number, bool_or("column" = {literal(how.column)}) AS wrong FROM {name}_rows '
            f"JOIN ({cells}) USING (row) "
            f'WHERE "column" IN ({literal(how.column)}, {literal(number.column)}) GROUP BY 1)',
        ]
    # a wrong value on one side only contradicts whatever the other tells; else it depends on what both tell
    query = (
        f"WITH {', '.join(tables)} SELECT number FROM l_told l JOIN r_told r USING (number) "
        "LEFT JOIN l_named ln USING (number) LEFT JOIN r_named rn USING (number) "
        "WHERE (ln.wrong AND rn.wrong IS NULL) OR (rn.wrong AND ln.wrong IS NULL) "
        "OR (coalesce(ln.wrong, rn.wrong) IS NOT NULL AND (l.low <> r.low OR l.high <> r.high OR l.low <> l.high))"
    )
    return frozenset(number for (number,) in connection.execute(query).fetchall())
