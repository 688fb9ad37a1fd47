"""A served sandbox with a hand on it: state, clock, faults, snapshots and the record below `/.tongban/`."""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from mockdata.instances import Unsatisfiable
from mockdata.sandbox.calls import Wanted, fields_used, shown
from mockdata.sandbox.clock import ClockError, VirtualClock, moment, written
from mockdata.sandbox.delivery import Receive, Scope, Send, deliver
from mockdata.sandbox.faults import Fault
from mockdata.sandbox.har import har
from mockdata.sandbox.messages import Request, Response, dump, problem
from mockdata.sandbox.past import Moment
from mockdata.sandbox.plans import PlanFault, check_target, plan_json, plan_of
from mockdata.sandbox.record import Recorder
from mockdata.sandbox.sandbox import Sandbox, body_of, request_of

PREFIX = "/.tongban/"
SNAPSHOTS = 100
PAGE, LARGEST_PAGE = 50, 1000
TICK = 0.1
"""Seconds between two looks of a live tail."""

Make = Callable[[str, VirtualClock, Recorder], Sandbox]
"""Makes the sandbox of a seed."""


class Refusal(Exception):
    """A control request that is not carried out."""

    def __init__(self, status: int, title: str, detail: str, **members: Any) -> None:
        super().__init__(detail)
        self.response = problem(status, title, detail, **members)


