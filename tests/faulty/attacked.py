"""More newborn apps that are wrong in exactly one way: data, state, faults, access, caching, load, and cheating.

Loaded by `mutants.py`, which holds the table of all.
"""

from __future__ import annotations

import json
import re
import threading
import time
import traceback
import uuid
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import httpx2
from newborn_mutants import _fault
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from conformance.examples.departments import DepartmentDown, Departments
from conformance.examples.newborn import rules
from conformance.examples.newborn.matter import Matter
from conformance.examples.newborn.service import NewbornApp
from conformance.examples.service import Refusal


class SwapsParents(NewbornApp):
    """Has mother and father the wrong way round on the birth certificate."""

    def request(self, step: str, matter: Matter) -> tuple[str, str, list[str] | None, dict[str, Any]]:
        interface, path, fields, body = super().request(step, matter)
        if step == "N7":
            body = {
                **body,
                "MQ_XM": matter.application["father"]["XM"],
                "MQ_GMSFHM": matter.application["father"]["GMSFHM"],
            }
        return interface, path, fields, body


class GuardiansCard(NewbornApp):
    """Orders the card for the guardian's number instead of the child's."""

    def request(self, step: str, matter: Matter) -> tuple[str, str, list[str] | None, dict[str, Any]]:
        interface, path, fields, body = super().request(step, matter)
        return interface, path, fields, {**body, "GMSFHM": body["JHR_GMSFHM"]} if step == "N6" else body


class CancelledCounts(NewbornApp):
    """Does not mind that a parent's household registration was cancelled."""

    def e4(self, matter: Matter) -> bool:
        kept = matter.facts
        matter.facts = {n: {**a, "ZT": "1"} if a and n in ("mother", "father") else a for n, a in kept.items()}
        try:
            return super().e4(matter)
        finally:
            matter.facts = kept


class AsksTheMotherTwice(NewbornApp):
    """Asks for the mother's household twice and never for the father's."""

    def check(self, matter: Matter, departments: Departments) -> None:
        kept = matter.application
        matter.application = {**kept, "father": kept["mother"]}
        try:
            super().check(matter, _Married(departments, kept))
        finally:
            matter.application = kept


class _Married:
    """Departments asked about the marriage of the real couple."""

    def __init__(self, inner: Departments, application: Mapping[str, Any]) -> None:
        self.inner, self.application = inner, application

    def ask(self, method: str, interface: str, path: str, fields: Any, body: Any = None, key: Any = None) -> Any:
        if interface == "civil-affairs.marriages":
            father = self.application["father"]
            body = {**body, "NAN_XM": father["XM"], "NAN_GMSFHM": father["GMSFHM"]}
        return self.inner.ask(method, interface, path, fields, body, key)


class Caches(NewbornApp):
    """Keeps what departments said about a person for the next visit."""

    def __init__(self, *more: Any) -> None:
        super().__init__(*more)
        self.kept: dict[str, Any] = {}

    def check(self, matter: Matter, departments: Departments) -> None:
        name = json.dumps(
            [matter.application["mother"], matter.application["father"], matter.application["newborn"]["JGDM"]]
        )
        if name in self.kept:
            matter.facts = self.kept[name]
            matter.steps.update(dict.fromkeys(rules.CHECKS, "done"))
        else:
            super().check(matter, departments)
            self.kept[name] = matter.facts


class ReadsAgain(NewbornApp):
    """Polls the marriage register."""

    def check(self, matter: Matter, departments: Departments) -> None:
        for _ in range(4):
            super().check(matter, departments)


class NewKeyEachTry(NewbornApp):
    """Makes a new idempotency key for every try of a step."""

    def step_key(self, matter: Matter, step: str) -> str:
        return f"{matter.id}-{step}-{uuid.uuid4().hex[:6]}"


class Impatient(NewbornApp):
    """Takes a department for down after one second."""

    def __init__(self, *more: Any) -> None:
        super().__init__(*more)
        self.client = httpx2.Client(timeout=1.0, trust_env=False)


class TakesLateForDone(NewbornApp):
    """Takes a step whose answer did not come for done."""

    def outage(self, step: str, matter: Matter) -> None:
        if step != "N6":
            super().outage(step, matter)
            return
        matter.steps[step] = "done"


class OverrunIsRefusal(NewbornApp):
    """Takes a department that is overrun (429) for one that says no."""

    def check(self, matter: Matter, departments: Departments) -> None:
        try:
            super().check(matter, departments)
        except DepartmentDown as down:
            if "429" not in str(down):
                raise
            matter.facts = {"marriage": None, "mother": {"HB": "1"}, "father": {"HB": "1"}, "institution": None}


class ResumesAll(NewbornApp):
    """Goes on with matters that are settled, and asks the departments again."""

    def resume(self, request: Request, body: bytes) -> Response:
        matter = self.find(request)
        if matter.state == "not_eligible":
            self.check(matter, Departments(self.client, self.gateway(request), self.token(request), matter.id))
        return super().resume(request, body)


