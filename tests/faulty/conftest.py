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


def _loaded(name: str, file: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).parent / file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


_mutants = _loaded("newborn_mutants", "mutants.py")
_stranger = _loaded("newborn_stranger", "stranger.py")
_interpreters = _loaded("interpreters", "interpreters.py")


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


@contextlib.contextmanager
def _started(server: Any) -> Iterator[str]:
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def stranger() -> Iterator[str]:
    """The address of a right newborn app written otherwise."""
    with _started(_stranger.start()) as url:
        yield url


@pytest.fixture
def interpreter() -> Iterator[Callable[[str], str]]:
    """The address of an app that carries out the documents of a matter as they stand."""
    with contextlib.ExitStack() as stack:
        yield lambda matter: stack.enter_context(_started(_stranger.start(kind=_interpreters.KINDS[matter])))


@pytest.fixture
def mutants() -> ModuleType:
    return _mutants


@pytest.fixture(scope="session")
def start_ups() -> ModuleType:
    return _loaded("start_ups", "start_ups.py")


@pytest.fixture(scope="session")
def withdrawals() -> ModuleType:
    return _loaded("withdrawals", "withdrawals.py")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "fault_name" in metafunc.fixturenames:
        metafunc.parametrize("fault_name", sorted(_mutants.FAULTS))
