"""Applications and agreements in a browser: what is due, who wants what, and every step both sides may take."""

# annotations are read by FastAPI at run time and name things local to the router: no postponed evaluation here

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from exchange.agreements import clocks as statutory
from exchange.agreements.calendar import today
from exchange.agreements.clocks import Running
from exchange.agreements.model import Agreement, Application
from exchange.agreements.proceedings import RULES, Kind, Proceeding, Side, verbs, wants
from exchange.agreements.said import MORE
from exchange.agreements.service import LIVE
from exchange.agreements.supervising import Supervising
from exchange.agreements.violations import MISUSE, codes
from exchange.agreements.wish import Mode
from exchange.catalogue.items import GIVES, items
from exchange.errors import NotFound
from exchange.parties.access import Access, Caller, may
from exchange.portal import conditions, language, paging
from exchange.portal.language import chosen
from exchange.portal.pages import Pages, signed_in
from exchange.portal.problem import readable
from exchange.portal.terms import terms
from specs.model import Interface

WAITING = frozenset({"filed", "incomplete"})
OWN = ("apl_", "agr_")
"""What ids of applications and agreements begin with; a clock may be about an interface or a party, too."""
FEW = 20
"""Clocks and proceedings shown at a time, above the lists they belong to."""


def router(pages: Pages, access: Access, supervising: Supervising) -> APIRouter:
    """Routes of applications, agreements and their proceedings."""
    routes = APIRouter(include_in_schema=False, route_class=readable(pages))
    Who = Annotated[Caller | None, Depends(access.caller)]
    agreements, catalogue = supervising.agreements, supervising.agreements.catalogue

    @routes.get("/applications")
    def listed(
        request: Request,
        caller: Who,
        show: str = "",
        page: paging.Number = 1,
        due: paging.Number = 1,
        beside: paging.Number = 1,
        granted: paging.Number = 1,
    ) -> Response:
        who = signed_in(caller)
        now = agreements.clock()
        states = () if show == "all" else WAITING
        shown, total = agreements.newest_applications(who, paging.SIZE, paging.start(page), states=states)
        everything = total if show == "all" else agreements.newest_applications(who, 1)[1]
        given, given_total = agreements.newest_agreements(who, paging.SIZE, paging.start(granted))
        clocks = agreements.open_clocks(who)
        by_subject: dict[str, Running] = {}
        for clock, subject in clocks:
            by_subject.setdefault(subject, clock)
        dated = paging.cut([pair for pair in clocks if pair[0].due is not None], due, "due", FEW)
        return pages.render(
            request,
            caller,
            "applications.html",
            applications=paging.Page([(one, by_subject.get(one.id)) for one in shown], page, total),
            agreements=paging.Page([(one, one.state_at(now).value) for one in given], granted, given_total, "granted"),
            due=dated,
            subjects={subject: about_what(who, subject) for _, subject in dated.items if subject.startswith(OWN)},
            proceedings=paging.cut(supervising.proceedings(who, open_only=True), beside, "beside", FEW),
            hidden=everything - total,
            titles={record.id: record.title for record in catalogue.search()},
            may_push=may(who, "push.read"),
            **shared(supervising, request),
        )

    def about_what(who: Caller, subject: str) -> tuple[str, str, str]:
        if subject.startswith("apl_"):
            application = agreements.application(who, subject)
            return application.wish.interface, application.consumer, application.wish.purpose
        agreement = agreements.agreement(who, subject)
        return agreement.interface, agreement.consumer, agreement.purpose

    @routes.get("/agreements/{identifier}")
    def agreement(request: Request, caller: Who, identifier: str) -> Response:
        who = signed_in(caller)
        found = agreements.agreement(who, identifier)
        record = catalogue.interface(found.interface)
        state = found.state_at(agreements.clock())
        return pages.render(
            request,
            caller,
            "agreement.html",
            g=found,
            state=state.value,
            live=state in LIVE,
            title=record.title,
            fields=described(record.spec, found.labels),
            told=conditions.told(
                found.terms, called(record.spec, chosen(request)), chosen(request), bulk=found.mode is not Mode.SERVICE
            ),
            **about(supervising, request, who, found, live=state in LIVE),
        )

    @routes.post("/agreements/{identifier}/{verb}")
    def move(
        caller: Who,
        identifier: str,
        verb: str,
        reason: Annotated[str, Form(max_length=2000)] = "",
        basis: Annotated[str, Form(max_length=2000)] = "",
        code: Annotated[str, Form(max_length=20)] = "",
    ) -> Response:
        who = signed_in(caller)
        if verb == "terminate":
            # the form always sends a code: without a basis none is meant
            return _to(agreements.terminate(who, identifier, reason, basis, code if basis.strip() else "").id)
        moves = {"suspend": agreements.suspend, "resume": agreements.resume}
        if verb not in moves:
            raise NotFound(f"an agreement cannot {verb}")
        return _to(moves[verb](who, identifier, reason).id)

    @routes.get("/duties/{subject}")
    def duties(request: Request, caller: Who, subject: str) -> Response:
        who = signed_in(caller)
        found = supervising.beside(who, subject)
        entry = next(iter(catalogue.titles([subject]).items()), None)
        side = _side(who, "", found.party)
        taken = any(one.kind is Kind.UPDATE and one.is_open for one in found.proceedings)
        openable = [Kind.UPDATE] if entry and not taken and side in RULES[Kind.UPDATE].by else []
        return pages.render(
            request,
            caller,
            "duties.html",
            subject=subject,
            entry=entry is not None,
            title=entry[1] if entry else {},
            clocks=found.clocks,
            proceedings=[(one, _able(one, side)) for one in reversed(found.proceedings)],
            openable=[(kind.value, _inputs(kind, "open")) for kind in openable],
            extendable=[one.id for one in found.proceedings if one.state == "noticed"] if side is Side.PROVIDER else [],
            choices={},
            **shared(supervising, request),
        )

    @routes.post("/proceedings")
    def begin(
        caller: Who,
        kind: Annotated[str, Form()],
        subject: Annotated[str, Form()],
        said: Annotated[Mapping[str, Any], Depends(_said)],
    ) -> Response:
        text = str(said.get("text", ""))
        facts = {name: value for name, value in said.items() if name != "text"}
        return _to(supervising.open(signed_in(caller), kind, subject, text, facts).subject)

    @routes.post("/proceedings/{identifier}/{verb}")
    def act(caller: Who, identifier: str, verb: str, said: Annotated[Mapping[str, Any], Depends(_said)]) -> Response:
        text = str(said.get("text", ""))
        facts = {name: value for name, value in said.items() if name != "text"}
        return _to(supervising.act(signed_in(caller), identifier, verb, text, facts).subject)

    return routes


