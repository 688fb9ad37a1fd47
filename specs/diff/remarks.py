"""What is said about a value without limiting it: words, defaults, deprecation, elements, sensitivity, extensions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from specs.diff import lifetimes, promises
from specs.diff.change import Side
from specs.diff.report import Node
from specs.diff.shape import TEXT, Shape, canonical
from specs.entry import LEVELS

if TYPE_CHECKING:
    from specs.diff.schemas import Schemas

BEHAVIOUR = ("x-mock-rules", "x-rules")
_HANDLED = TEXT | {
    "type", "enum", "const", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength",
    "maxLength", "pattern", "format", "contentMediaType", "contentEncoding", "contentSchema", "minItems", "maxItems",
    "uniqueItems", "items", "prefixItems", "contains", "minContains", "maxContains", "minProperties", "maxProperties",
    "required", "additionalProperties", "propertyNames", "patternProperties", "dependentRequired", "dependentSchemas",
    "unevaluatedItems", "unevaluatedProperties", "oneOf", "anyOf", "not", "if", "then", "else", "default", "deprecated",
    "readOnly", "writeOnly", "discriminator", "x-element", "x-sensitivity", "nullable", "xml", "x-extensible-enum",
    "x-unique", "x-physical-type", "x-quality", *lifetimes.WORDS,
}  # fmt: skip


def compare(schemas: Schemas, node: Node, old: Shape, new: Shape, side: Side) -> None:
    """Note every such difference between two shapes."""
    add, at = schemas.report.add, (old.pointer, new.pointer)
    told = sorted(word for word in TEXT if old.words.get(word) != new.words.get(word))
    if told:
        add(node, "text-changed", side, f"{', '.join(told)} changed", *at)
    if old.words.get("default") != new.words.get("default"):
        said = f"default {old.words.get('default')!r} became {new.words.get('default')!r}"
        add(node, "default-changed", side, said, old.place("default"), new.place("default"))
    if bool(old.words.get("deprecated")) != bool(new.words.get("deprecated")):
        check = "deprecated" if new.words.get("deprecated") else "no-longer-deprecated"
        add(node, check, side, "marked as deprecated" if check == "deprecated" else "not deprecated any more", *at)
    ours, theirs = (one.words.get("x-element") for one in (old, new))
    if ours != theirs:
        check = "element-added" if ours is None else "element-removed" if theirs is None else "element-changed"
        said = f"element {ours or '–'} became {theirs or '–'}"
        add(node, check, side, said, old.place("x-element"), new.place("x-element"))
    ours, theirs = (one.words.get("x-sensitivity") for one in (old, new))
    if ours != theirs:
        said = f"sensitivity {ours or '–'} became {theirs or '–'}"
        add(node, sensitivity(ours, theirs), side, said, old.place("x-sensitivity"), new.place("x-sensitivity"))
    if old.words.get("xml") != new.words.get("xml"):
        add(node, "xml-changed", side, "how it is written in XML changed", old.place("xml"), new.place("xml"))
    lifetimes.notes(schemas.report, node, side, old.words, new.words, at)
    _known_values(schemas, node, old, new, side)
    promises.field(schemas.report, node, old, new, side)
    for word in sorted((old.words.keys() | new.words.keys()) - _HANDLED):
        if old.words.get(word) != new.words.get(word):
            check = "behaviour-changed" if word in BEHAVIOUR else "extension-changed"
            add(node, check, side, f"{word} changed", old.place(word), new.place(word))


def sensitivity(old: Any, new: Any) -> str:
    """The check for a level that changed; a field without one counts as the least."""
    ours, theirs = (LEVELS.index(one) if one in LEVELS else len(LEVELS) for one in (old, new))
    return "sensitivity-raised" if theirs < ours else "sensitivity-lowered"


def _known_values(schemas: Schemas, node: Node, old: Shape, new: Shape, side: Side) -> None:
    """x-extensible-enum lists values known today: more of them surprise nobody."""
    word = "x-extensible-enum"
    ours, theirs = (one.words.get(word) for one in (old, new))
    if ours == theirs or not isinstance(ours or [], list) or not isinstance(theirs or [], list):
        return
    known = [dict.fromkeys(map(canonical, values or [])) for values in (ours, theirs)]
    for check, values in (("known-value-removed", known[0].keys() - known[1].keys()),
                          ("known-value-added", known[1].keys() - known[0].keys())):  # fmt: skip
        if values:
            said = f"{', '.join(sorted(values))}: {check.replace('-', ' ')}"
            schemas.report.add(node, check, side, said, old.place(word), new.place(word))
