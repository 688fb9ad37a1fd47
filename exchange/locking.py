"""One process a data folder."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from exchange.errors import Unavailable


@contextmanager
def locked(home: Path) -> Iterator[None]:
    """Own the data folder while the block runs. Raises `Unavailable` when it cannot be written or is in use."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        handle = os.open(home / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise Unavailable(
            f"the data folder {home} cannot be written: {error.strerror}",
            hint="set TONGBAN_HOME to a folder of yours",
        ) from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Unavailable(
                f"tongban already runs on the data folder {home}",
                hint="stop the other one, or give this one its own TONGBAN_HOME and --port",
            ) from None
        yield
    finally:
        os.close(handle)