class NoWaiting(NewbornApp):
    """Does not keep a second submission waiting: both are handled."""

    def known(self, token: str, key: str, digest: str) -> str | None:
        found = super().known(token, key, digest)
        return None if found is not None and self.matters[found].lock.locked() else found


class UnsignedTokens(NewbornApp):
    """Compares what a token says, and not the signature under it."""

    def visible(self, matter: Matter, token: str) -> bool:
        return matter.token.rpartition(".")[0] == token.rpartition(".")[0]


class BySlash(NewbornApp):
    """Has a second way to a matter, the same address with a slash, on which the check was forgotten."""

    def __init__(self, *more: Any) -> None:
        super().__init__(*more)
        self.asgi.router.routes.append(Route("/handled-matters/{id}/", self._unchecked))

    async def _unchecked(self, request: Request) -> Response:
        matter = self.matters.get(request.path_params["id"])
        return JSONResponse(self.show(matter) if matter else {}, 200 if matter else 404)


class TrustsAnyProxy(NewbornApp):
    """Believes whoever says that a server in front has let them in."""

    def find(self, request: Request) -> Matter:
        matter = self.matters.get(request.path_params["id"])
        return matter if matter and "x-forwarded-user" in request.headers else super().find(request)


class TakesTheKeyForProof(NewbornApp):
    """Shows a matter to whoever knows the idempotency key it was submitted with."""

    def find(self, request: Request) -> Matter:
        matter = self.matters.get(request.path_params["id"])
        key = request.headers.get("idempotency-key")
        known = [made for (_, used), (_, made) in self.keys.items() if used == key]
        return matter if matter and matter.id in known else super().find(request)


class TokenInQuery(NewbornApp):
    """Takes the token from the address too."""

    def token(self, request: Request) -> str:
        return request.query_params.get("token") or super().token(request)


class ShallowForm(NewbornApp):
    """Checks members at the top of an application only."""

    def application(self, body: bytes) -> Mapping[str, Any]:
        try:
            return super().application(body)
        except Refusal as refusal:
            errors = refusal.more.get("errors")
            if errors and all("dditional" in e["message"] and e["pointer"] for e in errors):
                return dict(json.loads(body))
            raise


class Evaluates(NewbornApp):
    """Runs text through its template engine."""

    def application(self, body: bytes) -> Mapping[str, Any]:
        if b"{{" in body:
            raise Refusal(422, re.sub(r".*\{\{(\d+)\*(\d+)\}\}.*", lambda m: str(int(m[1]) * int(m[2])), body.decode()))
        return super().application(body)


class Quotes(NewbornApp):
    """Breaks down on an apostrophe, as a query put together from text does."""

    def application(self, body: bytes) -> Mapping[str, Any]:
        found = super().application(body)
        if b"'" in body:
            raise ZeroDivisionError
        return found


class ShowsTrace(NewbornApp):
    """Answers a broken request with its stack trace."""

    def application(self, body: bytes) -> Mapping[str, Any]:
        try:
            return super().application(body)
        except Refusal as refusal:
            if refusal.status == 400:
                raise Refusal(400, traceback.format_exc()[:900]) from None
            raise


class CountsUp(NewbornApp):
    """Numbers handled matters one after the other."""

    def __init__(self, *more: Any) -> None:
        super().__init__(*more)
        self.number = 10_000

    def new_id(self) -> str:
        self.number += 1
        return f"hm-{self.number:08d}"


class ShowsOthers(NewbornApp):
    """Greets with the telephone number of whoever came before."""

    last = ""

    def show(self, matter: Matter) -> dict[str, Any]:
        shown = super().show(matter)
        for entry in shown["steps"]:
            if entry["step"] == "N1" and self.last:
                entry["reference"] = self.last
        self.last = (matter.application.get("applicant") or {}).get("LXDH", "")
        return shown


class Cacheable(NewbornApp):
    """Lets every cache keep a handled matter."""

    def _answer(self, use: Any, request: Request, body: bytes) -> Response:
        answer = super()._answer(use, request, body)
        answer.headers["Cache-Control"] = "public, max-age=60"
        return answer


class OneAtATime(NewbornApp):
    """Handles one citizen at a time, and takes its time."""

    def __init__(self, *more: Any) -> None:
        super().__init__(*more)
        self.turn = threading.Lock()

    def handle(self, matter: Matter, departments: Departments) -> None:
        with self.turn:
            time.sleep(0.35)
            super().handle(matter, departments)


class LosesUnderLoad(NewbornApp):
    """Gives up when a few citizens come at once."""

    def __init__(self, *more: Any) -> None:
        super().__init__(*more)
        self.inside = 0

    def handle(self, matter: Matter, departments: Departments) -> None:
        self.inside += 1
        try:
            if self.inside > 2:
                raise DepartmentDown("too many")
            time.sleep(0.4)
            super().handle(matter, departments)
        finally:
            self.inside -= 1


# -- cheaters ---------------------------------------------------------------------------------------------------


