"""Bulk sharing over HTTP for departments: sources, share tokens, streams, aggregates, what left."""

# No postponed annotations here: FastAPI has to see the dependencies that are made inside `router`.

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict, Field

from exchange.brokering import headers as passing
from exchange.bulk import delta
from exchange.bulk.aggregates import Aggregates
from exchange.bulk.making import FORMATS
from exchange.bulk.model import Share, Source
from exchange.bulk.privacy import Question
from exchange.bulk.sending import Sent
from exchange.bulk.service import Bulk
from exchange.bulk.streams import Streams
from exchange.errors import Invalid
from exchange.parties.access import Access, Caller

LARGEST_LIMIT = 2**62


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SourceBody(_Strict):
    """Where a table comes from: a path below the department's folder, or a SQLAlchemy URL (kind ``database``)."""

    kind: str
    location: str = Field(min_length=1, max_length=4096, repr=False)
    item: str = Field(default="", max_length=300)
    fresh_seconds: int = Field(default=3600, ge=1, le=31_536_000)


class ShareBody(_Strict):
    """What the token will be used for: the agreed purpose."""

    purpose: str = Field(max_length=2000)


class QuestionBody(_Strict):
    """A question for noisy aggregates."""

    epsilon: float
    count: bool = True
    sums: list[str] = Field(default_factory=list, max_length=50)
    by: list[str] = Field(default_factory=list, max_length=10)
    where: str = Field(default="", max_length=4000)


def router(bulk: Bulk, streams: Streams, aggregates: Aggregates, access: Access, base_url: str) -> APIRouter:
    """Routes of bulk sharing beside the Delta Sharing protocol itself."""
    routes = APIRouter(prefix="/api/v1", tags=["bulk"])
    Who = Annotated[Caller, Depends(access.required)]
    connecting = bulk.desk.connecting

    @routes.put("/interfaces/{id}/tables/{table}/source")
    def connect(caller: Who, id: str, table: str, body: SourceBody) -> dict[str, Any]:
        """Put a source behind a table of a dataset; tells which of the contract's columns it lacks."""
        source, lacking = connecting.connect(caller, id, table, **body.model_dump())
        return show_source(source) | {"lacking": lacking}

    @routes.get("/interfaces/{id}/tables/{table}/source")
    def connected(caller: Who, id: str, table: str) -> dict[str, Any]:
        """The source behind a table, without its password."""
        return show_source(connecting.connected(caller, id, table))

    @routes.delete("/interfaces/{id}/tables/{table}/source", status_code=204)
    def disconnect(caller: Who, id: str, table: str) -> None:
        """Take the source away: no further file of the table leaves."""
        connecting.disconnect(caller, id, table)

    @routes.post("/agreements/{id}/shares", status_code=201)
    def issue(caller: Who, id: str, body: ShareBody) -> Response:
        """A profile file for Delta Sharing clients: shown once, dead with the agreement."""
        share, secret = bulk.shares.issue(caller, id, body.purpose)
        text = delta.line(delta.profile(f"{base_url}/delta-sharing", secret, share.expires_at))
        headers = {
            "Content-Disposition": f'attachment; filename="{share.agreement}.share"',
            "Cache-Control": "no-store",
            "Location": f"/api/v1/shares/{share.id}",
        }
        return Response(text, status_code=201, media_type=delta.JSON, headers=headers)

    @routes.get("/agreements/{id}/shares")
    def shares(caller: Who, id: str) -> dict[str, Any]:
        """Tokens of an agreement, without their secrets."""
        return {"items": [show_share(share) for share in bulk.shares.listed(caller, id)]}

    @routes.delete("/shares/{id}", status_code=204)
    def revoke(caller: Who, id: str) -> None:
        """End a token at once; either side of its agreement may."""
        bulk.shares.revoke(caller, id)

    @routes.get("/bulk/{agreement}/flows")
    def flows(caller: Who, agreement: str) -> dict[str, Any]:
        """Files that left under an agreement: one line a query and file, with requests and bytes really sent."""
        return {"items": [dict(row._mapping) for row in bulk.flows(caller, agreement)]}

    def stream(
        request: Request,
        caller: Who,
        agreement: str,
        table: str,
        format: str = "parquet",
        columns: Annotated[str, Query(max_length=200_000)] = "",
        where: Annotated[str, Query(max_length=4000)] = "",
        limit: Annotated[int | None, Query(ge=0, le=LARGEST_LIMIT)] = None,
    ) -> Response:
        """A table as one Parquet, Arrow IPC or CSV file, for the purpose named in Tongban-Purpose. HEAD tells its size
        and makes it wait; Range is understood for a file that waits, so that DuckDB reads what it needs and a broken
        download goes on.
        """
        names = tuple(dict.fromkeys(part.strip() for part in columns.split(",") if part.strip()))
        look, part = request.method == "HEAD", "range" in request.headers
        made = streams.fetch(
            caller,
            agreement,
            table,
            _purpose(request),
            format,
            columns=names,
            where=where,
            limit=limit,
            look=look,
            part=part,
        )
        headers = {"Tongban-Records": str(made.records), "Cache-Control": "private, no-store"}
        headers["ETag"] = f'"{made.sha256}"'
        if made.delivery:
            headers["Tongban-Receipt"] = made.delivery
        return Sent(made.path, FORMATS[format], headers, lambda _, whole: streams.done(made, whole), partly=made.again)

    place = "/bulk/{agreement}/tables/{table}"
    routes.add_api_route(place, stream, methods=["GET"], response_class=FileResponse)
    routes.add_api_route(place, stream, methods=["HEAD"], operation_id="headStream", include_in_schema=False)

    @routes.post("/bulk/{agreement}/tables/{table}/aggregates")
    def ask(request: Request, caller: Who, agreement: str, table: str, body: QuestionBody) -> dict[str, Any]:
        """Counts and sums with differential privacy; each question spends of the agreement's budget."""
        question = Question(body.epsilon, body.count, tuple(body.sums), tuple(body.by), body.where)
        made = aggregates.ask(caller, agreement, table, _purpose(request), question)
        return {
            "rows": [dict(row) for row in made.rows],
            "epsilon": made.epsilon,
            "remaining": made.remaining,
            "noise_scale": dict(made.scales),
            "receipt": made.delivery,
        }

    @routes.get("/bulk/{agreement}/tables/{table}/budget")
    def budget(caller: Who, agreement: str, table: str) -> dict[str, Any]:
        """What is left of the privacy budget."""
        return {"remaining": aggregates.remaining(caller, agreement, table)}

    return routes


def show_source(value: Source) -> dict[str, Any]:
    """The JSON shape of a source; a URL is shown without its password."""
    names = ("interface", "table", "department", "location", "item", "fresh_seconds", "set_at")
    return {name: getattr(value, name) for name in names} | {"kind": value.kind.value}


def show_share(value: Share) -> dict[str, Any]:
    """The JSON shape of a token; its secret is nowhere."""
    return {name: getattr(value, name) for name in Share.__dataclass_fields__}


def _purpose(request: Request) -> str:
    try:
        return passing.purpose({name.lower(): value for name, value in request.headers.items()})
    except UnicodeDecodeError:
        raise Invalid("Tongban-Purpose is not UTF-8", hint="percent-encode the purpose as UTF-8") from None
