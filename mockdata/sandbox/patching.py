"""Changes to a thing: JSON Merge Patch (RFC 7396) and JSON Patch (RFC 6902)."""

from __future__ import annotations

import copy
from typing import Any

from mockdata.instances.equality import same


class Inapplicable(ValueError):
    """A JSON Patch that does not apply; nothing of it is done (RFC 6902, 5)."""


def merged(target: Any, patch: Any) -> Any:
    """RFC 7396: members replace members, null removes."""
    if not isinstance(patch, dict):
        return patch
    out = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            out.pop(name, None)
        else:
            out[name] = merged(out.get(name), value)
    return out


def patched(entity: dict[str, Any], patch: Any, media_type: str = "") -> dict[str, Any]:
    """The entity after a patch of either kind. Raises Inapplicable."""
    if isinstance(patch, list) and (media_type.endswith("json-patch+json") or all(_is_step(step) for step in patch)):
        document: Any = copy.deepcopy(entity)
        for at, step in enumerate(patch):
            try:
                document = _applied(document, step)
            except (LookupError, TypeError, ValueError) as error:
                raise Inapplicable(f"step {at} does not apply: {error}") from None
        result = document
    else:
        result = merged(entity, patch) if isinstance(patch, dict) else entity
    if not isinstance(result, dict):
        raise Inapplicable("what is left is no object")
    return result


def _is_step(step: Any) -> bool:
    return isinstance(step, dict) and isinstance(step.get("op"), str) and isinstance(step.get("path"), str)


def _applied(document: Any, step: Any) -> Any:
    """The document after one step. Raises LookupError, TypeError or ValueError when it does not apply."""
    if not _is_step(step):
        raise ValueError("no operation with op and path")
    kind, path = step["op"], _tokens(step["path"])
    if kind == "remove":
        return _without(document, path)
    if kind in ("move", "copy"):
        source = _tokens(step["from"])
        value = copy.deepcopy(_at(document, source))
        if kind == "copy":
            return _with(document, path, value)
        if path[: len(source)] == source and path != source:
            raise ValueError("a value cannot move into itself")
        return _with(_without(document, source), path, value) if path != source else document
    if kind not in ("add", "replace", "test"):
        raise ValueError(f"unknown operation {kind!r}")
    value = copy.deepcopy(step["value"])
    if kind == "add":
        return _with(document, path, value)
    found = _at(document, path)
    if kind == "test" and not same(found, value):
        raise ValueError(f"{step['path']} is not what is tested for")
    return document if kind == "test" else _with(_without(document, path) if path else document, path, value)


def _tokens(pointer: Any) -> list[str]:
    if not isinstance(pointer, str) or (pointer and not pointer.startswith("/")):
        raise ValueError(f"{pointer!r} is no JSON pointer")
    return [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:]]


def _index(token: str, length: int) -> int:
    if not token.isascii() or not token.isdigit() or (len(token) > 1 and token[0] == "0") or int(token) >= length:
        raise LookupError(f"no index {token}")
    return int(token)


def _at(node: Any, path: list[str]) -> Any:
    for token in path:
        if isinstance(node, dict):
            if token not in node:
                raise LookupError(f"no member {token}")
            node = node[token]
        elif isinstance(node, list):
            node = node[_index(token, len(node))]
        else:
            raise LookupError(f"nothing at {token}")
    return node


def _with(document: Any, path: list[str], value: Any) -> Any:
    if not path:
        return value
    node, last = _at(document, path[:-1]), path[-1]
    if isinstance(node, dict):
        node[last] = value
    elif isinstance(node, list):
        node.insert(len(node) if last == "-" else _index(last, len(node) + 1), value)
    else:
        raise LookupError(f"nothing at {last}")
    return document


def _without(document: Any, path: list[str]) -> Any:
    if not path:
        return None
    node, last = _at(document, path[:-1]), path[-1]
    _at(node, [last])
    del node[last if isinstance(node, dict) else _index(last, len(node))]
    return document
