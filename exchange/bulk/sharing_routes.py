"""The Delta Sharing protocol over HTTP, and the signed file URLs it hands out."""

# No postponed annotations here: FastAPI has to see the dependencies that are made inside `router`.

import json
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import FileResponse
from starlette.concurrency import run_in_threadpool

from exchange.bulk import delta
from exchange.bulk.delta import JSON, NDJSON
from exchange.bulk.model import File, Opened, Snapshot, schema_name
from exchange.bulk.sending import Sent
from exchange.bulk.service import Bulk
from exchange.bulk.shares import Recipient
from exchange.bulk.urls import PATH
from exchange.errors import Invalid, NotFound, TongbanError, Unauthenticated, Upstream
from exchange.http.problems import MEDIA_TYPE, STATUS, TITLES

PREFIX = "/delta-sharing"
LARGEST_BODY = 1_000_000
Auth = Annotated[str, Header(alias="authorization")]
Ids = Annotated[str, Header(alias="fileidhash")]
Wants = Annotated[str, Header(alias=delta.CAPABILITIES)]
Most = Annotated[str, Query(alias="maxResults")]
Token = Annotated[str | None, Query(alias="pageToken")]


def router(bulk: Bulk) -> APIRouter:
    """Routes of the sharing server. Every refusal is a problem the sharing clients can show, too."""
    routes = APIRouter(tags=["bulk"])

    @routes.get(f"{PREFIX}/shares")
    def shares(authorization: Auth = "", most: Most = "", token: Token = None) -> Response:
        """Shares of the token: one, the agreement it was issued for."""
        return _told(lambda: _page([_share(_held(bulk, authorization))], most, token))

    @routes.get(f"{PREFIX}/shares/{{share}}")
    def share(share: str, authorization: Auth = "") -> Response:
        """One share."""
        return _told(lambda: Response(delta.line({"share": _share(_of(bulk, authorization, share))}), media_type=JSON))

    @routes.get(f"{PREFIX}/shares/{{share}}/schemas")
    def schemas(share: str, authorization: Auth = "", most: Most = "", token: Token = None) -> Response:
        """Schemas of a share: one, the interface."""

        def made() -> Response:
            held = _of(bulk, authorization, share)
            return _page([{"name": schema_name(held.agreement.interface), "share": held.agreement.id}], most, token)

        return _told(made)

    @routes.get(f"{PREFIX}/shares/{{share}}/all-tables")
    def all_tables(share: str, authorization: Auth = "", most: Most = "", token: Token = None) -> Response:
        """Every table of a share."""
        return _told(lambda: _page(_tables(bulk, _of(bulk, authorization, share)), most, token))

    @routes.get(f"{PREFIX}/shares/{{share}}/schemas/{{schema}}/tables")
    def tables(share: str, schema: str, authorization: Auth = "", most: Most = "", token: Token = None) -> Response:
        """Tables of a schema."""

        def made() -> Response:
            held = _of(bulk, authorization, share)
            _same(schema, schema_name(held.agreement.interface))
            return _page(_tables(bulk, held), most, token)

        return _told(made)

    table_path = f"{PREFIX}/shares/{{share}}/schemas/{{schema}}/tables/{{table}}"

    @routes.head(table_path, include_in_schema=False)
    @routes.get(f"{table_path}/version")
    def version(request: Request, share: str, schema: str, table: str, authorization: Auth = "") -> Response:
        """The version of a table, as a header."""

        def made() -> Response:
            _refuse_history(request.query_params, "startingTimestamp")
            held, name = _table(bulk, authorization, share, schema, table)
            return Response(headers=delta.headers(bulk.look(held, name), delta.PARQUET))

        return _told(made)

    @routes.get(f"{table_path}/metadata")
    def metadata(
        request: Request,
        share: str,
        schema: str,
        table: str,
        authorization: Auth = "",
        wants: Wants = "",
        ids: Ids = "",
    ) -> Response:
        """Protocol and schema of a table, in the format the client can read."""

        def made() -> Response:
            _refuse_history(request.query_params, "version", "timestamp")
            named = _ids(ids)
            held, name = _table(bulk, authorization, share, schema, table)
            snapshot, format = bulk.look(held, name), delta.chosen(wants)
            headers = delta.headers(snapshot, format) | named
            return Response(delta.beginning(snapshot, format), media_type=NDJSON, headers=headers)

        return _told(made)

    @routes.post(f"{table_path}/query")
    async def query(
        request: Request,
        share: str,
        schema: str,
        table: str,
        authorization: Auth = "",
        wants: Wants = "",
        ids: Ids = "",
    ) -> Response:
        """The files of a table with their URLs; hints never widen what is agreed."""
        raw = bytearray()
        async for part in request.stream():
            raw += part
            if len(raw) > LARGEST_BODY:
                break

        def made() -> Response:
            asked, named = _asked(bytes(raw)), _ids(ids)
            held, name = _table(bulk, authorization, share, schema, table)
            renewed = asked.get("refreshToken")
            if isinstance(renewed, str):
                opened, snapshot, files = bulk.reopened(held, name, renewed)
            else:
                opened, snapshot, files = bulk.open(held, name, _limit(asked))
            format = delta.chosen(wants)
            ends = "includeendstreamaction=true" in wants.lower().replace(" ", "")
            more = asked.get("includeRefreshToken") is True
            body = _files(bulk, opened, snapshot, files, format, ends or more)
            headers = delta.headers(snapshot, format, ends) | named
            return Response(body, media_type=NDJSON, headers=headers)

        return await run_in_threadpool(_told, made)

    @routes.get(f"{table_path}/changes")
    def changes(share: str, schema: str, table: str, authorization: Auth = "") -> Response:
        """Change data feed: not offered."""

        def made() -> Response:
            _table(bulk, authorization, share, schema, table)
            raise Invalid(
                "the change data feed is not shared", hint="read the table; its version tells when it changed"
            )

        return _told(made)

    @routes.post(f"{table_path}/temporary-table-credentials")
    def credentials(share: str, schema: str, table: str, authorization: Auth = "") -> Response:
        """Credentials for a storage folder: not offered, what is in a folder cannot be cut."""

        def made() -> Response:
            _table(bulk, authorization, share, schema, table)
            raise Invalid("directory access (temporary-table-credentials) is not shared", hint="POST …/query")

        return _told(made)

    @routes.post(f"{table_path}/queries/{{id}}")
    def answered(share: str, schema: str, table: str, id: str, authorization: Auth = "") -> Response:
        """The outcome of an asynchronous query: not offered, queries are answered at once."""

        def made() -> Response:
            _table(bulk, authorization, share, schema, table)
            raise Invalid("asynchronous queries are not shared", hint="POST …/query answers at once")

        return _told(made)

    def file(
        request: Request,
        query: str,
        number: str,
        expires: Annotated[str, Query(alias="Expires")] = "",
        signature: Annotated[str, Query(alias="X-Amz-Signature")] = "",
    ) -> Response:
        """A file by its signed URL; Range is understood. Its receipt is durable before its first byte."""

        def made() -> Response:
            look = request.method == "HEAD"
            if not (number.isascii() and number.isdigit() and len(number) < 10):
                raise _nothing()
            path, one = bulk.file(query, int(number), expires, signature, look=look)
            headers = {"ETag": f'"{one.sha256}"', "Cache-Control": "private, no-store"}
            count = None if look else lambda sent, _: bulk.sent(query, int(number), sent)
            return Sent(path, "application/vnd.apache.parquet", headers, count)

        return _told(made)

    place = f"{PATH}/{{query}}/{{number}}.parquet"
    routes.add_api_route(place, file, methods=["GET"], operation_id="getSharedFile", response_class=FileResponse)
    routes.add_api_route(place, file, methods=["HEAD"], operation_id="headSharedFile", include_in_schema=False)
    return routes


