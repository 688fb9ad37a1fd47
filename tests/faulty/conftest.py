"""Real HTTP services in threads on free ports."""

from __future__ import annotations

import contextlib
import importlib.util
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import uvicorn

_spec = importlib.util.spec_from_file_location("newborn_mutants", Path(__file__).parent / "mutants.py")
assert _spec is not None
assert _spec.loader is not None
_mutants: ModuleType = importlib.util.module_from_spec(_spec)
sys.modules[_spec.name] = _mutants
_spec.loader.exec_module(_mutants)


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


@pytest.fixture
def serve() -> Iterator[Callable[[Any], str]]:
    with contextlib.ExitStack() as stack:
        yield lambda asgi: stack.enter_context(_served(asgi))


@pytest.fixture
def mutants() -> ModuleType:
    return _mutants


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "fault_name" in metafunc.fixturenames:
        metafunc.parametrize("fault_name", sorted(_mutants.FAULTS))
