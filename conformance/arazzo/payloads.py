"""Values of parameters, payloads and outputs: constants, expressions, templates, selectors, replacements, tokens.

Whole expressions keep their type. Inside a string scalars become text and structures JSON. Where the string is a
template of JSON or of a form, what is put in is escaped as that format asks, so that data cannot add members to it: the
specification's own templates write `"petId": "{$inputs.pet_id}"`, and a value with a quote in it must not end there.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from conformance.arazzo.expressions import Expression, ExpressionSyntax, embedded, is_meant, parse
from conformance.arazzo.frame import Frame, Seen
from conformance.arazzo.selectors import SelectorError, nodes, select
from conformance.arazzo.tokens import TokenError, forged, is_token
from conformance.arazzo.values import Missing, TextBody, member, text
from specs.process import Payload, Replacement

_SELECTOR = {"context", "selector", "type"}
DEEPEST = 60


class PayloadError(ValueError):
    """A value that cannot be made here and now; the message says which."""


def is_selector(value: Any) -> bool:
    """Whether a value is a Selector Object of 1.1."""
    return isinstance(value, Mapping) and set(value) == _SELECTOR and isinstance(value["context"], str)


def resolve(value: Any, frame: Frame, seen: list[Seen], *, escape: Callable[[str], str] = str, depth: int = 0) -> Any:
    """A value with everything in it evaluated; what was looked at is added to `seen`.

    `escape` is done to each text that is put into a string. Raises `PayloadError`.
    """
    if depth > DEEPEST:
        raise PayloadError(f"a value nested deeper than {DEEPEST} levels")
    try:
        if isinstance(value, str):
            return _string(value, frame, seen, escape)
        if is_selector(value):
            return _selected(value, frame, seen)
        if is_token(value):
            return _forged(value, frame, seen, depth)
    except ExpressionSyntax as wrong:
        raise PayloadError(str(wrong)) from None
    if isinstance(value, Mapping):
        return {key: resolve(inner, frame, seen, escape=escape, depth=depth + 1) for key, inner in value.items()}
    if isinstance(value, list):
        return [resolve(inner, frame, seen, escape=escape, depth=depth + 1) for inner in value]
    return value


def body(payload: Payload, media_type: str, frame: Frame, seen: list[Seen]) -> Any:
    """The value of a request body: a JSON value, or text for a payload that is a template of something else.

    Raises `PayloadError`.
    """
    kind = media_type.split(";")[0].strip().lower()
    is_json = kind == "application/json" or kind.endswith("+json")
    written = payload.value
    made: Any
    if isinstance(written, str) and is_json and not is_meant(written.strip()):
        made = _json_template(written, frame, seen)
    elif isinstance(written, str) and kind == "application/x-www-form-urlencoded" and not is_meant(written):
        made = TextBody(resolve(written, frame, seen, escape=form_escape))
    elif isinstance(written, str):
        made = resolve(written.strip() if is_meant(written.strip()) else written, frame, seen)
        made = TextBody(made) if isinstance(made, str) and not is_json else made
    else:
        made = copy.deepcopy(resolve(written, frame, seen))
    for replacement in payload.replacements:
        made = replaced(made, replacement, resolve(replacement.value, frame, seen))
    return made


def form_escape(plain: str) -> str:
    """A text as part of a form or query string."""
    return quote(plain, safe="")


def replaced(value: Any, replacement: Replacement, new: Any) -> Any:
    """`value` with `new` at the replacement's target. Raises `PayloadError` when the target leads nowhere."""
    target = replacement.target
    if isinstance(value, TextBody):
        raise PayloadError(f"the replacement of {target!r} needs a structure; the payload is text")
    try:
        if replacement.type == "jsonpath":
            return _by_path(value, target, new)
        return _by_pointer(value, target, new)
    except (Missing, SelectorError) as wrong:
        raise PayloadError(f"the replacement target {target!r} leads nowhere: {wrong}") from None


def _by_path(value: Any, target: str, new: Any) -> Any:
    found = nodes(target, value)
    if not found:
        raise Missing("it selects nothing")
    for node in found:
        if not node.location:
            return new
        holder = value
        for key in node.location[:-1]:
            holder = holder[key]
        holder[node.location[-1]] = copy.deepcopy(new)
    return value


