"""The ledger over HTTP: tlog-tiles for everybody who audits, entries and bundles for those who may read them."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi import Path as PathParameter
from fastapi.responses import PlainTextResponse, StreamingResponse

from exchange.errors import Invalid, NotFound
from exchange.http.paging import LIMIT, MAXIMUM, decode, page
from exchange.ledger.bundle import last as ending
from exchange.ledger.bundle import pieces
from exchange.ledger.model import Entry
from exchange.ledger.service import Ledger
from exchange.ledger.tiles import read_path

IMMUTABLE = {"Cache-Control": "public, max-age=31536000, immutable"}
LARGEST = 2**63 - 1
"""Highest number a database counts to."""
Index = Annotated[int, PathParameter(ge=0, le=LARGEST)]
BRIEF = {"Cache-Control": "public, max-age=2"}


def router(service: Ledger, allow: Callable[[str], Callable[..., object]]) -> APIRouter:
    """``allow(action)`` is the dependency that lets through who may do it (`exchange.parties.access.Access`).

    Checkpoint, key, hash tiles and consistency proofs are public: they hold hashes only, and a log nobody can watch
    proves nothing. Entries tell who shares what with whom, so reading them takes ``ledger.read``.
    """
    routes = APIRouter(tags=["ledger"])
    reader, exporter = Depends(allow("ledger.read")), Depends(allow("ledger.export"))

    @routes.get("/ledger/checkpoint")
    def checkpoint() -> Response:
        """The newest signed checkpoint (C2SP tlog-checkpoint)."""
        return PlainTextResponse(service.latest().note, headers=BRIEF)

    @routes.get("/ledger/vkey")
    def vkey() -> Response:
        """The verifier key; compare it with the one published elsewhere."""
        return PlainTextResponse(service.vkey + "\n", headers=BRIEF)

    @routes.get("/ledger/tile/entries/{path:path}", dependencies=[reader])
    def entry_tile(path: str) -> Response:
        """Entries of a tile, each behind its uint16 length (C2SP tlog-tiles)."""
        number, width = read_path(path)
        data = service.entry_tile(number, width)
        private = {"Cache-Control": "private, max-age=31536000, immutable"}
        return Response(data, media_type="application/octet-stream", headers=private)

    @routes.get("/ledger/tile/{level}/{path:path}")
    def tile(level: str, path: str) -> Response:
        """Hashes of a tile (C2SP tlog-tiles): 32 bytes each, 256 in a full one."""
        number, width = read_path(path)
        if not level.isdecimal() or not level.isascii() or str(int(level[:3])) != level or int(level) > 63:
            raise NotFound("no such tile", hint="levels are 0 to 63")
        data = service.tile(int(level), number, width)
        return Response(data, media_type="application/octet-stream", headers=IMMUTABLE)

    @routes.get("/api/v1/ledger/consistency")
    def consistency(
        old: Annotated[int, Query(ge=1, le=LARGEST)], new: Annotated[int | None, Query(ge=1, le=LARGEST)] = None
    ) -> dict[str, Any]:
        """Hashes that prove that the tree of size ``new`` (default: the newest checkpoint) extends that of ``old``."""
        size = service.latest().size if new is None else new
        hashes = [base64.b64encode(hashed).decode() for hashed in service.consistency(old, size)]
        return {"old": old, "new": size, "hashes": hashes}

    @routes.get("/api/v1/ledger/entries", dependencies=[reader])
    def entries(
        request: Request,
        response: Response,
        kind: str | None = None,
        page_token: str | None = None,
        limit: Annotated[int, Query(ge=1, le=MAXIMUM)] = LIMIT,
    ) -> dict[str, Any]:
        """Entries, oldest first; ``kind=delivery`` also finds delivery.made and the like."""
        rows = service.entries(_after(page_token), limit + 1, kind)
        return page(request, response, rows, limit, lambda entry: str(entry.index), _show)

    @routes.get("/api/v1/ledger/entries/{index}", dependencies=[reader])
    def entry(index: Index) -> dict[str, Any]:
        """One entry."""
        return _show(service.entry(index))

    @routes.get("/api/v1/ledger/proofs/{index}", dependencies=[reader])
    def proof(index: Index) -> Response:
        """Receipt of one entry (C2SP tlog-proof), to keep and verify offline."""
        name = {"Content-Disposition": f'attachment; filename="{index}.tlog-proof"'}
        return PlainTextResponse(service.proof(index), headers=name)

    @routes.get("/api/v1/ledger/bundle", dependencies=[exporter])
    def bundle() -> Response:
        """Everything up to a fresh checkpoint in one file for ``tongban ledger verify``."""
        checkpoint = ending(service)
        headers = {
            "X-Ledger-Size": str(checkpoint.size),
            "Cache-Control": "no-store",
            "Content-Disposition": 'attachment; filename="ledger.bundle"',
        }
        # an answer that breaks off lacks its seal, so nobody takes half a bundle for a whole one
        return StreamingResponse(pieces(service, checkpoint), media_type="application/octet-stream", headers=headers)

    return routes


def _after(page_token: str | None) -> int | None:
    text = decode(page_token)
    if text is not None and not (text.isdecimal() and text.isascii() and len(text) < 19):
        raise Invalid("page_token was not made by this service", hint="use next_page_token of the page before")
    return None if text is None else int(text)


def _show(entry: Entry) -> dict[str, Any]:
    return {"index": entry.index, "kind": entry.kind, "at": entry.at, "leaf": entry.leaf.hex(), "entry": entry.body}
