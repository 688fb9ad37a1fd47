"""Schemas that consist of themselves, or of far too many: a validator would never come back from them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from specs.schema import Schema, definition_name, reference

MAX_APPLIED = 2_000
"""How many ways may lead from one schema to others that apply to the same value (real documents stay below 50)."""

MAX_CHAIN = 100
"""How many schemas may apply the next one to the same value in a row; validators lose their stack at some hundreds."""

_LISTS = ("allOf", "anyOf", "oneOf")
_UNEVALUATED = {"unevaluatedProperties", "unevaluatedItems"}
_SINGLE = ("not", "if", "then", "else")


def cut_loops(definitions: dict[str, Schema]) -> list[tuple[str, str]]:
    """Cut every loop made only of `$ref`, `allOf`, `anyOf`, `oneOf`, `not`, `if`, `then`, `else`.

    Such a schema applies itself to the same value for ever. (A loop through a property or an item is fine:
    the value ends some time.) The reference that closes a loop is replaced by the target's own keywords
    without its alternatives, so "Cat is allOf Pet, Pet is oneOf Cat, Dog" keeps Cat's inherited properties.
    Changes `definitions`; returns (name, target) of each cut.
    """
    cuts: list[tuple[str, str]] = []
    done: set[str] = set()
    for start in definitions:
        if start in done:
            continue
        # Iterative depth-first search: chains of definitions can be longer than the stack.
        path: dict[str, None] = {start: None}  # ordered, and quick to ask
        walks = [_in_place(definitions[start])]
        while walks:
            for holder, target in walks[-1]:
                if target in path:
                    _cut(holder, definitions[target])
                    cuts.append((next(reversed(path)), target))
                elif target not in done and target in definitions:
                    path[target] = None
                    walks.append(_in_place(definitions[target]))
                    break
            else:
                walks.pop()
                done.add(path.popitem()[0])
    return cuts


def shorten_chains(definitions: dict[str, Schema]) -> None:
    """Let a definition that only refers to another one, which only refers to another one …, refer to the last.

    Up to ten such steps stay as they are written. `definitions` has no loops (see `cut_loops`).
    """
    ends: dict[str, tuple[str, int]] = {}  # the last definition of the chain, and how far away it is
    for start in definitions:
        chain: list[str] = []
        name = start
        while name not in ends and definitions[name].keys() == {"$ref"}:
            chain.append(name)
            following = definition_name(definitions[name]["$ref"])
            if following not in definitions:
                break
            name = following
        last, steps = ends.get(name, (name, 0))
        for link in reversed(chain):
            steps += link != last
            ends[link] = (last, steps)
    for name, (last, steps) in ends.items():
        if steps > 10:
            definitions[name]["$ref"] = reference(last)


def cut_explosions(definitions: dict[str, Schema]) -> list[tuple[str, str]]:
    """Cut references of definitions that would apply too many schemas to one value, or too many in a row.

    `definitions` has no loops (see `cut_loops`). Twenty schemas, each `allOf` the next one twice, are a million:
    the reference that passes a limit is replaced by its target's own keywords. Returns (name, target) of each cut.
    """
    cuts: list[tuple[str, str]] = []
    applied: dict[str, tuple[int, int]] = {}  # how many ways lead on from a definition, how long the longest is
    for start in definitions:
        path = [start] if start not in applied else []
        walks = [_in_place(definitions[start])]
        while path:  # depth first: a definition is counted when all it refers to are
            inner = next((target for _, target in walks[-1] if target in definitions and target not in applied), None)
            if inner is not None:
                path.append(inner)
                walks.append(_in_place(definitions[inner]))
                continue
            walks.pop()
            name, ways, longest = path.pop(), 0, 0
            walked = 2 if _UNEVALUATED & definitions[name].keys() else 1  # what is left over is found by a second walk
            for holder, target in [(holder, t) for holder, t in _in_place(definitions[name]) if t in applied]:
                more, length = applied[target][0] * walked, applied[target][1]
                if ways + more > MAX_APPLIED or length >= MAX_CHAIN:
                    _cut(holder, definitions[target])
                    cuts.append((name, target))
                else:
                    ways, longest = ways + more, max(longest, length)
            applied[name] = (max(ways, 1), longest + 1)
    return cuts


def _in_place(schema: Schema) -> Iterator[tuple[dict[str, Any], str]]:
    """The references applied to the same value as `schema`: (the dict that holds the `$ref`, definition
    name)."""
    waiting: list[Any] = [schema]
    while waiting:
        node = waiting.pop()
        if not isinstance(node, dict):
            continue
        if isinstance(target := node.get("$ref"), str):
            yield node, definition_name(target)
        waiting += [node[word] for word in _SINGLE if word in node]
        waiting += [part for word in _LISTS for part in node.get(word, ())]
        waiting += node.get("dependentSchemas", {}).values()


def _cut(holder: dict[str, Any], target: Schema) -> None:
    del holder["$ref"]
    own = {
        word: value
        for word, value in target.items()
        if word not in {*_LISTS, *_SINGLE, "$ref", "dependentSchemas", "discriminator"}
    }
    for word, value in own.items():
        holder.setdefault(word, value)
