"""The bytes of a release: small datasets whose digests are kept, by version of pyarrow, for every machine to compare.

A difference means that the same seed and document give other data than before: wanted in a release, never in a fix.
Then renew them: `TONGBAN_GOLDEN=renew python -m pytest tests/unit/mockdata/tables/test_golden.py`, look at what changed
(`git diff tests/data/golden`), and tell it in CHANGELOG.md.
"""

import json
import os
from pathlib import Path

import pyarrow as pa
import pytest

from mockdata.population import Population
from mockdata.tables.layout import FORMATS
from mockdata.tables.plan import plan
from mockdata.tables.write import write
from specs import library
from specs.reading import read

GOLDEN = Path("tests/data/golden/digests.json")
FORMATS_KEPT = ("parquet", "csv", "jsonl", "arrow")
RENEW = "TONGBAN_GOLDEN=renew python -m pytest tests/unit/mockdata/tables/test_golden.py"


def datasets():
    people = Population("golden", 200_000)
    yield plan(library.interfaces()["police.resident-register"], None, people)
    yield plan(library.interfaces()["civil-affairs.marriage-records"], None, people)
    yield plan(read(Path("tests/data/rolls.odcs.yaml")), "rolls", people)


def test_the_bytes_are_those_of_the_release(tmp_path):
    found = {
        made.interface: {
            format: write(made, 500, tmp_path / f"{made.interface}{FORMATS[format]}", format).files[0].sha256
            for format in FORMATS_KEPT
        }
        for made in datasets()
    }
    kept = json.loads(GOLDEN.read_text())
    if os.environ.get("TONGBAN_GOLDEN") == "renew":
        GOLDEN.write_text(json.dumps({**kept, pa.__version__: found}, indent=2, sort_keys=True) + "\n")
        pytest.skip(f"{GOLDEN} renewed")
    if pa.__version__ not in kept:
        pytest.fail(f"no digests for pyarrow {pa.__version__} yet; after a look at what it changes: {RENEW}")
    assert found == kept[pa.__version__], f"other bytes than kept; if they are meant to be: {RENEW}"
