"""A ledger and its witness as two processes: the witness, killed, comes back; the service, turned back, does not."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from exchange.keys import Keys
from exchange.ledger import verify as verifier
from exchange.ledger.opening import opened
from exchange.ledger.service import Draft, Ledger
from exchange.settings import from_environment
from tests.conftest import COMMAND, environment, free_port

NAME = "audit.test/witness"


class Process:
    """`tongban witness` on a fixed port; started again it is the same witness."""

    def __init__(self, home: Path, vkey: str) -> None:
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self._command = [*COMMAND, "witness", "--name", NAME, "--log", vkey]
        self._command += ["--home", str(home), "--port", str(self.port)]
        self.vkey = self.start()

    def start(self) -> str:
        """Its verifier key, once it answers."""
        self.process = subprocess.Popen(self._command, stderr=subprocess.PIPE, text=True)
        assert self.process.stderr is not None
        while not (line := self.process.stderr.readline()).startswith("vkey "):
            assert line, "the witness ended"
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"{self.address}/vkey", timeout=5) as answer:
                    assert answer.read().decode().strip() == line.split()[1]
                    return line.split()[1]
            except OSError:
                time.sleep(0.05)
        raise AssertionError("the witness does not answer")

    def kill(self) -> None:
        if self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGKILL)
        self.process.communicate()

    def kept(self) -> str:
        with urllib.request.urlopen(f"{self.address}/checkpoint/tongban.example/ledger", timeout=5) as answer:
            return str(answer.read().decode())


def add(ledger: Ledger, count: int) -> None:
    with ledger.database.transaction() as tx:
        ledger.append_all(tx, [Draft("test.made", {"n": n}) for n in range(count)])


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    Keys(folder).signing("ledger")
    from exchange import migrations
    from exchange.database import Database

    database = Database(f"sqlite:///{folder / 'tongban.sqlite'}")
    migrations.upgrade(database)
    database.close()
    return folder


def test_two_processes(home: Path, tmp_path: Path) -> None:
    first = opened(from_environment({"TONGBAN_HOME": str(home)}))
    witness = Process(tmp_path / "witness", first.vkey)
    try:
        settings = {"TONGBAN_WITNESSES": f"{witness.address} {witness.vkey}"}

        def run(*arguments: str) -> subprocess.CompletedProcess[str]:
            command = [*COMMAND, "ledger", *arguments]
            return subprocess.run(
                command, env=environment(home, **settings), capture_output=True, text=True, check=False
            )

        ours = opened(from_environment({"TONGBAN_HOME": str(home), **settings}))
        add(first, 300)
        ours.export(tmp_path / "one")
        shutil.copytree(home, tmp_path / "backup")
        add(first, 5)
        witness.kill()
        exported = run("export", str(tmp_path / "two"))  # nobody to cosign: that is told, and stops nothing
        assert "did not cosign" in exported.stderr
        alone = [sys.executable, verifier.__file__, str(tmp_path / "two"), "--vkey", first.vkey]
        alone += ["--witness", witness.vkey]
        judged = subprocess.run(alone, capture_output=True, text=True, check=False)
        assert judged.returncode == 1
        assert "witnesses, entries 300–304" in judged.stdout
        assert witness.start() == witness.vkey
        ours.export(tmp_path / "two")
        judged = subprocess.run(alone, capture_output=True, text=True, check=False)
        assert judged.returncode == 0, judged.stdout
        assert f"cosigned by {NAME} at " in judged.stdout

        # the operator puts the backup back and starts the service on it
        first.database.close()
        ours.database.close()
        shutil.rmtree(home)
        shutil.copytree(tmp_path / "backup", home)
        command = [*COMMAND, "serve", "--port", str(free_port())]
        served = subprocess.run(
            command, env=environment(home, **settings), capture_output=True, text=True, timeout=60, check=False
        )
        assert served.returncode == 4, served.stderr
        assert f"the witness {NAME} has seen 305 entries, here are 300" in served.stderr
        assert "Traceback" not in served.stderr
        (tmp_path / "kept").write_text(witness.kept())
        opened(from_environment({"TONGBAN_HOME": str(home)})).export(tmp_path / "three")
        judged = subprocess.run(
            [*alone[:2], str(tmp_path / "three"), "--checkpoint", str(tmp_path / "kept")],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert "covers 305 entries: the ledger was rolled back to 300" in judged.stdout
    finally:
        witness.kill()


def test_a_taken_port_is_one_line(tmp_path: Path) -> None:
    import socket

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from exchange.ledger.note import SigningKey

    vkey = SigningKey("a.test/log", Ed25519PrivateKey.generate()).vkey
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        command = [*COMMAND, "witness", "--name", "w.test/w", "--log", vkey, "--home", str(tmp_path)]
        for more, code in ((["--port", str(taken.getsockname()[1])], 4), (["--log", "x"], 3)):
            ended = subprocess.run([*command, *more], capture_output=True, text=True, timeout=30, check=False)
            assert (ended.returncode, ended.stderr.count("\n")) == (code, 2), ended.stderr
