"""Every place of a schema where something is demanded, with the way there in the schema and in the value.

A place is reached as a validator reaches it: through references, the parts of `allOf`, the branches of `anyOf`
and `oneOf`, `then`, `else` and the schemas of members and items. `not`, `if`, `contains`, `propertyNames` and
`unevaluated…` are judged as a whole and not entered.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

from mockdata.instances import formats, patterns
from mockdata.instances.checks import matches
from mockdata.instances.draws import Draws
from mockdata.instances.negation import prefix_items, rest_items
from mockdata.instances.references import References, Scope, Unresolved, escape
from mockdata.instances.strings import spelled, template
from mockdata.instances.suggestions import Path

MOST = 4_000
"""Places after which a schema that has been seen already is not entered again by another way."""
DEEPEST = 24
_ANNOTATIONS = frozenset(("title", "description", "default", "examples", "example", "$comment", "deprecated"))
REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")


@dataclass(frozen=True, slots=True)
class Fresh:
    """A member name still to be chosen: one that fits `pattern`, or one nobody has named."""

    schema: dict[str, Any]
    pattern: str | None

    def name(self, draws: Draws) -> str:
        """A name for the member."""
        known = self.schema.get("properties", {})
        others = [pattern for pattern in self.schema.get("patternProperties", {}) if pattern != self.pattern]
        name = ""
        for attempt in range(40):
            name = self._drawn(draws.child(attempt), attempt)
            if name not in known and (self.pattern is not None or not any(matches(p, name) for p in others)):
                break
        return name

    def _drawn(self, draws: Draws, attempt: int) -> str:
        wanted = self.pattern
        if wanted is None and isinstance(names := self.schema.get("propertyNames"), dict):
            if attempt < 10 and isinstance(names.get("enum"), list) and names["enum"]:
                return str(draws.pick(names["enum"]))
            wanted = names.get("pattern") if attempt < 20 else None
        if wanted is not None:
            try:
                return spelled(template(wanted, draws), draws)
            except patterns.Unsupported:
                pass
        word = draws.pick(formats.WORDS) + ("" if attempt < 20 else str(draws.below(1000)))
        names = self.schema.get("propertyNames")
        return word if not isinstance(names, dict) or "maxLength" not in names else word[: int(names["maxLength"])]


Token = str | int | Fresh
Tokens = tuple[Token, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """A schema in force at a place of the value.

    `pointer` leads there through the keywords (the keywordLocation of JSON Schema's output formats), `tokens`
    through the value. `route`: the ids of the schemas passed, itself included. `false`: for a schema that is
    `false`, the keyword and the name or position under which `schema` holds it. `moot`: why what is demanded here
    can never be missed.
    """

    schema: Any
    scope: Scope
    pointer: str
    tokens: Tokens
    route: frozenset[int]
    false: tuple[str, str | int | None] | None = None
    moot: str = ""

    def path(self, draws: Draws) -> Path:
        """The way through the value, with names chosen where none is given."""
        return tuple(
            token.name(draws.child(at)) if isinstance(token, Fresh) else token for at, token in enumerate(self.tokens)
        )

    @property
    def written(self) -> str:
        """The pointer into the value; `*` stands for a name still to be chosen."""
        return "".join(f"/{escape('*' if isinstance(t, Fresh) else str(t))}" for t in self.tokens)


def places(references: References) -> Iterator[Place]:
    """All places, from the outside in. A schema is not entered again on its own way down."""
    root = references.document
    if not isinstance(root, dict):
        if root is False:
            yield Place({"not": {}}, references.start, "", (), frozenset(), ("", None))
        return
    waiting = deque([Place(root, references.start, "", (), frozenset([id(root)]))])
    seen: set[int] = set()
    count = 0
    while waiting:
        here = waiting.popleft()
        if here.false is not None or not (references.legacy and "$ref" in here.schema):
            yield here
        count += 1
        if here.false is not None or (count > MOST and id(here.schema) in seen):
            continue
        seen.add(id(here.schema))
        scope = references.step(here.schema, here.scope)
        for step in _steps(here.schema, scope, references):
            there = step.reached(here, scope)
            if there is not None and len(there.tokens) <= DEEPEST:
                waiting.append(there)


@dataclass(frozen=True, slots=True)
class _Step:
    """From a schema to one inside it, or one it refers to."""

    schema: Any
    word: str
    inner: str | int | None = None
    token: Token | None = None
    scope: Scope | None = None
    moot: str = ""

    def reached(self, here: Place, scope: Scope) -> Place | None:
        """The place it leads to; None when that demands nothing, or was passed on the way."""
        tokens = here.tokens if self.token is None else (*here.tokens, self.token)
        pointer = f"{here.pointer}/{self.word}" + ("" if self.inner is None else f"/{escape(str(self.inner))}")
        if self.schema is False:
            return Place(here.schema, here.scope, pointer, here.tokens, here.route, (self.word, self.inner), here.moot)
        if not isinstance(self.schema, dict) or not self.schema or id(self.schema) in here.route:
            return None
        moot = here.moot or (self.moot and f"another branch of {here.pointer}/{self.word} takes every value")
        return Place(self.schema, self.scope or scope, pointer, tokens, here.route | {id(self.schema)}, None, moot)


def _steps(schema: dict[str, Any], scope: Scope, references: References) -> Iterator[_Step]:
    finders = dict(
        zip(REFERENCES, (references.resolve, references.resolve_dynamic, references.resolve_recursive), strict=True)
    )
    for word, find in finders.items():
        if isinstance(schema.get(word), str):
            try:
                target, inner = find(schema[word], scope)
            except Unresolved:
                continue
            yield _Step(target, word, scope=inner)
    if references.legacy and "$ref" in schema:
        return
    yield from (_Step(part, "allOf", at) for at, part in enumerate(schema.get("allOf", ())))
    for word in ("anyOf", "oneOf"):
        parts = schema.get(word, ())
        free = [at for at, part in enumerate(parts) if _free(part, scope, references)]
        for at, part in enumerate(parts):
            if part is not False:
                yield _Step(part, word, at, moot="free" if any(other != at for other in free) else "")
    if "if" in schema:
        yield from (_Step(schema[word], word) for word in ("then", "else") if word in schema)
    for word in ("dependentSchemas", "dependencies"):
        for name, part in schema.get(word, {}).items():
            if not isinstance(part, list):
                yield _Step(part, word, name)
    yield from _members(schema)
    yield from _items(schema)


def _free(schema: Any, scope: Scope, references: References) -> bool:
    """Whether a schema demands nothing, as far as that shows at once."""
    if isinstance(schema, dict) and isinstance(schema.get("$ref"), str) and len(schema) == 1:
        try:
            schema = references.resolve(schema["$ref"], scope)[0]
        except Unresolved:
            return False
    return schema is True or (isinstance(schema, dict) and all(word in _ANNOTATIONS for word in schema))


def _members(schema: dict[str, Any]) -> Iterator[_Step]:
    for name, part in schema.get("properties", {}).items():
        yield _Step(part, "properties", name, name)
    for pattern, part in schema.get("patternProperties", {}).items():
        yield _Step(part, "patternProperties", pattern, Fresh(schema, pattern))
    if isinstance(schema.get("additionalProperties"), dict):
        yield _Step(schema["additionalProperties"], "additionalProperties", None, Fresh(schema, None))


def _items(schema: dict[str, Any]) -> Iterator[_Step]:
    before = prefix_items(schema)
    word = "prefixItems" if "prefixItems" in schema else "items"
    for at, part in enumerate(before):
        yield _Step(part, word, at, at)
    rest = rest_items(schema)
    if isinstance(rest, dict):
        yield _Step(rest, "additionalItems" if isinstance(schema.get("items"), list) else "items", None, len(before))


def presence(path: Path) -> dict[str, Any]:
    """A schema that holds where a value has something at `path`."""
    made: dict[str, Any] = {}
    for token in reversed(path):
        if isinstance(token, int):
            made = {"type": "array", "minItems": token + 1, "prefixItems": [*[True] * token, made]}
        else:
            made = {"type": "object", "required": [token], "properties": {token: made}}
    return made


def changed(place: Place, **keywords: Any) -> dict[str, Any]:
    """The schema of a place with other keywords (None: without them), its references made absolute so that it
    can be read anywhere."""
    made = {word: value for word, value in place.schema.items() if word not in keywords}
    made.update({word: value for word, value in keywords.items() if value is not None})
    for word in REFERENCES:
        if isinstance(made.get(word), str):
            made[word] = urljoin(place.scope.base, made[word])
    return made
