"""Pages of hosted sandboxes: what happens in one, and a hand on its clock, faults and written state."""

# annotations are read by FastAPI at run time and name things local to the router: no postponed evaluation here

import json
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from exchange.catalogue.service import Catalogue
from exchange.errors import Invalid, TongbanError
from exchange.parties.access import Access, Caller, permit
from exchange.portal import paging
from exchange.portal.pages import Pages, signed_in
from exchange.portal.problem import readable
from exchange.sandboxes.model import Hosted
from exchange.sandboxes.service import Sandboxes
from exchange.sandboxes.watching import shown
from mockdata.sandbox.calls import Wanted

SHOWN = 25
"""Calls on the page."""
KINDS = ("latency", "503", "500", "429", "drop", "truncate", "slow", "malformed", "stale")


def fault_of(kind: str, target: str, amount: int, share: int, calls: int) -> dict[str, Any]:
    """The fault a form asks for. Raises `Invalid` for a kind it does not offer."""
    effects: Mapping[str, dict[str, Any]] = {
        # most answers near the amount, one in a hundred four times as slow
        "latency": {"latency": {"distribution": "lognormal", "p50_ms": amount, "p99_ms": amount * 4}},
        "503": {"status": 503},
        "500": {"status": 500},
        "429": {"status": 429, "retry_after": amount},
        "drop": {"drop": True},
        "truncate": {"truncate": 0.5},
        "slow": {"bytes_per_second": amount},
        "malformed": {"malformed": True},
        "stale": {"stale": {"lag": f"PT{amount}S"}},
    }
    if kind not in effects:
        raise Invalid("the form offers no such fault", hint=", ".join(KINDS))
    more = ({"share": share / 100} if share < 100 else {}) | ({"calls": calls} if calls else {})
    return {"target": target, **effects[kind], **more}


def router(pages: Pages, access: Access, catalogue: Catalogue, sandboxes: Sandboxes) -> APIRouter:
    """Routes below /testing; the services say who may."""
    routes = APIRouter(prefix="/testing", include_in_schema=False, route_class=readable(pages))
    Who = Annotated[Caller | None, Depends(access.caller)]
    control, watching = sandboxes.control, sandboxes.watching

    def titles() -> dict[str, Any]:
        return {record.id: record.title for record in catalogue.search()}

    @routes.get("")
    def listed(request: Request, caller: Who, page: paging.Number = 1) -> Response:
        by = signed_in(caller)
        found = paging.cut(sandboxes.listed(by)[::-1], page)
        services = sorted((record.id, record.title) for record in catalogue.search() if record.kind.value == "api")
        may = _may(by, by.party)
        return pages.render(request, caller, "testing.html", found=found, titles=titles(), services=services, may=may)

    @routes.post("")
    def open_(
        request: Request,
        caller: Who,
        interface: Annotated[list[str], Form()],
        seed: Annotated[str, Form(max_length=64)] = "",
    ) -> Response:
        opened = sandboxes.open(signed_in(caller), interface, None, seed.strip() or None)
        return pages.render(request, caller, "testing_key.html", status=201, opened=opened)

    @routes.get("/{id}")
    def one(
        request: Request,
        caller: Who,
        id: str,
        status: Annotated[str, Query(max_length=3)] = "",
        valid: Annotated[str, Query(max_length=5)] = "",
        text: Annotated[str, Query(max_length=200)] = "",
    ) -> Response:
        by = signed_in(caller)
        hosted, state = control.visible(by, id), control.state(by, id)
        wanted = Wanted(None, status or None, {"true": True, "false": False}.get(valid), None, text.strip() or None)
        calls = [shown(call) for call in watching.calls(id, limit=SHOWN, wanted=wanted)]
        used = watching.used(id)
        return pages.render(
            request, caller, "testing_one.html", box=hosted, state=state, url=sandboxes.url(id), titles=titles(),
            calls=[call | {"fields_used": used.get(call["id"], [])} for call in calls],
            targets=_targets(hosted), kinds=KINDS, may=_may(by, hosted.owner),
            plan=json.dumps(state["faults"], ensure_ascii=False, indent=1),
            answered=status, valid=valid, text=text, asked=bool(status or valid or text.strip()),
        )  # fmt: skip

    @routes.get("/{id}/people")
    def people(request: Request, caller: Who, id: str) -> Response:
        by = signed_in(caller)
        return pages.render(
            request, caller, "testing_people.html", box=control.visible(by, id), people=control.personas(by, id)
        )

    _changes(routes, access, sandboxes)
    return routes