def _told(make: Callable[[], Response]) -> Response:
    """The answer, or a problem the sharing clients understand. A refusal is never a 5xx: they would try again."""
    try:
        return make()
    except TongbanError as error:
        status = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
        status = 424 if isinstance(error, Upstream) else status
        code = delta.CODES.get(status, "INTERNAL_ERROR")
        body = {"type": f"/docs/errors#{status}", "title": TITLES.get(status, "Provider failed"), "status": status}
        told = {"errorCode": code, "message": str(error), "detail": error.detail, "hint": error.hint, **error.extra}
        headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
        return Response(delta.line(body | told), status_code=status, media_type=MEDIA_TYPE, headers=headers)


def _held(bulk: Bulk, authorization: str) -> Recipient:
    scheme, _, secret = authorization.partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise Unauthenticated("a share's token is needed", hint="the bearerToken of the profile file")
    held = bulk.shares.recipient(secret.strip())
    bulk.shares.tables(held)  # nothing is listed under an agreement that does not hold
    return held


def _of(bulk: Bulk, authorization: str, share: str) -> Recipient:
    held = _held(bulk, authorization)
    _same(share, held.agreement.id)
    return held


def _table(bulk: Bulk, authorization: str, share: str, schema: str, table: str) -> tuple[Recipient, str]:
    held = _of(bulk, authorization, share)
    _same(schema, schema_name(held.agreement.interface))
    name = next((one for one in held.agreement.scope if one.casefold() == table.casefold()), None)
    if name is None:
        raise _nothing()
    return held, name