def about(
    supervising: Supervising, request: Request, who: Caller, of: Application | Agreement, *, live: bool
) -> dict[str, Any]:
    """What both detail pages show beside their own: clocks, proceedings, and what this reader may do.

    ``live``: an application that waits for its answer, an agreement that has not ended.
    """
    side = _side(who, of.consumer, of.provider)
    found = supervising.proceedings(who, subject=of.id)
    fields = of.labels if isinstance(of, Agreement) else ()
    openable = [kind for kind in _openable(of, live, found) if side in RULES[kind].by]
    return {
        "clocks": supervising.agreements.clocks(who, of.id),
        "proceedings": [(one, _able(one, side)) for one in reversed(found)],
        "openable": [(kind.value, _inputs(kind, "open")) for kind in openable],
        "side": side.value if side else "",
        "choices": {"field": [(name, name) for name in fields], "code": _codes(request)},
        **shared(supervising, request),
    }


def shared(supervising: Supervising, request: Request) -> dict[str, Any]:
    """Words and rules that every one of these pages needs."""
    agreements = supervising.agreements
    preset = agreements.deadlines.preset
    return {
        "terms": terms(chosen(request)),
        "rules": {**statutory.presets()["national"].rules, **preset.rules},
        "preset": preset,
        "today": today(agreements.clock()),
    }


def described(spec: Interface, fields: tuple[str, ...]) -> list[dict[str, Any]]:
    """Agreed or wanted fields with what the interface calls them and how sensitive they are."""
    known = {item.field: item for item in items(spec) if item.way == GIVES}
    found = []
    for name in fields:
        item = known.get(name.rpartition("/")[2])
        found.append(
            {"name": name, "title": item.title if item else {}, "sensitivity": item.sensitivity if item else ""}
        )
    return found


def called(spec: Interface, code: str) -> dict[str, str]:
    """Name of every field an interface gives → what it is called."""
    return {item.field: language.text(item.title, code) for item in items(spec) if item.way == GIVES}


def _openable(of: Application | Agreement, live: bool, found: list[Proceeding]) -> list[Kind]:
    """Kinds that may be opened now: one of a kind at a time, but any number of tickets."""
    kinds = [Kind.EXTENSION] if isinstance(of, Application) else [Kind.ORDER, Kind.ENDING, Kind.RETURN]
    taken = {one.kind for one in found if one.is_open}
    offered = [kind for kind in kinds if live and kind not in taken]
    offered += [] if isinstance(of, Application) else [Kind.TICKET]
    return offered if Kind.DISPUTE in taken else [*offered, Kind.DISPUTE]


def _able(found: Proceeding, side: Side | None) -> list[tuple[str, list[str]]]:
    return [] if side is None else [(verb, _inputs(found.kind, verb)) for verb in verbs(found, side)]


def _inputs(kind: Kind, verb: str) -> list[str]:
    """What a form of this verb asks for, the free text last."""
    asked = [*wants(kind, verb), *sorted(MORE.get((kind, verb), ()))]
    return [name for name in dict.fromkeys(asked) if name != "text"] + ["text"]


def _side(who: Caller, consumer: str, provider: str) -> Side | None:
    """The side this reader may act for; None for one who only reads."""
    if who.party == consumer:
        return Side.CONSUMER
    if who.party == provider:
        return Side.PROVIDER if acts_for(who, provider) else None
    return Side.AUTHORITY if who.kind == "data_office" and "officer" in who.roles else None


def acts_for(who: Caller, provider: str) -> bool:
    return who.party == provider and bool(who.roles & {"admin", "reviewer"})


def _codes(request: Request) -> list[tuple[str, str]]:
    language = chosen(request)
    return [(code, f"{code} {words[language]}") for code, words in codes().items() if code in MISUSE]


def _to(identifier: str) -> Response:
    page = {"apl_": "applications", "agr_": "agreements"}.get(identifier[:4], "duties")
    return RedirectResponse(f"/{page}/{quote(identifier)}", status_code=303)


async def _said(request: Request) -> dict[str, str]:
    given = await request.form()
    known = {name for kind in RULES for verb in ("open", *RULES[kind].moves) for name in _inputs(kind, verb)}
    return {name: str(value) for name, value in given.items() if name in known and str(value).strip()}
