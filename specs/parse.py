"""Bytes to values with positions: JSON and YAML, bounded, never a traceback.

YAML is read with the JSON-like core schema of YAML 1.2: only `true`, `false`, `null`, `~`, nothing and JSON
numbers are not strings, so `on`, `no`, `2024-01-01`, `12:30` and `007` stay what the author wrote. Mapping
keys are always strings (`200:` is "200"), as in JSON.
"""

from __future__ import annotations

import bisect
import hashlib
import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from specs.finding import Finding, Severity, SpecError

MAX_BYTES = 64 * 1024 * 1024
MAX_DEPTH = 512
MAX_YAML_NODES = 1_000_000
"""How many values one YAML document may hold: some 5 µs and 250 bytes each, JSON far less."""
MAX_ALIASED = 1_000_000
"""How many nodes the aliases of one YAML document may stand for in all (a "billion laughs" file has 10⁹)."""

Tree = tuple[int, "dict[str, Tree] | list[Tree] | None"]
"""Where a node starts (offset in the decoded text; a member starts at its key) and where its children do."""


@dataclass(frozen=True)
class Document:
    """A parsed document. `value` is plain JSON (dict, list, str, int, float, bool, None), `text` the bytes it
    was read from, `digest` their SHA-256 in hexadecimal, `path` the file (None for bytes), `findings` what
    parsing tolerated."""

    name: str
    value: Any
    text: bytes = field(repr=False)
    digest: str
    path: Path | None = None
    findings: tuple[Finding, ...] = ()
    _decoded: str = field(default="", repr=False, compare=False)
    _eager: Tree | None = field(default=None, repr=False, compare=False)

    def line(self, pointer: str) -> int | None:
        """The line (from 1) where the node at `pointer` starts; see `position`."""
        place = self.position(pointer)
        return place[0] if place else None

    def position(self, pointer: str) -> tuple[int, int] | None:
        """Line and column (from 1) where the node at `pointer` starts: for a member of a mapping its key, for
        an item of a list the item. A pointer that leads nowhere gives the last node on its way that exists;
        None only for a pointer that is malformed."""
        if pointer and not pointer.startswith("/"):
            return None
        offset, children = self._tree
        for token in pointer.split("/")[1:]:
            token = token.replace("~1", "/").replace("~0", "~")
            if isinstance(children, dict) and token in children:
                offset, children = children[token]
            elif isinstance(children, list) and token.isdecimal() and int(token) < len(children):
                offset, children = children[int(token)]
            else:
                break
        return _place(self._line_starts, offset)

    @cached_property
    def _tree(self) -> Tree:
        return self._eager if self._eager is not None else _json_tree(self._decoded, [])

    @cached_property
    def _line_starts(self) -> list[int]:
        return _line_starts(self._decoded)


def parse(source: Path | bytes, name: str | None = None) -> Document:
    """Read one JSON or YAML document.

    `source` is a file or its bytes; `name` is how findings call it (default: the path as given, or
    "<bytes>").

    Raises SpecError (rule `unreadable`) when the file cannot be opened, is empty, larger than 64 MiB, not
    UTF-8 (or UTF-16 with a byte order mark), not JSON or YAML, nested deeper than 512, or holds, as YAML,
    more than a million values or aliases that stand for as many. Duplicate keys, trailing commas in JSON,
    custom tags and the like are tolerated and told in `findings`.
    """
    path = source if isinstance(source, Path) else None
    name = name or (str(path) if path else "<bytes>")
    text = source if isinstance(source, bytes) else _load(source, name)
    if len(text) > MAX_BYTES:
        raise _refusal(name, f"the document has more than {MAX_BYTES // 2**20} MiB", hint="split it by $ref")
    reading = _Reading(name, _decode(text, name))
    if not reading.text.strip():
        raise _refusal(name, "the document is empty", line=1, hint="a spec starts with openapi:, swagger:, …")
    value, tree = reading.read(prefer_json=name.lower().endswith(".json"))
    return Document(
        name=name,
        value=value,
        text=text,
        digest=hashlib.sha256(text).hexdigest(),
        path=path,
        findings=tuple(sorted(reading.findings, key=lambda finding: finding.order)),
        _decoded=reading.text,
        _eager=tree,
    )


