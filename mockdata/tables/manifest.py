"""What is told of a dataset beside its data: origin, columns, and the digest of every file."""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

METADATA_KEY = b"tongban"
"""Where Parquet and Arrow files carry their origin."""


@dataclass(frozen=True, slots=True)
class File:
    """One written file: name relative to the manifest's folder, rows, size in bytes, SHA-256 (hexadecimal)."""

    name: str
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a dataset is: same origin, same generator, same libraries → same bytes.

    `options`: how it is laid out (rows of a part, encoding, folders by column), and how many parent rows its foreign
    keys may name. `plan`: digest of the plan it was made by. `ledger`: what is known of its defects, None without any.
    """

    interface: str
    version: str
    table: str
    rows: int
    format: str
    origin: Mapping[str, Any]
    columns: tuple[Mapping[str, str], ...]
    files: tuple[File, ...]
    libraries: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    plan: str = ""
    ledger: Mapping[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """The manifest as plain JSON values."""
        return {**asdict(self), "columns": [dict(column) for column in self.columns]}

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Manifest:
        """The manifest written by `to_json`. Raises KeyError or TypeError for anything else."""
        files = tuple(File(**file) for file in value["files"])
        return Manifest(**{**value, "files": files, "columns": tuple(value["columns"])})


def generator_version() -> str:
    """The version of the generator, as installed."""
    try:
        return version("tongban")
    except PackageNotFoundError:
        return "0"


def libraries() -> dict[str, str]:
    """The libraries whose version shows in the bytes."""
    return {"pyarrow": version("pyarrow")}


def beside(target: Path, kind: str) -> Path:
    """The companion of a dataset: `people.parquet` → `people.parquet.manifest.json`."""
    return target.with_name(f"{target.name}.{kind}.json")


def measured(path: Path, name: str, rows: int) -> File:
    """The file at `path` under the name `name`, its bytes made durable. Raises OSError."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        os.fsync(file.fileno())
        return File(name, rows, os.fstat(file.fileno()).st_size, digest)


def save(path: Path, value: Any) -> None:
    """JSON into a file, all of it or nothing."""
    hidden = path.with_name(f".{path.name}.{uuid.uuid4().hex}.unfinished")
    try:
        hidden.write_text(json.dumps(value, ensure_ascii=False, indent=2, default=str) + "\n", encoding="utf-8")
        os.replace(hidden, path)
    except BaseException:
        hidden.unlink(missing_ok=True)
        raise
