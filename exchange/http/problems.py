"""RFC 9457 problems: the one place where an error becomes a status code."""

from __future__ import annotations

import sqlite3
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DataError, OperationalError
from starlette.exceptions import HTTPException

from exchange import errors
from exchange.database import cannot
from specs.finding import SpecError

STATUS: dict[type[errors.TongbanError], int] = {
    errors.Invalid: 400,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.Gone: 410,
    errors.Stale: 412,
    errors.TooLarge: 413,
    errors.Unprocessable: 422,
    errors.TooMany: 429,
    errors.Upstream: 502,
    errors.Unavailable: 503,
}
TITLES = {
    400: "Bad request",
    401: "Sign in first",
    403: "Refused by a rule",
    404: "Not found",
    405: "Method not allowed",
    409: "Not in this state",
    410: "Not kept any more",
    412: "Changed meanwhile",
    413: "Too large",
    422: "Content breaks a rule",
    429: "Too many",
    500: "Our mistake",
    502: "Provider failed",
    503: "Not available now",
}
MEDIA_TYPE = "application/problem+json"


def problem(
    status: int, detail: str, *, hint: str = "", headers: dict[str, str] | None = None, **extra: Any
) -> JSONResponse:
    """A problem response; ``type`` leads to a heading of docs/errors.md."""
    body: dict[str, Any] = {
        "type": f"/docs/errors#{status}",
        "title": TITLES.get(status, "Problem"),
        "status": status,
        "detail": detail,
    }
    if hint:
        body["hint"] = hint
    return JSONResponse({**body, **extra}, status_code=status, media_type=MEDIA_TYPE, headers=headers)


def told(error: errors.TongbanError) -> JSONResponse:
    """The problem response of one of our errors."""
    status = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    if "retry_after" in error.extra:
        headers["Retry-After"] = str(error.extra["retry_after"])
    return problem(status, error.detail, hint=error.hint, headers=headers, **error.extra)


def unexpected() -> JSONResponse:
    """The problem response of an error that is nobody's but ours."""
    return problem(500, "an error we did not expect; it was logged", hint="try again, then tell the operator")


def install(app: FastAPI) -> None:
    """Make every error of `app`, expected or not, answer as a problem."""

    @app.exception_handler(errors.TongbanError)
    def _ours(_request: Request, error: errors.TongbanError) -> JSONResponse:
        return told(error)

    @app.exception_handler(SpecError)
    def _document(_request: Request, error: SpecError) -> JSONResponse:
        found = [
            {"rule": f.rule, "message": f.message, "line": f.line, "pointer": f.pointer, "hint": f.hint}
            for f in error.findings
        ]
        return problem(422, str(error), findings=found)

    @app.exception_handler(RequestValidationError)
    def _shape(_request: Request, error: RequestValidationError) -> JSONResponse:
        # the offending value is left out: it may be somebody's data
        found = [{"pointer": "/" + "/".join(map(str, e["loc"])), "message": e["msg"]} for e in error.errors()]
        first = found[0]
        return problem(422, f"{first['pointer']}: {first['message']}", findings=found)

    @app.exception_handler(HTTPException)
    def _http(_request: Request, error: HTTPException) -> JSONResponse:
        return problem(error.status_code, str(error.detail), headers=dict(error.headers or {}))

    @app.exception_handler(DataError)
    @app.exception_handler(UnicodeEncodeError)
    def _unstorable(_request: Request, _error: Exception) -> JSONResponse:
        return problem(422, "a value holds a character or a number that cannot be stored", hint="send plain text")

    @app.exception_handler(OperationalError)
    @app.exception_handler(sqlite3.OperationalError)
    def _database(_request: Request, error: Exception) -> JSONResponse:
        return told(cannot(error))

    @app.exception_handler(Exception)
    def _unexpected(_request: Request, _error: Exception) -> JSONResponse:
        return unexpected()
