"""Calls as an HTTP Archive (HAR 1.2), the form browsers' developer tools import and export."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from importlib.metadata import PackageNotFoundError, version
from typing import Any
from urllib.parse import urlencode

Shown = Mapping[str, Any]


def har(calls: Iterable[Shown], base: str) -> dict[str, Any]:
    """The archive of shown calls (`calls.shown`), oldest first; `base` is the URL their paths are below.

    Bodies are the values that were understood, written as JSON: an archive is evidence of what was said, not of its
    bytes.
    """
    creator = {"name": "tongban", "version": _version()}
    return {"log": {"version": "1.2", "creator": creator, "entries": [_entry(call, base) for call in calls]}}


def _version() -> str:
    try:
        return version("tongban")
    except PackageNotFoundError:
        return "0"


def _entry(call: Shown, base: str) -> dict[str, Any]:
    query = [(name, value) for name, value in call["query"]]
    asked = f"?{urlencode(query)}" if query else ""
    taken = call["duration_ms"]
    entry: dict[str, Any] = {
        "startedDateTime": call["at"],
        "time": taken,
        "request": {
            "method": call["method"],
            "url": f"{base.rstrip('/')}{call['path']}{asked}",
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": _pairs(call["headers"].items()),
            "queryString": _pairs(query),
            "headersSize": -1,
            "bodySize": -1 if call["body"] is None else len(_text(call["body"]).encode()),
        },
        "response": _response(call),
        "cache": {},
        "timings": {"blocked": -1, "dns": -1, "connect": -1, "ssl": -1, "send": 0, "wait": taken, "receive": 0},
        "_operation": call["operation"],
        "_interface": call["interface"],
        "_valid": call["valid"],
        "_violations": call["violations"],
    }
    if call["body"] is not None:
        kind = call["headers"].get("content-type", "application/json")
        entry["request"]["postData"] = {"mimeType": kind, "text": _text(call["body"]), "params": []}
    return entry


def _response(call: Shown) -> dict[str, Any]:
    headers = [(name, value) for name, value in call.get("answer_headers", ())]
    kind = next((value for name, value in headers if name == "content-type"), "x-unknown")
    text = "" if call["answer"] is None else _text(call["answer"])
    return {
        "status": call["status"],
        "statusText": _phrase(call["status"]),
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _pairs(headers),
        "content": {"size": call.get("answer_size", len(text.encode())), "mimeType": kind, "text": text},
        "redirectURL": next((value for name, value in headers if name == "location"), ""),
        "headersSize": -1,
        "bodySize": call.get("answer_size", -1),
    } | ({"_error": "net::ERR_CONNECTION_RESET"} if call.get("dropped") else {})


def _pairs(pairs: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"name": str(name), "value": str(value)} for name, value in pairs]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
