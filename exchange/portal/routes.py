"""The portal's pages: what people read and do in a browser; programs use /api/v1."""

# annotations are read by FastAPI at run time and name things local to the router: no postponed evaluation here

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from exchange.agreements.service import Agreements
from exchange.catalogue.service import Catalogue
from exchange.certification.service import Certifications
from exchange.errors import NotFound, TongbanError, Unauthenticated
from exchange.ledger.service import Ledger
from exchange.market.service import Market
from exchange.market.statements import Statements
from exchange.oversight.service import Oversight
from exchange.parties.access import Access, Caller
from exchange.parties.service import Parties
from exchange.portal import sankey
from exchange.portal.interfaces import answered
from exchange.portal.language import chosen, text, translations
from exchange.portal.pages import Pages
from specs import library


def router(
    pages: Pages,
    access: Access,
    parties: Parties,
    catalogue: Catalogue,
    agreements: Agreements,
    certifications: Certifications,
    market: Market,
    statements: Statements,
    oversight: Oversight,
    ledger: Ledger,
    base_url: str,
) -> APIRouter:
    """Routes of every page but those of a launched app, which `exchange.portal.launches` holds."""
    routes = APIRouter(include_in_schema=False)
    Who = Annotated[Caller | None, Depends(access.caller)]

    @routes.get("/")
    def home(request: Request, caller: Who) -> Response:
        _ = translations(chosen(request)).gettext
        listings = market.listings()
        figures = [
            (_("Catalogue"), len(catalogue.search()), "/catalogue"),
            (_("App market"), len(listings), "/market"),
            (_("Open demands"), len(market.demands()), "/market"),
            (_("Ledger"), ledger.size(), "/ledger"),
        ]
        matters = [
            {"id": m, "title": library.matter(m).title, "apps": sum(item.matter == m for item in listings)}
            for m in sorted({item.matter for item in listings})
        ]
        return pages.render(request, caller, "home.html", figures=figures, matters=matters)

    @routes.get("/sign-in")
    def sign_in_page(request: Request, caller: Who, next: str = "/") -> Response:
        return pages.render(request, caller, "sign_in.html", next=_local(next), failed="")

    @routes.post("/sign-in")
    def sign_in(
        request: Request,
        login: Annotated[str, Form()],
        password: Annotated[str, Form()],
        next: Annotated[str, Form()] = "/",
    ) -> Response:
        try:
            session = parties.sign_in(login, password)
        except TongbanError as error:
            return pages.render(request, None, "sign_in.html", status=401, next=_local(next), failed=str(error))
        response = RedirectResponse(_local(next), status_code=303)
        access.remember(response, session)
        return response

    @routes.post("/sign-out")
    def sign_out(request: Request, _caller: Who) -> Response:
        parties.sign_out(request.cookies.get("tongban_session", ""))
        response = RedirectResponse("/", status_code=303)
        access.forget(response)
        return response

    @routes.get("/catalogue")
    def catalogue_page(request: Request, caller: Who, q: str = "", kind: str = "", department: str = "") -> Response:
        return pages.render(
            request,
            caller,
            "catalogue.html",
            records=catalogue.search(q or None, kind=kind or None, department=department or None),
            q=q,
            kind=kind,
            department=department,
            departments=[party for party in parties.parties() if party.kind == "department"],
        )

    @routes.get("/catalogue/{identifier}")
    def interface_page(request: Request, caller: Who, identifier: str) -> Response:
        record = catalogue.interface(identifier)
        return pages.render(request, caller, "interface.html", record=record, spec=record.spec, answered=answered)

    @routes.get("/market")
    @routes.get("/market/{matter}")
    def market_page(request: Request, caller: Who, matter: str | None = None) -> Response:
        listings = market.listings(matter)
        wanted = (
            [matter] if matter else sorted({d.matter for d in market.demands()} | {item.matter for item in listings})
        )
        may_see_tests = caller is not None and caller.kind in {"vendor", "data_office", "operator"}
        return pages.render(
            request,
            caller,
            "market.html",
            matters=[
                {
                    "id": m,
                    "title": _matter(m).title,
                    "listings": [_listing(market, item) for item in listings if item.matter == m],
                }
                for m in wanted
            ],
            demands=[
                {
                    "title": {"zh_CN": d.title_zh, "en": d.title_en},
                    "department": d.department,
                    "at": d.published_at,
                    "orders": len(market.orders(d.id)),
                }
                for d in market.demands()
            ],
            certifications=certifications.listed(caller) if caller and may_see_tests else None,
        )

    @routes.get("/certifications/{identifier}")
    def certification_page(request: Request, caller: Who, identifier: str) -> Response:
        try:
            found = certifications.get(caller, identifier) if caller else certifications.public(identifier)
            full = caller is not None
        except TongbanError:
            found, full = certifications.public(identifier), False
        return pages.render(request, caller, "certification.html", c=found, full=full, base_url=base_url)

    @routes.get("/applications")
    def applications_page(request: Request, caller: Who) -> Response:
        who = _signed_in(caller)
        return pages.render(
            request,
            caller,
            "applications.html",
            applications=[_application(agreements, catalogue, who, a) for a in agreements.applications(who)],
            agreements=[_agreement(a) for a in agreements.agreements(who)],
        )

    @routes.post("/applications/{identifier}")
    def answer(
        caller: Who,
        identifier: str,
        decision: Annotated[str, Form()],
        reason: Annotated[str, Form()] = "",
        basis: Annotated[str, Form()] = "",
    ) -> Response:
        agreements.answer(_signed_in(caller), identifier, decision, reason=reason, basis=basis)
        return RedirectResponse("/applications", status_code=303)

    @routes.get("/flows")
    def flows_page(request: Request, caller: Who, outcome: str = "", consumer: str = "") -> Response:
        who = _signed_in(caller)
        pairs = oversight.matrix(who)
        code = chosen(request)
        return pages.render(
            request,
            caller,
            "flows.html",
            flows=oversight.flows(who, outcome=outcome, consumer=consumer),
            pairs=pairs,
            found=oversight.findings(who),
            delivered=sum(p["delivered"] for p in pairs),
            refused=sum(p["refused"] for p in pairs),
            consumers=sorted({p["consumer"] for p in pairs}),
            outcome=outcome,
            consumer=consumer,
            sankey=sankey.options(pairs, lambda party: text(pages.names(party), code)),
        )

    @routes.get("/ledger")
    def ledger_page(request: Request, caller: Who, entry: int | None = None) -> Response:
        may_read = caller is not None and caller.kind in {"data_office", "operator"}
        size = ledger.size()
        last = size if entry is None else min(entry + 26, size)
        return pages.render(
            request,
            caller,
            "ledger.html",
            size=size,
            vkey=ledger.vkey,
            checkpoint=ledger.latest().note if size else "",
            entries=ledger.entries(before=last, limit=50, newest_first=True) if may_read else [],
            opened=entry,
            may_export=may_read,
            base_url=base_url,
        )

    @routes.get("/mine")
    def mine(request: Request, caller: Who) -> Response:
        who = _signed_in(caller)
        code = chosen(request)
        rated = {r.handled_matter: r.level for m in market.handled_matters(who) for r in market.ratings(m.id)}
        shown = [
            {
                "id": m.id,
                "title": _matter(m.matter).title,
                "state": m.state,
                "at": m.opened_at,
                "steps": [step.split("#")[1] for step in m.steps],
                "rateable": m.completed_at is not None and m.id not in rated,
                "level": rated.get(m.id),
            }
            for m in market.handled_matters(who)
        ]
        return pages.render(request, caller, "mine.html", matters=shown, levels=_levels(code))

    @routes.post("/mine/{identifier}/rating")
    def rate(
        caller: Who, identifier: str, level: Annotated[int, Form()], comment: Annotated[str, Form()] = ""
    ) -> Response:
        market.rate(_signed_in(caller), identifier, level, comment)
        return RedirectResponse("/mine", status_code=303)

    @routes.get("/settlements")
    def settlements_page(request: Request, caller: Who) -> Response:
        return pages.render(request, caller, "settlements.html", settlements=statements.listed(_signed_in(caller)))

    return routes


