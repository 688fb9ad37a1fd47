"""Living sandboxes: built when first called, kept while they are used, one world of writes shared by those in it."""

from __future__ import annotations

import json
import secrets
import threading
from collections import OrderedDict
from collections.abc import Mapping
from functools import lru_cache
from itertools import count
from typing import Any

from exchange.catalogue.service import Catalogue
from exchange.clock import Clock, stamp
from exchange.database import Database
from exchange.sandboxes import store
from exchange.sandboxes.model import Hosted, RecordedCall
from exchange.sandboxes.overlay import DurableOverlay
from mockdata.sandbox import Sandbox
from mockdata.sandbox.messages import Request, Response
from mockdata.sandbox.record import Call

KEPT = 64
"""Sandboxes and worlds held in memory; the rest is built again from the database when called."""
LARGEST_DETAIL = 16_000
"""Characters of a body kept with a call."""
FLUSH_SECONDS = 0.5
FLUSH_CALLS = 100


class _World:
    def __init__(self, name: str) -> None:
        self.lock = threading.Lock()
        self.overlay = DurableOverlay(name)
        self.busy = 0  # calls in it or on their way to it; such a world is not put aside
        self.dead = False  # its memory may be ahead of the database: not to be used any more


class Hosting:
    """Answers calls to hosted sandboxes. Safe from any thread; calls in one world take turns."""

    def __init__(self, database: Database, catalogue: Catalogue, population_size: int, clock: Clock) -> None:
        self.database, self.catalogue, self.clock = database, catalogue, clock
        self._size = population_size
        self._lock = threading.Lock()
        self._worlds: dict[str, _World] = {}
        self._live: OrderedDict[str, tuple[Sandbox, _World]] = OrderedDict()
        self._population = lru_cache(maxsize=4)(self._people)
        self._calls: list[RecordedCall] = []
        self._numbers = count()
        self._flushing = threading.Lock()
        self._stop = threading.Event()
        self._flusher: threading.Thread | None = None

    def handle(self, hosted: Hosted, request: Request) -> Response:
        """Answer a call; what it wrote is durable before this returns."""
        while True:
            sandbox, world = self._open(hosted)
            try:
                with world.lock:
                    if not world.dead:
                        return self._answer(sandbox, world, request)
            finally:
                with self._lock:
                    world.busy -= 1

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

    def _answer(self, sandbox: Sandbox, world: _World, request: Request) -> Response:
        try:
            response = sandbox.handle(request)
            if world.overlay.dirty:
                with self.database.transaction() as tx:
                    world.overlay.keep(tx)
        except BaseException:
            # what is in memory was not kept: the next call builds the world again from what was
            self._forget(world)
            raise
        return response

    def _open(self, hosted: Hosted) -> tuple[Sandbox, _World]:
        self._population(hosted.seed)  # takes half a second the first time: not under the lock
        with self._lock:
            found = self._live.get(hosted.id)
            if found is not None:
                self._live.move_to_end(hosted.id)
                found[1].busy += 1
                return found
            world = self._worlds.get(hosted.world)
            if world is None:
                world = self._worlds[hosted.world] = _World(hosted.world)
                with self.database.reading() as tx:
                    world.overlay.load(tx)
            made = (self._build(hosted, world), world)
            self._live[hosted.id] = made
            world.busy += 1
            self._put_aside()
            return made

    def _put_aside(self) -> None:
        idle = [id for id, (_, world) in self._live.items() if not world.busy]
        for id in idle[: max(0, len(self._live) - KEPT)]:
            del self._live[id]
        used = {world.overlay.world for _, world in self._live.values()}
        self._worlds = {name: world for name, world in self._worlds.items() if name in used}

    def _build(self, hosted: Hosted, world: _World) -> Sandbox:
        interfaces = [self.catalogue.version(id, version)[1] for id, version in hosted.interfaces]
        return Sandbox(
            interfaces,
            self._population(hosted.seed),
            seed=hosted.seed,
            clock=self.clock,
            overlay=world.overlay,
            recorder=lambda call: self._record(hosted.id, call),
        )

    def _forget(self, world: _World) -> None:
        world.dead = True
        with self._lock:
            for id in [id for id, (_, used) in self._live.items() if used is world]:
                del self._live[id]
            self._worlds.pop(world.overlay.world, None)

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
    return {
        "path": call.path[:2000],
        "query": [list(pair) for pair in call.query][:100],
        "headers": dict(call.headers),
        "body": _short(call.body),
        "answer": _short(call.answer),
        "violations": [str(violation)[:500] for violation in call.violations][:50],
        "rule": call.rule,
        "token": call.token,
        "handled_matter": call.handled_matter,
        "duration_ms": round(call.duration_ms, 3),
    }


def _short(value: Any) -> Any:
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):  # binary or an upload: its size says enough
        return {"not_json": type(value).__name__}
    return value if len(text) <= LARGEST_DETAIL else {"cut": len(text)}
