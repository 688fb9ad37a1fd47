"""Pages of synthetic datasets: ask for one, see how far it is, take its files."""

# annotations are read by FastAPI at run time and name things local to the router: no postponed evaluation here

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse

from exchange.catalogue.service import Catalogue
from exchange.errors import NotFound, TongbanError, TooMany, Unprocessable
from exchange.parties.access import TABLE, Access, Caller, permit
from exchange.portal.pages import Pages, signed_in
from exchange.portal.problem import readable
from exchange.sandboxes.dataset_routes import show, url, wish
from exchange.sandboxes.datasets import Datasets
from exchange.sandboxes.wishes import AS_OF, ENCODINGS, FORMATS, MOST_ROWS, PART_ROWS

SHOWN = 50
"""Datasets of one page of the list."""
FILES = 100
"""Files named on a dataset's page; SHA256SUMS names all."""
CHOICES = 500
"""Interfaces to choose from; another is written into the address."""
TYPED = {
    "interface": "", "table": "", "rows": "1000", "purpose": "", "seed": "", "format": "parquet", "encoding": "utf-8",
    "partition_by": "", "part_rows": str(PART_ROWS), "where": "", "as_of": AS_OF, "identifiers": "reserved",
    "defects": "",
}  # fmt: skip
NUMBERS = ("rows", "part_rows")
OPTIONAL = ("seed", "where", "defects")


def router(pages: Pages, access: Access, catalogue: Catalogue, datasets: Datasets) -> APIRouter:
    """Routes under /datasets."""
    routes = APIRouter(prefix="/datasets", include_in_schema=False, route_class=readable(pages))
    Who = Annotated[Caller | None, Depends(access.caller)]
    Typed = Annotated[dict[str, Any], Depends(_typed)]

    @routes.get("")
    def list_page(
        request: Request, caller: Who, after: Annotated[str | None, Query(max_length=100)] = None
    ) -> Response:
        who = permit(signed_in(caller), "sandbox.read")
        found = datasets.listed(who, after=after, limit=SHOWN + 1, newest=True)
        context: dict[str, Any] = {
            "datasets": [show(one, datasets.status(one)) for one in found[:SHOWN]],
            "more": found[SHOWN - 1].id if len(found) > SHOWN else None,
            "titles": {record.id: record.title for record in catalogue.search()},
            "quota": datasets.quota(who) if _may(who, "dataset.request") else None,
            "all": who.kind == "data_office",
        }
        return pages.render(request, caller, "datasets.html", **context)

    @routes.get("/new")
    def ask_page(request: Request, caller: Who, interface: Annotated[str, Query(max_length=200)] = "") -> Response:
        who = permit(signed_in(caller), "dataset.request")
        return _form(request, who, TYPED | {"interface": interface, "scenarios": []}, None)

    @routes.post("/new")
    def ask(request: Request, caller: Who, typed: Typed) -> Response:
        who = permit(signed_in(caller), "dataset.request")
        try:
            made = datasets.request(who, wish(_body(typed), datasets.settings.population_seed))
        except (Unprocessable, TooMany) as error:
            return _form(request, who, typed, error)
        return RedirectResponse(f"/datasets/{made.id}", status_code=303)

    @routes.get("/{identifier}")
    def one_page(request: Request, caller: Who, identifier: str) -> Response:
        who = signed_in(caller)
        found = datasets.get(who, identifier)
        shown = show(found, datasets.status(found))
        files = [dict(file) | {"url": url(found.id, file["name"])} for file in found.files]
        # what people want first: the data, then what is said of them
        beside = [file for file in files if file["kind"] != "data"]
        context: dict[str, Any] = {
            "d": shown,
            "files": [file for file in files if file["kind"] == "data"][:FILES] + beside[-FILES:],
            "more": max(0, len(files) - len(beside) - FILES),
            "title": next((r.title for r in catalogue.search() if r.id == found.wish.interface), found.wish.interface),
            "own": who.party == found.owner and _may(who, "dataset.request"),
        }
        return pages.render(request, caller, "dataset.html", **context)

    @routes.post("/{identifier}/cancellation")
    def cancel(caller: Who, identifier: str) -> Response:
        datasets.cancel(signed_in(caller), identifier)
        return RedirectResponse(f"/datasets/{identifier}", status_code=303)

    @routes.post("/{identifier}/deletion")
    def delete(caller: Who, identifier: str) -> Response:
        datasets.delete(signed_in(caller), identifier)
        return RedirectResponse(f"/datasets/{identifier}", status_code=303)

    def _form(request: Request, who: Caller, typed: dict[str, Any], error: TongbanError | None) -> Response:
        from mockdata.scenarios.pack import packs

        faults = list(error.extra.get("findings", ())) if error else []
        context: dict[str, Any] = {
            "choices": [r for r in catalogue.search(limit=CHOICES) if r.kind.value != "process"],
            "tables": _tables(catalogue, typed["interface"]),
            "typed": typed,
            "error": error,
            "faults": faults,
            "wrong": {fault["pointer"].split("/")[1] for fault in faults},
            "formats": FORMATS,
            "encodings": ENCODINGS,
            "packs": packs(),
            "most": MOST_ROWS,
            "realistic": _may(who, "dataset.realistic"),
        }
        status = 200 if error is None else 429 if isinstance(error, TooMany) else 422
        return pages.render(request, who, "dataset_form.html", status=status, **context)

    return routes


async def _typed(request: Request) -> dict[str, Any]:
    given = await request.form()
    words = {name: str(given.get(name, value)).strip()[:5000] for name, value in TYPED.items()}
    return words | {"scenarios": [str(name) for name in given.getlist("scenarios")]}


def _body(typed: dict[str, Any]) -> dict[str, Any]:
    """What an API caller would send: numbers as numbers, what was left empty left out."""
    body = dict(typed) | {name: typed[name] or None for name in OPTIONAL}
    body["partition_by"] = [name.strip() for name in typed["partition_by"].split(",") if name.strip()]
    for name in NUMBERS:
        # what is no number is refused together with all else that is wrong
        body[name] = int(typed[name]) if typed[name].isascii() and typed[name].isdigit() else 0
    return body


def _tables(catalogue: Catalogue, interface: str) -> list[str]:
    from mockdata.tables.relations import component_tables

    try:
        record = catalogue.interface(interface) if interface else None
    except NotFound:
        record = None
    if record is None or not record.state.live:
        return []
    return [table.name for table in record.spec.tables or component_tables(record.spec)]


def _may(caller: Caller, action: str) -> bool:
    return any((caller.kind, role) in TABLE[action] for role in caller.roles)
