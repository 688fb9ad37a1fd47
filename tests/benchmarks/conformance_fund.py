"""Every faulty fund app against the fund suite: which cases failed, which requirements were named.

`python -m tests.benchmarks.conformance_fund` prints the table.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import uvicorn

from conformance import suites
from conformance.case import Outcome
from conformance.examples.fund.right import RightApp
from conformance.run import run
from tests.faulty.fund_mutants import FAULTS

SEED = "faulty"


@contextlib.contextmanager
def _served(asgi: Any) -> Iterator[str]:
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


def measure(seed: str = SEED) -> Iterator[dict[str, Any]]:
    """One row an app: detected, named, and what else was said."""
    suite = suites.load("fund-withdrawal")
    apps: dict[str, Any] = {"RightApp": None, **FAULTS}
    for name, fault in apps.items():
        began = time.process_time()
        with _served((fault.app if fault else RightApp)().asgi) as url:
            report = run(suite, url, (seed,), nonce="n" * 32, quick=True)
        named = {r.id for r in report.requirements if report.requirement(r.id) is Outcome.FAIL}
        yield {
            "app": name,
            "detected": bool(report.failing),
            "named": named == (fault.requirements if fault else set()),
            "cases": sorted(report.failing),
            "requirements": sorted(named),
            "errors": [case.case.id for case in report.cases if case.outcome is Outcome.ERROR],
            "cpu_s": round(time.process_time() - began, 2),
        }


if __name__ == "__main__":
    rows = []
    print("| app | detected | named as expected | requirements | cases | CPU s |\n|---|---|---|---|---|---|")
    for row in measure():
        rows.append(row)
        print(
            f"| {row['app']} | {row['detected']} | {row['named']} | {' '.join(row['requirements']) or '–'} |"
            f" {' '.join(row['cases']) or '–'} | {row['cpu_s']} |",
            flush=True,
        )
    faulty = rows[1:]
    found, told = (sum(row[what] for row in faulty) for what in ("detected", "named"))
    print(f"\n{len(faulty)} faulty apps: {found} detected, {told} with the requirement named")
