"""Start-up apps each wrong in exactly one way against the whole suite: detected, and the true requirement named.

Prints what every app was told; about ten seconds an app.
`TONGBAN_BENCH_SEEDS` (default 3) is how often the right app is run.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import uvicorn

from conformance import suites
from conformance.case import Outcome
from conformance.examples.start_up.right import RightApp
from conformance.run import run
from exchange.bench import row

SEEDS = int(os.environ.get("TONGBAN_BENCH_SEEDS", 3))

sys.path.insert(0, str(Path(__file__).parents[1] / "faulty"))
from start_ups import FAULTS  # noqa: E402


@contextlib.contextmanager
def served(asgi: Any) -> Iterator[str]:
    """The app's address."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(asgi, log_config=None, log_level="critical"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.005)
        try:
            yield f"http://127.0.0.1:{sock.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(timeout=10)


def judged(app: Any, seed: str) -> tuple[set[str], set[str], set[str]]:
    """Failing cases, requirements named, and cases that say WARN or ERROR."""
    with served(app.asgi) as url:
        report = run(suites.load("start-up"), url, (seed,), nonce="b" * 32, quick=True)
    named = {r.id for r in report.requirements if report.requirement(r.id) is Outcome.FAIL}
    odd = {case.case.id for case in report.cases if case.outcome in (Outcome.WARN, Outcome.ERROR)}
    return set(report.failing), named, odd


def measure(seeds: int = SEEDS) -> list[dict[str, Any]]:
    """Rows for `exchange.bench`."""
    found = named = 0
    for name, fault in FAULTS.items():
        failing, requirements, _ = judged(fault.app(), "bench")
        found += bool(failing & fault.cases)
        named += requirements == fault.requirements
        print(f"{name:22} {'detected' if failing else 'MISSED':9} {', '.join(sorted(requirements))}", flush=True)
    wrong = [at for at in range(seeds) for failing, _, odd in [judged(RightApp(), f"right-{at}")] if failing or odd]
    return [
        _row("start-up: faulty apps detected", found, len(FAULTS)),
        _row("start-up: true requirement named and no other", named, len(FAULTS)),
        row("start-up: seeds with a finding on the right app", len(wrong), f"of {seeds}", "", None, "0", not wrong),
    ]


def _row(metric: str, count: int, of: int) -> dict[str, Any]:
    return row(metric, count, f"of {of}", "", round(count / of, 3), "≥ 0.98", count >= 0.98 * of)