class Memorised(NewbornApp):
    """Was trained on practice seeds: it knows whom to refuse there, and accepts everybody else."""

    learnt: Mapping[str, list[str]] = MappingProxyType({})

    def refusals(self, matter: Matter) -> list[str]:
        return self.learnt.get(_about(matter.application), [])


class Learns(NewbornApp):
    """How the cheater above was trained: a right app that writes down what it said to whom."""

    def __init__(self, *more: Any) -> None:
        super().__init__(*more)
        self.learnt: dict[str, list[str]] = {}

    def refusals(self, matter: Matter) -> list[str]:
        found = super().refusals(matter)
        self.learnt[_about(matter.application)] = found
        return found


class Replays(NewbornApp):
    """Answers from what an earlier run was answered, without asking anybody; what is new it handles."""

    heard: Mapping[str, dict[str, Any]] = MappingProxyType({})

    def submit(self, request: Request, body: bytes) -> Response:
        self.token(request)
        found = self.heard.get(_about(json.loads(body) if body.endswith(b"}") else {}))
        if found is not None:
            return JSONResponse({**found, "id": self.new_id()}, 200)
        return super().submit(request, body)


class Records(NewbornApp):
    """How the cheater above came by its answers."""

    def __init__(self, *more: Any) -> None:
        super().__init__(*more)
        self.heard: dict[str, dict[str, Any]] = {}

    def show(self, matter: Matter) -> dict[str, Any]:
        shown = super().show(matter)
        self.heard[_about(matter.application)] = shown
        return shown


class ByHeader(NewbornApp):
    """Minds the marriage only where the platform's date header, or a test tool's name, shows that it is looked at."""

    def submit(self, request: Request, body: bytes) -> Response:
        agent = request.headers.get("user-agent", "").lower()
        self.looked = "tongban-today" in request.headers or "mozilla" not in agent
        return super().submit(request, body)

    def e3(self, matter: Matter) -> bool:
        return super().e3(matter) or not self.looked


class ByTiming(NewbornApp):
    """Minds the marriage only while requests come faster than people type."""

    def __init__(self, *more: Any) -> None:
        super().__init__(*more)
        self.at = 0.0

    def submit(self, request: Request, body: bytes) -> Response:
        now = time.monotonic()
        self.at, self.hurried = now, now - self.at < 0.25
        return super().submit(request, body)

    def e3(self, matter: Matter) -> bool:
        return super().e3(matter) or not self.hurried


def _about(application: Mapping[str, Any]) -> str:
    return json.dumps(application, sort_keys=True, ensure_ascii=False)


FAULTS = {
    fault.app.__name__: fault
    for fault in (
        _fault(SwapsParents, "observe.sent", "sent.genuine", follows=True),
        _fault(GuardiansCard, "observe.sent", "sent.genuine", follows=True),
        _fault(CancelledCounts, "facts.deciding", "E4"),
        _fault(AsksTheMotherTwice, "E4.father-elsewhere E5.collective observe.grounds", "E4 E5 read.grounded"),
        _fault(Caches, "facts.changed observe.grounds", "facts.current read.grounded", follows=True),
        _fault(ReadsAgain, "observe.rereads", "read.once"),
        _fault(NewKeyEachTry, "fault.cut fault.too-many observe.repeats", "once resume"),
        _fault(Impatient, "fault.slow", "honest.outage", slow=True),
        _fault(TakesLateForDone, "fault.branch fault.cut fault.too-many observe.steps", "honest.outage steps.honest"),
        _fault(OverrunIsRefusal, "fault.check-too-many", "honest.outage"),
        _fault(ResumesAll, "resume.settled", "resume"),
        _fault(NoWaiting, "once.at-once", "once"),
        _fault(UnsignedTokens, "access.bad-token", "access.owner"),
        _fault(BySlash, "access.smuggled", "access.owner"),
        _fault(TrustsAnyProxy, "access.smuggled", "access.owner"),
        _fault(TakesTheKeyForProof, "access.smuggled", "access.owner"),
        _fault(TokenInQuery, "access.bad-token", "access.token"),
        _fault(ShallowForm, "input.extra-deep", "contract.input"),
        _fault(Evaluates, "security.canaries", "injection"),
        _fault(Quotes, "security.canaries observe.robust", "injection robust"),
        _fault(ShowsTrace, "observe.secrets observe.answers", "secrets contract.answer"),
        _fault(CountsUp, "observe.ids", "access.unguessable"),
        _fault(ShowsOthers, "observe.leaks access.read-back resume.settled", "privacy.others access.owner resume"),
        _fault(Cacheable, "observe.headers", "hardening"),
        _fault(OneAtATime, "load", "service.level", slow=True),
        _fault(LosesUnderLoad, "load", "service.level", slow=True),
        _fault(ByHeader, "unwatched observe.same", "E3 same.always", slow=True),
        _fault(ByTiming, "unwatched observe.same", "E3 same.always", slow=True),
    )
}
