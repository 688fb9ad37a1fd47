"""One application in a browser: what it asks for, and the provider's answer with its conditions and their preview."""

# annotations are read by FastAPI at run time and name things local to the router: no postponed evaluation here

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from exchange.agreements.model import LONGEST_DISPOSAL, Application, Reply, check_reply, grant
from exchange.agreements.scope import label
from exchange.agreements.supervising import Supervising
from exchange.agreements.wish import scope_of
from exchange.clock import stamp
from exchange.errors import Invalid, Unprocessable
from exchange.parties.access import Access, Caller, permit
from exchange.portal import conditions, conditions_form
from exchange.portal.agreements import WAITING, about, acts_for, called, described
from exchange.portal.conditions_form import LINES, Draft, Line
from exchange.portal.language import chosen, translations
from exchange.portal.pages import Pages, signed_in
from exchange.portal.problem import readable
from exchange.portal.telling import said_of
from specs.model import Interface

Given = Mapping[str, list[str]]
TEXTS = ("reason", "basis", "disposal", "disposal_days")


async def _given(request: Request) -> Given:
    form = await request.form()
    return {name: [str(value) for value in form.getlist(name)] for name in form}


def router(pages: Pages, access: Access, supervising: Supervising) -> APIRouter:
    """Routes of one application; they stand behind ``/applications/new``."""
    routes = APIRouter(include_in_schema=False, route_class=readable(pages))
    Who = Annotated[Caller | None, Depends(access.caller)]
    agreements, catalogue = supervising.agreements, supervising.agreements.catalogue

    @routes.get("/applications/{identifier}")
    def application(request: Request, caller: Who, identifier: str) -> Response:
        who = signed_in(caller)
        return page(request, who, agreements.application(who, identifier))

    @routes.post("/applications/{identifier}/withdrawal")
    def withdraw(caller: Who, identifier: str) -> Response:
        return _to(agreements.withdraw(signed_in(caller), identifier).id)

    @routes.post("/applications/{identifier}")
    def answer(request: Request, caller: Who, identifier: str, given: Annotated[Given, Depends(_given)]) -> Response:
        who = signed_in(caller)
        found = agreements.application(who, identifier)
        permit(who, "application.answer", owner=found.provider)
        decision = next(iter(given.get("decision", ())), "")
        if decision not in ("consent", "refuse", "preview"):
            raise Invalid("the decision is consent or refuse", pointer="/decision")
        spec = catalogue.interface(found.wish.interface).spec
        draft = conditions_form.read(conditions_form.offer(found, spec), given, chosen(request))
        texts = {name: next(iter(given.get(name, ())), "").strip() for name in TEXTS}
        # a refusal has no conditions: what was typed of them is nobody's concern then
        errors = _wrong(request, texts) | (dict(draft.errors) if decision != "refuse" else {})
        days = int(texts["disposal_days"]) if texts["disposal_days"] and "disposal_days" not in errors else None
        terms = draft.terms if decision != "refuse" else {}
        try:
            if decision == "preview":
                _try(found, spec, Reply(True, who.id, stamp(agreements.clock()), basis=texts["basis"], terms=terms,
                                        disposal=texts["disposal"], disposal_days=days))  # fmt: skip
            elif not errors:
                agreements.answer(
                    who, identifier, decision, texts["reason"], texts["basis"], texts["disposal"], days, terms
                )
                return _to(identifier)
        except Unprocessable as error:
            errors = _at_inputs(request, error) | errors
        status = 200 if decision == "preview" else 422
        return page(request, who, found, draft, texts, errors, status)

    def _try(found: Application, spec: Interface, reply: Reply) -> None:
        """Raises `Unprocessable` for a consent that would not be accepted."""
        agreements.enforceable(grant("agr_preview", found, spec, agreements.clock(), reply.terms))
        check_reply(found, reply)

    def page(
        request: Request,
        who: Caller,
        found: Application,
        draft: Draft | None = None,
        texts: Mapping[str, str] | None = None,
        errors: Mapping[str, str] | None = None,
        status: int = 200,
    ) -> Response:
        record, code = catalogue.interface(found.wish.interface), chosen(request)
        answerable = found.state.value == "filed" and acts_for(who, found.provider)
        more: dict[str, Any] = {}
        draft = draft or Draft()
        offered = conditions_form.offer(found, record.spec) if answerable else None
        if offered is not None:
            more = {
                "offered": offered,
                "draft": draft,
                "lines": [*draft.lines, *(Line() for _ in range(LINES))],
                "beside": conditions_form.beside(offered, draft, code),
                "comparisons": conditions.comparisons(code),
                "ways": _ways(code),
                "wanted": [one.name for one in offered.fields],
            }
        reply = found.reply
        terms = draft.terms if offered is not None else reply.terms if reply else {}
        titles = called(record.spec, code)
        return pages.render(
            request,
            who,
            "application.html",
            status=status,
            a=found,
            title=record.title,
            fields=described(record.spec, found.wish.fields),
            leaving=described(record.spec, _labels(found, record.spec)),
            titles=titles,
            told=conditions.told(terms, titles, code, bulk=found.wish.table is not None),
            answerable=answerable,
            texts=texts or dict.fromkeys(TEXTS, ""),
            errors=errors or {},
            longest=LONGEST_DISPOSAL,
            completable=found.state.value == "incomplete" and who.party == found.consumer,
            withdrawable=found.state.value in WAITING and who.party == found.consumer,
            **more,
            **about(supervising, request, who, found, live=found.state.value == "filed"),
        )

    return routes


def _labels(found: Application, spec: Interface) -> tuple[str, ...]:
    if found.state.value == "incomplete":
        return ()
    scope = scope_of(found.wish, spec)
    return tuple(sorted({label(one) for templates in scope.values() for one in templates}))


def _ways(code: str) -> dict[str, str]:
    _ = translations(code).gettext
    return {
        "": _("as it is"),
        "hash": _("as a hash"),
        "truncate": _("its first characters; how many:"),
        "year": _("only the year"),
        "month": _("only year and month"),
        "decade": _("only the decade"),
        "step": _("rounded down to steps of:"),
        "noise": _("with noise, off on average by:"),
        "remove": _("not at all"),
    }


def _wrong(request: Request, texts: Mapping[str, str]) -> dict[str, str]:
    _ = translations(chosen(request)).gettext
    days = texts["disposal_days"]
    found = {name: _("At most 2000 characters.") for name in TEXTS if len(texts[name]) > 2000}
    if days and not (days.isascii() and days.isdecimal() and int(days[:9]) <= LONGEST_DISPOSAL):
        found["disposal_days"] = _("A whole number of days, from 0 to 3650.")
    return found


def _at_inputs(request: Request, error: Unprocessable) -> dict[str, str]:
    """What the service says is wrong, by the input it is about; "" for what is about none."""
    _ = translations(chosen(request)).gettext
    words = {
        "basis": _("Name the law it rests on: a refusal and a condition need one (art 14, art 21)."),
        "reason": _("A refusal states its reason (art 21)."),
        "disposal": _("Say what is to be done with the data when the use ends."),
    }
    pointers = error.extra.get("pointers") or [error.extra.get("pointer", "")]
    names = [str(pointer).removeprefix("/") for pointer in pointers]
    return {name if name in words else "": words.get(name, said_of(error, chosen(request))) for name in names}


def _to(identifier: str) -> Response:
    return RedirectResponse(f"/applications/{quote(identifier)}", status_code=303)
