"""A dataset's files as one table of a DuckDB database that can reach nothing else.

Parquet files are read where they lie, through a view, so that a check needs room for what it sorts and not for the
data; other formats are copied, because every rule would read their text again. Afterwards the database may open those
very files and no others: a contract's SQL rules come from whoever wrote the contract. Memory is bounded; what does not
fit is spilled into the scratch folder.
"""

from __future__ import annotations

import codecs
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mockdata.quality.expectations import COLUMNS, literal, quoted

MEMORY = "1GB"
"""What DuckDB may hold in memory."""
CHUNK = 1 << 20
SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "preserve_insertion_order": "false",
}


def load(database: str, table: str, job: Mapping[str, Any], scratch: Path) -> int:
    """Makes the table of the job's files, and its companion that names columns and types; the number of rows.

    Moments come without a zone, in UTC (DuckDB needs pytz to hand out others). Raises duckdb.Error, OSError.
    """
    import duckdb

    with duckdb.connect(database, config=SETTINGS) as connection:
        _bound(connection, scratch)
        job = {**job, "files": _utf8(job, scratch)}
        source, columns = _read(connection, job, table)
        names = [name for name, _ in columns]
        ordered = [name for name in job["types"] if name in names]
        ordered += [name for name in names if name not in job["types"]] if job["folders"] else []
        if not job["folders"]:
            ordered = names
        zoned = {name for name, type in columns if type == "TIMESTAMP WITH TIME ZONE"}
        shown = ", ".join(_shown(name, name in zoned, name in job["lists"]) for name in ordered)
        kind = "VIEW" if job["format"] in ("parquet", "duckdb") else "TABLE"
        if shown:
            connection.execute(f"CREATE {kind} {quoted(table)} AS SELECT {shown} FROM {source}")
        connection.execute(f"CREATE TABLE {quoted(table + COLUMNS)} (name VARCHAR, type VARCHAR)")
        if columns:
            connection.executemany(f"INSERT INTO {quoted(table + COLUMNS)} VALUES (?, ?)", columns)
        counted = connection.execute(f"SELECT COUNT(*) FROM {quoted(table)}").fetchone()
    return int(counted[0]) if counted else 0


