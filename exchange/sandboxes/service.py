"""Use cases of hosted sandboxes, and the ASGI application that serves them under /sandboxes."""

from __future__ import annotations

import asyncio
import hmac
import secrets
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from exchange.catalogue.model import Record
from exchange.catalogue.service import Catalogue
from exchange.clock import Clock, new_id, stamp
from exchange.database import Database
from exchange.errors import NotFound, TongbanError, TooMany, Unauthenticated, Unprocessable
from exchange.http.problems import STATUS, problem
from exchange.jobs import Jobs
from exchange.ledger.service import Ledger
from exchange.parties.access import Caller, permit
from exchange.sandboxes import store
from exchange.sandboxes.control import Control
from exchange.sandboxes.datasets import Datasets
from exchange.sandboxes.hosting import Hosting
from exchange.sandboxes.model import (
    MOST_INTERFACES,
    MOST_OPEN,
    Hosted,
    Opened,
    RecordedCall,
    check_seed,
    key_hash,
    provider_key,
    world_of,
)
from exchange.sandboxes.watching import Watching
from exchange.settings import Settings
from mockdata.sandbox import request_of
from mockdata.sandbox.delivery import deliver
from mockdata.sandbox.messages import Request, Response
from mockdata.sandbox.sending import Destinations
from specs import library
from specs.model import Kind

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
LARGEST_REQUEST = 4 * 1024 * 1024
THREADS = 16
PREFIX = "/sandboxes"