def _signed_in(caller: Caller | None) -> Caller:
    if caller is None:
        raise Unauthenticated("sign in first")
    return caller


def _local(target: str) -> str:
    # only a path of our own: an address given by somebody else must not become a redirect
    return target if target.startswith("/") and not target.startswith(("//", "/\\")) else "/"


def _matter(identifier: str) -> library.Matter:
    try:
        return library.matter(identifier)
    except KeyError:
        raise NotFound(f"no matter {identifier}", hint="see /market") from None


def _levels(code: str) -> list[tuple[int, str]]:
    words = {
        "zh_CN": ("非常满意", "满意", "基本满意", "不满意", "非常不满意"),
        "en": ("very satisfied", "satisfied", "fairly satisfied", "dissatisfied", "very dissatisfied"),
    }
    return list(zip((5, 4, 3, 2, 1), words[code], strict=True))


def _listing(market: Market, item: Any) -> dict[str, Any]:
    app, version, ratings = market.app_of(item)
    levels = [rating.level for rating in ratings]
    return {
        "id": item.id,
        "name": {"zh_CN": app.name_zh, "en": app.name_en},
        "vendor": item.vendor,
        "version": version.version,
        "grade": item.grade,
        "certification": item.certification,
        "ratings": len(levels),
        "mean": sum(levels) / len(levels) if levels else None,
    }


def _application(agreements: Agreements, catalogue: Catalogue, caller: Caller, a: Any) -> dict[str, Any]:
    due = agreements.due_date(a)
    return {
        "id": a.id,
        "consumer": a.consumer,
        "provider": a.provider,
        "interface": a.wish.interface,
        "title": catalogue.interface(a.wish.interface).title,
        "state": a.state.value,
        "purpose": a.wish.purpose,
        "scenario": a.wish.scenario,
        "legal_basis": a.wish.legal_basis,
        "fields": a.wish.fields,
        "reason": a.reply.reason if a.reply else "",
        "due": due.day if due else None,
        "late": due.late if due else False,
        "answerable": a.state.value == "filed"
        and caller.party == a.provider
        and bool(caller.roles & {"admin", "reviewer"}),
    }


def _agreement(a: Any) -> dict[str, Any]:
    return {
        "id": a.id,
        "interface": a.interface,
        "provider": a.provider,
        "consumer": a.consumer,
        "purpose": a.purpose,
        "fields": a.labels,
        "until": a.expires_at,
        "state": a.state.value,
    }
