"""XML bodies to values and back, by a schema's `xml` keyword (OpenAPI 3.1, XML Object)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

from mockdata.sandbox.parameters import Shape, scalar

Resolve = Callable[[dict[str, Any]], dict[str, Any]]

_NAME = re.compile(r"[^\w.\-]|^(?=[^A-Za-z_])", re.ASCII)
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def encode(value: Any, schema: Any, resolve: Resolve, name: str = "response") -> bytes:
    """A value as an XML document. `name` is used where the schema names no root."""
    schema = _resolved(schema, resolve)
    element = _element(value, schema, resolve, _xml(schema).get("name") or name)
    data: bytes = ElementTree.tostring(element, encoding="utf-8", xml_declaration=True)
    return data


def _resolved(schema: Any, resolve: Resolve) -> dict[str, Any]:
    return resolve(schema) if isinstance(schema, dict) else {}


def _xml(schema: dict[str, Any]) -> dict[str, Any]:
    hints = schema.get("xml")
    return hints if isinstance(hints, dict) else {}


def _tag(name: str, hints: dict[str, Any]) -> str:
    plain = _NAME.sub("_", str(hints.get("name") or name)) or "_"
    namespace = hints.get("namespace")
    return f"{{{namespace}}}{plain}" if isinstance(namespace, str) and namespace else plain


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else _CONTROL.sub("", str(value))


def _element(value: Any, schema: dict[str, Any], resolve: Resolve, name: str) -> ElementTree.Element:
    element = ElementTree.Element(_tag(name, _xml(schema)))
    if isinstance(value, dict):
        members = Shape(schema, resolve).members
        for key, inner in value.items():
            _add(element, key, inner, _resolved(members.get(key), resolve), resolve)
    elif isinstance(value, list):
        items = _resolved(Shape(schema, resolve).items, resolve)
        for inner in value:
            element.append(_element(inner, items, resolve, _xml(items).get("name") or "item"))
    else:
        element.text = _text(value)
    return element


def _add(parent: ElementTree.Element, key: str, value: Any, schema: dict[str, Any], resolve: Resolve) -> None:
    hints = _xml(schema)
    if hints.get("attribute") is True and not isinstance(value, dict | list):
        parent.set(_tag(key, hints), _text(value))
    elif isinstance(value, list):
        items = _resolved(Shape(schema, resolve).items, resolve)
        holder = ElementTree.SubElement(parent, _tag(key, hints)) if hints.get("wrapped") is True else parent
        inner_name = _xml(items).get("name") or key
        holder.extend(_element(inner, items, resolve, inner_name) for inner in value)
    else:
        parent.append(_element(value, schema, resolve, key))


def decode(data: bytes, schema: Any, resolve: Resolve) -> Any:
    """The value an XML document stands for. Raises ValueError; document types are refused (entity bombs)."""
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise ValueError("XML with a document type is not read")
    try:
        root = ElementTree.fromstring(data)
    except ElementTree.ParseError as error:
        raise ValueError(f"not XML: {error}") from None
    return _value(root, Shape(schema, resolve), resolve)


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _value(element: ElementTree.Element, shape: Shape, resolve: Resolve) -> Any:
    if "array" in shape.kinds and "object" not in shape.kinds:
        return [_value(inner, shape.item(), resolve) for inner in element]
    if "object" in shape.kinds or len(element) or (element.attrib and not shape.kinds):
        return _object(element, shape, resolve)
    return scalar((element.text or "").strip(), shape)


def _object(element: ElementTree.Element, shape: Shape, resolve: Resolve) -> dict[str, Any]:
    names: dict[str, str] = {}
    for key, schema in shape.members.items():
        resolved = _resolved(schema, resolve)
        hints = _xml(resolved)
        items = _resolved(Shape(resolved, resolve).items, resolve)
        flat = _xml(items).get("name") if items and hints.get("wrapped") is not True else None
        names[str(flat or hints.get("name") or key)] = key
    out: dict[str, Any] = {}
    for tag, text in element.attrib.items():
        key = names.get(_local(tag), _local(tag))
        out[key] = scalar(text, shape.member(key))
    for inner in element:
        key = names.get(_local(inner.tag), _local(inner.tag))
        member = shape.member(key)
        wrapped = _xml(_resolved(shape.members.get(key), resolve)).get("wrapped") is True
        if "array" in member.kinds and not wrapped:
            out.setdefault(key, []).append(_value(inner, member.item(), resolve))
        else:
            out[key] = _value(inner, member, resolve)
    return out
