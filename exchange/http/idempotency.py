"""Idempotency-Key on POSTs that create: same key and body, same answer, done once (draft-ietf-httpapi-07)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from sqlalchemy import Column, Integer, LargeBinary, Table, Text, delete, insert, select, update
from starlette.concurrency import run_in_threadpool

from exchange.clock import Clock, stamp
from exchange.database import Database, metadata
from exchange.errors import Conflict, Invalid, TongbanError, Unprocessable
from specs.finding import SpecError

HEADER = "idempotency-key"
LASTS = timedelta(hours=24)
"""How long a key is remembered; documented in docs/access.md."""

KEYS = Table(
    "idempotency_keys",
    metadata,
    Column("scope", Text, primary_key=True),
    Column("fingerprint", Text, nullable=False),
    Column("status", Integer),
    Column("media_type", Text),
    Column("body", LargeBinary),
    Column("at", Text, nullable=False, index=True),
)


def idempotent(database: Database, clock: Clock, who: Callable[[Request], str | None]) -> type[APIRoute]:
    """Route class for ``APIRouter(route_class=…)``: POSTs with the header are done once per caller and path.

    ``who`` gives the id of the checked caller, or None for nobody (whose requests go on to be
    refused). Same key, other content: 422. The first still runs or was cut off by a crash: 409, not done twice.
    An answer with ``Cache-Control: no-store`` (it shows a secret once) is not kept: repeating it is a 409.
    """

    class IdempotentRoute(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handle = super().get_route_handler()

            async def once(request: Request) -> Response:
                key = request.headers.get(HEADER)
                caller = await run_in_threadpool(who, request) if key and request.method == "POST" else None
                if key is None or caller is None:
                    return await handle(request)
                scope, fingerprint = _scope(caller, request.url.path, key), _digest(await request.body())
                kept = await run_in_threadpool(_begin, database, clock, scope, fingerprint)
                if kept is not None:
                    return kept
                try:
                    response = await handle(request)
                except (TongbanError, SpecError, RequestValidationError):
                    # refused, so nothing was done and the key is free again; any other end leaves that open
                    await run_in_threadpool(_forget, database, scope)
                    raise
                await run_in_threadpool(_keep, database, scope, response)
                return response

            return once

    return IdempotentRoute


def _begin(database: Database, clock: Clock, scope: str, fingerprint: str) -> Response | None:
    now = clock()
    with database.transaction() as tx:
        tx.execute(delete(KEYS).where(KEYS.c.at < stamp(now - LASTS)))
        row = tx.execute(select(KEYS).where(KEYS.c.scope == scope)).one_or_none()
        if row is None:
            tx.execute(insert(KEYS), {"scope": scope, "fingerprint": fingerprint, "at": stamp(now)})
            return None
    if row.fingerprint != fingerprint:
        raise Unprocessable("this Idempotency-Key was used with other content", hint="use a fresh key")
    if row.status is None:
        raise Conflict("the first request with this Idempotency-Key has not ended", hint="see whether it took effect")
    if row.body is None:
        raise Conflict("this was done; its answer showed a secret and was not kept", hint="use a fresh key")
    return Response(row.body, status_code=row.status, media_type=row.media_type)


def _keep(database: Database, scope: str, response: Response) -> None:
    secret = "no-store" in response.headers.get("cache-control", "")
    values = {
        "status": response.status_code,
        "media_type": response.headers.get("content-type"),
        "body": None if secret else bytes(getattr(response, "body", b"")),
    }
    with database.transaction() as tx:
        tx.execute(update(KEYS).where(KEYS.c.scope == scope).values(**values))


def _forget(database: Database, scope: str) -> None:
    with database.transaction() as tx:
        tx.execute(delete(KEYS).where(KEYS.c.scope == scope))


def _scope(caller: str, path: str, key: str) -> str:
    text = key.strip()
    if len(text) >= 2 and text[0] == text[-1] == '"':
        text = text[1:-1]  # the draft wants a quoted string; bare ones are common and harmless
    if not 1 <= len(text) <= 255 or not text.isprintable():
        raise Invalid("the Idempotency-Key is malformed", hint='for example Idempotency-Key: "8e03978e-40d5"')
    return _digest("\n".join((caller, path, text)).encode())


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
