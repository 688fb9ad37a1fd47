"""A valid call of any operation, made from the same schemas that the sandbox checks; and one that must be refused."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, quote_plus

from mockdata.instances import Unsatisfiable
from mockdata.instances.suggestions import Path, Suggestions
from mockdata.sandbox.bodies import encode
from mockdata.sandbox.contract import Contract, instances
from mockdata.sandbox.messages import Request
from mockdata.sandbox.parameters import write
from mockdata.sandbox.requests import IGNORED
from specs.model import Content, Interface, Operation, Parameter

ACCEPT = "application/json, */*;q=0.5"
_STEP: dict[str | int, str] = {"op": "add", "path": "/note", "value": "noted"}


def ask(interface: Interface, operation: Operation, seed: int, headers: Sequence[tuple[str, str]] = ()) -> Request:
    """A call that keeps the operation's contract: the same for the same seed.

    Optional query parameters are sent by every second seed. ``headers`` (lower-case names) are added, credentials for
    example. Raises Unsatisfiable when something it needs has no valid value.
    """
    contract = Contract(interface, operation)
    path, _, fixed = operation.path.partition("#")[0].partition("?")  # documents tell operations apart by a query, too
    fields, query = {"accept": ACCEPT, **dict(headers)}, [fixed] if fixed and "{" not in fixed else []
    for reader in contract.readers:
        parameter = reader.parameter
        try:
            value = reader.check.example(seed)
        except Unsatisfiable:
            if parameter.required:
                raise
            continue  # documents have optional parameters without any value
        if parameter.location == "path":
            path = path.replace(f"{{{parameter.name}}}", quote(write(value), safe="") or "x")
        elif parameter.location == "query" and (parameter.required or seed % 2):
            query += queried(parameter, value)
        elif parameter.location == "header" and parameter.required and parameter.name.lower() not in IGNORED:
            # a tag nobody was told cannot be right: any state of the thing will do
            anyhow = parameter.name.lower() == "if-match" and reader.check.accepts("*")
            fields[parameter.name.lower()] = "*" if anyhow else write(value)
    body = b""
    if operation.body is not None and operation.body.contents and operation.method not in ("GET", "HEAD"):
        content = operation.body.contents[0]
        fields["content-type"], body = written(content, _drawn(interface, contract, content, seed), contract)
    return Request(operation.method, path, "&".join(query), tuple(fields.items()), body)


def ask_wrongly(interface: Interface, operation: Operation, headers: Sequence[tuple[str, str]] = ()) -> Request | None:
    """A call that the contract refuses and that can therefore change nothing: a JSON body without its required
    members. None when the operation has no such body."""
    content = next((one for one in operation.body.contents if one.is_json), None) if operation.body else None
    if content is None or content.schema is None or not operation.body:
        return None
    if not any(field.required for field in interface.fields(content.schema)):
        return None
    right = ask(interface, operation, 1, headers)
    fields = {**dict(right.headers), "content-type": "application/json"}
    return Request(right.method, right.path, right.query, tuple(fields.items()), b"{}")


def _drawn(interface: Interface, contract: Contract, content: Content, seed: int) -> Any:
    """A body; for forms an object, though their schemas may forget to say so."""
    if "form" in content.media_type and content.schema is not None:
        return instances(interface, {"type": "object", "allOf": [content.schema]}).example(seed)
    steps = content.media_type.endswith("json-patch+json")
    return contract.body(content).example(seed, Suggestions().ask(_step, speaks=True) if steps else None)


def _step(path: Path, _schemas: Sequence[Mapping[str, Any]]) -> list[Any]:
    """What a member of a JSON Patch's steps is to be, so that they apply to anything: a member is added."""
    return [_STEP[path[-1]]] if path and path[-1] in _STEP else []


def queried(parameter: Parameter, value: Any) -> list[str]:
    """The parts of a query, encoded, that carry the value of a parameter. Delimiters stay as they are."""
    name = quote_plus(parameter.name)
    if parameter.media_type is not None:
        return [f"{name}={quote_plus(json.dumps(value))}"]
    if isinstance(value, dict) and parameter.style == "deepObject":
        return [f"{name}[{quote_plus(member)}]={_encoded(inner)}" for member, inner in value.items()]
    if isinstance(value, dict) and parameter.explode:
        return [f"{quote_plus(member)}={_encoded(inner)}" for member, inner in value.items()]
    if isinstance(value, list) and parameter.explode:
        return [f"{name}={_encoded(inner)}" for inner in value]
    delimiter = {"pipeDelimited": "|", "spaceDelimited": "%20"}.get(parameter.style, ",")
    return [f"{name}={delimiter.join(map(_encoded, value)) if isinstance(value, list) else _encoded(value)}"]


def _encoded(value: Any) -> str:
    """A value inside a parameter; what is nested has no style and travels as JSON."""
    return quote_plus(json.dumps(value) if isinstance(value, dict | list) else write(value))


def written(content: Content, value: Any, contract: Contract) -> tuple[str, bytes]:
    """(media type, bytes) of a request body."""
    if content.media_type != "multipart/form-data":
        media_type = "application/json" if content.media_type == "*/*" else content.media_type
        return media_type, encode(value, media_type, content.schema, contract.resolve)
    parts = "".join(
        f'--B\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'
        f"{json.dumps(inner) if isinstance(inner, dict) else write(inner)}\r\n"
        for name, inner in (value.items() if isinstance(value, dict) else ())
    )
    return "multipart/form-data; boundary=B", f"{parts}--B--\r\n".encode()
