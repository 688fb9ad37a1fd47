"""Every dialect of schema to JSON Schema 2020-12: Swagger 2.0, OpenAPI 3.0, 3.1, 3.2, drafts 4 to 2019-09.

The result is always a valid 2020-12 schema. Each reference becomes `#/$defs/NAME` and its target, wherever it
was written, an entry of `definitions`. What cannot be kept is dropped with a finding; what was meant is kept.

Follows: JSON Schema 2020-12 (core, validation), OpenAPI 3.0.4 §4.7.24 and 3.1.1 §4.8.24, Swagger 2.0.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import Any

from specs.keywords import CLEANERS, DROP, boolean, number, refuse, types
from specs.loops import MAX_APPLIED, MAX_CHAIN, cut_explosions, cut_loops, shorten_chains
from specs.schema import MANY_SCHEMAS, NAMED_SCHEMAS, ONE_SCHEMA, Schema, reference
from specs.sources import Node, kind_of

MAX_NESTING = 120
"""How deep schemas may be written inside each other; deeper ones exhaust the stack of every validator."""


class Dialect(Enum):
    """Which keywords a document's schemas have."""

    SWAGGER_2 = "Swagger 2.0"
    OPENAPI_30 = "OpenAPI 3.0"
    CURRENT = "JSON Schema 2020-12"
    DRAFT = "JSON Schema draft 4 to 2019-09"


# Keywords that only describe: they may stand beside a $ref in every dialect.
_DESCRIBING = {
    "title",
    "description",
    "example",
    "examples",
    "default",
    "readOnly",
    "writeOnly",
    "deprecated",
}
# References are hoisted, so these have no use; other $-words but $comment go for the same reason.
_NAMING = {"$defs", "definitions"}
# Handled together with another keyword.
_PAIRED = {"type", "nullable", "x-nullable", "example", "exclusiveMinimum", "exclusiveMaximum"}


