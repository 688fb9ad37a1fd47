"""Where the values of a JSON text stand, and whether there are too many of them or too deep ones."""

from __future__ import annotations

import json
import re
from typing import Any

from specs.schema import escape

Tree = int | tuple[int, "dict[str, Tree] | list[Tree]"]
"""Where a node starts (offset in the decoded text; a member starts at its key) and where its children do, if any."""

_STRING = r'"(?:[^"\\]++|\\.)*+"'
"""A JSON string, possessive: what the plain form remembers for going back takes 60 bytes a character."""

_PLAIN = r'[^\s{}\[\],:"]++'
_TOKEN = re.compile(rf"({_STRING})\s*+:\s*+(?:([{{\[])|{_STRING}|{_PLAIN})|[{{}}\[\]]|{_STRING}|{_PLAIN}", re.DOTALL)


def count_values(text: str, limit: int) -> int:
    """How many values a JSON text holds at most, 0 when it is quickly seen that they are not more than `limit`."""
    if sum(map(text.count, ",[{")) <= limit:
        return 0
    # What is left of the text without its strings, by whole-text operations: a match for each string takes seconds.
    bare = "".join(text.replace("\\\\", "").replace('\\"', "").split('"')[::2])
    return sum(map(bare.count, ",[{"))


def json_positions(text: str, twice: dict[str, int]) -> Tree:
    """Positions of a text known to be valid JSON, in one pass; pointers of repeated keys go to `twice`."""
    root: list[Tree] = []
    top: Any = root
    stack: list[Any] = []
    path: list[str] = []
    for match in _TOKEN.finditer(text):
        key, at = match[1], match.start()
        if key is not None:  # a member, with its value when that is a scalar
            key = json.loads(key, strict=False) if "\\" in key else key[1:-1]
            if key in top:
                twice["".join(f"/{escape(step)}" for step in [*path[1:], key])] = at
            if (mark := match[2]) is None:
                top[key] = at
                continue
            children: Any = {} if mark == "{" else []
            top[key] = (at, children)
        else:
            mark = text[at]
            if mark in "}]":
                top = stack.pop()
                path.pop()
                continue
            if mark not in "{[":
                top.append(at)
                continue
            key, children = str(len(top)), {} if mark == "{" else []
            top.append((at, children))
        stack.append(top)
        path.append(key)
        top = children
    return root[0]


def is_deeper(value: Any, limit: int) -> bool:
    """Whether lists and mappings are nested deeper than `limit`."""
    level, deepest = [value], 0
    while level := [
        inner
        for node in level
        if isinstance(node, dict | list)
        for inner in (node.values() if isinstance(node, dict) else node)
    ]:
        deepest += 1
        if deepest > limit:
            return True
    return False


def deep_spot(text: str, limit: int) -> int:
    """The offset of the bracket that opens level `limit` + 1 of a JSON text, 0 when none does."""
    depth = 0
    for match in re.finditer(_STRING + r"|[{}\[\]]", text, re.DOTALL):
        mark = match[0]
        depth += (mark in "{[") - (mark in "}]")
        if depth > limit:
            return match.start()
    return 0
