"""Bytes to values with positions: JSON and YAML, bounded, never a traceback.

YAML is read with the JSON-like core schema of YAML 1.2: only `true`, `false`, `null`, `~`, nothing and JSON
numbers are not strings, so `on`, `no`, `2024-01-01`, `12:30` and `007` stay what the author wrote. Mapping
keys are always strings (`200:` is "200"), as in JSON.
"""

from __future__ import annotations

import bisect
import gc
import hashlib
import itertools
import json
import math
import re
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from specs.encodings import decode
from specs.finding import Finding, Severity, SpecError, unreadable
from specs.json_positions import Tree, count_values, deep_spot, is_deeper, json_positions
from specs.schema import escape

MAX_BYTES = 64 * 1024 * 1024
MAX_DEPTH = 512
MAX_VALUES = 2_000_000
"""How many values one document may hold: with their positions some 250 bytes each, and 2 µs of JSON, 5 µs of YAML."""
MAX_ALIASED = 1_000_000
"""How many nodes the aliases of one YAML document may stand for in all (a "billion laughs" file has 10⁹)."""


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
        tree = self._tree
        for token in pointer.split("/")[1:]:
            if isinstance(tree, int):
                break
            children = tree[1]
            if "~" in token:
                token = token.replace("~1", "/").replace("~0", "~")
            if isinstance(children, dict) and token in children:
                tree = children[token]
            elif isinstance(children, list) and token.isdecimal() and int(token) < len(children):
                tree = children[int(token)]
            else:
                break
        return _place(self._line_starts, tree if isinstance(tree, int) else tree[0])

    @cached_property
    def _tree(self) -> Tree:
        if self._eager is not None:
            return self._eager
        with collector_paused():
            return json_positions(self._decoded, {})

    @cached_property
    def _line_starts(self) -> Sequence[int]:
        return _line_starts(self._decoded)


def parse(source: Path | bytes, name: str | None = None) -> Document:
    """Read one JSON or YAML document.

    `source` is a file or its bytes; `name` is how findings call it (default: the path as given, or
    "<bytes>").

    Raises SpecError (rule `unreadable`) when the file cannot be opened, is empty, larger than 64 MiB, not
    UTF-8 (or UTF-16 with a byte order mark), not JSON or YAML, nested deeper than 512, or holds more than two
    million values, or YAML aliases that stand for a million. Duplicate keys, trailing commas in JSON, custom
    tags and the like are tolerated and told in `findings`.
    """
    path = source if isinstance(source, Path) else None
    # A file name need not be UTF-8, but what is told of the file must be.
    name = (name or (str(path) if path else "<bytes>")).encode("utf-8", "replace").decode()
    text = source if isinstance(source, bytes) else _load(source, name)
    if len(text) > MAX_BYTES:
        raise unreadable(name, f"the document has more than {MAX_BYTES // 2**20} MiB", hint="split it by $ref")
    reading = _Reading(name, decode(text, name))
    if not reading.text.strip():
        raise unreadable(name, "the document is empty", line=1, hint="a spec starts with openapi:, swagger:, …")
    with collector_paused():
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
            raise unreadable(name, "is a folder", hint="name the document inside it")
        with path.open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise unreadable(name, f"cannot be read: {reason}", hint="check the path and its permissions") from None


@contextmanager
def collector_paused() -> Iterator[None]:
    """Without the collector of reference cycles: reading makes millions of values and no cycle, and the collector
    would look through all of them again and again (a third of the time of a large document)."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _line_starts(text: str) -> Sequence[int]:
    if "\r" in text:
        return array("Q", [0, *(match.end() for match in re.finditer(r"\r\n|\n|\r", text))])
    return array("Q", itertools.accumulate((len(line) + 1 for line in text.split("\n")), initial=0))


def _place(starts: Sequence[int], offset: int) -> tuple[int, int]:
    row = bisect.bisect_right(starts, offset) - 1
    return row + 1, offset - starts[row] + 1


class _Reading:
    """One attempt to make sense of a text; collects findings on the way."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        self.findings: list[Finding] = []
        self._starts: Sequence[int] | None = None

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
            looks_like_json = self.text.lstrip().startswith(("{", "["))
            by_grammar = error.findings[0].message.startswith("is not YAML")
            raise (refused if looks_like_json and by_grammar else error) from None
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

        if count_values(self.text, MAX_VALUES) > MAX_VALUES:
            raise self._refused(f"holds more than {MAX_VALUES:,} values", 0, "split it by $ref")
        try:
            value = json.loads(
                self.text,
                strict=False,  # raw line breaks in strings are common and harmless
                object_pairs_hook=pairs,
                parse_float=number,
                parse_constant=constant,
            )
        except RecursionError:
            raise self._too_deep(deep_spot(self.text, MAX_DEPTH)) from None
        except json.JSONDecodeError:
            raise
        except ValueError:  # an integer of thousands of digits
            long = re.search(r"\d{4300,}", self.text)
            raise self._refused(
                "a number is too long", long.start() if long else 0, "quote it if it is a string"
            ) from None
        if is_deeper(value, MAX_DEPTH):
            raise self._too_deep(deep_spot(self.text, MAX_DEPTH))
        if doubtful:
            twice: dict[str, int] = {}
            json_positions(self.text, twice)
            for pointer, offset in twice.items():
                self._twice(pointer, offset)
        return _without_surrogates(value) if re.search(r"\\u[dD][89a-fA-F]", self.text) else value

    # --- YAML

    def _yaml(self) -> tuple[Any, Tree]:
        from specs.yaml_events import YamlTrouble, build  # PyYAML is not needed for JSON

        try:
            built = build(self.text, max_depth=MAX_DEPTH, max_aliased=MAX_ALIASED, max_nodes=MAX_VALUES)
        except YamlTrouble as trouble:
            raise self._refused(trouble.message, trouble.offset, trouble.hint) from None
        for pointer, offset in built.twice.items():
            self._twice(pointer, offset)
        for (rule, message, pointer), (offset, hint) in built.oddities.items():
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
        return unreadable(self.name, message, line=line, column=column, hint=hint)

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


def pointers(value: Any, at: str = "") -> Iterator[tuple[str, Any]]:
    """Every node of a JSON value with its pointer, parents first."""
    waiting = [(at, value)]
    while waiting:
        at, node = waiting.pop()
        yield at, node
        if isinstance(node, dict):
            waiting += [(f"{at}/{escape(key)}", inner) for key, inner in reversed(node.items())]
        elif isinstance(node, list):
            waiting += [(f"{at}/{i}", inner) for i, inner in reversed(list(enumerate(node)))]
