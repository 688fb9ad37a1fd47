"""One request and its answers in both versions: parameters, bodies, statuses, headers.

`asks` is the side that a request breaks, `answers` the side of its responses: for what a provider sends by itself
(webhooks, callbacks) they are the other way round.
"""

from __future__ import annotations

import re
from typing import Any

from specs.diff import forms, lifetimes
from specs.diff.change import Side
from specs.diff.leftovers import leftovers
from specs.diff.report import Node, Report
from specs.diff.schemas import Schemas
from specs.model import Content, Operation, Parameter, Response
from specs.rules.places import schema_pointer, written

_PARAMETER = {
    "name", "in", "required", "schema", "content", "style", "explode", "description", "x-element", "x-sensitivity",
    "x-en", "example", "examples", "deprecated", "allowReserved", "allowEmptyValue", "type", "format", "items",
    "collectionFormat", "default", "enum", "$ref", *lifetimes.WORDS,
}  # fmt: skip
_RESPONSE_WORDS = {"description", "summary", "headers", "content", "links", "schema", "examples", "$ref", "x-en"}
_FORM = "application/x-www-form-urlencoded"


class Exchange:
    """One operation in both versions."""

    def __init__(
        self, report: Report, schemas: Schemas, node: Node, old: Operation, new: Operation, *, asks: Side, answers: Side
    ) -> None:
        self.report, self.schemas, self.node, self.old, self.new = report, schemas, node, old, new
        self.asks, self.answers = asks, answers
        self.at = old.pointer, new.pointer

    def compare(self) -> None:
        """Note every difference."""
        self._parameters()
        self._body()
        self._responses()

    def _add(self, check: str, side: Side, message: str, at: tuple[str | None, str | None]) -> None:
        self.report.add(self.node, check, side, message, *at)

    # ---- parameters

    def _parameters(self) -> None:
        ours, theirs = _by_place(self.old), _by_place(self.new)
        for key in [*ours, *(key for key in theirs if key not in ours)]:
            old, new = ours.get(key), theirs.get(key)
            if old is None and new is not None:
                check = "required-parameter-added" if new.required else "parameter-added"
                self._add(check, self.asks, f"{_said(new)} was added", (self.at[0], new.pointer))
            elif new is None and old is not None:
                self._add("parameter-removed", self.asks, f"{_said(old)} was removed", (old.pointer, self.at[1]))
            elif old is not None and new is not None:
                self._parameter(old, new)

    def _parameter(self, old: Parameter, new: Parameter) -> None:
        at, side = (old.pointer, new.pointer), self.asks
        if old.name != new.name and old.location == "path":
            self._add("path-parameter-renamed", side, f"{old.name} became {new.name}", at)
        if old.required != new.required:
            check = "parameter-became-required" if new.required else "parameter-became-optional"
            self._add(check, side, f"{_said(new)} became {'required' if new.required else 'optional'}", at)
        self._words(old, new, at, side, _said(new))
        shapes = self.schemas.ours.of(old.schema, ""), self.schemas.theirs.of(new.schema, "")
        before, after = (shape.words.get("default") for shape in shapes)
        if before != after:
            said = f"the default of {_said(new)} was {before!r} and is {after!r}"
            self._add("parameter-default-changed", side, said, at)
        places = schema_pointer(self.report.old, old.pointer), schema_pointer(self.report.new, new.pointer)
        if self._became_list(old, new):
            self._add("parameter-became-list", side, f"{_said(new)} may be repeated now", at)
            inner = shapes[1].words.get("items", {})
            self.schemas.compare(self.node, old.schema, inner, side, (places[0], f"{places[1]}/items"), loose=True)
            return
        self._form(old, new, at)
        loose = old.media_type is None
        self.schemas.compare(self.node, old.schema, new.schema, side, places, loose=loose)

    def _became_list(self, old: Parameter, new: Parameter) -> bool:
        """Whether one value became a list of which one value is a case, written the same."""
        ours = self.schemas.ours.of(old.schema, "").types - {"null"}
        theirs = self.schemas.theirs.of(new.schema, "")
        plain = {one.media_type for one in (old, new)} == {None} and {old.style, new.style} <= {"form", "simple"}
        single = not ours & {"array", "object"} and theirs.types - {"null"} == {"array"}
        return plain and single and theirs.words.get("minItems", 0) <= 1 and "prefixItems" not in theirs.words

    def _words(self, old: Parameter, new: Parameter, at: tuple[str, str], side: Side, named: str) -> None:
        if old.description != new.description or old.examples != new.examples:
            self._add("text-changed", side, f"description or examples of {named} changed", at)
        if old.deprecated != new.deprecated:
            check = "deprecated" if new.deprecated else "no-longer-deprecated"
            self._add(check, side, f"{named}: {check.replace('-', ' ')}", at)
        if old.element != new.element and "x-element" not in {**old.schema, **new.schema}:
            check = "element-added" if old.element is None else "element-changed" if new.element else "element-removed"
            self._add(check, side, f"element {old.element or '–'} became {new.element or '–'}", at)
        before, after = written(self.report.old, at[0]), written(self.report.new, at[1])
        empty = [isinstance(one, dict) and one.get("allowEmptyValue") is True for one in (before, after)]
        if empty[0] != empty[1]:
            check = "empty-value-allowed" if empty[1] else "empty-value-refused"
            self._add(check, side, f"{named}: {check.replace('-', ' ')}", at)
        lifetimes.notes(self.report, self.node, side, before, after, at)
        leftovers(self.report, self.node, side, at, _PARAMETER)

    def _form(self, old: Parameter, new: Parameter, at: tuple[str, str]) -> None:
        """How the value is written: style and explode show in arrays and objects alone."""
        if _media(old.media_type or "") != _media(new.media_type or ""):
            said = (
                f"{_said(new)} travels as {new.media_type or 'plain text'} instead of {old.media_type or 'plain text'}"
            )
            self._add("parameter-style-changed", self.asks, said, at)
            return
        kinds = self.schemas.ours.of(old.schema, "").types | self.schemas.theirs.of(new.schema, "").types
        shapely = bool({"array", "object"} & kinds)
        if (old.style, old.explode if shapely else None) != (new.style, new.explode if shapely else None):
            said = f"{_said(new)}: style {old.style}, explode {old.explode} became {new.style}, {new.explode}"
            self._add("parameter-style-changed", self.asks, said, at)
        if old.allow_reserved != new.allow_reserved:
            check = "reserved-allowed" if new.allow_reserved else "reserved-refused"
            self._add(check, self.asks, f"{_said(new)}: {check.replace('-', ' characters ')}", at)

    # ---- bodies and answers

    def _body(self) -> None:
        old, new = self.old.body, self.new.body
        if old is None and new is not None:
            check = "required-body-added" if new.required else "body-added"
            self._add(check, self.asks, "a body was added", (self.at[0], new.pointer))
        elif new is None and old is not None:
            self._add("body-removed", self.asks, "the body was removed", (old.pointer, self.at[1]))
        elif old is not None and new is not None:
            at = old.pointer, new.pointer
            if old.required != new.required:
                check = "body-became-required" if new.required else "body-became-optional"
                self._add(check, self.asks, check.replace("-", " "), at)
            if old.description != new.description:
                self._add("text-changed", self.asks, "the description of the body changed", at)
            self._contents(old.contents, new.contents, self.asks, at)

    def _contents(self, old: tuple[Content, ...], new: tuple[Content, ...], side: Side, at: tuple[str, str]) -> None:
        ours, theirs = ({_media(one.media_type): one for one in contents} for contents in (old, new))
        left = {kind: one for kind, one in theirs.items() if kind not in ours}
        for kind, before in ours.items():
            after = theirs.get(kind)
            if after is None:
                near = [one for one in left if _covers(one, kind) or _covers(kind, one) or _name(one) == _name(kind)]
                after = left.pop(near[0]) if len(near) == 1 else None
                if after is None:
                    self._add("media-type-removed", side, f"{kind} was removed", (before.pointer, at[1]))
                    continue
                check = f"media-type-{'widened' if _covers(near[0], kind) else 'narrowed'}"
                check = "media-type-parameters-changed" if _name(near[0]) == _name(kind) else check
                self._add(check, side, f"{kind} became {near[0]}", (before.pointer, after.pointer))
            self._content(before, after, side)
        for kind, one in left.items():
            self._add("media-type-added", side, f"{kind} was added", (at[0], one.pointer))

    def _content(self, old: Content, new: Content, side: Side) -> None:
        at = old.pointer, new.pointer
        if old.examples != new.examples:
            self._add("text-changed", side, "examples changed", at)
        if old.encoding != new.encoding:
            forms.encodings(self.report, self.node, side, old, new)
        if old.item is not new.item and (old.item is None or new.item is None):
            self._add("stream-changed", side, f"{_media(new.media_type)} is a stream, or is none any more", at)
        if old.schema is None or new.schema is None:
            if old.schema is not new.schema:
                check = "schema-added" if old.schema is None else "schema-removed"
                self._add(check, side, f"the schema of {new.media_type} was {check[7:]}", at)
            return
        if not old.is_json and all(_raw(one.schema) for one in (old, new)):
            return  # bytes as they are, whichever way it is said
        places = schema_pointer(self.report.old, old.pointer), schema_pointer(self.report.new, new.pointer)
        loose = _media(old.media_type) == _FORM
        self.schemas.compare(self.node, old.schema, new.schema, side, places, loose=loose)

    def _responses(self) -> None:
        ours, theirs = ({r.status.upper(): r for r in one.responses} for one in (self.old, self.new))
        for status in [*ours, *(status for status in theirs if status not in ours)]:
            old, new = ours.get(status), theirs.get(status)
            if old is None and new is not None:
                around = ours.get(f"{status[:1]}XX") or (
                    None if any(s[:1] == "2" for s in ours) else ours.get("DEFAULT")
                )
                if new.is_success and around is not None:  # it was told by a range, or by what holds for all
                    self._response(around, new)
                self._add("response-added", self.answers, f"{status} was added", (self.at[0], new.pointer))
            elif new is None and old is not None:
                around = theirs.get(f"{status[:1]}XX") if old.is_success else None
                if around is not None:
                    self._response(old, around)
                    continue
                if status.endswith("XX") and old.is_success and any(s[:1] == status[:1] for s in theirs):
                    said = f"{status} was narrowed to what is documented one by one"
                    self._add("response-narrowed", self.answers, said, (old.pointer, self.at[1]))
                    continue
                check = "success-response-removed" if old.is_success else "error-response-removed"
                self._add(check, self.answers, f"{status} was removed", (old.pointer, self.at[1]))
            elif old is not None and new is not None:
                self._response(old, new)

    def _response(self, old: Response, new: Response) -> None:
        at = old.pointer, new.pointer
        if old.description != new.description:
            self._add("text-changed", self.answers, f"the description of {new.status} changed", at)
        for name in dict.fromkeys([*old.links, *new.links]):
            if old.links.get(name) != new.links.get(name):
                check = forms.link(old.links.get(name), new.links.get(name))
                self._add(check, self.answers, f"link {name} of {new.status}: {check.replace('-', ' ')}", at)
        if old.contents and not new.contents:
            kinds = ", ".join(_media(one.media_type) for one in old.contents)
            self._add("media-type-removed", self.answers, f"{new.status} has no body any more ({kinds})", at)
        else:
            self._contents(old.contents, new.contents, self.answers, at)
        self._headers(old, new)
        leftovers(self.report, self.node, self.answers, at, _RESPONSE_WORDS)

    def _headers(self, old: Response, new: Response) -> None:
        ours, theirs = ({h.name.lower(): h for h in one.headers} for one in (old, new))
        for name in [*ours, *(name for name in theirs if name not in ours)]:
            before, after = ours.get(name), theirs.get(name)
            if before is None and after is not None:
                check = "required-header-added" if after.required else "header-added"
                self._add(check, self.answers, f"header {after.name} was added", (old.pointer, after.pointer))
            elif after is None and before is not None:
                said = f"header {before.name} was removed"
                self._add("header-removed", self.answers, said, (before.pointer, new.pointer))
            elif before is not None and after is not None:
                self._header(before, after)

    def _header(self, old: Parameter, new: Parameter) -> None:
        at, side = (old.pointer, new.pointer), self.answers
        if old.required != new.required:
            check = "header-became-required" if new.required else "header-became-optional"
            self._add(check, side, f"{new.name}: {check.replace('-', ' ')}", at)
        self._words(old, new, at, side, f"header {new.name}")
        places = schema_pointer(self.report.old, old.pointer), schema_pointer(self.report.new, new.pointer)
        self.schemas.compare(self.node, old.schema, new.schema, side, places, loose=old.media_type is None)


