"""The documents one reading works on: `$ref` resolution and findings."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from specs.finding import Finding, SpecError
from specs.node import Node, kind_of
from specs.parse import Document, parse, pointers
from specs.rules import severity_of
from specs.schema import escape

__all__ = ["Node", "Sources", "kind_of"]

MAX_FILES = 500
MAX_TOTAL_BYTES = 128 * 1024 * 1024
_METASCHEMA = re.compile(r"https?://json-schema\.org/(draft-0[3-7]|draft/20(19-09|20-12))/schema#?")


class Sources:
    """The main document, the files it refers to, and what was found wrong while reading them."""

    def __init__(self, document: Document, root: Path | None = None) -> None:
        """`root`: references to other files may reach this folder and what is below it (default: the
        document's own folder). A document that came as bytes has no folder: it can only refer to itself."""
        self.main = document
        self.documents: dict[str, Document] = {}
        self._by_path: dict[Path, Document | None] = {}
        self._bytes = len(document.text)
        self._root: Path | None = None
        if document.path is not None:
            own = document.path.resolve()
            self._by_path[own] = document
            self._root = (root or own.parent).resolve()
        self.followed: dict[tuple[str, str], Node] = {}  # what each $ref that was followed finally led to
        self.pattern_weight = 0  # of the patterns compiled so far
        self._findings: dict[tuple[str, str, str, str], Finding] = {}
        self._found: dict[tuple[str, str], Node] = {}
        self._anchors: dict[str, dict[str, Node]] = {}
        self._resources: dict[str, frozenset[str]] = {}
        self._lost = 0
        for finding in document.findings:
            self._add(finding)

    @property
    def root(self) -> Node:
        """The main document as a node."""
        return Node(self, self.main, "", self.main.value)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found so far, in the order of the text."""
        return tuple(sorted(self._findings.values(), key=lambda finding: finding.order))

    def report(self, rule: str, document: Document, pointer: str, message: str, hint: str = "") -> None:
        """Record a finding; saying the same thing of the same place twice counts once."""
        key = (rule, document.name, pointer, message)
        if key not in self._findings:
            line, column = document.position(pointer) or (None, None)
            severity = severity_of(rule)
            self._findings[key] = Finding(rule, severity, message, document.name, pointer, line, column, hint)

    def _add(self, finding: Finding) -> None:
        self._findings.setdefault((finding.rule, finding.file, finding.pointer, finding.message), finding)

    def resolve(self, origin: Node, target: str) -> Node | None:
        """What the reference `target`, written at `origin`, means; None (and a finding) if nothing."""
        base = self._enclosing(origin) if target.startswith("#") else ""
        key = (f"{origin.document.name}#{base}", target)
        if key not in self._found:
            found = self._inside(origin.document, base, target[1:]) if base else None
            found = found or self._resolve(origin, target)
            if found is None:
                return None
            self._found[key] = found
        return self._found[key]

    def _resolve(self, origin: Node, target: str) -> Node | None:
        place = origin.get("$ref") if "$ref" in origin else origin
        if anchored := self._named_resource(origin.document, target):
            return anchored
        try:
            address = urlsplit(target)
        except ValueError:
            place.report("unresolved-ref", f"$ref {target!r} is not a reference", "write #/… or file.yaml#/…")
            return None
        if _METASCHEMA.fullmatch(target):  # known without being fetched: any schema
            return Node(self, place.document, place.pointer, {"type": ["object", "boolean"]})
        if beside := self._beside(origin.document, target):
            return self._resolve(origin, beside)
        if address.scheme or address.netloc:
            place.report(
                "remote-ref",
                f"$ref {target!r} is on the network; nothing is fetched",
                "put the file beside this one and refer to it by its path",
            )
            return None
        document: Document | None = origin.document
        if address.path:
            document = self._file(place, unquote(address.path))
        if document is None:
            return None
        found = self._inside(document, "", address.fragment)
        if found is None:
            self._lost += 1
            # Looking for a similar name takes time: worth it for a few misspelt names, not for ten thousand.
            hint = _near(document, address.fragment) if self._lost <= 50 else "define it, or correct the name"
            place.report("unresolved-ref", f"$ref {target!r} leads nowhere", hint)
        return found

    def _beside(self, document: Document, target: str) -> str:
        """`target` as a path when it is a sibling of the document by the document's own `$self` or `$id`, and there."""
        value = document.value if isinstance(document.value, dict) else {}
        own = next((value[word] for word in ("$self", "$id", "id") if isinstance(value.get(word), str)), "")
        folder = own.rpartition("/")[0] + "/"
        if document.path is None or "://" not in folder or not target.startswith(folder):
            return ""
        path = target.removeprefix(folder)
        name = unquote(path.partition("#")[0])
        try:
            return path if name and (document.path.parent / name).is_file() else ""
        except (OSError, ValueError):
            return ""

    def _inside(self, document: Document, base: str, fragment: str) -> Node | None:
        """What `fragment` (a JSON pointer or an anchor) names in the resource that starts at `base`."""
        if fragment and not fragment.startswith("/"):
            return self._index(document).get("#" + unquote(fragment))
        for spelling in dict.fromkeys((unquote(fragment), fragment)):  # some tools forget to percent-encode
            value: Any = document.value
            taken = ""
            for token in (base + spelling).split("/")[1:]:
                name = token.replace("~1", "/").replace("~0", "~")
                if isinstance(value, dict) and name in value:
                    value = value[name]
                elif isinstance(value, list) and re.fullmatch(r"[0-9]{1,7}", name) and int(name) < len(value):
                    value = value[int(name)]
                else:
                    break
                taken += "/" + escape(name)
            else:
                return Node(self, document, taken, value)
        return None

    def _enclosing(self, origin: Node) -> str:
        """Where the schema with an `$id` of its own starts that `origin` is part of; "" for the document."""
        name = origin.document.name
        if name not in self._resources:
            named = [] if b"$id" not in origin.document.text else pointers(origin.document.value)
            starts = (at for at, value in named if at and isinstance(value, dict) and isinstance(value.get("$id"), str))
            self._resources[name] = frozenset(starts)
        at, known = origin.pointer, self._resources[name]
        while at and known and at not in known:
            at = at.rpartition("/")[0]
        return at if known else ""

    def _named_resource(self, document: Document, target: str) -> Node | None:
        resource, _, fragment = target.partition("#")
        if not resource:
            return None
        base = self._index(document).get(resource) or self._index(self.main).get(resource)
        return base and self._inside(base.document, base.pointer, fragment)

    def _index(self, document: Document) -> dict[str, Node]:
        """The `$anchor`s ("#name") and `$id`s of a document."""
        if document.name not in self._anchors:
            index: dict[str, Node] = {}
            for pointer, value in pointers(document.value):
                if isinstance(value, Mapping):
                    for word in ("$anchor", "$dynamicAnchor"):
                        if isinstance(name := value.get(word), str):
                            index.setdefault("#" + name, Node(self, document, pointer, value))
                    for word in ("$id", "$self", "id"):
                        # Draft 4 wrote `id`; as a plain data key it would be no URI.
                        if isinstance(name := value.get(word), str) and (word != "id" or ":/" in name or "#" in name):
                            index.setdefault(name.removesuffix("#"), Node(self, document, pointer, value))
            self._anchors[document.name] = index
        return self._anchors[document.name]

    def _file(self, place: Node, path: str) -> Document | None:
        base = place.document.path
        if base is None or self._root is None:
            place.report(
                "unresolved-ref",
                f"$ref names the file {path!r}, but this document was given without its folder",
                "bundle the files into one document",
            )
            return None
        if len(self._by_path) > MAX_FILES:
            place.report("unresolved-ref", f"$ref names {path!r}: more than {MAX_FILES} files", "bundle the files")
            return None
        try:
            wanted = (base.parent / path).resolve()
        except (OSError, ValueError, RuntimeError):  # a NUL byte, a loop of symbolic links
            place.report("unresolved-ref", f"$ref names {path!r}, which is no file name")
            return None
        if not wanted.is_relative_to(self._root):
            place.report(
                "outside-ref",
                f"$ref names the file {path!r} outside the document's folder",
                "move the file into that folder, or widen it: --root FOLDER",
            )
            return None
        if wanted not in self._by_path:
            self._by_path[wanted] = self._load(place, wanted)
        elif self._by_path[wanted] is None:
            place.report("unresolved-ref", f"$ref names the file {path!r}, which cannot be used")
        return self._by_path[wanted]

    def _load(self, place: Node, path: Path) -> Document | None:
        assert self.main.path is not None
        folder = os.path.dirname(self.main.name)
        name = os.path.join(folder, os.path.relpath(path, self.main.path.resolve().parent))
        if self._bytes > MAX_TOTAL_BYTES:
            problem = f"$ref names {name!r}: the files have more than {MAX_TOTAL_BYTES // 2**20} MiB together"
            place.report("unresolved-ref", problem, "leave out what is not needed")
            return None
        try:
            document = parse(path, name)
        except SpecError as error:
            told = error.findings[0]
            place.report("unresolved-ref", f"$ref names the file {name!r}, which {told.message}", told.hint)
            return None
        self._bytes += len(document.text)
        self.documents[document.name] = document
        for finding in document.findings:
            self._add(finding)
        return document


def _near(document: Document, fragment: str) -> str:
    import difflib

    parent, _, last = unquote(fragment).rpartition("/")
    value: Any = document.value
    for token in parent.split("/")[1:]:
        value = value.get(token.replace("~1", "/").replace("~0", "~")) if isinstance(value, dict) else None
    near = difflib.get_close_matches(last, [*value], n=1) if isinstance(value, dict) else []
    return f"did you mean {near[0]!r}?" if near else "define it, or correct the name"
