"""Changes to a thing: JSON Merge Patch (RFC 7396) and JSON Patch (RFC 6902)."""

from __future__ import annotations

import copy
from typing import Any


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
    """The entity after a patch. Operations of a JSON Patch that do not apply are passed over."""
    if isinstance(patch, list) and (media_type.endswith("json-patch+json") or all(_is_step(step) for step in patch)):
        out = copy.deepcopy(entity)
        for step in patch:
            _apply(out, step)
        return out
    result = merged(entity, patch) if isinstance(patch, dict) else entity
    return result if isinstance(result, dict) else entity


def _is_step(step: Any) -> bool:
    return isinstance(step, dict) and "op" in step and isinstance(step.get("path"), str)


def _apply(document: dict[str, Any], step: dict[str, Any]) -> None:
    tokens = [token.replace("~1", "/").replace("~0", "~") for token in step["path"].split("/")[1:]]
    node: Any = document
    for token in tokens[:-1]:
        node = _child(node, token)
    if not tokens or node is None:
        return
    last = tokens[-1]
    if step["op"] == "remove":
        _remove(node, last)
    elif step["op"] in ("add", "replace") and "value" in step:
        _set(node, last, step["value"], insert=step["op"] == "add")


def _child(node: Any, token: str) -> Any:
    if isinstance(node, dict):
        return node.get(token)
    if isinstance(node, list) and token.isdigit() and int(token) < len(node):
        return node[int(token)]
    return None


def _remove(node: Any, token: str) -> None:
    if isinstance(node, dict):
        node.pop(token, None)
    elif isinstance(node, list) and token.isdigit() and int(token) < len(node):
        del node[int(token)]


def _set(node: Any, token: str, value: Any, insert: bool) -> None:
    if isinstance(node, dict):
        node[token] = value
    elif isinstance(node, list):
        if token == "-":
            node.append(value)
        elif token.isdigit() and int(token) <= len(node):
            if insert:
                node.insert(int(token), value)
            elif int(token) < len(node):
                node[int(token)] = value