def _by_place(operation: Operation) -> dict[tuple[str, str], Parameter]:
    """Path parameters by their place in the path, headers without regard to case, others by name; the one that holds
    a whole query string is one of its kind."""
    order = re.findall(r"\{([^}]*)\}", operation.path)
    found = {}
    for one in operation.parameters:
        name = one.name.lower() if one.location == "header" else "" if one.location == "querystring" else one.name
        if one.location == "path":
            name = str(order.index(one.name)) if one.name in order else one.name
        found[one.location, name] = one
    return found


def _said(parameter: Parameter) -> str:
    return f"{parameter.location} parameter {parameter.name!r}"


def _media(kind: str) -> str:
    """A media type as it is compared: without regard to case and spaces; the character set is no other type."""
    name, *rest = (part.strip().lower() for part in kind.split(";"))
    kept = sorted(part for part in rest if part and not part.startswith("charset="))
    return ";".join([name, *kept])


def _name(kind: str) -> str:
    return kind.partition(";")[0]


def _covers(wide: str, narrow: str) -> bool:
    """Whether a media range takes in a media type."""
    wide, narrow = _name(wide), _name(narrow)
    return wide != narrow and (wide == "*/*" or (wide.endswith("/*") and narrow.startswith(wide[:-1])))


def _raw(schema: Any) -> bool:
    """Whether a schema says no more than: bytes."""
    if not isinstance(schema, dict):
        return False
    limits = {word: value for word, value in schema.items() if not word.startswith("x-") and word not in _WORDS}
    binary = {"type": "string", "format": "binary"}
    return not limits or limits == binary or limits.keys() <= {"contentMediaType"} or limits == {"type": "string"}


_WORDS = {"title", "description", "examples"}
