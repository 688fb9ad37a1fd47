"""The vendors' apps of the story: separate processes, as a vendor's servers would be; ended with the story."""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from importlib import import_module
from pathlib import Path
from types import TracebackType

import httpx2

from exchange.demo.memory import Memory
from exchange.errors import Unavailable

PACKAGE = "conformance.examples.newborn"


class Apps:
    """Starts each example app once, on a port that is remembered, because its address is registered.

    A story killed hard leaves its apps running, and a test of one of them may be under way: such an app is taken over
    as it is and ended with this story.
    """

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self._running: dict[str, int] = {}

    def __enter__(self) -> Apps:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name, process in self._running.items():
            if _is(process, name):
                os.kill(process, signal.SIGTERM)
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline and any(_is(process, name) for name, process in self._running.items()):
            time.sleep(0.05)

    def start(self, name: str) -> tuple[str, str]:
        """The app's URL and the SHA-256 of its source. Raises `Unavailable` when it does not come up."""
        port = self.memory.once(f"port {name}", _free_port)
        url = f"http://127.0.0.1:{port}"
        if name not in self._running:
            left = self.memory.values.get(f"process {name}", 0)
            if not _is(left, name):
                left = self._launch(name, port)
            self._running[name] = left
            _await(name, url, left)
        return url, _digest(name)

    def start_all(self) -> None:
        """Bring back every app the story has used, for the portal."""
        for name in [key.removeprefix("port ") for key in self.memory.values if key.startswith("port ")]:
            self.start(name)

    def _launch(self, name: str, port: int) -> int:
        command = [sys.executable, "-m", f"{PACKAGE}.{name}", "--port", str(port)]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        threading.Thread(target=process.wait, daemon=True).start()  # no zombie stays behind
        self.memory.put(f"process {name}", process.pid)
        return process.pid


def _await(name: str, url: str, process: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            if httpx2.get(f"{url}/health", timeout=2).status_code == 200:
                return
        except httpx2.HTTPError:
            if not _is(process, name):
                hint = f"try it alone: python -m {PACKAGE}.{name}"
                raise Unavailable(f"the example app {name} ended at once", hint=hint) from None
            time.sleep(0.1)
    raise Unavailable(f"the example app {name} does not answer at {url}", hint="see its output above")


def _is(process: int, name: str) -> bool:
    # a number may meanwhile belong to another program: only one that is this app counts
    try:
        if process <= 0:
            return False
        if not Path("/proc/self").exists():  # not Linux: the number is all there is to go by
            os.kill(process, 0)
            return True
        return f"{PACKAGE}.{name}" in Path(f"/proc/{process}/cmdline").read_text()
    except OSError:
        return False


def _digest(name: str) -> str:
    # what the app consists of: its own module and the logic the examples share
    folder = Path(str(import_module(PACKAGE).__file__)).parent
    own = [path for path in sorted(folder.glob("*.py")) if path.stem == name or path.stem not in VARIANTS]
    return hashlib.sha256(b"".join(path.read_bytes() for path in own)).hexdigest()


VARIANTS = frozenset({"right", "unmarried", "overreading"})


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
