"""Group commit: one thread takes everything that waits, writes it in one transaction, and only then lets go."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

LARGEST_GROUP = 256
"""Jobs of one transaction; the rest take the next one."""
MANY = 8
GATHERING = 0.0005
"""Seconds to wait for more after a transaction of that many jobs: what one costs by itself is shared by more."""


class _Waiting(NamedTuple):
    job: Any
    loop: asyncio.AbstractEventLoop
    done: asyncio.Future[Any]


class Lane:
    """A queue in front of the database. A job's outcome is known when its transaction is durable, never before."""

    def __init__(
        self,
        write: Callable[[Sequence[Any]], Sequence[Any]],
        end: Callable[[], None] = lambda: None,
        name: str = "receipts",
    ) -> None:
        """``write`` puts jobs into one transaction and gives one outcome each, in order: a value, or an exception.

        Both are called by the lane's thread only; ``end`` when it ends.
        """
        self._write, self._end = write, end
        self._name = name
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    async def __call__(self, job: Any) -> Any:
        """The outcome of a job once it is durable. Raises what the job came to."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Any] = loop.create_future()
        if self._thread is None:
            self._start()
        self._queue.put(_Waiting(job, loop, done))
        # a consumer that hangs up must not take its job's evidence along: the job is in the queue and will be written
        return await done

    def close(self) -> None:
        """Write what waits and end the thread; a later job starts a new one."""
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is not None:
            self._queue.put(None)
            thread.join()

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()

    def _run(self) -> None:
        try:
            self._work()
        finally:
            self._end()

    def _work(self) -> None:
        many = False
        while (first := self._queue.get()) is not None:
            group, ends = [first], False
            if many:
                time.sleep(GATHERING)
            while len(group) < LARGEST_GROUP:
                try:
                    more = self._queue.get_nowait()
                except queue.Empty:
                    break
                if more is None:
                    ends = True
                    break
                group.append(more)
            many = len(group) >= MANY
            self._settle(group)
            if ends:
                return

    def _settle(self, group: list[_Waiting]) -> None:
        try:
            outcomes = self._write([one.job for one in group])
        except Exception as error:
            outcomes = [error] * len(group)
        told: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Any]]] = {}
        for one, outcome in zip(group, outcomes, strict=True):
            told.setdefault(one.loop, []).append((one.done, outcome))
        for loop, pairs in told.items():
            try:
                loop.call_soon_threadsafe(_tell, pairs)
            except RuntimeError:  # the loop ended meanwhile: nobody waits any more
                continue


def _tell(pairs: list[tuple[asyncio.Future[Any], Any]]) -> None:
    for done, outcome in pairs:
        if done.done():
            continue
        if isinstance(outcome, BaseException):
            done.set_exception(outcome)
        else:
            done.set_result(outcome)


class Loop:
    """An event loop in a thread of its own, for callers that are not asynchronous."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def run(self, work: Any) -> Any:
        """The result of a coroutine; the loop is started when first needed."""
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=self._loop.run_forever, name=self._name, daemon=True)
                self._thread.start()
            loop = self._loop
        return asyncio.run_coroutine_threadsafe(work, loop).result()

    def close(self, last: Callable[[], Any] | None = None) -> None:
        """Run the coroutine ``last`` makes, then end the loop; a later `run` starts another."""
        with self._lock:
            loop, thread, self._loop, self._thread = self._loop, self._thread, None, None
        if loop is None or thread is None:
            return
        if last is not None:
            asyncio.run_coroutine_threadsafe(last(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
