"""The vendors' apps of the story: separate processes, as a vendor's servers would be; ended with the story."""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path
from types import TracebackType

import httpx2

from exchange.demo.memory import Memory
from exchange.errors import Unavailable

PACKAGE = "conformance.examples.newborn"


class Apps:
    """Starts each example app once, on a port that is remembered, because its address is registered."""

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Apps:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._running.values():
            process.terminate()
        for process in self._running.values():
            try:
                process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                process.kill()

    def start(self, name: str) -> tuple[str, str]:
        """The app's URL and the SHA-256 of its source. Raises `Unavailable` when it does not come up."""
        port = self.memory.once(f"port {name}", _free_port)
        url = f"http://127.0.0.1:{port}"
        if name not in self._running:
            self._end_left_over(name)
            command = [sys.executable, "-m", f"{PACKAGE}.{name}", "--port", str(port)]
            self._running[name] = subprocess.Popen(command, stdout=subprocess.DEVNULL)
            self.memory.put(f"process {name}", self._running[name].pid)
            self._await(name, url)
        return url, _digest(name)

    def start_all(self) -> None:
        """Bring back every app the story has used, for the portal."""
        for name in [key.removeprefix("port ") for key in self.memory.values if key.startswith("port ")]:
            self.start(name)

    def _end_left_over(self, name: str) -> None:
        # a story killed hard leaves its apps behind on their ports; only a process that is that app is ended
        left = self.memory.values.get(f"process {name}")
        command = Path(f"/proc/{left}/cmdline")
        for _ in range(50):
            try:
                if left is None or f"{PACKAGE}.{name}" not in command.read_text():
                    return
                os.kill(left, signal.SIGTERM)
            except OSError:  # it has ended
                return
            time.sleep(0.1)

    def _await(self, name: str, url: str) -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if self._running[name].poll() is not None:
                raise Unavailable(
                    f"the example app {name} ended at once", hint=f"try it alone: python -m {PACKAGE}.{name}"
                )
            try:
                if httpx2.get(f"{url}/health", timeout=2).status_code == 200:
                    return
            except httpx2.HTTPError:
                time.sleep(0.1)
        raise Unavailable(f"the example app {name} does not answer at {url}", hint="see its output above")


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