class Normaliser:
    """Turns the schemas of one reading into 2020-12 and collects what they refer to."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.definitions: dict[str, Schema] = {}
        self.origins: dict[str, str] = {}
        self._names: dict[tuple[str, str], str] = {}
        self._taken: set[str] = set()
        self._repeats: dict[str, int] = {}
        self._order: list[str] = []
        self._nodes: dict[str, Node] = {}
        self._made: dict[tuple[str, str], Schema] = {}

    def define(self, name: str, node: Node) -> str:
        """Give the schema at `node` the name `name`, or one near it when that is taken; returns the name."""
        if node.identity not in self._names:
            free = name or "schema"
            while free in self._taken:
                self._repeats[name] = self._repeats.get(name, 1) + 1
                free = f"{name}_{self._repeats[name]}"
            self._taken.add(free)
            self._order.append(free)
            self._names[node.identity] = free
            self._nodes[free] = node
            self.origins[free] = node.where
        return self._names[node.identity]

    def schema(self, node: Node) -> Schema:
        """The schema at `node`; what it refers to is complete after `finish`."""
        if node.identity not in self._made:
            self._made[node.identity] = self._schema(node, 0)
        return self._made[node.identity]

    def finish(self) -> dict[str, Schema]:
        """Normalise all that was named or referred to, cut endless loops, return the definitions by name."""
        for name in self._order:  # grows while it is walked
            self.definitions[name] = self.schema(self._nodes[name])
        for name, target in cut_loops(self.definitions):
            self._nodes[name].report(
                "circular-ref",
                f"the schema {name!r} consists of {target!r}, which again consists of {name!r}",
                "let one refer to the other in a property, not by allOf, anyOf, oneOf or a bare $ref",
            )
        shorten_chains(self.definitions)
        for name, target in cut_explosions(self.definitions):
            self._nodes[name].report(
                "too-deep",
                f"the schema {name!r} applies more than {MAX_APPLIED:,} schemas to one value, or more than "
                f"{MAX_CHAIN} in a row; {target!r} is cut short",
                "say allOf, anyOf, oneOf of each schema once, and of few",
            )
        return self.definitions

    def _schema(self, node: Node, depth: int) -> Schema:
        value = node.value
        if isinstance(value, bool):
            return {} if value else {"not": {}}
        if not isinstance(value, dict):
            if value is not None:
                problem = f"{kind_of(value)} where a schema belongs; anything is allowed here"
                node.report("wrong-type", problem, "write a schema (a mapping)")
            return {}
        if depth > MAX_NESTING:
            problem = f"schemas are nested deeper than {MAX_NESTING} levels; anything is allowed here"
            node.report("too-deep", problem, "name inner schemas and $ref them")
            return {}
        out: Schema = {}
        kept = self._reference(node, out)
        for word in kept:
            self._keyword(word, node, out, depth)
        self._type(node, out, kept)
        for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
            if exclusive in kept:
                self._exclusive(node.get(exclusive), out, bound, exclusive)
        if "example" in kept and node.value["example"] is not None:
            out.setdefault("examples", [node.value["example"]])
        return out

    # --- references

    def _reference(self, node: Node, out: Schema) -> list[str]:
        """Put the `$ref` of `node` into `out`; returns the keywords that count beside it."""
        words = [*node.value]
        spelled = next((word for word in ("$ref", "$dynamicRef", "$recursiveRef") if word in node.value), None)
        if spelled is None:
            return words
        words = [word for word in words if word not in {"$ref", "$dynamicRef", "$recursiveRef"}]
        target = node.value[spelled]
        if not isinstance(target, str):
            node.get(spelled).report("wrong-type", f"{kind_of(target)} where a reference belongs; ignored")
            return words
        found = node.sources.resolve(node, target)
        if found is not None:
            out["$ref"] = reference(self.define(_name(found), found))
        if self.dialect is Dialect.CURRENT:
            return words
        ignored = [word for word in words if word not in _DESCRIBING and not word.startswith("x-")]
        if ignored and found is not None:
            node.get(ignored[0]).report(
                "ref-siblings",
                f"{', '.join(ignored)} beside $ref: {self.dialect.value} ignores everything beside $ref",
                "write allOf: [{$ref: …}] and put the rest beside allOf",
            )
        return [word for word in words if word not in ignored]

    # --- keywords

    def _keyword(self, word: str, parent: Node, out: Schema, depth: int) -> None:
        if word in _PAIRED or word in _NAMING:
            return
        node = parent.get(word)
        made: Any
        if cleaner := CLEANERS.get(word):
            made = cleaner(node)
        elif word == "items":
            made = self._items(node, out, depth)
        elif word == "additionalItems":
            beside = isinstance(parent.value.get("items"), list)
            word, made = "items", self._inner(node, depth) if beside else DROP
        elif word in ONE_SCHEMA:
            made = self._inner(node, depth)
        elif word in MANY_SCHEMAS:
            made = self._list(node, depth)
        elif word in NAMED_SCHEMAS:
            made = self._map(node, depth, patterns=word == "patternProperties")
        elif word == "dependencies":
            self._dependencies(node, out, depth)
            return
        elif word == "discriminator":
            made = self._discriminator(node)
        elif word.startswith("$") or (word == "id" and self.dialect is not Dialect.CURRENT):
            return
        else:  # const, default, xml, externalDocs, x-…, and words nobody knows: data
            made = node.value
        if made is not DROP:
            out[word] = made

    def _inner(self, node: Node, depth: int) -> Any:
        """A schema in a place where `true` and `false` say more than {} and {not: {}}."""
        if isinstance(node.value, str) and node.value.strip().lower() in {"true", "false"}:
            return boolean(node)
        return node.value if isinstance(node.value, bool) else self._schema(node, depth + 1)

    def _items(self, node: Node, out: Schema, depth: int) -> Any:
        if not isinstance(node.value, list):
            return self._inner(node, depth)
        parts = [self._schema(node.at(index), depth + 1) for index in range(len(node.value))]
        if self.dialect in {Dialect.OPENAPI_30, Dialect.SWAGGER_2}:
            node.report("loose-type", "items is a list of schemas; read as a tuple", "write one schema")
        if parts:
            out["prefixItems"] = parts
        return DROP

    def _list(self, node: Node, depth: int) -> Any:
        if isinstance(node.value, dict):
            node.report("loose-type", "one schema where a list of schemas belongs", "make it a list")
            return [self._schema(node, depth + 1)]
        if not isinstance(node.value, list) or not node.value:
            return refuse(node, "not a list of at least one schema")
        return [self._schema(node.at(index), depth + 1) for index in range(len(node.value))]

    def _map(self, node: Node, depth: int, *, patterns: bool) -> Any:
        if not isinstance(node.value, dict):
            return DROP if node.value is None else refuse(node, f"{kind_of(node.value)} where a mapping belongs")
        made: dict[str, Schema] = {}
        for key, part in node.members():
            if patterns:
                key_node = Node(part.sources, part.document, part.pointer, key)
                key = CLEANERS["pattern"](key_node)
                if key is DROP:
                    continue
            made[key] = self._schema(part, depth + 1)
        return made

    def _dependencies(self, node: Node, out: Schema, depth: int) -> None:
        for key, part in node.members():
            if isinstance(part.value, list):
                names = [name for name in part.value if isinstance(name, str)]
                out.setdefault("dependentRequired", {})[key] = names
            else:
                out.setdefault("dependentSchemas", {})[key] = self._schema(part, depth + 1)

    def _discriminator(self, node: Node) -> Any:
        if isinstance(node.value, str):  # Swagger 2.0
            return {"propertyName": node.value}
        if not isinstance(node.value, dict):
            return DROP if node.value is None else refuse(node, f"{kind_of(node.value)} where a mapping belongs")
        made = dict(node.value)
        if isinstance(mapping := made.get("mapping"), dict):
            made["mapping"] = {
                key: self._mapped(node.get("mapping").get(key), target) for key, target in mapping.items()
            }
        if "defaultMapping" in made:  # OpenAPI 3.2
            made["defaultMapping"] = self._mapped(node.get("defaultMapping"), made["defaultMapping"])
        return made

    def _mapped(self, node: Node, target: Any) -> Any:
        """A discriminator's mapping names a schema or refers to it."""
        if not isinstance(target, str):
            return target
        if target in self._taken and "/" not in target:
            return reference(target)
        if not re.search(r"[#/]|\.(json|ya?ml)$", target):
            problem = f"the discriminator maps to the schema {target!r}, which does not exist"
            node.report("unresolved-ref", problem, "name a schema of components, or write #/components/schemas/…")
            return target
        found = node.sources.resolve(node, target)
        return target if found is None else reference(self.define(_name(found), found))

    # --- keywords that only make sense together

    def _type(self, node: Node, out: Schema, kept: list[str]) -> None:
        named: list[str] = []
        if "type" in kept and node.value["type"] is not None:
            named, implied = types(node.get("type"), self.dialect is Dialect.SWAGGER_2)
            if implied:
                out.setdefault("format", implied)
        nullable = self._nullable(node, named, kept)
        if nullable:
            named = [*named, "null"]
        if named and "enum" in out:
            out["enum"] = self._enum(node.get("enum"), out["enum"], named)
            if nullable and None not in out["enum"]:
                out["enum"] = [*out["enum"], None]
        if named:
            out["type"] = named[0] if len(named) == 1 else named

    def _nullable(self, node: Node, named: list[str], kept: list[str]) -> bool:
        """Whether `nullable` (or Swagger's `x-nullable`) adds null to the types."""
        spelled = next((word for word in ("nullable", "x-nullable") if word in kept), None)
        if spelled is None or boolean(node.get(spelled)) is not True or "null" in named:
            return False
        problem = hint = ""
        if spelled == "nullable" and self.dialect in {Dialect.CURRENT, Dialect.DRAFT}:
            problem, hint = f"nullable is no keyword of {self.dialect.value}", "write type: [string, 'null']"
        elif not named:
            problem, hint = "nullable has no effect without type beside it", "write type beside it"
        if problem:
            node.get(spelled).report("nullable-ignored", problem, hint)
        return not problem

    def _enum(self, node: Node, values: list[Any], named: list[str]) -> list[Any]:
        """Values of another type than the schema's (YAML makes numbers of codes): converted if nothing is
        lost."""
        if all(_fits(value, named) for value in values):
            return values
        wrong = next(value for value in values if not _fits(value, named))
        converted = [value if _fits(value, named) else _converted(value, named) for value in values]
        node.report(
            "enum-type-mismatch",
            f"the enum holds {wrong!r}, the type is {' or '.join(named)}",
            "quote codes that are strings; remove the quotes of numbers",
        )
        return list({repr(value): value for value in converted}.values())

    def _exclusive(self, node: Node, out: Schema, bound: str, exclusive: str) -> None:
        value = node.value
        if isinstance(value, bool) or (isinstance(value, str) and value.lower() in {"true", "false"}):
            if boolean(node) is not True:
                return
            if bound in out:
                out[exclusive] = out.pop(bound)
            else:
                refuse(node, f"it needs {bound} beside it")
        elif value is not None and (read := number(node)) is not DROP:
            out[exclusive] = read