def _by_pointer(value: Any, target: str, new: Any) -> Any:
    if not target:
        return new
    if not target.startswith("/"):
        raise Missing("it is no JSON Pointer")
    *way, last = [token.replace("~1", "/").replace("~0", "~") for token in target.split("/")[1:]]
    holder = value
    for token in way:
        holder = member(holder, int(token) if isinstance(holder, list) and token.isdecimal() else token)
    if isinstance(holder, dict):
        holder[last] = new
    elif isinstance(holder, list) and (last == "-" or (last.isdecimal() and int(last) == len(holder))):
        holder.append(new)
    elif isinstance(holder, list) and last.isdecimal() and int(last) < len(holder):
        holder[int(last)] = new
    else:
        raise Missing(f"nothing can be put at {last!r}")
    return value


def _see(expression: Expression, frame: Frame, seen: list[Seen]) -> Any:
    found = frame.see(expression)
    seen.append(found)
    return found.value


def _string(value: str, frame: Frame, seen: list[Seen], escape: Callable[[str], str]) -> Any:
    if is_meant(value):
        return _see(parse(value), frame, seen)
    parts = embedded(value)
    if all(isinstance(part, str) for part in parts):
        return value
    return "".join(part if isinstance(part, str) else escape(text(_see(part, frame, seen))) for part in parts)


def _selected(value: Mapping[str, Any], frame: Frame, seen: list[Seen]) -> Any:
    kind = value["type"].get("type") if isinstance(value["type"], Mapping) else value["type"]
    context = _see(parse(value["context"]), frame, seen)
    named = f"{value['context']} → {value['selector']}"
    try:
        made = select(str(kind), str(value["selector"]), context)
    except Missing as nothing:
        seen.append(Seen(named, None, str(nothing)))
        return None
    except SelectorError as wrong:
        raise PayloadError(str(wrong)) from None
    seen.append(Seen(named, made))
    return made


def _forged(value: Mapping[str, Any], frame: Frame, seen: list[Seen], depth: int) -> str | None:
    token = resolve(value["x-token"], frame, seen, depth=depth + 1)
    claims = resolve(value.get("claims", {}), frame, seen, depth=depth + 1)
    try:
        made = forged(token, claims, value["sign"])
    except TokenError as wrong:
        raise PayloadError(str(wrong)) from None
    seen.append(
        Seen(f"x-token ({value['sign']})", made, "" if made else "its key is none of the words everybody tries")
    )
    return made if made is None else f"{value.get('prefix', '')}{made}"


def _json_template(template: str, frame: Frame, seen: list[Seen]) -> Any:
    """The value of a JSON text with expressions in it.

    Inside a JSON string a value becomes text of that string; a structure that fills a whole string takes its place.
    Outside, it becomes JSON. Raises `PayloadError` when the result is no JSON.
    """
    try:
        parts = embedded(template)
    except ExpressionSyntax as wrong:
        raise PayloadError(str(wrong)) from None
    if all(isinstance(part, str) for part in parts) and template.lstrip()[:1] not in ("{", "[", '"'):
        return _loaded(template, template)
    made, inside = "", False
    for place, part in enumerate(parts):
        if isinstance(part, str):
            made += part
            inside = _inside(part, inside)
            continue
        value = _see(part, frame, seen)
        following = parts[place + 1] if place + 1 < len(parts) else ""
        if not inside:
            made += _bare(value)
        elif isinstance(value, dict | list) and made.endswith('"') and str(following).startswith('"'):
            made = made[:-1] + json.dumps(value, ensure_ascii=False)
            parts[place + 1] = str(following)[1:]
            inside = False
        else:
            made += json.dumps(text(value), ensure_ascii=False)[1:-1]
    return _loaded(made, template)


def _bare(value: Any) -> str:
    """A value outside quotes; a string that reads as a number, true, false or null is that, any other is quoted."""
    if isinstance(value, str):
        try:
            read = json.loads(value)
        except ValueError:
            return json.dumps(value, ensure_ascii=False)
        return value if not isinstance(read, str | dict | list) else json.dumps(value, ensure_ascii=False)
    return json.dumps(value, ensure_ascii=False)


def _loaded(made: str, template: str) -> Any:
    try:
        return json.loads(made)
    except (ValueError, RecursionError):
        if template.lstrip()[:1] in ("{", "["):
            raise PayloadError(f"the payload is no JSON: {made[:120]!r}") from None
        return made  # a plain string is a JSON value, too


def _inside(part: str, inside: bool) -> bool:
    """Whether a JSON string is open behind `part`."""
    escaped = False
    for letter in part:
        if escaped:
            escaped = False
        elif letter == "\\" and inside:
            escaped = True
        elif letter == '"':
            inside = not inside
    return inside