def _load(path: Path, name: str) -> bytes:
    try:
        if path.is_dir():
            raise _refusal(name, "is a folder", hint="name the document inside it")
        with path.open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise _refusal(name, f"cannot be read: {reason}", hint="check the path and its permissions") from None


def _decode(text: bytes, name: str) -> str:
    codec = "utf-8-sig"
    if text.startswith((b"\xff\xfe", b"\xfe\xff")):
        codec = "utf-16"
    try:
        return text.decode(codec)
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        column = error.start - (text.rfind(b"\n", 0, error.start) + 1) + 1
        hint = "save the file as UTF-8"
        try:
            text.decode("gb18030")
        except UnicodeDecodeError:
            pass
        else:
            hint += " (if it is GB18030: iconv -f GB18030 -t UTF-8)"
        problem = f"byte 0x{text[error.start]:02x} is not {codec.removesuffix('-sig').upper()}"
        raise _refusal(name, problem, line=line, column=column, hint=hint) from None


def _refusal(
    name: str, message: str, *, line: int | None = None, column: int | None = None, hint: str = ""
) -> SpecError:
    return SpecError([Finding("unreadable", Severity.ERROR, message, name, "", line, column, hint)])


def _line_starts(text: str) -> list[int]:
    return [0, *(match.end() for match in re.finditer(r"\r\n|\n|\r", text))]


def _place(starts: list[int], offset: int) -> tuple[int, int]:
    row = bisect.bisect_right(starts, offset) - 1
    return row + 1, offset - starts[row] + 1


