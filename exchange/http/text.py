"""Text that every database and every reader takes: no NUL, and no half of a character."""

from __future__ import annotations

import json
import re
from typing import Any

from fastapi import Request

from exchange.errors import Invalid

_SUSPECT = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
_HINT = "send well-formed Unicode"


async def well_formed(request: Request) -> None:
    """Dependency of every route. Raises `Invalid` for NUL in path or query, and for NUL or half a character in JSON.

    What was once stored of them, nobody could read again: SQLite takes both, PostgreSQL and JSON none.
    """
    raw: bytes = request.scope.get("raw_path") or b""
    if b"%00" in raw or b"%00" in request.scope["query_string"]:
        raise Invalid("path or query holds a NUL", hint=_HINT)
    # read already, if the route takes a document; nothing is read for the sake of this
    body: bytes = getattr(request, "_body", b"")
    if _SUSPECT.search(body) and not _plain(body):
        raise Invalid("a text in the document holds a NUL or half a character", hint=_HINT)


def _plain(body: bytes) -> bool:
    try:
        value: Any = json.loads(body)
        text = json.dumps(value, ensure_ascii=False)
        text.encode()
    except UnicodeEncodeError:
        return False
    except (ValueError, RecursionError):  # no JSON: whoever reads it says so
        return True
    return "\\u0000" not in text.replace("\\\\", "")
