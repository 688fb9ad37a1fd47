"""``tongban bench``: runs a benchmark of tests/benchmarks and shows its rows; tests never assert speed."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from exchange.errors import Invalid, Unavailable

FOLDER = Path(__file__).parent.parent / "tests" / "benchmarks"
COLUMNS = ("metric", "value", "unit", "against", "ratio", "bar", "holds")


def row(metric: str, value: Any, unit: str, against: str, ratio: Any, bar: str, holds: bool | None) -> dict[str, Any]:
    """One line of a benchmark's table; `holds` None: shown, but no bar."""
    return dict(zip(COLUMNS, (metric, value, unit, against, ratio, bar, holds), strict=True))


def run(name: str, *, as_json: bool) -> int:
    """Run ``tests/benchmarks/<name>.py``; exit code 0 when every bar holds, 1 when one does not.

    A benchmark is a module with ``measure() -> list of dicts`` in `COLUMNS`. Raises `Unavailable` outside a checkout,
    `Invalid` for an unknown name.
    """
    if not FOLDER.is_dir():
        raise Unavailable(
            "benchmarks are part of the source tree, not of the installed package",
            hint="run it in a checkout",
        )
    names = sorted(path.stem for path in FOLDER.glob("*.py") if not path.stem.startswith("_"))
    if name == "list":
        print(json.dumps(names) if as_json else "\n".join(names))
        return 0
    if name not in names:
        raise Invalid(f"there is no benchmark {name}", hint=f"known: {', '.join(names)}")
    rows = load(name).measure()
    if as_json:
        print(json.dumps(rows, ensure_ascii=False))
    else:
        _show(name, rows)
    return 0 if all(row["holds"] is not False for row in rows) else 1


def load(name: str) -> Any:
    """The module of a benchmark. It may import from the tests beside it."""
    if (root := str(FOLDER.parent.parent)) not in sys.path:
        sys.path.append(root)
    spec = importlib.util.spec_from_file_location(f"benchmark_{name}", FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _show(name: str, rows: list[dict[str, Any]]) -> None:
    table = Table(title=f"tongban bench {name}", title_justify="left")
    for column in COLUMNS:
        table.add_column(column)
    for row in rows:
        table.add_row(*("" if row[column] is None else str(row[column]) for column in COLUMNS))
    Console().print(table)