class _Reading:
    """One attempt to make sense of a text; collects findings on the way."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        self.findings: list[Finding] = []
        self._starts: list[int] | None = None

    def read(self, *, prefer_json: bool) -> tuple[Any, Tree | None]:
        if not prefer_json and not self.text.lstrip().startswith(("{", "[")):
            return self._yaml()
        try:
            return self._json(), None
        except json.JSONDecodeError as broken:
            # What looks like JSON but is not may still be YAML (comments, trailing commas): real files are.
            refused = self._refused(f"is not JSON: {broken.msg}", broken.pos, "check commas, quotes, brackets")
        try:
            value, tree = self._yaml()
        except SpecError as error:
            looks_like_yaml = not self.text.lstrip().startswith(("{", "["))
            raise (error if looks_like_yaml else refused) from None
        at = refused.findings[0]
        self.findings.append(
            Finding("not-strict-json", Severity.WARNING, at.message, self.name, "", at.line, at.column, at.hint)
        )
        return value, tree

    # --- JSON

    def _json(self) -> Any:
        doubtful = False

        def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
            nonlocal doubtful
            made = dict(items)
            doubtful = doubtful or len(made) != len(items)
            return made

        def number(literal: str) -> Any:
            value = float(literal)
            return value if math.isfinite(value) else math.copysign(1.7976931348623157e308, value)

        def constant(literal: str) -> Any:
            raise json.JSONDecodeError(f"{literal} is no JSON value", self.text, self.text.find(literal))

        try:
            value = json.loads(
                self.text,
                strict=False,  # raw line breaks in strings are common and harmless
                object_pairs_hook=pairs,
                parse_float=number,
                parse_constant=constant,
            )
        except RecursionError:
            raise self._too_deep(_deep_spot(self.text)) from None
        except json.JSONDecodeError:
            raise
        except ValueError:  # an integer of thousands of digits
            long = re.search(r"\d{4300,}", self.text)
            raise self._refused(
                "a number is too long", long.start() if long else 0, "quote it if it is a string"
            ) from None
        if _depth(value) > MAX_DEPTH:
            raise self._too_deep(_deep_spot(self.text))
        if doubtful:
            twice: list[tuple[str, int]] = []
            _json_tree(self.text, twice)
            for pointer, offset in twice:
                self._twice(pointer, offset)
        return _without_surrogates(value) if re.search(r"\\u[dD][89a-fA-F]", self.text) else value

    # --- YAML

    def _yaml(self) -> tuple[Any, Tree]:
        from specs.yaml_events import YamlTrouble, build  # PyYAML is not needed for JSON

        try:
            built = build(self.text, max_depth=MAX_DEPTH, max_aliased=MAX_ALIASED, max_nodes=MAX_YAML_NODES)
        except YamlTrouble as trouble:
            raise self._refused(trouble.message, trouble.offset, trouble.hint) from None
        for pointer, offset in built.twice:
            self._twice(pointer, offset)
        for rule, message, pointer, offset, hint in built.oddities:
            line, column = self._at(offset)
            self.findings.append(Finding(rule, Severity.WARNING, message, self.name, pointer, line, column, hint))
        return built.value, built.tree

    # --- findings

    def _at(self, offset: int) -> tuple[int, int]:
        if self._starts is None:
            self._starts = _line_starts(self.text)
        return _place(self._starts, offset)

    def _refused(self, message: str, offset: int, hint: str = "") -> SpecError:
        line, column = self._at(offset)
        return _refusal(self.name, message, line=line, column=column, hint=hint)

    def _too_deep(self, offset: int) -> SpecError:
        return self._refused(
            f"is nested deeper than {MAX_DEPTH} levels",
            offset,
            "move inner parts to components and $ref them",
        )

    def _twice(self, pointer: str, offset: int) -> None:
        key = pointer.rsplit("/", 1)[-1].replace("~1", "/").replace("~0", "~")
        line, column = self._at(offset)
        message, hint = f"the key {key!r} occurs twice; the last one counts", "rename or remove one"
        self.findings.append(Finding("duplicate-key", Severity.ERROR, message, self.name, pointer, line, column, hint))


def _depth(value: Any) -> int:
    level, deepest = [value], 0
    while level := [
        inner
        for node in level
        if isinstance(node, dict | list)
        for inner in (node.values() if isinstance(node, dict) else node)
    ]:
        deepest += 1
        if deepest > MAX_DEPTH:
            break
    return deepest


def _deep_spot(text: str) -> int:
    depth = 0
    for match in re.finditer(r'"(?:[^"\\]|\\.)*"|[{}\[\]]', text, re.DOTALL):
        mark = match[0]
        depth += (mark in "{[") - (mark in "}]")
        if depth > MAX_DEPTH:
            return match.start()
    return 0


_LONE = re.compile("[\ud800-\udfff]")


def _without_surrogates(value: Any) -> Any:
    """Half surrogate pairs (`\\ud800`) cannot be written as UTF-8 again: replaced by U+FFFD."""
    if isinstance(value, str):
        return _LONE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {_LONE.sub("\ufffd", key): _without_surrogates(item) for key, item in value.items()}
    return value


_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],]|[^\s{}\[\],:"]+', re.DOTALL)


def _json_tree(text: str, twice: list[tuple[str, int]]) -> Tree:
    """Positions of a text known to be valid JSON, in one pass; pointers of repeated keys go to `twice`."""
    root: list[Tree] = []
    stack: list[dict[str, Tree] | list[Tree]] = [root]
    path: list[str] = []
    key: str | None = None
    key_at = 0
    for match in _TOKEN.finditer(text):
        token, at = match[0], match.start()
        mark = token[0]
        top = stack[-1]
        if mark in "}]":
            stack.pop()
            if path:
                path.pop()
            continue
        if mark == ",":
            continue
        if key is None and mark == '"' and isinstance(top, dict):
            key, key_at = (json.loads(token, strict=False) if "\\" in token else token[1:-1]), at
            continue
        children: dict[str, Tree] | list[Tree] | None = {} if mark == "{" else [] if mark == "[" else None
        if isinstance(top, dict):
            assert key is not None
            if key in top:
                twice.append(("".join(f"/{t}" for t in [*path[1:], _escaped(key)]), key_at))
            top[key] = (key_at, children)
            step = _escaped(key)
            key = None
        else:
            step = str(len(top))
            top.append((at, children))
        if children is not None:
            stack.append(children)
            path.append(step)
    return root[0]


def _escaped(token: str) -> str:
    return token.replace("~", "~0").replace("/", "~1")


def pointers(value: Any, at: str = "") -> Iterator[tuple[str, Any]]:
    """Every node of a JSON value with its pointer, parents first."""
    waiting = [(at, value)]
    while waiting:
        at, node = waiting.pop()
        yield at, node
        if isinstance(node, dict):
            waiting += [(f"{at}/{_escaped(key)}", inner) for key, inner in reversed(node.items())]
        elif isinstance(node, list):
            waiting += [(f"{at}/{i}", inner) for i, inner in reversed(list(enumerate(node)))]