def _changes(routes: APIRouter, access: Access, sandboxes: Sandboxes) -> None:
    """The forms of a sandbox's page."""
    Who = Annotated[Caller | None, Depends(access.caller)]
    control = sandboxes.control

    @routes.post("/{id}/reset")
    def reset(caller: Who, id: str) -> Response:
        control.reset(signed_in(caller), id)
        return _back(id, "written")

    @routes.post("/{id}/snapshot")
    def snapshot(caller: Who, id: str, name: Annotated[str, Form(max_length=200)]) -> Response:
        control.snapshot(signed_in(caller), id, name.strip())
        return _back(id, "written")

    @routes.post("/{id}/restore")
    def restore(caller: Who, id: str, name: Annotated[str, Form(max_length=200)]) -> Response:
        control.restore(signed_in(caller), id, name)
        return _back(id, "written")

    @routes.post("/{id}/seed")
    def seed(caller: Who, id: str, seed: Annotated[str, Form(max_length=64)]) -> Response:
        control.set_seed(signed_in(caller), id, seed.strip())
        return _back(id, "written")

    @routes.post("/{id}/clock")
    def clock(
        caller: Who,
        id: str,
        day: Annotated[str, Form(alias="set", pattern=r"^(\d{4}-\d\d-\d\d)?$")] = "",
        advance: Annotated[str, Form(max_length=40)] = "",
        do: Annotated[str, Form(max_length=10)] = "",
    ) -> Response:
        change: dict[str, Any] = {"set": f"{day}T09:00:00+08:00"} if day else {}
        change |= {"advance": advance.strip()} if advance.strip() else {}
        change |= {"stop": {"running": False}, "run": {"running": True}, "real": {"real": True}}.get(do, {})
        control.set_clock(signed_in(caller), id, change)
        return _back(id, "clock")

    @routes.post("/{id}/faults")
    def fault(
        caller: Who,
        id: str,
        target: Annotated[str, Form(max_length=200)],
        kind: Annotated[str, Form(max_length=20)],
        amount: Annotated[int, Form(ge=1, le=600_000)] = 1000,
        share: Annotated[int, Form(ge=1, le=100)] = 100,
        calls: Annotated[int, Form(ge=0, le=1_000_000)] = 0,
    ) -> Response:
        by = signed_in(caller)
        held = list(control.visible(by, id).faults)
        control.set_faults(by, id, [*held, fault_of(kind, target, amount, share, calls)])
        return _back(id, "faults")

    @routes.post("/{id}/faults/remove")
    def remove(caller: Who, id: str, number: Annotated[int, Form(ge=0)]) -> Response:
        by = signed_in(caller)
        held = list(control.visible(by, id).faults)
        control.set_faults(by, id, held[:number] + held[number + 1 :])
        return _back(id, "faults")

    @routes.post("/{id}/faults/plan")
    def plan(caller: Who, id: str, plan: Annotated[str, Form(max_length=100_000)]) -> Response:
        try:
            value = json.loads(plan)
        except (ValueError, RecursionError):
            raise Invalid("the fault plan is no JSON", hint="docs/sandbox-control.md shows one") from None
        control.set_faults(signed_in(caller), id, value)
        return _back(id, "faults")


def _may(caller: Caller, owner: str) -> bool:
    try:
        permit(caller, "sandbox.open", owner=owner)
    except TongbanError:
        return False
    return True


def _targets(hosted: Hosted) -> list[str]:
    names = [name for name, _ in hosted.interfaces]
    departments = dict.fromkeys(f"{name.partition('.')[0]}." for name in names)
    return ["*", *departments, *names]


def _back(id: str, part: str) -> Response:
    return RedirectResponse(f"/testing/{quote(id)}#{part}", status_code=303)
