"""Which code gave a verdict: the digest of a package's own sources, for the configuration of a certificate."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from pathlib import Path

EXAMPLES = "examples"
"""The example apps are no part of the runner."""


@cache
def digest(package: str) -> str:
    """sha256 (hex) over path and content of every Python, YAML and HTML file of a package, in a fixed order.

    The same sources give the same digest on every machine; compiled files and data do not count.
    """
    root = Path(str(files(package)))
    total = hashlib.sha256()
    for path in sorted(path for path in root.rglob("*") if path.suffix in (".py", ".yaml", ".html")):
        name = path.relative_to(root)
        if EXAMPLES not in name.parts:
            total.update(f"{name.as_posix()}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return total.hexdigest()
