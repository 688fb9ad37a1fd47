"""Group commit: use cases that wait at the same moment share one transaction, and so one write to the disk.

Each keeps its own fate: it runs behind a savepoint, so one that fails takes back its own changes and no others. Nobody
is answered before the transaction of all is durable.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection

from exchange.errors import Unavailable
from exchange.ledger.batch import Batch
from exchange.ledger.service import Ledger

T = TypeVar("T")
Work = Callable[[Connection], T]
"""A use case on the transaction it is given; it must not open one of its own, for that would wait for itself."""
MOST = 128
"""Use cases of one transaction: more would only make the first of them wait longer."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    work: Work[Any]
    told: Future[Any]


class Group:
    """One writing thread of a service. It starts with the first use case and ends with `close`."""

    def __init__(self, ledger: Ledger, *, most: int = MOST) -> None:
        self._ledger = ledger
        self._most = most
        self._waiting: deque[_Waiting] = deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False

    def run(self, work: Work[T]) -> T:
        """What ``work`` gives, once it is durable; raises what it raised, and then nothing of it was written."""
        return self.submit(work).result()

    def submit(self, work: Work[T]) -> Future[T]:
        """The same without waiting; for event loops: ``await asyncio.wrap_future(group.submit(work))``.

        Raises `Unavailable` once the group is closed.
        """
        told: Future[T] = Future()
        with self._changed:
            if self._closed:
                raise Unavailable("the service is stopping", hint="try again")
            if self._thread is None:
                self._thread = threading.Thread(target=self._loop, name="ledger-group", daemon=True)
                self._thread.start()
            self._waiting.append(_Waiting(work, told))
            self._changed.notify()
        return told

    def close(self) -> None:
        """Finish what waits and end."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _loop(self) -> None:
        while batch := self._next():
            # a caller that gave up before its turn is skipped
            batch = [waiting for waiting in batch if waiting.told.set_running_or_notify_cancel()]
            try:
                results = self._together([waiting.work for waiting in batch])
            except Exception as error:  # the transaction itself failed: nobody's work was written
                results = [error] * len(batch)
            for waiting, result in zip(batch, results, strict=True):
                if isinstance(result, Exception):
                    waiting.told.set_exception(result)
                else:
                    waiting.told.set_result(result[0])

    def _next(self) -> list[_Waiting]:
        """Those who wait, at least one; none once the group is closed and everybody was served."""
        with self._changed:
            while not self._waiting and not self._closed:
                self._changed.wait()
            return [self._waiting.popleft() for _ in range(min(len(self._waiting), self._most))]

    def _together(self, works: list[Work[Any]]) -> list[tuple[Any] | Exception]:
        if not works:
            return []
        with self._ledger.database.transaction() as tx, self._ledger.gathering(tx) as batch:
            return [_alone(tx, batch, work) for work in works]


def _alone(tx: Connection, batch: Batch, work: Work[Any]) -> tuple[Any] | Exception:
    before = batch.mark()
    tx.exec_driver_sql("SAVEPOINT work")
    try:
        result = (work(tx),)
    except Exception as error:
        tx.exec_driver_sql("ROLLBACK TO SAVEPOINT work")
        batch.back_to(before)
        return error
    finally:
        tx.exec_driver_sql("RELEASE SAVEPOINT work")
    return result
