"""Signs checkpoints beside the requests: every few seconds or so many entries, whichever is first, and at the end."""

from __future__ import annotations

import logging
import threading
import time

from sqlalchemy.exc import SQLAlchemyError

from exchange.errors import Unavailable
from exchange.ledger.model import Checkpoint
from exchange.ledger.service import Ledger

_log = logging.getLogger(__name__)


class Keeper:
    """One thread of a service. Several workers may each run one: the ledger lets one of them sign a size."""

    def __init__(self, ledger: Ledger, *, seconds: float = 2.0, entries: int = 1000, poll: float = 0.2) -> None:
        """A checkpoint is at most ``seconds`` or ``entries`` behind the newest entry; looked at every ``poll``."""
        self.ledger = ledger
        self._seconds = seconds
        self._entries = entries
        self._poll = poll
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._sealed = threading.Condition()
        self._rounds = 0
        self._error: Unavailable | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin; from now on whoever needs a newer checkpoint (a proof, say) waits for this thread."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._loop, name="ledger-keeper", daemon=True)
        self._thread.start()
        self.ledger.seal = self._ask

    def stop(self) -> None:
        """Sign what is there and end."""
        if self._thread is None:
            return
        self.ledger.seal = self.ledger.checkpoint
        self._stopping.set()
        self._wake.set()
        self._thread.join()
        self._thread = None
        if self._error is None:
            self.ledger.checkpoint()

    def check(self) -> None:
        """For `exchange.http.health`: raises `Unavailable` when the ledger refused to be signed."""
        if self._error is not None:
            raise self._error

    def _ask(self) -> Checkpoint:
        with self._sealed:
            # the round now running may have read the head before our entry: the one after it has not
            wanted = self._rounds + 2
            self._wake.set()
            while self._rounds < wanted and not self._stopping.is_set():
                if not self._sealed.wait(timeout=10) or self._error is not None:
                    raise self._error or Unavailable("no checkpoint was signed in time", hint="try again")
                self._wake.set()
        return self.ledger.latest()

    def _loop(self) -> None:
        signed = time.monotonic()
        while not self._stopping.is_set():
            asked = self._wake.wait(self._poll)
            self._wake.clear()
            try:
                behind = self.ledger.behind()
                due = behind >= self._entries or time.monotonic() - signed >= self._seconds
                if behind and (asked or due):
                    self.ledger.checkpoint()
                if behind == 0 or asked or due:
                    signed = time.monotonic()
            except Unavailable as error:
                _log.critical("the ledger is not signed any more: %s", error)
                self._error = error
            except SQLAlchemyError:
                _log.exception("the database did not answer; trying again")
            with self._sealed:
                self._rounds += 1
                self._sealed.notify_all()
            if self._error is not None:
                return
