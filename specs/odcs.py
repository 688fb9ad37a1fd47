"""Open Data Contract Standard 3.0, 3.1 and 3.2 to datasets; 2.2 through `specs.odcs2`.

Follows: ODCS 3.1.0 and 3.2.0 (Bitol). What the standard leaves to its custom properties is read as

* contract: `department`, `register`, and in English `title_en`; `id` is the interface id;
* table: `register`, `title_en`, `description_en`;
* field: `element`, `sensitivity`, `title_en`, `description_en`; better, the element stands in
`authoritativeDefinitions` with the
  type `dataElement` (or `element`), its identifier last in the URL, as in `urn:tongban:element:GMSFHM`;
* relationship: `interface`, the interface id of a table of another contract.

A field that is not `required` may be null; its schema describes the values it has otherwise.
"""

from __future__ import annotations

import re
from typing import Any

from specs import odcs2
from specs.keywords import CLEANERS, DROP, number
from specs.model import Field, ForeignKey, Interface, Kind, Table
from specs.naming import interface_id
from specs.schema import Schema
from specs.sources import Node, Sources
from specs.words import Text, words

LEVELS = ("core", "important", "general-4", "general-3", "general-2", "general-1")
_TYPES: dict[str, Schema] = {
    "string": {"type": "string"}, "date": {"type": "string", "format": "date"},
    "timestamp": {"type": "string", "format": "date-time"}, "time": {"type": "string", "format": "time"},
    "number": {"type": "number"}, "integer": {"type": "integer"}, "boolean": {"type": "boolean"},
    "object": {"type": "object"}, "array": {"type": "array"}, "map": {"type": "object"},
    "vector": {"type": "array", "items": {"type": "number"}},
}  # fmt: skip
_PLAIN = ("minLength", "maxLength", "pattern", "multipleOf", "minItems", "maxItems", "uniqueItems",
          "minProperties", "maxProperties")  # fmt: skip
_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_ISO = {"yyyy-mm-dd", "iso8601", "iso-8601", "date", "date-time", "rfc3339", "hh:mm:ss", "time"}
_SQL = (
    (r"(var)?char|text|string|clob|nvarchar|uuid", "string"),
    (r"(big|small|tiny)?int(eger|\d+)?|long|serial", "integer"),
    (r"decimal|numeric|double|float|real|number", "number"), (r"bool(ean)?|bit", "boolean"),
    (r"timestamp|datetime", "timestamp"), (r"date", "date"), (r"time", "time"),
    (r"array|list", "array"), (r"struct|json|record|row|object|map", "object"),
)  # fmt: skip


def read(sources: Sources) -> Interface:
    """The dataset interface a data contract describes. Never raises for what the document holds."""
    written = sources.root
    root = odcs2.contract(written) if odcs2.is_old(written) else written
    custom = custom_properties(root)
    named = root.text("id")
    if not named:
        root.report("missing-field", "the contract has no id", "add id: <department>.<name>")
    version = root.text("version")
    if version is None:
        root.report("missing-field", "the contract has no version", "add version: 1.0.0")
    if "schema" not in root:
        root.report("missing-field", "the contract has no schema", "describe at least one table under schema:")
    id = interface_id(sources, root, named)
    department = _word(custom.get("department")) or (id.split(".")[0] if "." in id else None)
    tables = tuple(_tables(written, custom, department))
    return Interface(
        kind=Kind.DATASET,
        id=id,
        version=version or "0",
        title=words(root.text("name") or named, _english(custom, "title")),
        description=_description(root, custom),
        department=department,
        document=sources.main,
        tables=tables,
        extensions=custom,
        findings=sources.findings,
        format=f"ODCS {str(root.value.get('apiVersion')).removeprefix('v')}",
        documents=sources.documents,
    )


def custom_properties(node: Node) -> dict[str, Any]:
    """The custom properties by name."""
    found: dict[str, Any] = {}
    for entry in node.items("customProperties"):
        if isinstance(entry.value, dict) and (name := entry.text("property")):
            found[name] = entry.value.get("value")
        else:
            entry.wrong("a custom property ({property, value})")
    return found


def _tables(root: Node, custom: dict[str, Any], department: str | None) -> list[Table]:
    made: list[Table] = []
    seen: set[str] = set()
    entries = odcs2.tables(root) if odcs2.is_old(root) else [(e, e.items("properties")) for e in root.items("schema")]
    for entry, columns in entries:
        name = entry.text("name") if isinstance(entry.value, dict) else None
        if not name:
            entry.report("missing-field", "a table without a name; left out", "add name:")
            continue
        if name in seen:
            entry.report("duplicate-name", f"the table {name!r} is described twice; the first counts", "rename one")
            continue
        seen.add(name)
        made.append(_table(entry, columns, name, custom, department))
    _check_targets(root, made)
    return made


