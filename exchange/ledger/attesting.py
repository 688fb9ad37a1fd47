"""Has outsiders vouch for the ledger beside the requests: witnesses cosign, a time-stamping authority stamps."""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from http.client import HTTPException

from sqlalchemy.exc import SQLAlchemyError

from exchange.errors import Unavailable, Unprocessable
from exchange.ledger.cosigning import Cosigning
from exchange.ledger.stamping import Stamping

_log = logging.getLogger(__name__)


class Attesting:
    """One thread of a service; without witnesses and authority it has nothing to do and does not start."""

    def __init__(self, cosigning: Cosigning, stamping: Stamping | None = None, *, seconds: float = 2.0) -> None:
        """A new checkpoint is brought to the witnesses within ``seconds``."""
        self.cosigning = cosigning
        self.stamping = stamping
        self._seconds = seconds
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, after `Cosigning.round` has heard from the witnesses that the ledger was not turned back."""
        if not self.cosigning.peers and self.stamping is None:
            return
        self._stopping.clear()
        self._thread = threading.Thread(target=self._loop, name="ledger-attesting", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Have the last checkpoint cosigned and end."""
        if self._thread is None:
            return
        self._stopping.set()
        self._thread.join()
        self._thread = None
        if self.cosigning.ledger.distrusted is None:
            with suppress(Unavailable):  # told by the log of this round, and at the next start
                self.cosigning.round()

    def check(self) -> None:
        """For `exchange.http.health`: raises `Unavailable` when a witness has seen another history."""
        if self.cosigning.ledger.distrusted is not None:
            raise self.cosigning.ledger.distrusted

    def _loop(self) -> None:
        while not self._stopping.wait(self._seconds):
            try:
                self._round()
            except Unavailable as error:
                _log.critical("the ledger is not signed any more: %s", error)
                return

    def _round(self) -> None:
        try:
            self.cosigning.round()
        except SQLAlchemyError:
            _log.exception("the database did not answer; trying again")
        try:
            if self.stamping is not None:
                self.stamping.round()
        except (OSError, HTTPException, Unprocessable, SQLAlchemyError) as error:
            _log.warning("no time stamp: %s", error)
