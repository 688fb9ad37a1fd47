"""What a validator's errors say about a value: whether one keyword at one place is all that is violated.

Errors that only pass another on do not count: the same keyword reached twice through references, and
`unevaluated…`, which takes for unevaluated what a schema that failed has evaluated. Inside `anyOf` and `oneOf`
the branch counts that the value comes nearest to, as long as no other comes as near.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jsonschema_rs

from mockdata.instances.references import escape

_UNEVALUATED = ("unevaluatedProperties", "unevaluatedItems")
_COUNTS = ("contains", "minContains", "maxContains")
_BRANCHING = ("anyOf", "oneOf")
_FAR = {"type": 3, "const": 3, "enum": 3, "falseSchema": 3, "required": 2}
"""How far a branch is that fails by this keyword, the others counting 1: what tells branches apart counts more."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One violated keyword: the way to it through the schema, the pointer to the value it judged, which member
    or case is meant (a missing member, `none` or `several` of `oneOf`). `doubtful`: other errors were taken
    for its consequences."""

    pointer: str
    instance: str
    case: str
    names: tuple[str, ...]
    doubtful: bool = False


def faults(errors: Sequence[jsonschema_rs.ValidationError]) -> list[Fault]:
    """The readings of errors that have one cause, the outermost first; empty when they have none or several."""
    causes = [error for error in errors if error.kind.name not in _UNEVALUATED] or list(errors)
    if len({_identity(error) for error in causes}) != 1:
        return []
    doubtful = len(causes) < len(errors) or causes[0].kind.name in _COUNTS
    found = [_fault(error, doubtful) for error in causes]
    inner = _nearest(causes[0])
    if inner and not any(_chooses(error, causes[0]) for error in inner):
        found += [
            Fault(one.pointer, one.instance, one.case, one.names, doubtful or one.doubtful) for one in faults(inner)
        ]
    return found


def _chooses(error: jsonschema_rs.ValidationError, around: jsonschema_rs.ValidationError) -> bool:
    """Whether an error says no more than that the branch is not meant."""
    return _FAR.get(error.kind.name, 0) == 3 and list(error.instance_path) == list(around.instance_path)


def _identity(error: jsonschema_rs.ValidationError) -> tuple[Any, ...]:
    where = error.absolute_keyword_location or pointer(error.schema_path)
    return where, tuple(error.instance_path), _case(error), error.message if error.kind.name == "propertyNames" else ""


def _fault(error: jsonschema_rs.ValidationError, doubtful: bool) -> Fault:
    kind = error.kind
    if isinstance(kind, jsonschema_rs.ValidationErrorKind.PropertyNames):
        names = (str(kind.error.instance),)
    else:
        names = tuple(getattr(kind, "unexpected", ()))
    return Fault(pointer(error.evaluation_path), pointer(error.instance_path), _case(error), names, doubtful)


def _case(error: jsonschema_rs.ValidationError) -> str:
    match error.kind:
        case jsonschema_rs.ValidationErrorKind.Required():
            return str(error.kind.property)
        case jsonschema_rs.ValidationErrorKind.OneOfNotValid():
            return "none"
        case jsonschema_rs.ValidationErrorKind.OneOfMultipleValid():
            return "several"
    return ""


def _nearest(error: jsonschema_rs.ValidationError) -> list[jsonschema_rs.ValidationError]:
    """The errors of the branch that a value which fits none comes nearest to; empty when two are as near."""
    if error.kind.name not in _BRANCHING or _case(error) == "several":
        return []
    branches = sorted(_branches(error), key=_distance)
    if not branches or (len(branches) > 1 and _distance(branches[0]) == _distance(branches[1])):
        return []
    return list(branches[0])


def _distance(errors: Sequence[jsonschema_rs.ValidationError]) -> int:
    return sum(map(_weight, errors))


def _weight(error: jsonschema_rs.ValidationError) -> int:
    if error.kind.name in _BRANCHING and _case(error) != "several":
        return min(map(_distance, _branches(error)), default=1)
    return _FAR.get(error.kind.name, 1)


def _branches(error: jsonschema_rs.ValidationError) -> list[list[jsonschema_rs.ValidationError]]:
    found: list[list[jsonschema_rs.ValidationError]] = getattr(error.kind, "context", [])
    return found


def summary(errors: Sequence[jsonschema_rs.ValidationError]) -> str:
    """The violated keywords, for a person."""
    told = dict.fromkeys(
        f"{pointer(error.evaluation_path) or '#'} at {pointer(error.instance_path) or 'the root'}" for error in errors
    )
    shown = list(told)[:3]
    return " and ".join(shown) + (f" and {len(told) - 3} more" if len(told) > 3 else "")


def pointer(path: Sequence[str | int]) -> str:
    """A path as JSON pointer."""
    return "".join(f"/{escape(str(token))}" for token in path)
