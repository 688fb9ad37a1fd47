"""What must stay light: the command's help, and the base install that only has specs."""

from __future__ import annotations

import subprocess
import sys

HEAVY = (
    "numpy",
    "pyarrow",
    "duckdb",
    "faker",
    "great_expectations",
    "schemathesis",
    "pandas",
    "sqlalchemy",
    "fastapi",
    "dbos",
    "uvicorn",
)


def loaded_by(code: str) -> set[str]:
    show = "import sys; print('\\n'.join(sys.modules))"
    result = subprocess.run([sys.executable, "-c", f"{code}\n{show}"], capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in result.stdout.splitlines()}


def test_the_command_loads_no_heavy_library() -> None:
    assert loaded_by("import exchange.cli") & set(HEAVY) == set()


def test_specs_needs_only_the_base_install() -> None:
    assert loaded_by("import specs, specs.library; specs.library.interfaces()") & set(HEAVY) == set()


def test_conformance_does_not_load_the_exchange() -> None:
    assert "exchange" not in loaded_by("import conformance")
