"""The recorded calls of a hosted sandbox: searched, as an archive, and live."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

from sqlalchemy import ColumnElement

from exchange.clock import stamp
from exchange.database import Database
from exchange.errors import Invalid
from exchange.sandboxes import store
from exchange.sandboxes.hosting import Hosting
from exchange.sandboxes.model import CALLS_KEPT, RecordedCall
from mockdata.sandbox.calls import Wanted, fields_used
from mockdata.sandbox.control import event
from mockdata.sandbox.har import har

RECENT = 200
"""Newest calls in which the use of an answer's fields is looked for."""
TICK = 0.5
STAYS = 900.0
"""Seconds after which a live tail ends; whoever follows comes back, and is asked again whether they may."""
LATE = 10_000
"""Milliseconds a call of another worker may take to reach the database."""


class Watching:
    """Reads calls; who may see them is asked before."""

    def __init__(self, database: Database, hosting: Hosting) -> None:
        self.database, self.hosting = database, hosting

    def calls(
        self, sandbox: str, *, limit: int, before: str | None = None, wanted: Wanted | None = None
    ) -> list[RecordedCall]:
        """Calls of a sandbox, newest first."""
        self.hosting.flush()
        wanted = wanted or Wanted()
        where = _conditions(wanted)
        with self.database.reading() as tx:
            if not wanted.text:
                return store.calls(tx, sandbox, limit=limit, before=before, where=where)
            found = store.calls(tx, sandbox, limit=CALLS_KEPT, before=before, where=where)
        return [one for one in found if wanted.takes(shown(one))][:limit]

    def used(self, sandbox: str) -> Mapping[str, list[str]]:
        """Call → fields of its answer that a later call sent, among the newest calls."""
        with self.database.reading() as tx:
            found = store.calls(tx, sandbox, limit=RECENT)[::-1]
        return dict(zip((one.id for one in found), fields_used([shown(one) for one in found]), strict=True))

    def archive(self, sandbox: str, wanted: Wanted, base: str) -> dict[str, Any]:
        """All calls kept as a HAR."""
        return har([shown(one) for one in self.calls(sandbox, limit=CALLS_KEPT, wanted=wanted)[::-1]], base)

    def newest(self, sandbox: str) -> str:
        """The id of the newest call, "" without any."""
        return next((one.id for one in self.calls(sandbox, limit=1)), "")

    async def events(self, sandbox: str, last: str) -> AsyncIterator[bytes]:
        """Calls after that one as Server-Sent Events, as they come, for a quarter of an hour."""
        from starlette.concurrency import run_in_threadpool

        yield b": calls follow\n\n"
        told: dict[str, None] = {last: None}
        loop = asyncio.get_running_loop()
        end, spoke = loop.time() + STAYS, loop.time()
        while loop.time() < end:
            for call in await run_in_threadpool(self._fresh, sandbox, last, dict(told)):
                told[call.id] = None
                last = max(last, call.id)
                spoke = loop.time()
                yield event(call.id, shown(call))
            while len(told) > 4 * CALLS_KEPT:
                told.pop(next(iter(told)))
            if loop.time() - spoke > 15:
                spoke = loop.time()
                yield b": still here\n\n"
            await asyncio.sleep(TICK)

    def _fresh(self, sandbox: str, last: str, told: Mapping[str, None]) -> list[RecordedCall]:
        self.hosting.flush()
        # ids begin with the time: a call of another worker may arrive after a younger one
        first = next(iter(told))
        since = max(first, _earlier(last))
        with self.database.reading() as tx:
            found = store.calls(tx, sandbox, limit=CALLS_KEPT, where=(store.CALLS.c.id > since,))
        return [one for one in reversed(found) if one.id not in told]


def shown(call: RecordedCall) -> dict[str, Any]:
    """The JSON shape of a call."""
    told = {name: getattr(call, name) for name in call.__dataclass_fields__ if name not in ("detail", "sandbox")}
    return told | {"fields_returned": list(call.fields_returned)} | dict(call.detail)


def _earlier(id: str) -> str:
    stem = id.removeprefix("cal_")[:12]
    try:
        return f"cal_{max(0, int(stem, 16) - LATE):012x}"
    except ValueError:
        return ""


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    table, found = store.CALLS.c, list[ColumnElement[bool]]()
    if wanted.operation:
        interface, _, operation = wanted.operation.rpartition("#")
        found.append(table.operation == operation)
        if interface:
            found.append(table.interface == interface)
    if wanted.status:
        found.append(_status(wanted.status))
    if wanted.valid is not None:
        found.append(table.valid.is_(wanted.valid))
    if wanted.since is not None:
        found.append(table.at >= stamp(wanted.since))
    return found


def _status(text: str) -> ColumnElement[bool]:
    column, said = store.CALLS.c.status, text.strip().lower()
    if len(said) == 3 and said[0] in "12345" and said.endswith("xx"):
        first = int(said[0]) * 100
        return column.between(first, first + 99)
    if said.isascii() and said.isdigit() and len(said) <= 3:
        return column == int(said)
    raise Invalid(f"{text[:20]!r} is no status", hint="404, or 4xx for all of a class")
