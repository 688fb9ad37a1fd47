"""Living sandboxes: built when first called, kept while they are used, one world of writes shared by those in it."""

from __future__ import annotations

import json
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from functools import lru_cache
from itertools import count
from typing import Any, TypeVar

from sqlalchemy import Connection

from exchange.catalogue.service import Catalogue
from exchange.clock import Clock, stamp
from exchange.database import Database
from exchange.sandboxes import store
from exchange.sandboxes.model import Hosted, RecordedCall
from exchange.sandboxes.overlay import DurableOverlay, held
from mockdata.sandbox import Sandbox
from mockdata.sandbox.calls import shown
from mockdata.sandbox.clock import VirtualClock, moment, setting
from mockdata.sandbox.messages import Request, Response
from mockdata.sandbox.past import Moment
from mockdata.sandbox.plans import plan_of
from mockdata.sandbox.record import Call
from mockdata.sandbox.sending import BackgroundSender, Destinations, OutgoingCall

KEPT = 64
"""Sandboxes and worlds held in memory; the rest is built again from the database when called."""
LARGEST_DETAIL = 16_000
"""Characters of a body kept with a call."""
FLUSH_SECONDS = 0.5
FLUSH_CALLS = 100
DETAIL = (
    "path", "query", "headers", "body", "answer", "answer_headers", "answer_size", "violations", "rule", "faults",
    "dropped", "token", "handled_matter", "duration_ms",
)  # fmt: skip
"""What is kept of a shown call beside the columns of its row."""
T = TypeVar("T")


class _World:
    def __init__(self, name: str, revision: int) -> None:
        self.revision = revision  # of its sandboxes when it was read from the database
        self.lock = threading.Lock()
        self.overlay = DurableOverlay(name)
        self.busy = 0  # calls in it or on their way to it; such a world is not put aside
        self.dead = False  # its memory may be ahead of the database: not to be used any more


class _Live:
    """A sandbox in memory, with the clock and faults it was last given."""

    def __init__(self, sandbox: Sandbox, world: _World, clock: VirtualClock) -> None:
        self.sandbox, self.world, self.clock = sandbox, world, clock
        self.faults: tuple[Mapping[str, Any], ...] | None = ()  # None: to be put in force anew
        self.counts: list[list[int | None]] = []  # how far the database has them
        self.set_to: Mapping[str, Any] | None = None


