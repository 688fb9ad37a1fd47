"""Whether two schemas of two interfaces say the same, whatever their parts are called and in which order they stand."""

from __future__ import annotations

from typing import Any

from specs.diff.shape import TEXT, Shapes, canonical
from specs.schema import MANY_SCHEMAS, NAMED_SCHEMAS, ONE_SCHEMA

_SETS = {"enum", "required", "type"}
_NAMES = {"$anchor", "$id", "$schema", "$defs"}


def alike(ours: Shapes, theirs: Shapes, old: Any, new: Any) -> bool:
    """Whether they say the same but for words to people. References are followed; recursive schemas end."""
    waiting, seen = [(old, new)], set[tuple[int, int]]()
    kept = []  # identities are only told apart while their values live
    while waiting:
        one, other = waiting.pop()
        one, other = ours.target(one, "")[0], theirs.target(other, "")[0]
        one, other = ({} if part is True else part for part in (one, other))
        if not isinstance(one, dict) or not isinstance(other, dict):
            if one is not other:
                return False
            continue
        if (id(one), id(other)) in seen:
            continue
        seen.add((id(one), id(other)))
        kept.append((one, other))
        words = one.keys() - TEXT - _NAMES
        if words != other.keys() - TEXT - _NAMES:
            return False
        for word in words:
            inner = _inside(word, one[word], other[word], ours, theirs)
            if inner is None:
                return False
            waiting += inner
    return True


def _inside(word: str, old: Any, new: Any, ours: Shapes, theirs: Shapes) -> list[tuple[Any, Any]] | None:
    """The pairs that must be alike for this keyword to be; None when it is not."""
    if word == "$ref":
        return [({"$ref": old}, {"$ref": new})]
    if word in ONE_SCHEMA:
        return [(old, new)]
    if word in MANY_SCHEMAS:
        if len(old) != len(new):
            return None
        known = {canonical(part) for part in old}
        if word != "prefixItems" and all(canonical(part) in known for part in new):
            old, new = (sorted(parts, key=canonical) for parts in (old, new))
        return list(zip(old, new, strict=True))
    if word in NAMED_SCHEMAS and isinstance(old, dict) and isinstance(new, dict):
        return [(old[name], new[name]) for name in old] if old.keys() == new.keys() else None
    if word in _SETS:
        return [] if old == new or _set(old) == _set(new) else None
    return [] if old == new else None


def _set(value: Any) -> set[str]:
    return {canonical(one) for one in (value if isinstance(value, list) else [value])}
