"""Oversight over HTTP: flows, findings, unusual traffic, exports, supervision reports, quality tickets."""

# annotations are read by FastAPI at run time and name things local to the router: no postponed evaluation here

from collections.abc import Iterator
from dataclasses import fields
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from exchange.errors import Invalid
from exchange.oversight import exporting
from exchange.oversight.model import Filter
from exchange.oversight.quality import Quality
from exchange.oversight.report_pdf import pdf
from exchange.oversight.reporting import Reporting
from exchange.oversight.service import Oversight
from exchange.parties.access import Access, Caller, permit

Language = Literal["zh_CN", "en"]
FORMATS = {
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
    "openlineage": "application/x-ndjson",
}


class AnswerIn(BaseModel):
    """Body of POST /quality/tickets/{id}/answer."""

    model_config = ConfigDict(extra="forbid")
    answer: Literal["acknowledge", "fix", "keep"]
    note: str = Field("", max_length=1000)


def narrowed(request: Request) -> Filter:
    """Dependency: the filter an address asks for; words it does not know are left alone."""
    known = {one.name for one in fields(Filter)}
    given = {name: value for name, value in request.query_params.items() if name in known}
    if any(len(value) > 500 for value in given.values()):
        raise Invalid("a filter is too long")
    return Filter(**given)


def router(oversight: Oversight, reporting: Reporting, quality: Quality, access: Access, base_url: str) -> APIRouter:
    """Routes of oversight."""
    routes = APIRouter(prefix="/api/v1", tags=["oversight"])
    Who = Annotated[Caller, Depends(access.required)]
    Wish = Annotated[Filter, Depends(narrowed)]

    @routes.get("/flows")
    def flows(caller: Who, wish: Wish, limit: Annotated[int, Query(ge=1, le=1000)] = 200) -> dict[str, Any]:
        """Calls between parties, newest first: delivered, refused (with the rule) or failed. Filters combine:
        since, until (days), provider, consumer, interface, purpose, law, field, sensitivity, outcome, rule.
        """
        return {"items": [flow.to_dict() for flow in oversight.flows(caller, wish, limit=limit)]}

    @routes.get("/flows/matrix")
    def matrix(caller: Who, wish: Wish) -> dict[str, Any]:
        """Provider × consumer counts under the same filters."""
        return {"items": oversight.matrix(caller, wish)}

    @routes.get("/flows/by/{dimension}")
    def by(caller: Who, wish: Wish, dimension: str) -> dict[str, Any]:
        """Calls and records by provider, consumer, interface, purpose, law, field, sensitivity, outcome, rule, day."""
        overview = oversight.overview(caller, wish)
        return {"items": overview.by_day() if dimension == "day" else overview.by(dimension)}

    @routes.get("/flows/export")
    def export(
        caller: Who,
        wish: Wish,
        format: Literal["csv", "parquet", "openlineage"] = "csv",
        sums: Annotated[bool, Query(description="summed by channel instead of single calls")] = False,
    ) -> Response:
        """Flows as a file: CSV, Parquet, or OpenLineage 2-0-2 run events (one a line); the same filters."""
        permit(caller, "flow.read")
        if format == "openlineage":
            parts: Iterator[bytes] = exporting.as_openlineage(oversight.calls(caller, wish), base_url)
        else:
            table = (
                exporting.sum_rows(oversight.overview(caller, wish).sums)
                if sums
                else exporting.rows(oversight.calls(caller, wish))
            )
            columns = exporting.SUM_COLUMNS if sums else exporting.COLUMNS
            parts = (exporting.as_csv if format == "csv" else exporting.as_parquet)(table, columns)
        ending = "ndjson" if format == "openlineage" else format
        named = {"Content-Disposition": f'attachment; filename="flows.{ending}"'}
        return StreamingResponse(parts, media_type=FORMATS[format], headers=named)

    @routes.get("/flows/alarms")
    def alarms(caller: Who, wish: Wish, days: Annotated[int, Query(ge=1, le=62)] = 7) -> dict[str, Any]:
        """Unusual hours: volume, hour of day, a field that never left before; each explained in words."""
        return {"items": [alarm.to_dict() for alarm in oversight.alarms(caller, days=days, wish=wish)]}

    @routes.get("/findings")
    def findings(caller: Who, wish: Wish) -> dict[str, Any]:
        """Overdue clocks, refused attempts, unused agreements, agreed fields never used."""
        return {"items": [finding.to_dict() for finding in oversight.findings(caller, wish)]}

    @routes.get("/supervision/{department}")
    def report(caller: Who, department: str, since: str = "", until: str = "") -> dict[str, Any]:
        """The supervision report of a department (art 38); the period defaults to this month."""
        return reporting.report(caller, department, since, until).to_dict()

    @routes.get("/supervision/{department}/report.pdf")
    def report_pdf(
        caller: Who, department: str, since: str = "", until: str = "", language: Language = "zh_CN"
    ) -> Response:
        """The same report as PDF."""
        made = reporting.report(caller, department, since, until)
        name = reporting.parties.party(department).name
        data = pdf(made, language, name.get(language) or department)
        named = {"Content-Disposition": f'inline; filename="{department}-{made.since}-{made.until}.pdf"'}
        return Response(data, media_type="application/pdf", headers=named)

    @routes.get("/quality/tickets")
    def tickets(caller: Who, open_only: bool = False) -> dict[str, Any]:
        """What providers deliver against their own contracts."""
        return {"items": [ticket.to_dict() for ticket in quality.tickets(caller, open_only=open_only)]}

    @routes.post("/quality/tickets/{id}/answer")
    def answer(caller: Who, id: str, body: AnswerIn) -> dict[str, Any]:
        """The provider acknowledges a ticket, has mended it, or keeps the data with reasons."""
        return quality.answer(caller, id, body.answer, body.note).to_dict()

    @routes.get("/quality/trends")
    def trends(caller: Who, days: Annotated[int, Query(ge=1, le=366)] = 30) -> dict[str, Any]:
        """Judged samples day by day: records, checks, failed checks."""
        return {"items": quality.trends(caller, days)}

    return routes
