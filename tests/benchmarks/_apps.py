"""Apps under test, served from this process: what the benchmarks of conformance share."""

from __future__ import annotations

import contextlib
import importlib.util
import socket
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any

import uvicorn

from conformance import suites
from conformance.fuzz import FuzzError, fuzz
from conformance.gateway import Gateway
from conformance.report import Report
from conformance.run import country, run

NONCE, SEED = "b" * 32, "bench"
Said = set[tuple[str, str, int]]


@contextlib.contextmanager
def served(app: Any) -> Iterator[str]:
    """An example app on a free port; gives its address."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app.asgi, log_config=None, log_level="critical"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.005)
        try:
            yield f"http://127.0.0.1:{sock.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(timeout=10)


def conduct(matter: str, app: Any, *seeds: str, quick: bool = True, only: Collection[str] = ()) -> Report:
    """A run of a matter's suite against an app."""
    with served(app) as url:
        return run(suites.load(matter), url, seeds or (SEED,), nonce=NONCE, quick=quick, only=only)


def plain(matter: str, app: Callable[[], Any]) -> Said | None:
    """What plain Schemathesis says about an app, with a token and the departments at hand; None when it broke down."""
    suite, today = suites.load(matter), date(2026, 12, 1)
    departments = Gateway(suite.departments.values(), country(SEED), seed=SEED, today=today)
    with departments as gateway, served(app()) as url:
        headers = {
            "Authorization": f"Bearer {gateway.launch('fuzz')}",
            "Tongban-Gateway": gateway.url,
            "Tongban-Today": today.isoformat(),
        }
        try:
            found = fuzz(suite.app.document.text, url, headers, seed=1, examples=10, seconds=30)
        except FuzzError:
            return None
    return {(one.operation, one.check, one.status) for one in found}


def faulty(name: str) -> ModuleType:
    """A module of tests/faulty, which is no package."""
    path = Path(__file__).parent.parent / "faulty" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"faulty_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
