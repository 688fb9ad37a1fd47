"""Pages for those who publish: a file is checked, nothing kept; then registered as it is, byte for byte."""

# annotations are read by FastAPI at run time and name things local to the router: no postponed evaluation here

import base64
import binascii
from collections import Counter
from itertools import groupby
from typing import Annotated, Any

from fastapi import APIRouter, Depends, File, Form, Query, Request, Response, UploadFile

from exchange.catalogue.checking import Checking
from exchange.catalogue.health import LACKS
from exchange.catalogue.service import LARGEST
from exchange.catalogue.tidying import Tidying
from exchange.errors import Invalid
from exchange.parties.access import Access, Caller, permit
from exchange.parties.service import Parties
from exchange.portal import language
from exchange.portal.findings import CHINESE, MOST, excerpts
from exchange.portal.pages import Pages, signed_in
from exchange.portal.problem import readable
from exchange.portal.tending import back

ROWS = 200
"""Interfaces of one list on the page of what needs a look."""


def router(pages: Pages, access: Access, parties: Parties, checking: Checking, tidying: Tidying) -> APIRouter:
    """Routes under /catalogue that are no interface's page: they stand before `exchange.portal.catalogue`'s."""
    routes = APIRouter(include_in_schema=False, route_class=readable(pages))
    Who = Annotated[Caller | None, Depends(access.caller)]

    @routes.get("/catalogue/publish")
    def publish_page(request: Request, caller: Who) -> Response:
        permit(signed_in(caller), "interface.register")
        return pages.render(request, caller, "publish.html", checked=None)

    @routes.post("/catalogue/publish")
    def check(request: Request, caller: Who, file: Annotated[UploadFile, File()]) -> Response:
        by = permit(signed_in(caller), "interface.register")
        data = file.file.read(LARGEST + 1)
        checked = checking.check(by, file.filename or "document", data)
        context: dict[str, Any] = {
            "checked": checked,
            "tally": Counter(finding.severity.value for finding in checked.findings),
            "excerpts": excerpts(data, checked.findings),
            "more": max(0, len(checked.findings) - MOST),
            "said": CHINESE if language.chosen(request) == "zh_CN" else {},
            "filename": file.filename or "document",
            # a text field would change line ends; this comes back as it went
            "document": base64.urlsafe_b64encode(data).decode(),
        }
        return pages.render(request, caller, "publish.html", **context)

    @routes.post("/catalogue/register")
    def register(caller: Who, filename: Annotated[str, Form()], document: Annotated[str, Form()]) -> Response:
        by = permit(signed_in(caller), "interface.register")
        try:
            data = base64.b64decode(document.encode("ascii"), altchars=b"-_", validate=True)
        except (ValueError, binascii.Error):
            raise Invalid("the document did not arrive whole", hint="check the file again") from None
        return back(checking.catalogue.register(by, filename, data).interface)

    @routes.get("/catalogue/review")
    def review_page(request: Request, caller: Who, department: Annotated[str, Query(max_length=100)] = "") -> Response:
        who, one = signed_in(caller), department or None
        found, gaps = tidying.proposals(who, one), tidying.gaps(who, one)
        ordered = sorted(found, key=lambda each: each.department)  # within a department the gravest stay first
        groups = [(name, list(ones)) for name, ones in groupby(ordered[:ROWS], lambda each: each.department)]
        context: dict[str, Any] = {
            "groups": groups,
            "counts": Counter(each.action for each in found),
            "gaps": gaps[:ROWS],
            "cut": max(len(found), len(gaps)) > ROWS,
            "incomplete": len(gaps),
            "lacks": LACKS,
            "shared": tidying.shared(who),
            "departments": parties.parties("department") if who.kind in ("data_office", "operator") else [],
            "department": department,
        }
        return pages.render(request, caller, "review.html", **context)

    @routes.get("/catalogue/departments")
    def departments_page(request: Request, caller: Who) -> Response:
        return pages.render(request, caller, "departments.html", departments=tidying.health(caller))

    return routes
