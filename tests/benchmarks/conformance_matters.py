"""The start-up and the fund withdrawal: every faulty app against the whole suite, the right apps over many seeds.

`tongban bench conformance_matters`, about half an hour on two cores; every app's row is printed as it comes.
`TONGBAN_BENCH_SEEDS` (default 20) is how many seeds the right apps are run on, `TONGBAN_BENCH_MATTER` plays one matter.
"""

from __future__ import annotations

import contextlib
import importlib.util
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
from conformance.examples.fund.right import RightApp as RightWithdrawals
from conformance.examples.start_up.right import RightApp as RightStartUps
from conformance.report import Report
from conformance.run import run
from exchange.bench import row

NONCE, SEED = "b" * 32, "bench"
SEEDS = int(os.environ.get("TONGBAN_BENCH_SEEDS", 20))
MATTERS = {"start-up": ("start_ups", RightStartUps), "fund-withdrawal": ("withdrawals", RightWithdrawals)}


def measure() -> list[dict[str, Any]]:
    """Rows for `exchange.bench`."""
    chosen = os.environ.get("TONGBAN_BENCH_MATTER")
    return [found for matter in MATTERS if chosen in (None, matter) for found in _matter(matter)]


def _matter(matter: str) -> Iterator[dict[str, Any]]:
    module, right = MATTERS[matter]
    faults = _loaded(module).FAULTS
    found = named = only = 0
    for name, fault in sorted(faults.items()):
        report = _conduct(matter, fault.app())
        told = {r.id for r in report.requirements if report.requirement(r.id) is Outcome.FAIL}
        found, named = found + bool(report.failing), named + (fault.requirements <= told)
        only += told == fault.requirements
        beyond = ", ".join(sorted(told - fault.requirements))
        value = ", ".join(sorted(told & fault.requirements)) or "nothing"
        yield _shown(row(f"{matter}: {name}", value, "requirements", beyond and f"also {beyond}", None, "", None))
    count = len(faults)
    yield row(f"{matter}: faulty apps found", found, f"of {count}", "", None, "≥ 0.98", found >= 0.98 * count)
    yield row(f"{matter}: true requirement named", named, f"of {count}", "", None, "≥ 0.98", named >= 0.98 * count)
    yield row(f"{matter}: no other requirement named", only, f"of {count}", "", None, "", None)
    seen = {
        seed: [f"{case.case.id} {case.outcome.value}" for case in report.cases if case.outcome is not Outcome.PASS]
        for seed in range(SEEDS)
        for report in [_conduct(matter, right(), f"right-{seed}")]
    }
    above = [f"{seed}: {one}" for seed, told in seen.items() for one in told if not one.endswith("WARN")]
    warned = [f"{seed}: {one}" for seed, told in seen.items() for one in told if one.endswith("WARN")]
    unit = f"in {SEEDS} seeds"
    yield _shown(row(f"{matter}: right app, above WARN", len(above), unit, str(above[:3]), None, "0", not above))
    yield _shown(row(f"{matter}: right app, WARN", len(warned), unit, str(warned[:3]), None, "", None))
    stranger, kinds = _loaded("newborn_stranger", "stranger"), _loaded("interpreters").KINDS
    with _listening(stranger.start(kind=kinds[matter])) as url:
        report = run(suites.load(matter), url, ("documents", "documents/2"), nonce=NONCE, quick=True)
    odd = [f"{c.case.id} {c.outcome.value}" for c in report.cases if c.outcome not in (Outcome.PASS, Outcome.WARN)]
    yield _shown(row(f"{matter}: the documents carried out", len(odd), "above WARN", str(odd[:3]), None, "0", not odd))
    started = time.perf_counter()
    report = _conduct(matter, right(), "full", "full/2", quick=False)
    seconds = round(time.perf_counter() - started, 1)
    odd = [f"{case.case.id} {case.outcome.value}" for case in report.cases if case.outcome is not Outcome.PASS]
    what = f"{report.requests} requests; {', '.join(odd) or 'all PASS'}"
    yield _shown(row(f"{matter}: full run on two seeds", seconds, "s", what, None, "≤ 60", seconds <= 60))


def _shown(made: dict[str, Any]) -> dict[str, Any]:
    print(made["metric"], made["value"], made["unit"], made["against"], file=sys.stderr, flush=True)
    return made


def _conduct(matter: str, app: Any, *seeds: str, quick: bool = True) -> Report:
    with _served(app.asgi) as url:
        return run(suites.load(matter), url, seeds or (SEED,), nonce=NONCE, quick=quick)


def _loaded(name: str, file: str = "") -> Any:
    path = Path(__file__).parent.parent / "faulty" / f"{file or name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@contextlib.contextmanager
def _listening(server: Any) -> Iterator[str]:
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


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
