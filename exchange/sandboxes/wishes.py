"""What is asked of a dataset: the wish itself, and everything that can be said against it without making a row."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any

from exchange.errors import Unprocessable

MOST_ROWS = 10_000_000
"""Rows of one table."""
MOST_PARTS = 100
"""Files of one table, times its folders when it is partitioned (then a tenth)."""
FEWEST_PART_ROWS = 1000
LONGEST_PURPOSE = 500
LONGEST_TEXT = 4000
FORMATS = ("parquet", "csv", "jsonl", "arrow", "xlsx", "duckdb")
ENCODINGS = ("utf-8", "utf-8-bom", "gb18030")
IDENTIFIERS = ("reserved", "realistic")
AS_OF = "2026-11-01"
PART_ROWS = 1_048_576


@dataclass(frozen=True, slots=True)
class Wish:
    """A dataset as it is asked for. ``table`` empty: every table of the interface, each with ``rows`` rows.

    ``where`` is a condition in CEL, ``defects`` rules as a text or as the mapping of a rules file, ``scenarios`` names
    of shipped packs.
    """

    interface: str
    rows: int
    purpose: str
    seed: str
    table: str = ""
    format: str = "parquet"
    encoding: str = "utf-8"
    partition_by: tuple[str, ...] = ()
    part_rows: int = PART_ROWS
    where: str | None = None
    as_of: str = AS_OF
    identifiers: str = "reserved"
    scenarios: tuple[str, ...] = ()
    defects: str | Mapping[str, Any] | None = None

    @property
    def options(self) -> dict[str, Any]:
        """What goes beyond table, rows, seed, format and purpose, as plain JSON values."""
        values = asdict(self)
        lists = {name: list(values[name]) for name in ("partition_by", "scenarios")}
        return {name: lists.get(name, values[name]) for name in OPTIONS}


OPTIONS = ("encoding", "partition_by", "part_rows", "where", "as_of", "identifiers", "scenarios", "defects")


def with_options(wish: Wish, options: Mapping[str, Any]) -> Wish:
    """Inverse of `Wish.options`; words it does not know are those of another release and left out."""
    known = {name: value for name, value in options.items() if name in OPTIONS}
    for name in ("partition_by", "scenarios"):
        known[name] = tuple(known.get(name, ()))
    return replace(wish, **known)


class Faults:
    """Everything wrong with a wish, by the member it is about; told at once."""

    def __init__(self) -> None:
        self.found: list[dict[str, str]] = []

    def add(self, pointer: str, message: str, hint: str = "") -> None:
        """One more; the same words about the same member only once."""
        fault = {"pointer": pointer, "message": message} | ({"hint": hint} if hint else {})
        if fault not in self.found:
            self.found.append(fault)

    def at(self, *pointers: str) -> bool:
        """Whether one of these members is wrong already, so that nothing more can be said of what follows from it."""
        return any(fault["pointer"].split("/")[1] in {p.strip("/") for p in pointers} for fault in self.found)

    def end(self) -> None:
        """Raises `Unprocessable` when anything was found."""
        if self.found:
            first = next((fault["hint"] for fault in self.found if "hint" in fault), "")
            pointers = list(dict.fromkeys(fault["pointer"] for fault in self.found))
            detail = "; ".join(fault["message"] for fault in self.found)
            raise Unprocessable(detail, hint=first, pointers=pointers, findings=self.found)


def shape(wish: Wish, faults: Faults) -> None:
    """What is wrong with single members, whatever the interface is."""
    if not 1 <= wish.rows <= MOST_ROWS:
        faults.add("/rows", f"rows must be 1 to {MOST_ROWS}")
    if wish.format not in FORMATS:
        faults.add("/format", f"the format must be one of {', '.join(FORMATS)}")
    if not 1 <= len(wish.purpose) <= LONGEST_PURPOSE:
        faults.add("/purpose", f"say what the data are for, in at most {LONGEST_PURPOSE} characters")
    if wish.encoding not in ENCODINGS:
        faults.add("/encoding", f"the encoding must be one of {', '.join(ENCODINGS)}")
    elif wish.encoding != "utf-8" and wish.format != "csv":
        faults.add("/encoding", f"{wish.format} is never {wish.encoding}", "only csv has a choice of encodings")
    if wish.identifiers not in IDENTIFIERS:
        faults.add("/identifiers", f"identifiers must be one of {', '.join(IDENTIFIERS)}")
    most = MOST_PARTS // 10 if wish.partition_by else MOST_PARTS
    if wish.part_rows < FEWEST_PART_ROWS or wish.rows > wish.part_rows * most:
        hint = f"at most {most} files a table, of {FEWEST_PART_ROWS} rows or more"
        faults.add("/part_rows", f"{wish.part_rows} rows a file do not fit {wish.rows} rows", hint)
    if len(wish.partition_by) > 4:
        faults.add("/partition_by", "at most 4 columns can name folders")
    if wish.where is not None and not 1 <= len(wish.where) <= LONGEST_TEXT:
        faults.add("/where", f"a condition has 1 to {LONGEST_TEXT} characters")
    if wish.defects is not None and len(json.dumps(wish.defects)) > LONGEST_TEXT:
        faults.add("/defects", f"defects have at most {LONGEST_TEXT} characters")
    if len(wish.scenarios) > 8:
        faults.add("/scenarios", "at most 8 packs at once")
    try:
        date.fromisoformat(wish.as_of)
    except ValueError:
        faults.add("/as_of", f"{wish.as_of[:40]!r} is no date", "write it as yyyy-MM-dd")
