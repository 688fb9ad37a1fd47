"""Pages for those who publish: check a file, register it, put it in force; and what of theirs needs a look."""

# annotations are read by FastAPI at run time and name things local to the router: no postponed evaluation here

from collections import Counter
from itertools import groupby
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, File, Form, Request, Response, UploadFile
from fastapi.responses import RedirectResponse

from exchange.catalogue.checking import Checking
from exchange.catalogue.lifecycle import Lifecycle
from exchange.catalogue.probing import Probing
from exchange.catalogue.service import LARGEST
from exchange.catalogue.tidying import Tidying
from exchange.errors import Invalid, Unauthenticated
from exchange.parties.access import Access, Caller, permit
from exchange.portal.pages import Pages
from exchange.portal.problem import readable


def router(
    pages: Pages, access: Access, lifecycle: Lifecycle, probing: Probing, checking: Checking, tidying: Tidying
) -> APIRouter:
    """Routes under /catalogue that are no interface's page: they stand before `exchange.portal.catalogue`'s."""
    routes = APIRouter(include_in_schema=False, route_class=readable(pages))
    Who = Annotated[Caller | None, Depends(access.caller)]
    catalogue = lifecycle.catalogue

    @routes.get("/catalogue/publish")
    def publish_page(request: Request, caller: Who) -> Response:
        permit(_signed_in(caller), "interface.register")
        return pages.render(request, caller, "publish.html", checked=None)

    @routes.post("/catalogue/publish")
    def check(request: Request, caller: Who, file: Annotated[UploadFile, File()]) -> Response:
        name, text = file.filename or "document", _text(file.file.read(LARGEST + 1))
        checked = checking.check(_signed_in(caller), name, text)
        tally = Counter(finding.severity.value for finding in checked.findings)
        context: dict[str, Any] = {"checked": checked, "tally": tally, "filename": name, "document": text}
        return pages.render(request, caller, "publish.html", **context)

    @routes.post("/catalogue/register")
    def register(caller: Who, filename: Annotated[str, Form()], document: Annotated[str, Form()]) -> Response:
        # browsers send every line end of a text field as CR LF, whatever it was in the file
        made = catalogue.register(_signed_in(caller), filename, document.replace("\r\n", "\n"))
        return _back(made.interface)

    @routes.post("/catalogue/{identifier}/endpoint")
    def set_endpoint(caller: Who, identifier: str, url: Annotated[str, Form()]) -> Response:
        catalogue.set_endpoint(_signed_in(caller), identifier, url)
        return _back(identifier)

    @routes.post("/catalogue/{identifier}/probes")
    def probe(caller: Who, identifier: str) -> Response:
        probing.probe(_signed_in(caller), identifier)
        return _back(identifier)

    @routes.post("/catalogue/{identifier}/publication")
    def publish(caller: Who, identifier: str, version: Annotated[str, Form()]) -> Response:
        lifecycle.publish(_signed_in(caller), identifier, version)
        return _back(identifier)

    @routes.get("/catalogue/review")
    def review_page(request: Request, caller: Who) -> Response:
        found = tidying.proposals(_signed_in(caller))
        counts = Counter(one.action for one in found)
        ordered = sorted(found, key=lambda one: one.department)  # within a department the gravest stay first
        groups = [(department, list(ones)) for department, ones in groupby(ordered, lambda one: one.department)]
        return pages.render(request, caller, "review.html", groups=groups, counts=counts)

    return routes


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise Invalid("the file is no UTF-8 text", hint="save it as UTF-8; a spreadsheet is imported first") from None


def _back(identifier: str) -> Response:
    return RedirectResponse(f"/catalogue/{quote(identifier)}", status_code=303)


def _signed_in(caller: Caller | None) -> Caller:
    if caller is None:
        raise Unauthenticated("sign in first")
    return caller
