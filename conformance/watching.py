"""Waiting until an app has changed: its files were written, or it was started anew."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from conformance.transport import AppUnreachable, Ask, HttpTransport, RateLimited

PASSED_OVER = frozenset({".git", ".venv", "__pycache__", "node_modules", "target", "build", "dist"})
Stamps = Mapping[str, tuple[int, int]]
"""Path → (time of the last change in nanoseconds, size)."""


def stamps(paths: Iterable[Path]) -> Stamps:
    """When the files under these paths were last written; what cannot be read is left out."""
    found: dict[str, tuple[int, int]] = {}
    for path in paths:
        places = [path] if path.is_file() else []
        for folder, folders, names in os.walk(path):
            folders[:] = [name for name in folders if name not in PASSED_OVER and not name.startswith(".")]
            places += [Path(folder) / name for name in names]
        for place in places:
            try:
                told = place.stat()
            except OSError:
                continue
            found[str(place)] = (told.st_mtime_ns, told.st_size)
    return found


def alive(url: str) -> bool:
    """Whether the app answers its health check well."""
    line = HttpTransport(url, timeout=3.0, patience=0.0)
    try:
        return line.send(Ask("GET", "/health")).status == 200
    except (AppUnreachable, RateLimited):
        return False
    finally:
        line.close()


def change(
    url: str,
    paths: Iterable[Path],
    before: Stamps,
    *,
    pause: float = 1.0,
    sleep: Callable[[float], None] = time.sleep,
) -> str:
    """Wait for a change and until the app is up again; says what changed.

    `before` are the stamps at the beginning of the last run, so that nothing written meanwhile is missed.
    """
    watched = list(paths)
    said = ""
    while True:
        up = alive(url)
        if not said:
            now = stamps(watched)
            written = sorted(name for name in now.keys() | before.keys() if now.get(name) != before.get(name))
            said = f"{written[0]} was written" if written else "" if up else "the app was restarted"
        elif up:
            return said
        sleep(pause)