def _table(node: Node, columns: list[Node], name: str, contract: dict[str, Any], department: str | None) -> Table:
    own = custom_properties(node)
    fields: dict[str, Field] = {}
    keys: list[tuple[int, str]] = []
    foreign: list[ForeignKey] = []
    for entry in columns:
        column = entry.text("name") if isinstance(entry.value, dict) else None
        if not column:
            entry.report("missing-field", "a field without a name; left out", "add name:")
            continue
        if column in fields:
            entry.report("duplicate-name", f"the field {column!r} is described twice; the first counts", "rename one")
            continue
        fields[column] = _field(entry, column)
        if fields[column].key:
            position = entry.value.get("primaryKeyPosition")
            keys.append((position if isinstance(position, int) and position > 0 else len(fields), column))
        for relation in entry.items("relationships"):
            foreign += _foreign_key(relation, [f"{name}.{column}"], department)
    for relation in node.items("relationships"):
        foreign += _foreign_key(relation, None, department)
    return Table(
        name=name,
        title=words(node.text("businessName"), _english(own, "title")),
        fields=tuple(fields.values()),
        primary_key=tuple(column for _, column in sorted(keys, key=lambda pair: pair[0])),
        foreign_keys=tuple(foreign),
        register=_word(own.get("register")) or _word(contract.get("register")),
        extensions=own,
        pointer=node.where,
        description=words(node.text("description"), _english(own, "description")),
        quality=tuple(rule.value for rule in node.items("quality") if isinstance(rule.value, dict)),
    )


def _field(node: Node, name: str) -> Field:
    custom = custom_properties(node)
    schema = _schema(node, 0)
    sensitivity = _word(custom.get("sensitivity"))
    if sensitivity is None and node.value.get("classification") in LEVELS:
        sensitivity = node.text("classification")
    element = _element(node) or _word(custom.get("element"))
    title = words(node.text("businessName"), _english(custom, "title"))
    description = words(node.text("description"), _english(custom, "description"))
    lent = {"x-element": element, "x-sensitivity": sensitivity}
    return Field(
        name=name,
        schema={**schema, **{word: value for word, value in lent.items() if value}},
        title=title,
        description=description,
        element=element,
        sensitivity=sensitivity,
        required=node.flag("required") or node.flag("primaryKey"),
        key=node.flag("primaryKey"),
        pointer=node.where,
    )


def _element(node: Node) -> str | None:
    for entry in node.items("authoritativeDefinitions"):
        if isinstance(entry.value, dict):
            kind, url = str(entry.value.get("type", "")).lower(), str(entry.value.get("url", ""))
            if kind in {"dataelement", "data-element", "element"} or url.startswith("urn:tongban:element:"):
                return re.split(r"[/#:]", url.rstrip("/#:"))[-1] or None
    return None


def _schema(node: Node, depth: int) -> Schema:
    """The values of a field: logicalType and its options, enum, quality rules that restrict single values."""
    logical = (node.text("logicalType") or _logical(node.text("physicalType"))).strip().lower()
    if logical and logical not in _TYPES:
        problem = f"logicalType {logical!r} is not one of the standard; any value is allowed"
        node.get("logicalType").report("invalid-schema", problem, f"one of {', '.join(_TYPES)}")
    made: Schema = dict(_TYPES.get(logical, {}))
    if title := node.text("businessName"):
        made["title"] = title
    if description := node.text("description"):
        made["description"] = description
    _options(node.mapping("logicalTypeOptions"), logical, made)
    _values(node, made)
    if node.flag("unique"):
        made["x-unique"] = True
    if physical := node.text("physicalType"):
        made["x-physical-type"] = physical
    if isinstance(node.value.get("examples"), list):
        made["examples"] = node.value["examples"]
    if depth < 60:
        _inside(node, logical, made, depth)
    return made


def _inside(node: Node, logical: str, made: Schema, depth: int) -> None:
    if logical == "object" and "properties" in node:
        parts = [part for part in node.items("properties") if isinstance(part.value, dict) and part.text("name")]
        made["properties"] = {str(part.value["name"]): _schema(part, depth + 1) for part in parts}
        if required := [str(part.value["name"]) for part in parts if part.flag("required")]:
            made["required"] = list(dict.fromkeys(required))
    if logical == "array" and isinstance(node.value.get("items"), dict):
        made["items"] = _schema(node.mapping("items"), depth + 1)


def _options(options: Node, logical: str, made: Schema) -> None:
    for word in _PLAIN:
        if word in options and (value := CLEANERS[word](options.get(word))) is not DROP:
            made[word] = value
    for word in _BOUNDS:
        if word not in options:
            continue
        if logical in {"date", "timestamp", "time"}:  # strings there; JSON Schema has no keyword for them
            made[f"x-{word}"] = options.value[word]
        elif (value := number(options.get(word))) is not DROP:
            made[word] = value
    form = options.text("format")
    if not form:
        return
    if logical in {"date", "timestamp", "time"}:
        if form.strip().lower() not in _ISO and not form.startswith("yyyy-MM-dd'T'"):
            made.pop("format", None)
            made["x-date-format"] = form
            if re.fullmatch(r"[yMdHms]+", form):
                made["pattern"] = f"^[0-9]{{{len(form)}}}$"
    else:
        made["format"] = form


