"""Row ranges on many workers: one `concurrent.futures.Executor` seam.

Where a part begins and ends follows from the number of rows alone, never from the number of workers, and a part is a
pure function of its range. So one process, seven, or a cluster's executor (`distributed.Client.get_executor()`) write
the same bytes, and a range whose worker died is simply done again.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TypeVar

ROW_GROUP = 262_144
"""Rows of a Parquet row group; smaller ones cost up to 45 % (facts, measured)."""
BATCH_ROWS = ROW_GROUP // 2
"""Rows made at a time: their columns stay in the processor's caches until they are written (measured: 8 % faster)."""
PART_ROWS = 4 * ROW_GROUP
"""Rows of one file of a dataset in several parts."""
TRIES = 3

Task = TypeVar("Task")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Range:
    """Rows start … stop-1 of a table, its part number `part`."""

    part: int
    start: int
    stop: int


def parts(rows: int, part_rows: int = PART_ROWS) -> tuple[Range, ...]:
    """The parts of a table of `rows` rows; one empty part for none."""
    starts = range(0, max(rows, 1), part_rows)
    return tuple(Range(number, start, min(start + part_rows, rows)) for number, start in enumerate(starts))


def cores() -> int:
    """Processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def others(workers: int) -> Iterator[Executor]:
    """An executor of that many further processes. They are spawned, not forked: Arrow's threads do not survive a fork.
    Ctrl-C is for this process to deal with: workers finish what they do. They end with this process even when it is
    killed.
    """
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_begin) as pool:
        with _deaf():
            pool.submit(int)  # starts the processes
        yield pool


@contextmanager
def _deaf() -> Iterator[None]:
    """Processes started meanwhile do not hear Ctrl-C."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _begin() -> None:
    """In a worker: end when the parent is gone. Without this it would wait for work for ever."""
    parent = multiprocessing.parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def each(
    work: Callable[[Task], Result],
    tasks: Sequence[Task],
    workers: int = 1,
    executor: Executor | None = None,
    done: Callable[[Result], None] | None = None,
) -> list[Result]:
    """`work` on every task; results in the order of the tasks. `done` hears of each result as it comes in.

    With `executor` given it is used and left open, else this process and up to `workers` - 1 others share the tasks:
    this one has at hand what another needs seconds to prepare. A pool that loses a worker is opened again for what is
    missing, three times at most. An error of `work` itself is raised and nothing more begins.
    """
    results: dict[int, Result] = {}

    def keep(number: int, result: Result) -> None:
        results[number] = result
        if done is not None:
            done(result)

    def missing() -> list[int]:
        return [number for number in range(len(tasks)) if number not in results]

    if executor is not None:
        _drain(executor, work, tasks, keep)
    elif workers <= 1 or len(tasks) <= 1:
        for number, task in enumerate(tasks):
            keep(number, work(task))
    else:
        for attempt in range(TRIES):
            more = min(workers, len(missing()), 61) - 1
            try:
                with others(max(more, 1)) as pool:
                    _share(pool, more, work, tasks, deque(missing()), keep)
                break
            except BrokenProcessPool:
                if attempt == TRIES - 1:
                    raise
    return [results[number] for number in range(len(tasks))]


def _drain(
    executor: Executor, work: Callable[[Task], Result], tasks: Sequence[Task], keep: Callable[[int, Result], None]
) -> None:
    waiting = {executor.submit(work, task): number for number, task in enumerate(tasks)}
    try:
        for future in as_completed(waiting):
            keep(waiting[future], future.result())
    except BaseException:
        for future in waiting:
            future.cancel()
        raise


def _share(
    pool: Executor,
    others: int,
    work: Callable[[Task], Result],
    tasks: Sequence[Task],
    waiting: deque[int],
    keep: Callable[[int, Result], None],
) -> None:
    """Tasks of these numbers by a thread of this process and `others` of the pool, each taking the next when it is done
    with one."""
    finished: SimpleQueue[tuple[int, Future[Result], bool]] = SimpleQueue()

    def here() -> None:
        while waiting:
            try:
                number = waiting.popleft()
            except IndexError:  # another was quicker
                return
            future: Future[Result] = Future()
            try:
                future.set_result(work(tasks[number]))
            except BaseException as error:
                future.set_exception(error)
            finished.put((number, future, False))

    def there() -> None:
        with suppress(IndexError):
            number = waiting.popleft()
            future = pool.submit(work, tasks[number])
            future.add_done_callback(lambda done: finished.put((number, done, True)))

    left = len(waiting)
    for _ in range(others):
        there()
    own = threading.Thread(target=here, name="tongban-part")
    own.start()
    try:
        for _ in range(left):
            number, future, idle = finished.get()
            if idle:
                there()
            keep(number, future.result())
    finally:
        waiting.clear()
        own.join()