class Controlled:
    """A sandbox with its control API, as one ASGI application.

    `make` makes the sandbox of a seed; `personas` gives the golden people of the sandbox's population as JSON. With a
    `token` every control request needs it as bearer token; without one only this machine may ask, and no web page of
    another site.
    """

    def __init__(
        self,
        make: Make,
        seed: str,
        *,
        clock: VirtualClock,
        recorder: Recorder,
        token: str | None = None,
        personas: Callable[[str], list[dict[str, Any]]] | None = None,
    ) -> None:
        self.clock, self.recorder, self.token = clock, recorder, token
        self.seed = seed
        self._make, self._personas = make, personas
        self.sandbox = make(seed, clock, recorder)
        self._nouns: Mapping[str, Mapping[str, Callable[[Request], Any]]] = {
            "state": {"GET": lambda _: self.state()},
            "reset": {"POST": self._reset},
            "snapshots": {"GET": lambda _: self._snapshots()},
            "snapshot": {"POST": self._snapshot},
            "restore": {"POST": self._restore},
            "clock": {"GET": lambda _: self.clock.to_json(), "POST": self._set_clock},
            "seed": {"POST": self._set_seed},
            "faults": {
                "GET": lambda _: {"faults": plan_json(self.sandbox.faults.listed())},
                "PUT": self._set_faults,
                "DELETE": lambda _: self._put_faults([]),
            },
            "webhook": {"POST": self._fire},
            "personas": {"GET": lambda _: {"items": self._personas(self.seed) if self._personas else []}},
            "calls": {"GET": self._calls, "DELETE": self._forget},
            "calls.har": {"GET": self._har},
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The control API below `/.tongban/`, the sandbox everywhere else."""
        if scope["type"] != "http" or not str(scope["path"]).startswith(PREFIX):
            await self.sandbox(scope, receive, send)
            return
        body = await body_of(receive)
        if body is None:
            await deliver(problem(413, "Content Too Large", "a control request is small"), scope, send)
            return
        request = request_of(scope, body)
        refused = self._denied(scope, request)
        if refused is None and request.method == "GET" and request.path == f"{PREFIX}events":
            await self._events(request, receive, send)
            return
        await deliver(refused or self.answer(request), scope, send)

    def answer(self, request: Request) -> Response:
        """Answer one control request from somebody who may."""
        methods = self._nouns.get(request.path.removeprefix(PREFIX))
        if methods is None:
            nouns = ", ".join((*self._nouns, "events"))
            return problem(404, "Not Found", f"no {request.path}; below {PREFIX} there are {nouns}")
        if request.method not in methods:
            response = problem(405, "Method Not Allowed", f"only {', '.join(methods)}")
            response.headers.append(("allow", ", ".join(methods)))
            return response
        try:
            value = methods[request.method](request)
        except Refusal as refusal:
            return refusal.response
        except PlanFault as error:
            return problem(422, "Unprocessable Content", str(error), pointer=error.pointer)
        except ClockError as error:
            return problem(422, "Unprocessable Content", str(error))
        return Response(200, [("content-type", "application/json"), ("cache-control", "no-store")], dump(value))

    def set_faults(self, faults: list[tuple[str, Fault]]) -> None:
        """Put exactly these faults in force. Raises PlanFault for what does not exist."""
        for number, (target, fault) in enumerate(faults):
            name = fault.stale.snapshot if fault.stale is not None else None
            if name is not None and name not in self.sandbox.past.named:
                raise PlanFault(f"/{number}/stale/snapshot", f"there is no snapshot {name!r}")
            check_target(self.sandbox.interfaces, number, target, fault)
        self.sandbox.past.forget()
        self.sandbox.faults.replace(faults)

    def state(self) -> dict[str, Any]:
        """Everything about the sandbox in one look."""
        sandbox = self.sandbox
        return {
            "interfaces": [
                {"id": one.id, "version": one.version, "operations": len(one.operations)} for one in sandbox.interfaces
            ],
            "seed": self.seed,
            "clock": self.clock.to_json(),
            "faults": plan_json(sandbox.faults.listed()),
            "written": sandbox.overlay.snapshot().writes,
            "calls": self.recorder.number,
            **self._snapshots(),
        }

    # ---- inside

    def _denied(self, scope: Scope, request: Request) -> Response | None:
        if self.token is not None:
            scheme, _, given = request.fields.get("authorization", "").partition(" ")
            right = scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), self.token.encode())
            if right:
                return None
            refused = problem(401, "Unauthorized", "the control API asks for its token, which was printed at the start")
            refused.headers.append(("www-authenticate", "Bearer"))
            return refused
        client = (scope.get("client") or ("",))[0]
        host = urlsplit(f"//{request.fields.get('host', '')}").hostname or ""
        origin = request.fields.get("origin")
        same = origin is None or urlsplit(origin).netloc == request.fields.get("host")
        # a page of another site can make a browser of this machine ask: by its origin, or by a name that leads here
        if not _local(client) or not (_local(host) or host == "localhost") or not same:
            return problem(403, "Forbidden", "the control API answers this machine only, and no other site's pages")
        return None

    def _reset(self, _: Request) -> Any:
        self.sandbox.reset()
        return self.state()

    def _snapshots(self) -> dict[str, Any]:
        named = self.sandbox.past.named
        return {"snapshots": [{"name": name, "at": written(one.at)} for name, one in named.items()]}

    def _snapshot(self, request: Request) -> Any:
        name, named = name_of(_json(request)), self.sandbox.past.named
        if name not in named and len(named) >= SNAPSHOTS:
            raise Refusal(409, "Conflict", f"{SNAPSHOTS} snapshots are kept; use a name again")
        named[name] = Moment(self.clock(), self.sandbox.snapshot())
        return self._snapshots()

    def _restore(self, request: Request) -> Any:
        name = name_of(_json(request))
        found = self.sandbox.past.named.get(name)
        if found is None:
            raise Refusal(404, "Not Found", f"there is no snapshot {name!r}")
        self.sandbox.restore(found.snapshot)
        return self.state()

    def _fire(self, request: Request) -> Any:
        said = _json(request)
        if not isinstance(said, dict) or not {"webhook", "url"} <= said.keys() <= {"webhook", "url", "body"}:
            raise Refusal(422, "Unprocessable Content", 'say {"webhook": NAME, "url": URL}, and "body" where you wish')
        try:
            sent = self.sandbox.fire(str(said["webhook"]), str(said["url"]), body=said.get("body")).result(30)
        except KeyError as error:
            raise Refusal(404, "Not Found", str(error.args[0])) from None
        except (RuntimeError, Unsatisfiable) as error:
            raise Refusal(409, "Conflict", str(error)) from None
        return {"status": sent.status, "tries": sent.tries, "error": sent.error}

    def _set_clock(self, request: Request) -> Any:
        self.clock.change(_json(request))
        return self.clock.to_json()

    def _set_seed(self, request: Request) -> Any:
        value = _json(request)
        seed = value.get("seed") if isinstance(value, dict) and value.keys() == {"seed"} else None
        if isinstance(seed, bool) or not isinstance(seed, int | str) or not 1 <= len(str(seed)) <= 64:
            raise Refusal(422, "Unprocessable Content", 'a seed has 1 to 64 characters: {"seed": "8"}')
        faults = self.sandbox.faults.listed()
        self.seed = str(seed)
        self.sandbox = self._make(self.seed, self.clock, self.recorder)
        self.sandbox.faults.replace((target, fault) for target, fault in faults if not _of_snapshot(fault))
        return self.state()

    def _set_faults(self, request: Request) -> Any:
        return self._put_faults(plan_of(_json(request)))

    def _put_faults(self, faults: list[tuple[str, Fault]]) -> Any:
        self.set_faults(faults)
        return {"faults": plan_json(faults)}

    def _calls(self, request: Request) -> Any:
        wanted, limit, before = asked(dict(request.pairs))
        items = [one for one in reversed(self._shown()) if (before is None or one["id"] < before) and wanted.takes(one)]
        more = items[limit - 1]["id"] if len(items) > limit else None
        return {"items": items[:limit], "next_before": more}

    def _shown(self) -> list[dict[str, Any]]:
        numbered = self.recorder.since(0)
        found = [{"id": number, **shown(call)} for number, call in numbered]
        for one, used in zip(found, fields_used(found), strict=True):
            one["fields_used"] = used
        return found

    def _har(self, request: Request) -> Any:
        wanted, _, _ = asked(dict(request.pairs))
        return har([one for one in self._shown() if wanted.takes(one)], f"http://{request.fields.get('host', '')}")

    def _forget(self, _: Request) -> Any:
        self.recorder.clear()
        return {"items": []}

    async def _events(self, request: Request, receive: Receive, send: Send) -> None:
        """Calls as Server-Sent Events, from the next one on or after the one in Last-Event-ID."""
        said = request.fields.get("last-event-id", "")
        last = int(said) if said.isascii() and said.isdigit() else self.recorder.number
        headers = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b": calls follow\n\n", "more_body": True})
        gone = asyncio.ensure_future(receive())
        try:
            idle = 0
            while not gone.done():
                fresh = self.recorder.since(last)
                for number, call in fresh:
                    last = number
                    await send({"type": "http.response.body", "body": event(number, shown(call)), "more_body": True})
                idle = 0 if fresh else idle + 1
                if idle * TICK >= 15:
                    idle = 0
                    await send({"type": "http.response.body", "body": b": still here\n\n", "more_body": True})
                await asyncio.wait({gone}, timeout=TICK)
        finally:
            gone.cancel()


def event(id: int | str, call: Mapping[str, Any]) -> bytes:
    """A call as one Server-Sent Event."""
    return b"id: %s\nevent: call\ndata: %s\n\n" % (str(id).encode(), dump({"id": id, **call}))


def name_of(value: Any) -> str:
    """The name of a snapshot in {"name": …}. Raises Refusal."""
    name = value.get("name") if isinstance(value, dict) and value.keys() == {"name"} else None
    if not isinstance(name, str) or not 1 <= len(name) <= 64 or not name.isprintable():
        raise Refusal(422, "Unprocessable Content", 'a snapshot has a name of 1 to 64 characters: {"name": "before"}')
    return name


def asked(query: Mapping[str, str]) -> tuple[Wanted, int, int | None]:
    """Filter, page size and the call before which the page ends. Raises Refusal, ClockError."""
    odd = query.keys() - {"operation", "status", "valid", "since", "text", "limit", "before"}
    if odd:
        raise Refusal(400, "Bad Request", f"no parameter {', '.join(sorted(odd))}")
    try:
        limit = int(query.get("limit", PAGE))
        before = int(query["before"]) if "before" in query else None
        valid = {"true": True, "false": False, None: None}[query.get("valid")]
    except (ValueError, KeyError):
        raise Refusal(400, "Bad Request", "limit and before are numbers, valid is true or false") from None
    if not 1 <= limit <= LARGEST_PAGE:
        raise Refusal(400, "Bad Request", f"limit is 1 to {LARGEST_PAGE}")
    since = moment(query["since"]) if "since" in query else None
    return Wanted(query.get("operation"), query.get("status"), valid, since, query.get("text")), limit, before


def _of_snapshot(fault: Fault) -> bool:
    return fault.stale is not None and fault.stale.snapshot is not None


def _json(request: Request) -> Any:
    try:
        return json.loads(request.body)
    except ValueError:
        raise Refusal(400, "Bad Request", "the body is no JSON") from None


def _local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
