"""Writing `x-element` into a document by position, the author's text otherwise unchanged to the byte.

YAML and JSON alike: the text is edited where the parser says the field stands, then read again and compared with the
value the edit was meant to make. Whatever does not come out right (an alias, a merge key, a boolean schema) is refused
and nothing is changed. Data contracts get an authoritative definition, which is how ODCS says it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from specs.finding import Finding, Severity, SpecError
from specs.parse import Document, parse
from specs.schema import escape

URN = "urn:tongban:element:"
_KEY = r"""(?:"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s"'{}\[\],#:][^:{}\[\],#\n]*?)"""
_SCALAR = r"""(?:"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s"'{}\[\],#\n]+)"""


@dataclass(frozen=True, slots=True)
class _Edit:
    """`text` in place of the characters from `start` to `end`."""

    start: int
    end: int
    text: str


def annotate(document: Document, marks: Mapping[str, str]) -> bytes:
    """The document's bytes with the element of each field written in.

    marks: JSON pointers of fields (a schema, or a field of a data contract) → "XM", "MQ_GMSFHM", or "none". Raises
    SpecError (rule `not-annotated`, one finding a field) when a field cannot be marked at its place.
    """
    wanted = json.loads(json.dumps(document.value))  # an alias and its anchor are two values here
    contract = isinstance(wanted, dict) and wanted.get("kind") == "DataContract"
    text, encoding, mark = _decoded(document)
    editor = _Editor(document, text)
    edits: list[_Edit] = []
    refused: list[Finding] = []
    for pointer, element in marks.items():
        node = _node(wanted, pointer)
        if not isinstance(node, dict):
            refused.append(_refusal(document, pointer, "is no schema that a word could be written into"))
            continue
        if node.get("x-element") == element:
            continue
        edit = editor.definition(pointer, node, element) if contract else editor.member(pointer, node, element)
        if edit is None:
            refused.append(_refusal(document, pointer, "is written in a way that cannot be added to"))
            continue
        edits.append(edit)
    if refused:
        raise SpecError(refused)
    for edit in sorted(edits, key=lambda one: -one.start):
        text = text[: edit.start] + edit.text + text[edit.end :]
    made = mark + text.encode(encoding)
    try:
        same = parse(made, document.name).value == wanted
    except SpecError:
        same = False
    if not same:
        problem = "an alias, a merge key or an anchor stands in the way; write x-element by hand"
        raise SpecError([_refusal(document, pointer, problem) for pointer in marks])
    return made


class _Editor:
    """Finds out where in the text a member of a node is to be written; changes the value along with it."""

    def __init__(self, document: Document, text: str) -> None:
        self.document = document
        self.text = text
        self.starts = [0, *(match.end() for match in re.finditer(r"\r\n|\n|\r", text))]
        self.newline = "\r\n" if "\r\n" in text else "\n"

    def member(self, pointer: str, node: dict[str, Any], element: str) -> _Edit | None:
        if "x-element" in node:
            node["x-element"] = element
            return self._instead(f"{pointer}/x-element", element)
        edit = self._first(pointer, node, "x-element", element, json.dumps(element))
        node["x-element"] = element
        return edit

    def definition(self, pointer: str, node: dict[str, Any], element: str) -> _Edit | None:
        """The authoritative definition of a field of a data contract."""
        url = URN + element
        listed = node.get("authoritativeDefinitions")
        entries = listed if isinstance(listed, list) else []
        for at, entry in enumerate(entries):
            if isinstance(entry, dict) and str(entry.get("url", "")).startswith(URN):
                entry["url"] = url
                return self._instead(f"{pointer}/authoritativeDefinitions/{at}/url", url)
        flow = "{" + f'"type": "element", "url": {json.dumps(url)}' + "}"
        if listed is None:
            edit = self._first(pointer, node, "authoritativeDefinitions", f"[{flow}]", f"[{flow}]")
            node["authoritativeDefinitions"] = [{"type": "element", "url": url}]
            return edit
        if not entries:
            return None
        listed.insert(0, {"type": "element", "url": url})
        return self._before_item(f"{pointer}/authoritativeDefinitions/0", flow)

    def _offset(self, pointer: str) -> int | None:
        place = self.document.position(pointer)
        return None if place is None else self.starts[place[0] - 1] + place[1] - 1

    def _first(self, pointer: str, node: dict[str, Any], key: str, plain: str, quoted: str) -> _Edit | None:
        """A new first member of the mapping at `pointer`."""
        if not node:
            return self._into_empty(pointer, f'"{key}": {quoted}')
        first = next(iter(node))
        at = self._offset(f"{pointer}/{escape(first)}")
        start = self._offset(pointer)
        if at is None or start is None or at < start:
            return None
        as_json = self.text.startswith('"', at)
        member = f'"{key}": {quoted}' if as_json else f"{key}: {plain}"
        line = self.text.rfind("\n", 0, at) + 1
        lead = self.text[line:at]
        alone = not lead.strip()
        if self.text[:at].rstrip()[-1:] == "{" or (as_json and self.document.name.endswith(".json")):
            between = self.newline + lead if alone else " "
            return _Edit(at, at, f"{member},{between}")
        if alone or re.fullmatch(r"\s*(?:[-?]\s+)+", lead):
            return _Edit(at, at, member + self.newline + " " * len(lead))
        return None

    def _into_empty(self, pointer: str, member: str) -> _Edit | None:
        at = self._offset(pointer)
        found = re.compile(rf"(?:{_KEY}\s*:\s*)?\{{(\s*)\}}").match(self.text, at) if at is not None else None
        return _Edit(found.start(1), found.end(1), member) if found else None

    def _before_item(self, pointer: str, item: str) -> _Edit | None:
        at = self._offset(pointer)
        if at is None:
            return None
        line = self.text.rfind("\n", 0, at) + 1
        lead = self.text[line:at]
        if re.fullmatch(r"\s*-\s+", lead):
            dash = line + lead.index("-")
            return _Edit(dash, dash, f"- {item}{self.newline}{lead[: lead.index('-')]}")
        if self.text[:at].rstrip()[-1:] == "[":
            return _Edit(at, at, item + "," + (self.newline + lead if not lead.strip() else " "))
        return None

    def _instead(self, pointer: str, value: str) -> _Edit | None:
        """Another scalar for the member at `pointer`, in the quotes the old one had."""
        at = self._offset(pointer)
        found = re.compile(rf"{_KEY}\s*:\s*({_SCALAR})").match(self.text, at) if at is not None else None
        if found is None:
            return None
        quote = found[1][0] if found[1][0] in "\"'" else ""
        return _Edit(found.start(1), found.end(1), f"{quote}{value}{quote}")


def _decoded(document: Document) -> tuple[str, str, bytes]:
    """The text, its encoding, and the byte order mark it began with."""
    raw = document.text
    for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"), (b"\xef\xbb\xbf", "utf-8")):
        if raw.startswith(mark):
            return raw[len(mark) :].decode(encoding), encoding, mark
    return raw.decode("utf-8"), "utf-8", b""


def _node(value: Any, pointer: str) -> Any:
    for token in pointer.split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        try:
            value = value[int(name)] if isinstance(value, list) else value[name]
        except (KeyError, IndexError, ValueError, TypeError):
            return None
    return value


def _refusal(document: Document, pointer: str, problem: str) -> Finding:
    line, column = document.position(pointer) or (None, None)
    hint = "write x-element there by hand, or in the definition it refers to"
    return Finding("not-annotated", Severity.ERROR, f"the field {problem}", document.name, pointer, line, column, hint)