class Sandboxes:
    """Hosted sandboxes. An instance is itself the ASGI application to mount at ``/sandboxes``.

    It answers on threads of its own: the broker's threads wait for sandboxes that stand in for departments, and
    must not wait for each other.
    """

    def __init__(
        self,
        database: Database,
        ledger: Ledger,
        jobs: Jobs,
        catalogue: Catalogue,
        settings: Settings,
        secret: bytes,
        clock: Clock,
    ) -> None:
        """``secret`` (32 bytes) derives the keys under which the broker calls departments' sandboxes."""
        self.database, self.ledger, self.catalogue, self.clock = database, ledger, catalogue, clock
        self.settings = settings
        self.datasets = Datasets(database, ledger, jobs, catalogue, settings, clock)
        self.hosting = Hosting(database, catalogue, settings.population_size, clock, _destinations(settings))
        self.control = Control(database, ledger, catalogue, self.hosting, clock)
        self.watching = Watching(database, self.hosting)
        self._secret = secret
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="sandbox")

    def open(
        self,
        caller: Caller | None,
        interfaces: Sequence[str] = (),
        matter: str | None = None,
        seed: str | int | None = None,
    ) -> Opened:
        """Open a sandbox of published services, or of everything a matter needs; the key is told once.

        Raises `Unprocessable`, `NotFound` naming every interface that is not published, `TooMany`.
        """
        caller = permit(caller, "sandbox.open")
        if bool(interfaces) is bool(matter):
            raise Unprocessable("name interfaces or a matter, not both", hint='{"interfaces": ["police.households"]}')
        wanted = list(dict.fromkeys(interfaces)) if interfaces else self._of_matter(str(matter))
        if len(wanted) > MOST_INTERFACES:
            raise Unprocessable(f"a sandbox has at most {MOST_INTERFACES} interfaces")
        text = check_seed(seed, self.settings.population_seed)
        pairs = self._versions(caller, wanted)
        now, key = self.clock(), f"sbk_{secrets.token_urlsafe(32)}"
        id = new_id("sbx", now)
        hosted = Hosted(
            id=id,
            owner=caller.party,
            interfaces=pairs,
            seed=text,
            world=world_of(id, caller.kind, text),
            matter=matter,
            opened_by=caller.id,
            opened_at=stamp(now),
        )
        with self.database.transaction() as tx:
            if store.count(tx, store.SANDBOXES, caller.party) >= MOST_OPEN:
                raise TooMany(f"{MOST_OPEN} sandboxes are open", hint="use one you have")
            store.add(tx, hosted, key_hash(key))
            body = {"sandbox": id, "owner": caller.party, "interfaces": [name for name, _ in pairs], "by": caller.id}
            self.ledger.append(tx, "sandbox.opened", body)
        return Opened(hosted, self.url(id), key)

    def url(self, id: str) -> str:
        """Where a sandbox answers: below it comes the interface id, then the path of the document."""
        return f"{self.settings.base_url}{PREFIX}/{id}"

    def get(self, caller: Caller | None, id: str) -> Hosted:
        """A sandbox the caller may see. Raises `NotFound`."""
        return self.control.visible(caller, id)

    def listed(self, caller: Caller | None, *, after: str | None = None, limit: int | None = None) -> list[Hosted]:
        """Sandboxes of the caller's party (the data office: all), oldest first."""
        caller = permit(caller, "sandbox.read")
        owner = None if caller.kind == "data_office" else caller.party
        with self.database.reading() as tx:
            return store.sandboxes(tx, owner=owner, after=after, limit=limit)

    def calls(
        self, caller: Caller | None, id: str, *, limit: int = 50, before: str | None = None
    ) -> list[RecordedCall]:
        """What was called in a sandbox, newest first; the newest thousand are kept."""
        self.get(caller, id)
        return self.watching.calls(id, limit=limit, before=before)

    def opens(self, id: str, key: str) -> bool:
        """Whether a key is the one a sandbox was opened with."""
        with self.database.reading() as tx:
            found = store.sandbox(tx, id)
        return found is not None and hmac.compare_digest(key_hash(key), found[1])

    def credential(self, interface: str, department: str, endpoint: str) -> tuple[str, str] | None:
        """The header for a provider's endpoint that is a sandbox of ours **and of that department**; else None.

        A department that names somebody else's sandbox as its endpoint gets no key to it.
        """
        start = f"{self.settings.base_url}{PREFIX}/"
        if not endpoint.startswith(start):
            return None
        id = endpoint[len(start) :].split("/")[0]
        with self.database.reading() as tx:
            found = store.sandbox(tx, id)
        if found is None or found[0].owner != department:
            return None
        return "Authorization", f"Bearer {provider_key(self._secret, id)}"

    def close(self) -> None:
        """Stop the threads and write what they recorded."""
        self._threads.shutdown()
        self.hosting.close()
        self.datasets.close()

    # ---- serving

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer below /sandboxes/{id}/{interface}/…; the key of the sandbox is the bearer token."""
        if scope["type"] != "http":
            return
        body = await _body(receive)
        if body is None:
            await problem(413, f"a request body has at most {LARGEST_REQUEST} bytes")(scope, receive, send)
            return
        loop = asyncio.get_running_loop()
        try:
            response = await loop.run_in_executor(self._threads, partial(self.handle, request_of(scope, body)))
        except TongbanError as error:
            status = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
            headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
            await problem(status, error.detail, hint=error.hint, headers=headers, **error.extra)(scope, receive, send)
            return
        await deliver(response, scope, send)

    def handle(self, request: Request) -> Response:
        """Answer one request whose path is /{id}/{interface}/…. Raises `Unauthenticated` for a wrong key or id."""
        _, id, *rest = request.path.split("/", 2)
        scheme, _, key = request.fields.get("authorization", "").partition(" ")
        with self.database.reading() as tx:
            found = store.sandbox(tx, id) if id.startswith("sbx_") else None
        # an unknown sandbox and a wrong key are told alike: ids are not to be found out by trying
        if scheme.lower() != "bearer" or found is None or not self._fits(found, key.strip()):
            raise Unauthenticated("the sandbox key is not valid", hint="send it as a bearer token; it was shown once")
        path = f"/{rest[0]}" if rest else "/"
        return self.hosting.handle(
            found[0], Request(request.method, path, request.query, request.headers, request.body)
        )

    def _fits(self, found: tuple[Hosted, str], key: str) -> bool:
        hosted, kept = found
        mine = hmac.compare_digest(key_hash(key), kept)
        return mine or hmac.compare_digest(key.encode(), provider_key(self._secret, hosted.id).encode())

    # ---- inside

    def _of_matter(self, matter: str) -> list[str]:
        try:
            found = library.matter(matter)
        except KeyError as error:
            raise NotFound(f"no matter {matter}", hint=str(error)) from None
        return sorted(found.interfaces)

    def _versions(self, caller: Caller, wanted: Sequence[str]) -> tuple[tuple[str, str], ...]:
        records: Mapping[str, Record | None] = {id: self._published(caller, id) for id in wanted}
        missing = [id for id, record in records.items() if record is None]
        if missing:
            raise NotFound(
                f"not published as services: {', '.join(missing)}", hint="GET /api/v1/interfaces?kind=api lists them"
            )
        return tuple((record.id, record.version) for record in records.values() if record is not None)

    def _published(self, caller: Caller, id: str) -> Record | None:
        try:
            record = self.catalogue.interface(id)
        except NotFound:
            return None
        # a department may try its own draft before it publishes
        visible = record.state.live or record.department == caller.party
        return record if visible and record.kind is Kind.API else None


def _destinations(settings: Settings) -> Destinations | None:
    """Where sandboxes may call: strangers name these places, so this machine and its networks are none of them."""
    allowed = tuple(one.strip() for one in settings.sandbox_destinations.split(",") if one.strip())
    return Destinations(local=False, allow=allowed) if allowed else None


async def _body(receive: Receive) -> bytes | None:
    parts = bytearray()
    while True:
        message = await receive()
        parts += message.get("body", b"")
        if len(parts) > LARGEST_REQUEST:
            return None
        if not message.get("more_body", False):
            return bytes(parts)
