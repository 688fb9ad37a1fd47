"""Two versions of an API compared: paths, operations, parameters, bodies, answers, security, servers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from specs.diff.change import Side
from specs.diff.report import Node, Report
from specs.diff.schemas import BEHAVIOUR, Schemas
from specs.model import Content, Interface, Operation, Parameter, Response
from specs.rules.places import schema_pointer, written

_REQUEST, _RESPONSE = Side.REQUEST, Side.RESPONSE


def compare(report: Report, schemas: Schemas) -> None:
    """Note every difference between the APIs of a report. A renamed path parameter leaves the path what it is."""
    ours, theirs = ({(o.method, _bare(o.path)): o for o in one.operations} for one in (report.old, report.new))
    paths = {path for _, path in theirs}
    for key in [*ours, *(key for key in theirs if key not in ours)]:
        old, new = ours.get(key), theirs.get(key)
        node = report.root((new or old).id)  # type: ignore[union-attr]
        if old is None and new is not None:
            report.add(node, "operation-added", _REQUEST, f"{new.method} {new.path} was added", None, new.pointer)
        elif new is None and old is not None:
            check = "operation-removed" if key[1] in paths else "path-removed"
            report.add(node, check, _REQUEST, f"{old.method} {old.path} was removed", old.pointer, None)
        elif old is not None and new is not None:
            _Pair(report, schemas, node, old, new).compare()
    _webhooks(report)


def _bare(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path)


class _Pair:
    """One operation in both versions."""

    def __init__(self, report: Report, schemas: Schemas, node: Node, old: Operation, new: Operation) -> None:
        self.report, self.schemas, self.node, self.old, self.new = report, schemas, node, old, new
        self.at = old.pointer, new.pointer

    def compare(self) -> None:
        self._itself()
        self._parameters()
        self._body()
        self._responses()
        _security(self.report, self.node, self.old, self.new)
        self._servers()
        self._callbacks()

    def _add(self, check: str, side: Side, message: str, at: tuple[str | None, str | None] | None = None) -> None:
        old, new = at or self.at
        self.report.add(self.node, check, side, message, old, new)

    def _itself(self) -> None:
        old, new = self.old, self.new
        was, now = (_operation_id(interface, o) for interface, o in self._sides())
        if was is not None and was != now:  # an id made here is nobody's promise
            self._add("operation-renamed", _REQUEST, f"operationId {was} became {now or 'nothing'}")
        if old.deprecated != new.deprecated:
            check = "deprecated" if new.deprecated else "no-longer-deprecated"
            self._add(check, _REQUEST, "marked as deprecated" if new.deprecated else "not deprecated any more")
        if (old.summary, old.description, old.tags) != (new.summary, new.description, new.tags):
            self._add("text-changed", _REQUEST, "summary, description or tags changed")
        _extensions(self.report, self.node, _REQUEST, old.extensions, new.extensions, self.at)

    # ---- parameters

    def _parameters(self) -> None:
        ours, theirs = _by_place(self.old), _by_place(self.new)
        for key in [*ours, *(key for key in theirs if key not in ours)]:
            old, new = ours.get(key), theirs.get(key)
            if old is None and new is not None:
                check = "required-parameter-added" if new.required else "parameter-added"
                self._add(check, _REQUEST, f"{_said(new)} was added", (self.old.pointer, new.pointer))
            elif new is None and old is not None:
                self._add("parameter-removed", _REQUEST, f"{_said(old)} was removed", (old.pointer, self.new.pointer))
            elif old is not None and new is not None:
                self._parameter(old, new)

    def _parameter(self, old: Parameter, new: Parameter) -> None:
        at = old.pointer, new.pointer
        if old.name != new.name:
            self._add("path-parameter-renamed", _REQUEST, f"{old.name} became {new.name}", at)
        if old.required != new.required:
            check = "parameter-became-required" if new.required else "parameter-became-optional"
            self._add(check, _REQUEST, f"{_said(new)} became {'required' if new.required else 'optional'}", at)
        self._form(old, new, at)
        if old.description != new.description or old.examples != new.examples:
            self._add("text-changed", _REQUEST, f"description or examples of {_said(new)} changed", at)
        if old.deprecated != new.deprecated:
            check = "deprecated" if new.deprecated else "no-longer-deprecated"
            self._add(check, _REQUEST, f"{_said(new)}: {check.replace('-', ' ')}", at)
        if old.element != new.element and "x-element" not in {**old.schema, **new.schema}:
            check = "element-added" if old.element is None else "element-changed" if new.element else "element-removed"
            self._add(check, _REQUEST, f"element {old.element or '–'} became {new.element or '–'}", at)
        before, after = (_default(one, p) for one, p in ((self.report.old, old), (self.report.new, new)))
        if before != after:
            said = f"the default of {_said(new)} was {before!r} and is {after!r}"
            self._add("parameter-default-changed", _REQUEST, said, at)
        places = schema_pointer(self.report.old, old.pointer), schema_pointer(self.report.new, new.pointer)
        self.schemas.compare(self.node, old.schema, new.schema, _REQUEST, places, loose=old.media_type is None)

    def _form(self, old: Parameter, new: Parameter, at: tuple[str, str]) -> None:
        """How the value is written: style and explode show in arrays and objects alone."""
        if (old.media_type is None) != (new.media_type is None) or old.media_type != new.media_type:
            said = (
                f"{_said(new)} travels as {new.media_type or 'plain text'} instead of {old.media_type or 'plain text'}"
            )
            self._add("parameter-style-changed", _REQUEST, said, at)
            return
        shapely = {"array", "object"} & (_types(self.report.old, old) | _types(self.report.new, new))
        if (old.style, old.explode if shapely else None) != (new.style, new.explode if shapely else None):
            said = f"{_said(new)}: style {old.style}, explode {old.explode} became {new.style}, {new.explode}"
            self._add("parameter-style-changed", _REQUEST, said, at)

    # ---- bodies and answers

    def _body(self) -> None:
        old, new = self.old.body, self.new.body
        if old is None and new is not None:
            check = "required-body-added" if new.required else "body-added"
            self._add(check, _REQUEST, "a body was added", (self.old.pointer, new.pointer))
        elif new is None and old is not None:
            self._add("body-removed", _REQUEST, "the body was removed", (old.pointer, self.new.pointer))
        elif old is not None and new is not None:
            at = old.pointer, new.pointer
            if old.required != new.required:
                check = "body-became-required" if new.required else "body-became-optional"
                self._add(check, _REQUEST, check.replace("-", " "), at)
            if old.description != new.description:
                self._add("text-changed", _REQUEST, "the description of the body changed", at)
            self._contents(old.contents, new.contents, _REQUEST, at)

    def _contents(self, old: tuple[Content, ...], new: tuple[Content, ...], side: Side, at: tuple[str, str]) -> None:
        ours, theirs = ({_media(one.media_type): one for one in contents} for contents in (old, new))
        for kind in [*ours, *(kind for kind in theirs if kind not in ours)]:
            before, after = ours.get(kind), theirs.get(kind)
            if before is None and after is not None:
                self._add("media-type-added", side, f"{kind} was added", (at[0], after.pointer))
            elif after is None and before is not None:
                self._add("media-type-removed", side, f"{kind} was removed", (before.pointer, at[1]))
            elif before is not None and after is not None:
                self._content(before, after, side)

    def _content(self, old: Content, new: Content, side: Side) -> None:
        at = old.pointer, new.pointer
        if old.examples != new.examples:
            self._add("text-changed", side, "examples changed", at)
        if old.schema is None or new.schema is None:
            if old.schema is not new.schema:
                check = "schema-added" if old.schema is None else "schema-removed"
                self._add(check, side, f"the schema of {new.media_type} was {check[7:]}", at)
            return
        places = schema_pointer(self.report.old, old.pointer), schema_pointer(self.report.new, new.pointer)
        self.schemas.compare(self.node, old.schema, new.schema, side, places)

    def _responses(self) -> None:
        ours, theirs = ({r.status.upper(): r for r in one.responses} for one in (self.old, self.new))
        for status in [*ours, *(status for status in theirs if status not in ours)]:
            old, new = ours.get(status), theirs.get(status)
            if old is None and new is not None:
                self._add("response-added", _RESPONSE, f"{status} was added", (self.old.pointer, new.pointer))
            elif new is None and old is not None:
                check = "success-response-removed" if old.is_success else "error-response-removed"
                self._add(check, _RESPONSE, f"{status} was removed", (old.pointer, self.new.pointer))
            elif old is not None and new is not None:
                self._response(old, new)

    def _response(self, old: Response, new: Response) -> None:
        at = old.pointer, new.pointer
        if old.description != new.description:
            self._add("text-changed", _RESPONSE, f"the description of {new.status} changed", at)
        if old.links != new.links:
            self._add("link-changed", _RESPONSE, f"links of {new.status} changed", at)
        if old.contents and not new.contents:
            kinds = ", ".join(_media(one.media_type) for one in old.contents)
            self._add("media-type-removed", _RESPONSE, f"{new.status} has no body any more ({kinds})", at)
        else:
            self._contents(old.contents, new.contents, _RESPONSE, at)
        self._headers(old, new)

    def _headers(self, old: Response, new: Response) -> None:
        ours, theirs = ({h.name.lower(): h for h in one.headers} for one in (old, new))
        for name in [*ours, *(name for name in theirs if name not in ours)]:
            before, after = ours.get(name), theirs.get(name)
            if before is None and after is not None:
                self._add("header-added", _RESPONSE, f"header {after.name} was added", (old.pointer, after.pointer))
            elif after is None and before is not None:
                said = f"header {before.name} was removed"
                self._add("header-removed", _RESPONSE, said, (before.pointer, new.pointer))
            elif before is not None and after is not None:
                self._header(before, after)

    def _header(self, old: Parameter, new: Parameter) -> None:
        at = old.pointer, new.pointer
        if old.required != new.required:
            check = "header-became-required" if new.required else "header-became-optional"
            self._add(check, _RESPONSE, f"{new.name}: {check.replace('-', ' ')}", at)
        if old.description != new.description:
            self._add("text-changed", _RESPONSE, f"the description of header {new.name} changed", at)
        places = schema_pointer(self.report.old, old.pointer), schema_pointer(self.report.new, new.pointer)
        self.schemas.compare(self.node, old.schema, new.schema, _RESPONSE, places)

    # ---- where it is served, what it calls back

    def _servers(self) -> None:
        ours, theirs = (
            {s.url.rstrip("/"): s for s in operation.servers or interface.servers}
            for interface, operation in self._sides()
        )
        for url in ours.keys() - theirs.keys():
            self._add("server-removed", _REQUEST, f"{url or '/'} was removed", (ours[url].pointer, self.new.pointer))
        for url in theirs.keys() - ours.keys():
            self._add("server-added", _REQUEST, f"{url or '/'} was added", (self.old.pointer, theirs[url].pointer))

    def _callbacks(self) -> None:
        ours, theirs = (_written(one, o.pointer, "callbacks") for one, o in self._sides())
        _messages(self.report, self.node, "callback", ours, theirs, self.at)

    def _sides(self) -> tuple[tuple[Interface, Operation], tuple[Interface, Operation]]:
        return (self.report.old, self.old), (self.report.new, self.new)


def _by_place(operation: Operation) -> dict[tuple[str, str], Parameter]:
    """Path parameters by their place in the path, headers without regard to case, others by name."""
    order = re.findall(r"\{([^}]*)\}", operation.path)
    found = {}
    for one in operation.parameters:
        name = one.name.lower() if one.location == "header" else one.name
        if one.location == "path":
            name = str(order.index(one.name)) if one.name in order else one.name
        found[one.location, name] = one
    return found


def _operation_id(interface: Interface, operation: Operation) -> str | None:
    value = written(interface, operation.pointer)
    return value.get("operationId") if isinstance(value, dict) else None


def _said(parameter: Parameter) -> str:
    return f"{parameter.location} parameter {parameter.name!r}"


def _types(interface: Interface, parameter: Parameter) -> frozenset[str]:
    from specs.diff.shape import shape

    return shape(interface, parameter.schema, "").types() or frozenset()


def _default(interface: Interface, parameter: Parameter) -> Any:
    return interface.resolve(parameter.schema).get("default")


def _media(kind: str) -> str:
    return kind.split(";")[0].strip().lower()


def _written(interface: Interface, pointer: str, word: str) -> Mapping[str, Any]:
    value = written(interface, pointer)
    value = value.get(word) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def _webhooks(report: Report) -> None:
    ours, theirs = (_written(one, "", "webhooks") for one in (report.old, report.new))
    _messages(report, report.root(""), "webhook", ours, theirs, ("/webhooks", "/webhooks"))


def _messages(
    report: Report, node: Node, kind: str, old: Mapping[str, Any], new: Mapping[str, Any], at: tuple[str, str]
) -> None:
    for name in [*old, *(name for name in new if name not in old)]:
        if old.get(name) != new.get(name):
            way = "added" if name not in old else "removed" if name not in new else "changed"
            report.add(node, f"{kind}-{way}", _RESPONSE, f"{kind} {name} was {way}", *at)


def _extensions(
    report: Report, node: Node, side: Side, old: Mapping[str, Any], new: Mapping[str, Any], at: tuple[str, str]
) -> None:
    for word in sorted(old.keys() | new.keys()):
        if old.get(word) == new.get(word):
            continue
        check = "behaviour-changed" if word in BEHAVIOUR else "text-changed" if word == "x-en" else "extension-changed"
        report.add(node, check, side, f"{word} changed", *at)


def _security(report: Report, node: Node, old: Operation, new: Operation) -> None:
    """Whoever got in must still get in: each old way needs a new one that asks for no more."""
    ours, theirs = (_ways(one) for one in (old, new))
    at = old.pointer, new.pointer
    for way in ours:
        if not any(all(name in way and scopes <= way[name] for name, scopes in other.items()) for other in theirs):
            said = f"{_way(way)} is no longer enough: {' or '.join(map(_way, theirs))}"
            report.add(node, "security-tightened", _REQUEST, said, *at)
    if ours != theirs and not any(change.check == "security-tightened" for change in node.changes):
        said = f"{' or '.join(map(_way, ours))} became {' or '.join(map(_way, theirs))}"
        report.add(node, "security-loosened", _REQUEST, said, *at)
    for name in sorted({name for way in ours for name in way} & {name for way in theirs for name in way}):
        _scheme(report, node, name)


def _ways(operation: Operation) -> list[dict[str, frozenset[str]]]:
    found = [{name: frozenset(scopes) for name, scopes in way.items()} for way in operation.security]
    return sorted(found or [{}], key=str)


def _way(way: Mapping[str, frozenset[str]]) -> str:
    named = [f"{name}({', '.join(sorted(scopes))})" if scopes else name for name, scopes in way.items()]
    return " and ".join(named) or "no credential"


def _scheme(report: Report, node: Node, name: str) -> None:
    old, new = (one.security_schemes.get(name) or {} for one in (report.old, report.new))
    pointers = f"/components/securitySchemes/{name}", f"/components/securitySchemes/{name}"
    for word in ("type", "in", "name", "scheme"):
        if str(old.get(word)).lower() != str(new.get(word)).lower():
            said = f"{word} of {name}: {old.get(word)} became {new.get(word)}"
            report.add(node, "security-scheme-changed", _REQUEST, said, *pointers)
    if old.get("flows") != new.get("flows") or old.get("openIdConnectUrl") != new.get("openIdConnectUrl"):
        report.add(node, "security-address-changed", _REQUEST, f"flows or addresses of {name} changed", *pointers)
