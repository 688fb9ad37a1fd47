"""The bars of the first story: time and memory of ``tongban demo --once``, start of a mock server, lint of 250 KB."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from exchange.bench import row

COMMAND = [sys.executable, "-m", "exchange.cli"]
DOCUMENT = Path(__file__).parents[1] / "data" / "openapi" / "us-epa-echo.json"


def measure() -> list[dict[str, Any]]:
    """Rows for `exchange.bench`."""
    return [*_demo(), _lint()]


def _demo() -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "TONGBAN_HOME": home, "TONGBAN_PORT": "0"}
        began = time.perf_counter()
        done = subprocess.run(
            [*COMMAND, "demo", "--once", "--json"],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        seconds = time.perf_counter() - began
    told = json.loads(done.stdout)
    shown = sum(step["ok"] for step in told["steps"])
    rows = [
        row("steps that showed what they should", shown, "of 8", "8", shown / 8, "= 8", shown == 8),
        row("demo --once", round(seconds, 1), "s", "90 s", round(seconds / 90, 2), "<= 90", seconds <= 90),
        row(
            "peak memory",
            told["peak_mib"],
            "MiB",
            "1536 MiB",
            round(told["peak_mib"] / 1536, 2),
            "<= 1536",
            told["peak_mib"] <= 1536,
        ),
    ]
    return rows + [
        row(f"step {step['step']} {step['name']}", step.get("seconds"), "s", "", None, "", None)
        for step in told["steps"]
    ]


def _lint() -> dict[str, Any]:
    code = (
        "import time, sys; from pathlib import Path; import specs, specs.lint; began = time.perf_counter();"
        f"specs.lint.lint(specs.read(Path({str(DOCUMENT)!r}))); print(time.perf_counter() - began)"
    )
    runs = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
        for _ in range(3)
    ]
    seconds = sorted(runs)[1]
    return row("parse and lint 250 KB", round(seconds, 2), "s", "1 s", round(seconds, 2), "<= 1", seconds <= 1)
