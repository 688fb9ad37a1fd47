"""How much memory the whole story takes: this process and everything it started, shared pages counted once."""

from __future__ import annotations

import resource
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType


class Meter:
    """Samples the proportional set size of the process tree (Linux); elsewhere the peak of this process alone."""

    def __init__(self, pause: float = 0.5) -> None:
        self._pause, self._peak = pause, 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="meter", daemon=True)

    def __enter__(self) -> Meter:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Take no more samples: each of them costs the kernel a walk through all memory of the tree."""
        self._stop.set()
        self._thread.join()

    @property
    def peak_mib(self) -> int:
        """The highest sample so far, in MiB."""
        return (self._peak or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) // 1024

    def _watch(self) -> None:
        while not self._stop.wait(self._pause):
            self._peak = max(self._peak, sum(_pss(process) for process in _tree(Path("/proc/self"))))


def _tree(process: Path) -> Iterator[Path]:
    yield process
    for children in process.glob("task/*/children"):
        try:
            started = children.read_text().split()
        except OSError:  # the thread ended meanwhile
            continue
        for child in started:
            yield from _tree(Path("/proc") / child)


def _pss(process: Path) -> int:
    try:
        lines = (process / "smaps_rollup").read_text().splitlines()
    except OSError:  # the process ended meanwhile, or this is not Linux
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