def _same(given: str, known: str) -> None:
    if given.casefold() != known.casefold():
        raise _nothing()


def _nothing() -> NotFound:
    # the same words for what is missing and what is somebody else's
    return NotFound(
        "nothing of that name is shared with this token", hint="list what there is: GET /delta-sharing/shares"
    )


def _share(held: Recipient) -> dict[str, Any]:
    agreement = held.agreement
    return {"name": agreement.id, "id": agreement.id, "comment": agreement.purpose}


def _tables(bulk: Bulk, held: Recipient) -> list[dict[str, Any]]:
    agreement = held.agreement
    schema = schema_name(agreement.interface)
    common = {"schema": schema, "share": agreement.id, "shareId": agreement.id}
    return [{"name": name, **common, "id": f"{agreement.id}.{name}"} for name in sorted(agreement.scope)]


def _page(items: list[dict[str, Any]], most: str, token: str | None) -> Response:
    return Response(delta.page(items, _number(most), token), media_type=JSON)


def _number(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Invalid("maxResults is a whole number from 0")
    return int(text)


def _ids(header: str) -> dict[str, str]:
    """How files are named was asked for: both ways are the same here."""
    if not header:
        return {}
    if header.lower() not in (delta.PARQUET, delta.DELTA):
        raise Invalid("fileidhash is parquet or delta")
    return {"fileidhash": header.lower()}


def _files(bulk: Bulk, opened: Opened, snapshot: Snapshot, files: tuple[File, ...], format: str, ends: bool) -> str:
    lines, expires = [delta.beginning(snapshot, format)], 0
    for file in delta.shown(files, format):
        url, expires = bulk.urls.make(opened.id, file.number)
        lines.append(delta.file_line(file, url, expires, format))
    if ends:
        lines.append(delta.ending(bulk.urls.token(opened.id), expires))
    return "".join(lines)


def _asked(raw: bytes) -> dict[str, Any]:
    if len(raw) > LARGEST_BODY:
        raise Invalid("the body of a query is too large")
    try:
        asked = json.loads(raw or b"{}")
    except (ValueError, RecursionError):
        asked = None
    if not isinstance(asked, dict):
        raise Invalid("the body of a query is a JSON object", hint="{} asks for everything that is agreed")
    _refuse_history(asked, "version", "timestamp", "startingVersion", "endingVersion")
    return asked


def _refuse_history(given: Any, *names: str) -> None:
    for name in names:
        if given.get(name) not in (None, ""):
            raise Invalid(f"{name}: the table has no shared history", hint="leave it out to read the present version")


def _limit(asked: dict[str, Any]) -> int | None:
    limit = asked.get("limitHint")
    if limit is None:
        return None
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 0:
        raise Invalid("limitHint is a whole number from 0")
    return limit