def _name(node: Node) -> str:
    """A name for what a reference leads to: X for …/schemas/X and …/definitions/X, else made from the
    path."""
    tokens = [token.replace("~1", "/").replace("~0", "~") for token in node.pointer.split("/")[1:]]
    if len(tokens) >= 2 and tokens[-2] in {"schemas", "definitions", "$defs"}:
        return tokens[-1]
    if not tokens:
        return re.split(r"[\\/]", node.document.name)[-1].split(".")[0] or "root"
    dull = {"components", "schemas", "definitions", "$defs", "properties", "schema", "content", "paths"}
    telling = [re.sub(r"[^\w.-]+", "_", token).strip("_") for token in tokens if token not in dull]
    return ".".join(token for token in telling[-4:] if token) or "schema"


def _fits(value: Any, named: list[str]) -> bool:
    if isinstance(value, bool):
        return "boolean" in named
    if isinstance(value, int | float):
        return "number" in named or ("integer" in named and value == int(value))
    kinds = {str: "string", dict: "object", list: "array", type(None): "null"}
    return kinds[type(value)] in named


def _converted(value: Any, named: list[str]) -> Any:
    if "string" in named and isinstance(value, bool | int | float):
        return str(value).lower() if isinstance(value, bool) else str(value)
    if isinstance(value, str):
        text = value.strip()
        if "boolean" in named and text.lower() in {"true", "false"}:
            return text.lower() == "true"
        if {"integer", "number"} & set(named) and re.fullmatch(r"-?(0|[1-9][0-9]{0,15})", text):
            return int(text)
        if "number" in named and re.fullmatch(r"-?[0-9]{1,15}\.[0-9]{1,15}", text):
            return float(text)
    return value
