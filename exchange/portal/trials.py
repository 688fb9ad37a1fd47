"""The sandbox behind "try it" on reference pages: made-up answers to anyone, nothing kept for long.

A reference page is shown without the reader's session (`exchange.portal.catalogue.REFERENCE`), so it can carry no key
of a hosted sandbox. What it may call therefore holds nothing worth one: a world per interface that forgets.
"""

# annotations are read by FastAPI at run time and name things local to the router: no postponed evaluation here

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from exchange.catalogue.service import Catalogue
from exchange.errors import NotFound
from exchange.http.problems import problem
from specs.model import Kind

KEPT = 16
"""Interfaces whose worlds are in memory; the one not called for longest goes first."""
FORGETS = 500
"""Calls after which a world begins anew: what strangers write cannot pile up."""
LARGEST = 256 * 1024
PASSED = ("content-type", "access-control-", "allow", "retry-after", "etag", "location", "link", "x-", "ratelimit")
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


class Trials:
    """Worlds of interfaces in force, by digest. Calls in one world take turns."""

    def __init__(self, catalogue: Catalogue, population: Callable[[], Any]) -> None:
        """``population`` is called when the first world is needed."""
        self.catalogue, self._population = catalogue, population
        self._lock = threading.Lock()
        self._worlds: OrderedDict[str, tuple[Any, threading.Lock]] = OrderedDict()
        self._left: dict[str, int] = {}

    def handle(self, interface: str, request: Any) -> Any:
        """Answer one call. Raises `NotFound` for what is no service in force."""
        record = self.catalogue.interface(interface)
        if not record.state.live or record.kind is not Kind.API:
            raise NotFound(f"{interface} is no service in force", hint="only those can be tried here")
        sandbox, turn = self._world(record.digest, record)
        with turn:
            return sandbox.handle(request)

    def _world(self, digest: str, record: Any) -> tuple[Any, threading.Lock]:
        from mockdata.sandbox import Sandbox

        with self._lock:
            found = self._worlds.get(digest)
            if found is None or self._left[digest] <= 0:
                found = (Sandbox([record.spec], self._population, bare=True), threading.Lock())
                self._left[digest] = FORGETS
            self._worlds[digest] = found
            self._worlds.move_to_end(digest)
            self._left[digest] -= 1
            while len(self._worlds) > KEPT:
                self._left.pop(self._worlds.popitem(last=False)[0])
            return found


def router(catalogue: Catalogue, population: Callable[[], Any]) -> APIRouter:
    """The route the forms of reference pages call; it looks at no credential but those the interface asks for."""
    routes = APIRouter(include_in_schema=False)
    trials = Trials(catalogue, population)

    @routes.api_route("/catalogue/{identifier}/try/{path:path}", methods=METHODS)
    async def tried(request: Request, identifier: str, path: str) -> Response:
        from mockdata.sandbox import request_of

        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > LARGEST:
                return problem(413, f"a call tried here has at most {LARGEST} bytes")
        scope = {**request.scope, "root_path": f"/catalogue/{identifier}/try"}
        answer = await run_in_threadpool(trials.handle, identifier, request_of(scope, bytes(body)))
        return Response(answer.body, answer.status, _harmless(answer.status, answer.headers))

    return routes


def _harmless(status: int, headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """An answer's headers without those that would act on this site: a document may declare any."""
    kept = {
        name: value
        for name, value in headers
        if name.lower().startswith(PASSED) and not (300 <= status < 400 and name.lower() == "location")
    }
    return {**kept, "Content-Security-Policy": "sandbox; default-src 'none'", "X-Content-Type-Options": "nosniff"}
