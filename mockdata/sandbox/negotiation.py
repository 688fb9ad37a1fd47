"""Which of the media types on offer a client wants (RFC 9110, 12.5.1), and what a `Prefer` header asks
for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from mockdata.sandbox.bodies import is_json
from specs.model import Content

_CONCRETE = {
    "*/*": "application/json",
    "application/*": "application/json",
    "image/*": "image/png",
    "text/*": "text/plain",
}


@dataclass(frozen=True, slots=True)
class Prefer:
    """Prism's switches: `code` a status to answer with, `example` the name of an example, `dynamic` whether
    to draw.
    """

    code: int | None = None
    example: str | None = None
    dynamic: bool | None = None


@lru_cache(maxsize=512)
def prefer(header: str) -> Prefer:
    """Read `Prefer: code=404, example=name, dynamic=true` (RFC 7240); unknown preferences are ignored."""
    found: dict[str, str] = {}
    for name, quoted, plain in re.findall(r'([\w-]+)\s*=\s*(?:"([^"]*)"|([^\s,;]+))', header):
        found.setdefault(name.lower(), quoted or plain)
    code = found.get("code", "")
    dynamic = found.get("dynamic", "").lower()
    return Prefer(
        int(code) if re.fullmatch(r"[1-5]\d\d", code) else None,
        found.get("example") or found.get("examplekey"),
        {"true": True, "false": False}.get(dynamic),
    )


@lru_cache(maxsize=1024)
def _ranges(accept: str) -> tuple[tuple[str, float], ...]:
    found = []
    for part in accept.split(","):
        kind, *parameters = (piece.strip() for piece in part.split(";"))
        quality = 1.0
        for parameter in parameters:
            name, _, value = parameter.partition("=")
            if name.strip().lower() == "q":
                try:
                    quality = float(value)
                except ValueError:
                    quality = 0.0
        if kind:
            found.append((kind.lower(), quality))
    return tuple(found)


def _quality(kind: str, ranges: tuple[tuple[str, float], ...]) -> float:
    """The quality of the most specific range that covers a media type; ranges on offer match like
    "image/*".
    """
    best, rank = 0.0, -1
    main, _, sub = kind.partition("/")
    for wanted, quality in ranges:
        wanted_main, _, wanted_sub = wanted.partition("/")
        covered = wanted_main in ("*", main) or main == "*"
        covered = covered and (wanted_sub in ("*", sub, "") or sub == "*")
        specific = (wanted_main != "*") + (wanted_sub not in ("*", ""))
        if covered and specific > rank:
            best, rank = quality, specific
    return best


def choose(contents: tuple[Content, ...], accept: str | None) -> tuple[Content, str] | None:
    """The content to answer with and the media type to state, None when the client accepts none on offer."""
    found = _chosen(tuple(one.media_type for one in contents), accept or "")
    return None if found is None else (contents[found[0]], found[1])


@lru_cache(maxsize=1024)
def _chosen(offered: tuple[str, ...], accept: str) -> tuple[int, str] | None:
    """Which of the media types on offer, by its place, and what to call it."""
    ranges = _ranges(accept) if accept.strip() else (("*/*", 1.0),)
    kinds = [kind.strip() or "application/json" for kind in offered]
    scored = [
        (_quality(kind.partition(";")[0].strip().lower(), ranges), is_json(kind) or kind == "*/*", -at)
        for at, kind in enumerate(kinds)
    ]
    scored = [entry for entry in scored if entry[0] > 0]
    if not scored:
        return None
    at = -max(scored)[2]
    return at, _concrete(kinds[at], ranges)


def _concrete(kind: str, ranges: tuple[tuple[str, float], ...]) -> str:
    if "*" not in kind:
        return kind if "/" in kind else "application/json"
    for wanted, quality in sorted(ranges, key=lambda entry: -entry[1]):
        if quality > 0 and "*" not in wanted and _quality(kind, ((wanted, 1.0),)) and is_json(wanted):
            return wanted
    return _CONCRETE.get(kind, "application/octet-stream" if not kind.startswith("text") else "text/plain")
