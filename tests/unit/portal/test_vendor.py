"""Vendored scripts are what they say: name and version in the file name, hash and licence beside them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import exchange.portal

FOLDER = Path(exchange.portal.__file__).parent / "static" / "vendor"


def test_every_vendored_script_is_listed_with_its_hash() -> None:
    listed = json.loads((FOLDER / "vendor.json").read_text())
    assert set(listed) == {path.name for path in FOLDER.glob("*.js")}
    for name, entry in listed.items():
        assert hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() == entry["sha256"]
        assert entry["version"] in name
        assert entry["licence"]


def test_pages_load_nothing_from_elsewhere() -> None:
    for template in (FOLDER.parent.parent / "templates").glob("*.html"):
        assert "//cdn" not in template.read_text()
        assert 'src="http' not in template.read_text()
