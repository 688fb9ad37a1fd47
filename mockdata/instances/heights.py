"""How many levels the smallest value of a schema needs, so that recursion finds its way out."""

from __future__ import annotations

from typing import Any

from mockdata.instances.negation import prefix_items, rest_items
from mockdata.instances.references import References, Scope, Unresolved

ENDLESS = 1_000


class Heights:
    """Heights of the schemas of one document, counted once each. A scalar has height 0, `{"a": 1}` has 1."""

    def __init__(self, references: References) -> None:
        self.references = references
        self._known: dict[int, int] = {}
        self._kept: list[Any] = []

    def of(self, schema: Any, scope: Scope) -> int:
        """A lower estimate of the height, ENDLESS when every value of the schema would be infinite."""
        return self._of(schema, scope, ())

    def _of(self, schema: Any, scope: Scope, inside: tuple[int, ...]) -> int:
        if not isinstance(schema, dict):
            return 0
        if id(schema) in self._known:
            return self._known[id(schema)]
        if id(schema) in inside or len(inside) > 60:
            return ENDLESS
        scope = self.references.step(schema, scope)
        height = min(ENDLESS, self._measure(schema, scope, (*inside, id(schema))))
        if not inside or height < ENDLESS:
            self._known[id(schema)] = height
            self._kept.append(schema)
        return height

    def _measure(self, schema: dict[str, Any], scope: Scope, inside: tuple[int, ...]) -> int:
        if "const" in schema or "enum" in schema:
            return 0
        height = 0
        for word in ("$ref", "$dynamicRef"):
            if isinstance(schema.get(word), str):
                try:
                    target, inner = self.references.resolve(schema[word], scope)
                except Unresolved:
                    continue
                height = max(height, self._of(target, inner, inside))
        for part in schema.get("allOf", ()):
            height = max(height, self._of(part, scope, inside))
        for word in ("anyOf", "oneOf"):
            if schema.get(word):
                height = max(height, min(self._of(part, scope, inside) for part in schema[word]))
        return max(height, self._members(schema, scope, inside))

    def _members(self, schema: dict[str, Any], scope: Scope, inside: tuple[int, ...]) -> int:
        types = schema.get("type")
        height = 0
        if types in (None, "object"):
            properties = schema.get("properties", {})
            for name in schema.get("required", ()):
                if name in properties:
                    height = max(height, 1 + self._of(properties[name], scope, inside))
        if types in (None, "array") and schema.get("minItems", 0) > 0:
            for part in [*prefix_items(schema)[: int(schema["minItems"])], rest_items(schema)]:
                height = max(height, 1 + self._of(part, scope, inside))
        return height
