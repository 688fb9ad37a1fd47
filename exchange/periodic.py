"""Work that comes round again while the service runs: clocks, pushes, samples."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

_LOG = logging.getLogger(__name__)


def every(seconds: float, work: Callable[[], object], stop: threading.Event, name: str) -> threading.Thread:
    """Do ``work`` every so many seconds until ``stop`` is set. A round that fails is logged, and the next one comes."""

    def loop() -> None:
        while not stop.wait(seconds):
            try:
                work()
            except Exception:
                _LOG.exception("a round failed; the next one comes", extra={"fields": {"round": name}})

    thread = threading.Thread(target=loop, name=name, daemon=True)
    thread.start()
    return thread