class Hosting:
    """Answers calls to hosted sandboxes. Safe from any thread; calls in one world take turns."""

    def __init__(
        self,
        database: Database,
        catalogue: Catalogue,
        population_size: int,
        clock: Clock,
        destinations: Destinations | None = None,
    ) -> None:
        """``destinations``: where callbacks and webhooks of sandboxes may go; None: nothing is sent."""
        self.destinations = destinations
        self.database, self.catalogue, self.clock = database, catalogue, clock
        self._size = population_size
        self._lock = threading.Lock()
        self._worlds: dict[str, _World] = {}
        self._live: OrderedDict[str, _Live] = OrderedDict()
        self.population = lru_cache(maxsize=4)(self._people)
        self._calls: list[RecordedCall] = []
        self._numbers = count()
        self._flushing = threading.Lock()
        self._stop = threading.Event()
        self._flusher: threading.Thread | None = None

    def handle(self, hosted: Hosted, request: Request) -> Response:
        """Answer a call; what it wrote is durable before this returns."""
        with self._inside(hosted) as live:
            self._adjust(live, hosted)
            return self._answer(hosted.id, live, request)

    def fire(
        self, hosted: Hosted, webhook: str, url: str, interface: str | None, body: Mapping[str, Any] | None
    ) -> Future[OutgoingCall]:
        """Send a webhook (`Sandbox.fire`); its number is durable before this returns."""
        with self._inside(hosted) as live:
            self._adjust(live, hosted)
            with self._kept(hosted.id, live):
                return live.sandbox.fire(webhook, url, interface=interface, body=body)

    def change(self, hosted: Hosted, work: Callable[[Connection], T]) -> T:
        """Run a transaction that changes what a world holds while no call is in it; the next call reads it anew."""
        with self._inside(hosted) as live:
            with self.database.transaction() as tx:
                done = work(tx)
            self._forget(live.world)
            return done

    @contextmanager
    def _inside(self, hosted: Hosted) -> Iterator[_Live]:
        """The sandbox with its world, alone in it."""
        while True:
            live = self._open(hosted)
            world = live.world
            try:
                with world.lock:
                    if not world.dead and world.revision >= hosted.revision:
                        yield live
                        return
                    # gone, or changed by another worker
                    self._forget(world)
            finally:
                with self._lock:
                    world.busy -= 1

    def _adjust(self, live: _Live, hosted: Hosted) -> None:
        """Give a sandbox the clock and the faults it is to have now."""
        if live.set_to != hosted.clock:
            live.set_to, live.clock.held = hosted.clock, setting(hosted.clock)
        if live.faults != hosted.faults:
            plan = plan_of(list(hosted.faults))
            wanted = {fault.stale.snapshot for _, fault in plan if fault.stale is not None}
            live.sandbox.past.forget()
            live.sandbox.past.named = self._moments(hosted.id, wanted)
            live.sandbox.faults.replace(plan)
            if hosted.fault_counts is not None:
                live.sandbox.faults.resume(hosted.fault_counts)
            live.faults, live.counts = hosted.faults, live.sandbox.faults.counts()

    def _moments(self, sandbox: str, names: set[str | None]) -> dict[str, Moment]:
        if not names - {None}:
            return {}
        with self.database.reading() as tx:
            found = [one for one in store.snapshots(tx, sandbox) if one.name in names]
            return {one.name: Moment(moment(one.at), held(tx, one.world)) for one in found}

    def recount(self, id: str) -> None:
        """Let the faults of a sandbox be counted from the start at its next call, though they are the same."""
        with self._lock:
            if id in self._live:
                self._live[id].faults = None

    def flush(self) -> None:
        """Write recorded calls to the database."""
        with self._flushing:
            with self._lock:
                waiting, self._calls = self._calls, []
            if waiting:
                with self.database.transaction() as tx:
                    store.add_calls(tx, waiting)

    def close(self) -> None:
        """Stop the thread that writes recorded calls, and write the last ones."""
        self._stop.set()
        if self._flusher is not None:
            self._flusher.join()
        self.flush()

    def _answer(self, id: str, live: _Live, request: Request) -> Response:
        with self._kept(id, live):
            return live.sandbox.handle(request)

    @contextmanager
    def _kept(self, id: str, live: _Live) -> Iterator[None]:
        """What happens inside is durable after it: what was written, and how far faults are counted."""
        world, faults = live.world, live.sandbox.faults
        try:
            yield
            counts = faults.counts()
            counted = counts != live.counts
            if world.overlay.dirty or counted:
                with self.database.transaction() as tx:
                    world.overlay.keep(tx)
                    if counted:
                        store.change(tx, id, fault_counts=counts)
                live.counts = counts
        except BaseException:
            # what is in memory was not kept: the next call builds the world again from what was
            self._forget(world)
            raise

    def _open(self, hosted: Hosted) -> _Live:
        self.population(hosted.seed)  # takes half a second the first time: not under the lock
        with self._lock:
            found = self._live.get(hosted.id)
            if found is not None and (found.sandbox.seed, found.world.overlay.world) == (hosted.seed, hosted.world):
                self._live.move_to_end(hosted.id)
                found.world.busy += 1
                return found
            world = self._worlds.get(hosted.world)
            if world is None:
                world = self._worlds[hosted.world] = _World(hosted.world, hosted.revision)
                with self.database.reading() as tx:
                    world.overlay.load(tx)
            clock = VirtualClock(self.clock)
            made = _Live(self._build(hosted, world, clock), world, clock)
            self._live[hosted.id] = made
            world.busy += 1
            self._put_aside()
            return made

    def _put_aside(self) -> None:
        idle = [id for id, live in self._live.items() if not live.world.busy]
        for id in idle[: max(0, len(self._live) - KEPT)]:
            del self._live[id]
        used = {live.world.overlay.world for live in self._live.values()}
        self._worlds = {name: world for name, world in self._worlds.items() if name in used}

    def _build(self, hosted: Hosted, world: _World, clock: VirtualClock) -> Sandbox:
        interfaces = [self.catalogue.version(id, version)[1] for id, version in hosted.interfaces]
        return Sandbox(
            interfaces,
            self.population(hosted.seed),
            seed=hosted.seed,
            clock=clock,
            overlay=world.overlay,
            recorder=lambda call: self._record(hosted.id, call),
            # one each: nobody's slow destination keeps the messages of others
            sender=BackgroundSender(self.destinations) if self.destinations is not None else None,
        )

    def _forget(self, world: _World) -> None:
        world.dead = True
        with self._lock:
            for id in [id for id, live in self._live.items() if live.world is world]:
                del self._live[id]
            if self._worlds.get(world.overlay.world) is world:
                del self._worlds[world.overlay.world]

    def _people(self, seed: str) -> Any:
        from mockdata.population import Population  # NumPy and Arrow: loaded by the first sandbox, not by --help

        return Population(seed, self._size)

    def _record(self, sandbox: str, call: Call) -> None:
        made = RecordedCall(
            # calls of one millisecond keep their order
            id=f"cal_{int(call.at.timestamp() * 1000):012x}{next(self._numbers) % 2**24:06x}{secrets.token_hex(4)}",
            sandbox=sandbox,
            at=stamp(call.at),
            interface=call.interface,
            operation=call.operation,
            method=call.method[:16],
            path_template=call.path_template,
            status=call.status,
            valid=call.valid,
            fields_returned=call.fields_returned,
            detail=_detail(call),
        )
        with self._lock:
            self._calls.append(made)
            full = len(self._calls) >= FLUSH_CALLS
            if self._flusher is None and not self._stop.is_set():
                self._flusher = threading.Thread(target=self._flush_now_and_then, name="sandbox-calls", daemon=True)
                self._flusher.start()
        if full:
            self.flush()

    def _flush_now_and_then(self) -> None:
        while not self._stop.wait(FLUSH_SECONDS):
            self.flush()


def _detail(call: Call) -> Mapping[str, Any]:
    told = shown(call)
    sent = {"outgoing": {"tries": call.tries, "error": call.error}} if isinstance(call, OutgoingCall) else {}
    return (
        sent
        | {name: told[name] for name in DETAIL}
        | {
            "path": told["path"][:2000],
            "query": told["query"][:100],
            "body": _short(told["body"]),
            "answer": _short(told["answer"]),
            "violations": [{name: text[:500] for name, text in one.items()} for one in told["violations"][:50]],
        }
    )


def _short(value: Any) -> Any:
    text = json.dumps(value, ensure_ascii=False)
    return value if len(text) <= LARGEST_DETAIL else {"cut": len(text)}
