"""Certifications over HTTP. Reports are for the vendor and the offices; a certificate is public."""

# annotations are read by FastAPI at run time and name things local to the router: no postponed evaluation here

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends
from fastapi.responses import FileResponse, JSONResponse, Response
from pydantic import BaseModel, Field

from exchange.certification.service import Certifications
from exchange.parties.access import Access, Caller


class Revocation(BaseModel):
    """Why a certificate is taken back; it is published."""

    reason: str = Field(examples=["The app sent citizen numbers to an address outside the exchange."])


def router(certifications: Certifications, access: Access, public_key: str) -> APIRouter:
    """Routes of certifications; ``public_key`` (PEM) is what certificates verify against."""
    routes = APIRouter(prefix="/api/v1", tags=["certification"])
    Who = Annotated[Caller, Depends(access.required)]

    @routes.get("/certifications")
    def listed(caller: Who) -> dict[str, Any]:
        """Certifications, newest first; a vendor sees its own."""
        return {"items": [certification.to_dict() for certification in certifications.listed(caller)]}

    @routes.get("/certifications/{identifier}")
    def one(caller: Who, identifier: str) -> dict[str, Any]:
        """One certification: state, grade, reasons, failing cases."""
        return certifications.get(caller, identifier).to_dict()

    @routes.get("/certifications/{identifier}/report.json")
    def report(caller: Who, identifier: str) -> Response:
        """The whole report of a finished run as JSON."""
        certifications.get(caller, identifier)
        return FileResponse(certifications.file(identifier, "report.json"), media_type="application/json")

    @routes.get("/certifications/{identifier}/report.html")
    def report_page(caller: Who, identifier: str, lang: Literal["zh_CN", "en"] = "zh_CN") -> Response:
        """The report as a page, in zh_CN or en."""
        certifications.get(caller, identifier)
        return FileResponse(certifications.file(identifier, f"report.{lang}.html"), media_type="text/html")

    @routes.get("/certifications/{identifier}/certificate")
    def certificate(identifier: str) -> Response:
        """The signed certificate (DSSE envelope); public."""
        certifications.public(identifier)
        return FileResponse(
            certifications.file(identifier, "certificate.json"),
            media_type="application/vnd.dsse.envelope.v1+json",
        )

    @routes.get("/certifications/{identifier}/reveal")
    def reveal(identifier: str) -> Response:
        """The report with its seeds and nonce, once the certificate has ended; public."""
        return FileResponse(certifications.revealed(identifier), media_type="application/json")

    @routes.post("/certifications/{identifier}/revocation")
    def revoke(caller: Who, identifier: str, body: Revocation) -> dict[str, Any]:
        """Take a certificate back for a published reason; its listing ends with it (certifier, data office)."""
        return certifications.revoke(caller, identifier, body.reason).to_dict()

    @routes.get("/certificate-revocations")
    def revocations() -> Response:
        """The signed list of certificates that were taken back (DSSE envelope); public."""
        return JSONResponse(certifications.revocations(), media_type="application/vnd.dsse.envelope.v1+json")

    @routes.get("/certification-key")
    def key() -> Response:
        """Public key (PEM) that certificates verify against; public."""
        return Response(public_key, media_type="application/x-pem-file")

    return routes