def shut(connection: Any, job: Mapping[str, Any], scratch: Path) -> None:
    """Shuts the database of this connection, for all that are open to it: from now on they reach the job's files and
    nothing else.
    """
    if connection.execute("SELECT current_setting('lock_configuration')").fetchall()[0][0]:
        return  # one connection has done it for all
    _bound(connection, scratch)
    if job["format"] == "duckdb":
        connection.execute(_attached(job))
    if job["format"] == "parquet":
        files = ", ".join(literal(file) for file in job["files"])
        connection.execute(f"SET allowed_paths = [{files}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def _bound(connection: Any, scratch: Path) -> None:
    connection.execute(f"SET memory_limit = '{MEMORY}'")
    connection.execute(f"SET temp_directory = {literal(str(scratch / 'spilled'))}")


def _shown(name: str, zoned: bool, listed: bool) -> str:
    column = quoted(name)
    if zoned:
        return f"make_timestamp(epoch_us({column})) AS {column}"
    return f"json_extract_string({column}, '$[*]') AS {column}" if listed else column


def _read(connection: Any, job: Mapping[str, Any], table: str) -> tuple[str, list[tuple[str, str]]]:
    """Where to select from, and its columns with their types."""
    if job["format"] == "duckdb":
        connection.execute(_attached(job))
        source = f"judged.{quoted(_held(connection, table))}"
    elif job["format"] == "arrow":
        source = "batches"
        connection.register(source, _batches(job["files"]))
        connection.execute('CREATE TEMP TABLE "read" AS SELECT * FROM batches')
        source = '"read"'
    else:
        source = _source(job, _readable(connection, job))
    described = connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
    return source, [(name, type) for name, type, *_ in described]


def _attached(job: Mapping[str, Any]) -> str:
    return f"ATTACH {literal(job['files'][0])} AS judged (READ_ONLY)"


def _held(connection: Any, table: str) -> str:
    """The table to judge in a database file: the one of that name, else the only one."""
    import duckdb

    found = [name for (name,) in connection.execute(
        "SELECT table_name FROM duckdb_tables() WHERE database_name = 'judged' ORDER BY 1"
    ).fetchall()]  # fmt: skip
    if table in found:
        return table
    if len(found) == 1:
        return str(found[0])
    raise duckdb.CatalogException(f"the database has no table {table!r}; it has {', '.join(found) or 'none'}")


def _batches(files: Sequence[str]) -> Any:
    """The record batches of Arrow IPC files, one after the other."""
    import pyarrow as pa

    def every() -> Any:
        for file in files:
            with pa.memory_map(file) as source, pa.ipc.open_file(source) as reader:
                for number in range(reader.num_record_batches):
                    yield reader.get_batch(number)

    with pa.memory_map(files[0]) as source, pa.ipc.open_file(source) as reader:
        schema = reader.schema
    return pa.RecordBatchReader.from_batches(schema, every())


def _utf8(job: Mapping[str, Any], scratch: Path) -> list[str]:
    """The files, those in another encoding written anew in UTF-8."""
    if job["encoding"] in ("utf-8", "utf-8-bom"):
        return list(job["files"])
    made = []
    for number, file in enumerate(job["files"]):
        # below folders of the same names, which are columns of the table
        home = scratch.joinpath("utf-8", *Path(file).parts[len(Path(file).parts) - 1 - len(job["folders"]) : -1])
        home.mkdir(parents=True, exist_ok=True)
        path = home / f"{number}.csv"
        decoder = codecs.getincrementaldecoder(job["encoding"])()
        with Path(file).open("rb") as source, path.open("w", encoding="utf-8", newline="") as target:
            while chunk := source.read(CHUNK):
                target.write(decoder.decode(chunk))
            target.write(decoder.decode(b"", final=True))
        made.append(str(path))
    return made


def _source(job: Mapping[str, Any], types: Mapping[str, str]) -> str:
    files = "[" + ", ".join(literal(file) for file in job["files"]) + "]"
    folders = {name: types.get(name, "VARCHAR") for name in job["folders"]}
    struct = _struct({name: type for name, type in types.items() if name not in folders})
    hive = f", hive_partitioning = true, hive_types = {_struct(folders, True)}" if folders else ""
    return {
        "parquet": f"read_parquet({files}{hive})",
        "csv": f"read_csv({files}, header = true, columns = {struct}, nullstr = '', allow_quoted_nulls = false{hive})",
        "jsonl": f"read_json({files}, format = 'newline_delimited', columns = {struct}{hive})",
    }[job["format"]]


def _struct(types: Mapping[str, str], bare: bool = False) -> str:
    return "{" + ", ".join(f"{literal(n)}: {t if bare else literal(t)}" for n, t in types.items()) + "}"


def _readable(connection: Any, job: Mapping[str, Any]) -> Mapping[str, str]:
    """The types files can be read with: the interface's, but text for a column some of whose values are not of its
    type. So one such value fails the type rule of its column instead of making the file unreadable.
    """
    import duckdb

    types: Mapping[str, str] = job["types"]
    text = {name: type if type == "JSON" else "VARCHAR" for name, type in types.items()}
    looked = list(types) if job["format"] != "parquet" else [name for name in job["folders"] if name in types]
    if not looked:
        return types
    try:
        counted = ", ".join(f"COUNT({quoted(name)})" for name in looked)
        connection.execute(f"SELECT {counted} FROM {_source(job, types)}").fetchall()
    except (duckdb.ConversionException, duckdb.InvalidInputException):
        odd = [
            f"bool_or({quoted(name)} IS NOT NULL AND TRY_CAST({quoted(name)} AS {types[name]}) IS NULL)"
            for name in looked
        ]
        found = connection.execute(f"SELECT {', '.join(odd)} FROM {_source(job, text)}").fetchall()[0]
        return {**types, **{name: text[name] for name, bad in zip(looked, found, strict=True) if bad}}
    return types
