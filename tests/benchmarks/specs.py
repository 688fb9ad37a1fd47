"""Reading and linting: seconds for the 250 KB document, and how they grow when it is 4 and 16 times as large."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from exchange.bench import row

DOCUMENT = Path(__file__).parents[1] / "data" / "openapi" / "us-epa-echo.json"
TIMES = (1, 4, 16)
RUNS = 3
_MEASURED = """
import sys, time
from pathlib import Path
import specs, specs.lint
from specs.rules import rules
rules(); path = Path(sys.argv[1])
if path.suffix == ".yaml":
    import specs.yaml_events
began = time.perf_counter()
specs.lint.lint(specs.read(path))
print(time.perf_counter() - began)
"""


def measure() -> list[dict[str, Any]]:
    """Rows for `exchange.bench`."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for suffix in (".json", ".yaml"):
            seconds = {}
            for times in TIMES:
                path = Path(folder) / f"times-{times}{suffix}"
                path.write_text(_written(grown(json.loads(DOCUMENT.read_bytes()), times), suffix), encoding="utf-8")
                seconds[times] = _seconds(path)
            rows += _rows(suffix.removeprefix("."), seconds)
    return rows


def grown(document: dict[str, Any], times: int) -> dict[str, Any]:
    """The document with its paths and schemas `times` times, each under a name of its own."""
    paths, components = document["paths"], document["components"]
    made: dict[str, Any] = {
        **document,
        "paths": {},
        "components": {
            **components,
            **{kind: {} for kind in ("schemas", "parameters", "responses") if kind in components},
        },
    }
    for number in range(times):
        ending = f"_{number}" if number else ""
        copy = json.loads(
            re.sub(r'("#/components/[a-zA-Z]+/[^"/]+)"', rf'\1{ending}"', json.dumps([paths, components]))
        )
        made["paths"] |= {f"{path}{ending}": _renamed(item, ending) for path, item in copy[0].items()}
        for kind in ("schemas", "parameters", "responses"):
            if kind in components:
                made["components"][kind] |= {f"{name}{ending}": part for name, part in copy[1][kind].items()}
    return made


def _renamed(item: dict[str, Any], ending: str) -> dict[str, Any]:
    for operation in item.values():
        if isinstance(operation, dict) and "operationId" in operation:
            operation["operationId"] += ending
    return item


def _written(document: dict[str, Any], suffix: str) -> str:
    if suffix == ".json":
        return json.dumps(document, ensure_ascii=False, indent=2)
    import yaml

    return yaml.dump(document, Dumper=yaml.CSafeDumper, allow_unicode=True, sort_keys=False)


def _seconds(path: Path) -> float:
    """The median of several runs, each in a process of its own; imports do not count."""
    command = [sys.executable, "-c", _MEASURED, str(path)]
    runs = [float(subprocess.run(command, capture_output=True, text=True, check=True).stdout) for _ in range(RUNS)]
    return sorted(runs)[RUNS // 2]


def _rows(format: str, seconds: dict[int, float]) -> list[dict[str, Any]]:
    one = seconds[1]
    rows = [row(f"read and lint 250 KB of {format}", round(one, 3), "s", "1 s", round(one, 2), "<= 1", one <= 1)]
    for times in TIMES[1:]:
        growth = seconds[times] / one / times
        against = f"{times} × the time for 1 ×"
        rows.append(
            row(
                f"{times} × the {format}",
                round(seconds[times], 3),
                "s",
                against,
                round(growth, 2),
                "<= 1.3",
                growth <= 1.3,
            )
        )
    return rows
