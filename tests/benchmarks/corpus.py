"""``spec show`` and ``spec lint`` over a folder of real documents: do all load, in time, without a traceback?

The folder is named by ``TONGBAN_BENCH_CORPUS`` (default: the ten documents of tests/data/openapi) or, run by itself,
``python tests/benchmarks/corpus.py FOLDER [DETAILS]``; DETAILS is a file that gets one JSON line a document.
A document is a .json, .yaml or .yml file whose text says openapi, swagger or arazzo at its root.
"""

from __future__ import annotations

import io
import json
import multiprocessing
import os
import re
import resource
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from exchange.bench import row

LIMIT = 10
"""Seconds a document may take to be shown and linted."""

SAMPLE = Path(__file__).parents[1] / "data" / "openapi"
_MEMBER = rb"""["']?(?:openapi|swagger|arazzo)["']?[ \t]*:[ \t]*["']?[0-9]"""
SAYS_SO = re.compile(rb"(?:^[ \t]{0,8}|\A\s*\{\s*|\A\{[^{]{0,4096}?,\s*)" + _MEMBER, re.MULTILINE)


class _TooSlow(BaseException):
    """Raised by the alarm; no `except Exception` on the way may swallow it."""


def measure() -> list[dict[str, Any]]:
    """Rows for `exchange.bench`."""
    return rows(list(run(Path(os.environ.get("TONGBAN_BENCH_CORPUS", SAMPLE)))))


def run(folder: Path) -> Iterator[dict[str, Any]]:
    """What happened to each document under `folder`, in no particular order."""
    files = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in {".json", ".yaml", ".yml"}]
    context = multiprocessing.get_context("spawn")
    with context.Pool(min(2, os.cpu_count() or 1), maxtasksperchild=400) as pool:
        for told in pool.imap_unordered(examine, files, chunksize=4):
            if told is not None:
                yield told


def examine(path: Path) -> dict[str, Any] | None:
    """Show and lint one file; None when it is no interface document."""
    try:
        if not path.is_file() or not SAYS_SO.search(path.read_bytes()[:2_000_000].replace(b"\0", b"")):
            return None
    except OSError:
        return None
    told: dict[str, Any] = {"file": str(path), "bytes": path.stat().st_size, "outcome": "loaded", "findings": []}
    signal.signal(signal.SIGALRM, _too_slow)
    signal.alarm(LIMIT * 6)
    began = time.perf_counter()
    try:
        told |= _look(path)
    except _TooSlow:
        told["outcome"] = "hang"
    except Exception:
        told |= {"outcome": "traceback", "message": traceback.format_exc(limit=-6)}
    finally:
        signal.alarm(0)
    told["seconds"] = round(time.perf_counter() - began, 3)
    told["peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return told


def _look(path: Path) -> dict[str, Any]:
    from rich.console import Console

    from specs.finding import SpecError
    from specs.lint import lint
    from specs.picture import picture
    from specs.reading import read

    try:
        interface = read(path)
    except SpecError as error:
        first = error.findings[0]
        return {"outcome": "refused", "rule": first.rule, "message": str(error)}
    read_by = time.perf_counter()
    picture(interface, Console(file=io.StringIO(), width=132))
    shown_by = time.perf_counter()
    findings = lint(interface)
    linted_by = time.perf_counter()
    return {
        "format": interface.format,
        "operations": len(interface.operations),
        "show": round(shown_by - read_by, 3),
        "lint": round(linted_by - shown_by, 3),
        "findings": [
            [f.rule, f.severity.value, f.line, f.pointer, f.message] for f in findings if f.severity.value == "error"
        ],
        "unplaced": sum(f.line is None for f in findings),
    }


def _too_slow(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise _TooSlow


def rows(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The table: bars first, then refusals by rule and the slowest documents."""
    count = len(told)
    outcomes = Counter(one["outcome"] for one in told)
    loaded = 100 * outcomes["loaded"] / count if count else 0.0
    slow = sum(one["seconds"] > LIMIT for one in told)
    slowest = sorted(told, key=lambda one: -one["seconds"])[:5]
    unplaced = sum(one.get("unplaced", 0) for one in told)
    made = [
        _row("documents", count, "", "", None),
        _row("loaded", round(loaded, 2), "%", ">= 99", loaded >= 99),
        _row("tracebacks", outcomes["traceback"], "", "= 0", outcomes["traceback"] == 0),
        _row(f"longer than {LIMIT} s", slow, "", "= 0", slow == 0),
        _row("findings without a line", unplaced, "", "= 0", unplaced == 0),
        _row("seconds in all", round(sum(one["seconds"] for one in told), 1), "s", "", None),
        _row("peak memory of a worker", max((one["peak_mib"] for one in told), default=0), "MiB", "", None),
    ]
    refused = Counter(one["rule"] for one in told if one["outcome"] == "refused")
    made += [_row(f"refused: {rule}", times, "", "", None) for rule, times in refused.most_common()]
    made += [
        _row(f"slow: {Path(one['file']).name}", one["seconds"], f"s for {one['bytes'] / 2**20:.1f} MiB", "", None)
        for one in slowest
    ]
    return made


def _row(metric: str, value: Any, unit: str, bar: str, holds: bool | None) -> dict[str, Any]:
    return row(metric, value, unit, "", None, bar, holds)


def main(folder: str, details: str = "") -> None:
    """Print the rows; write one JSON line a document into `details`."""
    told = list(run(Path(folder)))
    if details:
        lines = (json.dumps(one, ensure_ascii=False) for one in told)
        Path(details).write_text("\n".join(lines) + "\n", encoding="utf-8", errors="replace")
    for line in rows(told):
        print(f"{line['metric']:<60} {line['value']} {line['unit']} {line['bar']}")


if __name__ == "__main__":
    here = Path(__file__).resolve()
    # Beside this file stands one called specs.py, which is not the package.
    sys.path[:] = [str(here.parents[2]), *(part for part in sys.path if Path(part).resolve() != here.parent)]
    main(*sys.argv[1:3])
