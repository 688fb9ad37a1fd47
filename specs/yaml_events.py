"""YAML events to plain JSON values with positions: iterative, so no input can exhaust the stack."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml
from yaml.events import AliasEvent, DocumentStartEvent, MappingStartEvent, ScalarEvent, SequenceStartEvent

if TYPE_CHECKING:
    from specs.json_positions import Tree

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?\Z")
_WORDS: dict[str, Any] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MERGE = "<<"
_TAGS = "tag:yaml.org,2002:"


class YamlTrouble(Exception):
    """The text is not a YAML document this reader accepts; `offset` in characters."""

    def __init__(self, message: str, offset: int, hint: str = "") -> None:
        super().__init__(message)
        self.message, self.offset, self.hint = message, offset, hint


@dataclass
class Built:
    """`twice`: offsets of repeated keys by pointer; `oddities`: (rule, message, pointer) → (offset, hint)."""

    value: Any = None
    tree: Tree = 0
    twice: dict[str, int] = field(default_factory=dict)
    oddities: dict[tuple[str, str, str], tuple[int, str]] = field(default_factory=dict)


@dataclass(slots=True)
class _Open:
    """A mapping or sequence whose end has not been seen."""

    value: Any
    children: Any
    step: str  # this node's own pointer token
    anchor: str | None
    at: int
    is_map: bool
    key: str | None = None
    key_at: int = 0
    nodes: int = 1
    height: int = 1
    merges: list[tuple[Any, Any]] = field(default_factory=list)


def build(text: str, *, max_depth: int, max_aliased: int, max_nodes: int) -> Built:
    """The first document of `text`. Raises YamlTrouble."""
    builder = _Builder(text, max_depth, max_aliased, max_nodes)
    try:
        builder.run()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        offset = int(mark.index) if mark is not None else 0
        said = " ".join(part for part in (error.context, error.problem) if part)
        tab = text[offset : offset + 1] == "\t"
        hint = "indent with spaces, not tabs" if tab else "check indentation, colons, quotes"
        raise YamlTrouble(f"is not YAML: {said}", offset, hint) from None
    except yaml.reader.ReaderError as error:
        bad = _UNPRINTABLE.search(text)
        offset = bad.start() if bad else 0
        raise YamlTrouble(f"is not YAML: {error.reason}", offset, "remove the control character") from None
    return builder.built


def _events(text: str) -> Any:
    try:
        from yaml.cyaml import CParser  # type: ignore[attr-defined]  # the stubs do not re-export it
    except ImportError:  # PyYAML without libyaml: slower, same events

        class Parser(yaml.reader.Reader, yaml.scanner.Scanner, yaml.parser.Parser):
            def __init__(self, stream: str) -> None:
                yaml.reader.Reader.__init__(self, stream)
                yaml.scanner.Scanner.__init__(self)
                yaml.parser.Parser.__init__(self)

        return Parser(text)
    return CParser(text)


class _Builder:
    def __init__(self, text: str, max_depth: int, max_aliased: int, max_nodes: int) -> None:
        self.events = _events(text)
        self.max_depth, self.max_aliased, self.max_nodes = max_depth, max_aliased, max_nodes
        self.aliased = self.nodes = 0
        self.stack: list[_Open] = []
        self.anchors: dict[str, tuple[Any, Any, int, int] | None] = {}  # value, children, nodes, height
        self.built = Built()

    def run(self) -> None:
        documents = 0
        get_event = self.events.get_event
        while (event := get_event()) is not None:
            kind = type(event)
            if kind is ScalarEvent:
                self.scalar(event)
            elif kind is MappingStartEvent:
                self.open(event, {}, {})
            elif kind is SequenceStartEvent:
                self.open(event, [], [])
            elif kind is AliasEvent:
                self.alias(event)
            elif kind is DocumentStartEvent:
                documents += 1
                if documents > 1:
                    self.odd("many-documents", "a second YAML document follows; it is not read",
                             int(event.start_mark.index), "one document per file")  # fmt: skip
                    return
            elif self.stack:
                self.close()

    def scalar(self, event: Any) -> None:
        at = event.start_mark.index
        top = self.stack[-1] if self.stack else None
        if top is not None and top.is_map and top.key is None:
            top.key, top.key_at = event.value, at
            if event.anchor:
                self.anchors[event.anchor] = (event.value, None, 1, 0)
            return
        value: Any = event.value
        tag = event.tag
        if tag is None or tag == "!":
            if event.implicit[0] and tag is None:
                value = self.plain(value, at)
        elif tag.startswith(_TAGS) and tag.removeprefix(_TAGS) in {"int", "float", "bool", "null"}:
            value = self.plain(value, at)
        elif tag != _TAGS + "str":
            self.custom(tag, at)
        if event.anchor:
            self.anchors[event.anchor] = (value, None, 1, 0)
        self.put(value, None, at, 1, 0)

    def plain(self, word: str, at: int) -> Any:
        if word in _WORDS:
            return _WORDS[word]
        if word[0] not in "-0123456789" or not _NUMBER.match(word):
            return word
        if not any(letter in word for letter in ".eE"):
            if len(word) > 4300:
                raise YamlTrouble("a number is too long", at, "quote it if it is a string")
            return int(word)
        number = float(word)
        return number if math.isfinite(number) else math.copysign(1.7976931348623157e308, number)

    def open(self, event: Any, value: Any, children: Any) -> None:
        at = event.start_mark.index
        if self.expects_key():
            raise YamlTrouble("a mapping key is not a plain word", at, "keys must be strings")
        if len(self.stack) >= self.max_depth:
            raise YamlTrouble(
                f"is nested deeper than {self.max_depth} levels",
                at,
                "move inner parts to components and $ref them",
            )
        if event.tag is not None and not event.tag.startswith(_TAGS):
            self.custom(event.tag, at)
        if event.anchor:
            self.anchors[event.anchor] = None  # known but not finished: an alias to it now would be a loop
        step = ""
        if self.stack:
            parent = self.stack[-1]
            step = str(parent.key) if parent.is_map else str(len(parent.value))
            at = parent.key_at if parent.is_map else at
        self.stack.append(_Open(value, children, step, event.anchor, at, isinstance(value, dict)))

    def close(self) -> None:
        done = self.stack.pop()
        for members, places in done.merges:  # own keys win over merged ones
            for key, member in members.items():
                if key not in done.value:
                    done.value[key] = member
                    done.children[key] = places[key]
        if done.anchor:
            self.anchors[done.anchor] = (done.value, done.children, done.nodes, done.height)
        self.put(done.value, done.children, done.at, done.nodes, done.height)

    def alias(self, event: Any) -> None:
        at = event.start_mark.index
        if event.anchor not in self.anchors:
            raise YamlTrouble(f"the alias *{event.anchor} has no anchor", at, "define it before its use with &")
        target = self.anchors[event.anchor]
        if target is None:
            raise YamlTrouble(f"the alias *{event.anchor} contains itself", at, "use $ref for recursion")
        value, children, nodes, height = target
        if self.expects_key():
            if isinstance(value, dict | list):
                raise YamlTrouble("a mapping key is not a plain word", at, "keys must be strings")
            self.stack[-1].key, self.stack[-1].key_at = str(value), at
            return
        self.aliased += nodes
        if self.aliased > self.max_aliased or len(self.stack) + height > self.max_depth:
            raise YamlTrouble("its aliases stand for too much", at, "write the parts out or use $ref")
        self.put(value, children, at, nodes, height)

    def expects_key(self) -> bool:
        return bool(self.stack) and self.stack[-1].is_map and self.stack[-1].key is None

    def put(self, value: Any, children: Any, at: int, nodes: int, height: int) -> None:
        self.nodes += 1
        if self.nodes > self.max_nodes:
            raise YamlTrouble(f"holds more than {self.max_nodes:,} values", at, "split it by $ref")
        if not self.stack:
            self.built.value, self.built.tree = value, at if children is None else (at, children)
            return
        top = self.stack[-1]
        top.nodes += nodes
        if height >= top.height:
            top.height = height + 1
        if not top.is_map:
            top.value.append(value)
            top.children.append(at if children is None else (at, children))
            return
        key = str(top.key)
        top.key = None
        if key == _MERGE and (sources := self.merge_sources(value, children)) is not None:
            top.merges += sources
            return
        if key in top.value:
            self.built.twice[self.pointer(key)] = top.key_at
        top.value[key] = value
        top.children[key] = top.key_at if children is None else (top.key_at, children)

    @staticmethod
    def merge_sources(value: Any, children: Any) -> list[tuple[Any, Any]] | None:
        if isinstance(value, dict):
            return [(value, children)]
        if isinstance(value, list) and value and all(isinstance(part, dict) for part in value):
            return [(part, places[1]) for part, places in zip(value, children, strict=True)]
        return None

    def pointer(self, last: str) -> str:
        steps = [frame.step for frame in self.stack[1:]] + ([last] if last else [])
        return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)

    def custom(self, tag: str, at: int) -> None:
        self.odd("custom-tag", f"the tag {tag} means nothing here; the plain value is taken", at, "remove it")

    def odd(self, rule: str, message: str, at: int, hint: str) -> None:
        self.built.oddities.setdefault((rule, message, self.pointer("")), (at, hint))
