"""The market over HTTP."""

# annotations are read by FastAPI at run time and name things local to the router: no postponed evaluation here

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from exchange.http.idempotency import idempotent
from exchange.market.model import Listing, to_dict
from exchange.market.service import Market
from exchange.market.statements import Statements
from exchange.parties.access import Access, Caller


class Name(BaseModel):
    """A text in both languages."""

    zh_CN: str = Field(min_length=1, max_length=200)
    en: str = Field(min_length=1, max_length=200)


class NewDemand(BaseModel):
    """A demand to publish."""

    matter: str = Field(min_length=1, max_length=80)
    title: Name


class NewApp(BaseModel):
    """An app to register under an order."""

    order: str
    name: Name


class NewVersion(BaseModel):
    """A build of an app, and where it runs."""

    version: str = Field(pattern=r"^\d+\.\d+\.\d+$", examples=["1.0.0"])
    url: str = Field(min_length=8, max_length=400)
    artefact_digest: str = Field(pattern=r"^sha256:[0-9a-f]{64}$")


class NewRating(BaseModel):
    """One of the five levels, and words if the person likes."""

    level: int
    comment: str = ""


class NewSettlement(BaseModel):
    """Days, UTC; ``period_end`` is the first day not counted."""

    period_start: date
    period_end: date


def router(market: Market, statements: Statements, access: Access) -> APIRouter:
    """Routes of demands, orders, apps, listings, launches, handled matters, ratings and settlements."""
    once = idempotent(market.database, market.clock, access.who)
    routes = APIRouter(prefix="/api/v1", tags=["market"], route_class=once)
    Who = Annotated[Caller, Depends(access.required)]

    @routes.get("/demands")
    def demands() -> dict[str, Any]:
        """Open demands and how many vendors took each; public."""
        return {"items": [to_dict(d) | {"orders": len(market.orders(d.id))} for d in market.demands()]}

    @routes.post("/demands", status_code=201)
    def publish_demand(caller: Who, body: NewDemand) -> dict[str, Any]:
        """Publish a demand for an app of a matter (lead department)."""
        return to_dict(market.publish_demand(caller, body.matter, body.title.model_dump()))

    @routes.post("/demands/{demand}/orders", status_code=201)
    def take(caller: Who, demand: str) -> dict[str, Any]:
        """Take a demand (vendor)."""
        return to_dict(market.take(caller, demand))

    @routes.get("/apps")
    def apps(caller: Who) -> dict[str, Any]:
        """A vendor's own apps and their versions."""
        return {
            "items": [
                to_dict(app) | {"versions": [to_dict(v) for v in versions]} for app, versions in market.apps(caller)
            ]
        }

    @routes.post("/apps", status_code=201)
    def register_app(caller: Who, body: NewApp) -> dict[str, Any]:
        """Register an app under an order (vendor)."""
        return to_dict(market.register_app(caller, body.order, body.name.model_dump()))

    @routes.post("/apps/{app}/versions", status_code=201)
    def add_version(caller: Who, app: str, body: NewVersion) -> dict[str, Any]:
        """Register a build of an app and where it runs (vendor)."""
        return to_dict(market.add_version(caller, app, body.version, body.url, body.artefact_digest))

    @routes.post("/app-versions/{app_version}/certifications", status_code=202)
    def submit(caller: Who, app_version: str) -> dict[str, Any]:
        """Ask for certification of an app version; answers 202 with the run (vendor)."""
        return market.submit(caller, app_version).to_dict()

    @routes.get("/matters/{matter}/listings")
    def listings(matter: str) -> dict[str, Any]:
        """Listed apps of a matter in neutral order; public."""
        return {"items": [_listing(market, listing) for listing in market.listings(matter)]}

    @routes.post("/listings/{listing}/launches", status_code=201)
    def launch(caller: Who, listing: str) -> dict[str, Any]:
        """Open a listed app: gives the launch token, the app and the gateway (citizen)."""
        opened = market.launch(caller, listing)
        return {name: getattr(opened, name) for name in opened.__dataclass_fields__}

    @routes.get("/handled-matters")
    def handled_matters(caller: Who) -> dict[str, Any]:
        """One's own handled matters."""
        return {"items": [to_dict(matter) for matter in market.handled_matters(caller)]}

    @routes.get("/handled-matters/{identifier}")
    def handled_matter(caller: Who, identifier: str) -> dict[str, Any]:
        """One handled matter and the steps departments confirmed."""
        return to_dict(market.handled_matter(caller, identifier))

    @routes.post("/handled-matters/{identifier}/rating", status_code=201)
    def rate(caller: Who, identifier: str, body: NewRating) -> dict[str, Any]:
        """Rate a finished handled matter, once (citizen)."""
        return to_dict(market.rate(caller, identifier, body.level, body.comment))

    @routes.get("/settlements")
    def settlements(caller: Who) -> dict[str, Any]:
        """Settlements; a vendor sees its own lines."""
        return {"items": statements.listed(caller)}

    @routes.post("/settlements", status_code=202)
    def settle(caller: Who, body: NewSettlement) -> dict[str, Any]:
        """Ask for a settlement of a period; answers 202 with its job (finance)."""
        return statements.request(caller, body.period_start, body.period_end)

    @routes.get("/settlements/{identifier}")
    def settlement(caller: Who, identifier: str) -> dict[str, Any]:
        """One settlement with its statement once made."""
        return statements.get(caller, identifier)

    return routes


def _listing(market: Market, listing: Listing) -> dict[str, Any]:
    app, version, ratings = market.app_of(listing)
    levels = [rating.level for rating in ratings]
    return to_dict(listing) | {
        "name": {"zh_CN": app.name_zh, "en": app.name_en},
        "version": version.version,
        "ratings": len(levels),
        "mean_rating": round(sum(levels) / len(levels), 2) if levels else None,
    }
