"""Discriminators: which member tells the alternatives apart, and what its values mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from specs.diff.change import Side
from specs.diff.report import Node
from specs.diff.shape import Shape, Shapes

if TYPE_CHECKING:
    from specs.diff.schemas import Schemas


def compare(schemas: Schemas, node: Node, old: Shape, new: Shape, side: Side) -> None:
    """Note what changed about the discriminators of two shapes, and compare what each value means."""
    ours, theirs = (one.words.get("discriminator") for one in (old, new))
    if not isinstance(ours, dict) and not isinstance(theirs, dict):
        return
    at = old.place("discriminator"), new.place("discriminator")
    add = schemas.report.add
    if not isinstance(ours, dict) or not isinstance(theirs, dict):
        add(node, "discriminator-added-or-removed", side, "a discriminator came or went", *at)
        return
    if ours.get("propertyName") != theirs.get("propertyName"):
        said = f"{ours.get('propertyName')!r} became {theirs.get('propertyName')!r}"
        add(node, "discriminator-changed", side, said, *at)
    before, after = meanings(schemas.ours, old), meanings(schemas.theirs, new)
    for value in sorted(before.keys() | after.keys()):
        if value in before and value in after:
            _meant(schemas, node, value, before[value], after[value], side, at)
        else:
            way = "added" if value in after else "removed"
            add(node, f"discriminator-mapping-{way}", side, f"mapping of {value!r} was {way}", *at)


def _meant(
    schemas: Schemas, node: Node, value: str, old: str | None, new: str | None, side: Side, at: tuple[str, str]
) -> None:
    if old is not None and new is not None:
        one, other = schemas.ours.interface.definitions[old], schemas.theirs.interface.definitions[new]
        places = schemas.ours.interface.origins.get(old, ""), schemas.theirs.interface.origins.get(new, "")
        schemas.compare(node, one, other, side, places)
    elif old is not new:
        schemas.report.add(node, "discriminator-mapping-changed", side, f"mapping of {value!r} was changed", *at)


def meanings(shapes: Shapes, of: Shape) -> dict[str, str | None]:
    """Value → the definition it means (None: not one of this interface): as mapped, else by the names of the
    alternatives, else by the names of the schemas that are built on this one."""
    mapping = of.words["discriminator"].get("mapping")
    found = {str(value): _definition(shapes, target) for value, target in (mapping or {}).items()}
    listed = [one for word in ("oneOf", "anyOf") for one in of.words.get(word, ())]
    named = [shapes.name(one["$ref"]) for one in listed if isinstance(one, dict) and isinstance(one.get("$ref"), str)]
    if not listed:
        named = shapes.built_on(of.schema)
    mapped = set(found.values())
    return {**{name: name for name in named if name in shapes.interface.definitions and name not in mapped}, **found}


def _definition(shapes: Shapes, target: Any) -> str | None:
    if not isinstance(target, str):
        return None
    name = shapes.name(target) if target.startswith("#/$defs/") else target
    return name if name in shapes.interface.definitions else None