def _values(node: Node, made: Schema) -> None:
    """`enum` of ODCS 3.2, and `invalidValues` rules that allow none."""
    listed = [part.value.get("value") if isinstance(part.value, dict) else part.value for part in node.items("enum")]
    rules = [rule for rule in node.items("quality") if isinstance(rule.value, dict)]
    for rule in rules:
        arguments = rule.mapping("arguments")
        if rule.value.get("metric", rule.value.get("rule")) == "invalidValues" and rule.value.get("mustBe") == 0:
            if isinstance(values := arguments.value.get("validValues"), list) and not listed:
                listed = values
            if "pattern" in arguments and "pattern" not in made:
                pattern = CLEANERS["pattern"](arguments.get("pattern"))
                made |= {} if pattern is DROP else {"pattern": pattern}
    if listed:
        made["enum"] = listed
    if rules:
        made["x-quality"] = [rule.value for rule in rules]


def _foreign_key(node: Node, own: list[str] | None, department: str | None) -> list[ForeignKey]:
    if not isinstance(node.value, dict):
        node.wrong("a relationship ({to: …})")
        return []
    origin = own or _ends(node.get("from"))
    target = _ends(node.get("to"))
    parsed = [_reference(text) for text in target]
    tables = {(file, table) for file, table, _ in parsed}
    if not parsed or len(parsed) != len(origin) or len(tables) != 1:
        problem = "a relationship must lead from fields of this table to as many fields of one other"
        node.report("invalid-relationship", f"{problem}; ignored", "to: table.field")
        return []
    (file, table) = tables.pop()
    interface = _word(custom_properties(node).get("interface")) or _interface(file, department)
    fields = tuple(_reference(text)[2] for text in origin)
    return [ForeignKey(fields, interface, table, tuple(column for _, _, column in parsed), node.where)]


def _ends(node: Node) -> list[str]:
    return [str(part) for part in (node.value if isinstance(node.value, list) else [node.value]) if part]


def _reference(text: str) -> tuple[str, str, str]:
    """File, table and field of `table.field`, `schema/table/properties/field` or `file.yaml#/schema/…`."""
    file, _, inner = text.rpartition("#")
    inner = inner.strip("/")
    if "/" in inner:
        tokens = inner.split("/")
        named = dict(zip(tokens[::2], tokens[1::2], strict=False))
        return file, named.get("schema", ""), named.get("properties", "")
    table, _, column = inner.rpartition(".")
    return file, table, column


def _interface(file: str, department: str | None) -> str | None:
    """Interface id of a contract named by its path: …/<department>/<name>/odcs.yaml."""
    folders = [part for part in file.split("/")[:-1] if part not in {"", ".", ".."}]
    if not file:
        return None
    if len(folders) >= 2:
        return f"{folders[-2]}.{folders[-1]}"
    return f"{department}.{folders[-1]}" if folders and department else file


def _check_targets(root: Node, tables: list[Table]) -> None:
    known = {table.name: {field.name for field in table.fields} for table in tables}
    for table in tables:
        for key in table.foreign_keys:
            missing = [name for name in key.fields if name not in known[table.name]]
            if key.interface is None and not missing:
                there = known.get(key.table, set())
                missing = [f"{key.table}.{name}" for name in key.target_fields if name not in there]
            if missing:
                problem = f"the relationship names {missing[0]!r}, which is not described"
                place = Node(root.sources, root.document, key.pointer, None)
                place.report("invalid-relationship", problem, "correct the name or describe the field")


def _logical(physical: str | None) -> str:
    word = re.match(r"[A-Za-z]+[0-9]*", physical.strip()) if physical else None
    if word is None:
        return ""
    return next((kind for shape, kind in _SQL if re.fullmatch(shape, word[0], re.IGNORECASE)), "")


def _description(root: Node, custom: dict[str, Any]) -> Text:
    english = _english(custom, "description")
    if isinstance(root.value.get("description"), str):  # ODCS 2 wrote a string
        return words(root.text("description"), english)
    told = root.mapping("description")
    parts = ("purpose", "usage", "limitations")
    translated = custom_properties(told)
    spoken = [str(translated[f"{part}_en"]) for part in parts if f"{part}_en" in translated]
    said = [text for part in parts if (text := told.text(part))]
    return words("\n".join(said), english or "\n".join(spoken))


def _english(custom: dict[str, Any], word: str) -> Any:
    english = custom.get("en")
    return english.get(word) if isinstance(english, dict) else custom.get(f"{word}_en")


def _word(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
