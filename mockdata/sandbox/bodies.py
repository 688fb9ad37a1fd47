"""Bodies of every media type: bytes to values, and values to bytes."""

from __future__ import annotations

import base64
import csv
import io
import json
import re
import zlib
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qsl, urlencode

from mockdata.sandbox import xmlbody
from mockdata.sandbox.messages import dump
from mockdata.sandbox.parameters import Shape, mapped, scalar, write
from mockdata.sandbox.xmlbody import Resolve


class Unreadable(ValueError):
    """A body that is not what its media type says."""


def is_json(media_type: str) -> bool:
    """Whether a media type carries JSON."""
    kind = media_type.partition(";")[0].strip().lower()
    return kind in ("application/json", "text/json", "json") or kind.endswith("+json")


def is_xml(media_type: str) -> bool:
    """Whether a media type carries XML."""
    kind = media_type.partition(";")[0].strip().lower()
    return kind in ("application/xml", "text/xml") or kind.endswith("+xml")


def decode(data: bytes, content_type: str, schema: Any, resolve: Resolve) -> Any:
    """The value of a body. Text types give a str, unknown ones Latin-1 text. Raises Unreadable."""
    kind = content_type.partition(";")[0].strip().lower()
    try:
        if is_json(kind):
            return json.loads(data, parse_constant=_no_constant)
        if is_xml(kind):
            return xmlbody.decode(data, schema, resolve)
        if kind == "application/x-www-form-urlencoded":
            pairs = parse_qsl(data.decode("utf-8"), keep_blank_values=True)
            return mapped(((re.sub(r"\[\]$", "", name), text) for name, text in pairs), Shape(schema, resolve))
        if kind == "multipart/form-data":
            return _multipart(data, content_type, Shape(schema, resolve))
        if kind.startswith("text/"):
            return data.decode("utf-8")
    except RecursionError:
        raise Unreadable("nested too deeply") from None
    except (ValueError, UnicodeDecodeError) as error:
        raise Unreadable(f"not {kind}: {error}") from None
    return data.decode("latin-1")


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _multipart(data: bytes, content_type: str, shape: Shape) -> dict[str, Any]:
    boundary = re.search(r'boundary="?([^";,]+)"?', content_type, re.IGNORECASE)
    if boundary is None:
        raise Unreadable("multipart/form-data without a boundary")
    parts = (b"\r\n" + data).split(b"\r\n--" + boundary[1].strip().encode("latin-1"))
    if len(parts) < 2 or not parts[-1].startswith(b"--"):
        raise Unreadable("multipart/form-data without its closing boundary")
    out: dict[str, Any] = {}
    for part in parts[1:-1]:
        head, gap, content = part.partition(b"\r\n\r\n")
        named = re.search(rb'name="([^"]*)"', head)
        if not gap or named is None:
            raise Unreadable("a part without a name")
        name = named[1].decode("utf-8")
        value = _part(head.lower(), content, shape.member(name))
        if "array" in shape.member(name).kinds:
            out.setdefault(name, []).extend(value if isinstance(value, list) else [value])
        else:
            out[name] = value
    return out


def _part(head: bytes, content: bytes, shape: Shape) -> Any:
    if b"filename=" in head or b"application/octet-stream" in head:
        return content.decode("latin-1")
    text = content.decode("utf-8")
    if b"application/json" in head or shape.kinds & {"object"}:
        return json.loads(text)
    return scalar(text, shape.item() if "array" in shape.kinds else shape)


def encode(value: Any, media_type: str, schema: Any, resolve: Resolve, name: str = "response") -> bytes:
    """The bytes of a value in a media type. Types that hold no such value get a small valid file of their
    kind.
    """
    kind = media_type.partition(";")[0].strip().lower()
    if is_json(kind):
        return dump(value)
    if kind == "image/svg+xml":
        return b'<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>'
    if is_xml(kind):
        return xmlbody.encode(value, schema, resolve, name)
    if kind == "application/x-www-form-urlencoded":
        members = value.items() if isinstance(value, dict) else [("value", value)]
        return urlencode([(name, _field(one)) for name, held in members for one in _several(held)]).encode()
    if kind in ("application/x-ndjson", "application/jsonl", "application/json-seq"):
        return b"\n".join(dump(one) for one in (value if isinstance(value, list) else [value])) + b"\n"
    if kind == "text/csv":
        return _csv(value)
    if kind == "text/event-stream":
        return b"data: " + dump(value) + b"\n\n"
    if kind == "text/html" and not isinstance(value, str):
        return b"<!doctype html><title>Answer</title><pre>" + dump(value).replace(b"<", b"&lt;") + b"</pre>"
    if kind in _FILES:
        return _FILES[kind]()
    return value.encode("utf-8", "replace") if isinstance(value, str) else dump(value)


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _field(value: Any) -> str:
    """The text of a form field; objects travel as JSON (OpenAPI 3.1, Encoding Object)."""
    return dump(value).decode("utf-8", "surrogatepass") if isinstance(value, dict | list) else write(value)


def _csv(value: Any) -> bytes:
    if isinstance(value, str):
        return value.encode("utf-8", "replace")
    rows = value if isinstance(value, list) else [value]
    names = list(dict.fromkeys(name for row in rows if isinstance(row, dict) for name in row)) or ["value"]
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(names)
    for row in rows:
        cells: Iterable[Any] = (row.get(name) for name in names) if isinstance(row, dict) else [row]
        writer.writerow(["" if cell is None else cell if isinstance(cell, str) else json.dumps(cell) for cell in cells])
    return out.getvalue().encode()


def _pdf() -> bytes:
    """A PDF of one blank page, with a correct cross-reference table."""
    objects = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>",
    )
    out, places = b"%PDF-1.4\n", []
    for number, inner in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj%s endobj\n" % (number, inner)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    trailer = b"trailer<</Size 4/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % len(out)
    return out + b"xref\n0 4\n0000000000 65535 f \n" + table + trailer


def _png() -> bytes:
    """A PNG of one grey pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    header = (1).to_bytes(4, "big") * 2 + b"\x08\x00\x00\x00\x00"
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\x00\x80")) + chunk(b"IEND", b"")
    )


def _gif() -> bytes:
    return bytes.fromhex("47494638396101000100800000ffffff00000021f90401000000002c00000000010001000002024401003b")


def _jpeg() -> bytes:
    """A JPEG of one grey pixel."""
    return base64.b85decode(_JPEG)


_JPEG = (
    "|JeWF01!$>Nk#wx0RR9200961|JwjV0RR90|NsC0|NsC0|NsC0|NsC0|NsC0|NsC0|NsC0|NsC0|NsC0|NsC0|NsC0|NsC0|NsC0"
    "|NsC0|NsC0|Np=M3kU!K009935di<h02BZL00000000000000000000|HJ?k5CH%H0000000000000000095m00;pA002J#KmXY"
)


def _zip() -> bytes:
    return b"PK\x05\x06" + bytes(18)


_FILES: dict[str, Callable[[], bytes]] = {
    "application/pdf": _pdf,
    "image/pdf": _pdf,
    "image/png": _png,
    "image/*": _png,
    "image/gif": _gif,
    "image/jpeg": _jpeg,
    "image/jpg": _jpeg,
    "application/zip": _zip,
    "application/x-zip-compressed": _zip,
    "application/gzip": lambda: zlib.compress(b"", wbits=31),
}
