"""The import contracts hold, and they bite: a planted import across a wall is found."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
LINT = Path(sys.executable).parent / "lint-imports"


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [LINT, "--no-cache"], cwd=folder, capture_output=True, text=True, env={"PYTHONPATH": str(folder)}
    )


def test_contracts_hold() -> None:
    result = lint(ROOT)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("file", "line", "contract"),
    [
        ("specs/finding.py", "import mockdata", "One line of packages"),
        ("conformance/report.py", "import exchange.ledger.service", "One line of packages"),
        ("mockdata/tables/scale.py", "import mockdata.quality.quality", "Data from the ground up"),
        ("mockdata/sandbox/faults.py", "import mockdata.tables.plan", "Data from the ground up"),
        (
            "exchange/agreements/model.py",
            "import exchange.agreements.store",
            "Inside a feature",
        ),
        ("exchange/ledger/service.py", "import exchange.market.model", "Features from the ground up"),
        ("exchange/market/model.py", "import exchange.database", "Models are pure"),
    ],
)
def test_a_planted_import_is_found(tmp_path: Path, file: str, line: str, contract: str) -> None:
    for name in ("specs", "mockdata", "conformance", "exchange"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "static", "*.csv"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    planted = tmp_path / file
    planted.write_text(
        planted.read_text().replace(
            "from __future__ import annotations", f"from __future__ import annotations\n{line}", 1
        )
    )
    result = lint(tmp_path)
    assert result.returncode == 1
    assert any(contract in row and "BROKEN" in row for row in result.stdout.splitlines()), result.stdout
