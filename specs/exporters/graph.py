"""Small graphs of linked data: built as JSON-LD with an inline context, written as Turtle.

Follows JSON-LD 1.1 and RDF 1.1 Turtle as far as these graphs go: prefixes, typed and language-tagged literals, nodes
with an IRI. No node is blank, so two runs give the same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from specs.words import Text

LANGUAGES = {"zh_CN": "zh", "en": "en"}
_FORBIDDEN = re.compile(r'[\x00-\x20<>"{}|^`\\\x7f-\x9f\ud800-\udfff]')


def iri(text: str) -> str:
    """`text` with every character an IRI must not hold percent-encoded."""
    return _FORBIDDEN.sub(lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode("utf-8", "replace")), text)


def link(target: str) -> dict[str, str]:
    """A reference to a node."""
    return {"@id": iri(target)}


def literals(text: Text) -> list[dict[str, str]]:
    """One language-tagged literal for each language that says something."""
    return [
        {"@value": said, "@language": LANGUAGES.get(language, language.replace("_", "-"))}
        for language, said in text.items()
        if said.strip()
    ]


def typed(value: str, kind: str) -> dict[str, str]:
    """A literal of a datatype such as xsd:date."""
    return {"@value": value, "@type": kind}


def turtle_text(graph: Mapping[str, Any]) -> str:
    """A JSON-LD graph of this module's making as Turtle."""
    prefixes = graph["@context"]
    lines = [f"@prefix {name}: <{space}> ." for name, space in prefixes.items()]
    for node in graph["@graph"]:
        said = " ;\n    ".join([f"a {', '.join(_types(node))}", *_statements(node, prefixes)])
        lines += ["", f"{_name(node['@id'], prefixes)} {said} ."]
    return "\n".join(lines) + "\n"


def _types(node: Mapping[str, Any]) -> list[str]:
    kinds = node["@type"]
    return [kinds] if isinstance(kinds, str) else list(kinds)


def _statements(node: Mapping[str, Any], prefixes: Mapping[str, str]) -> Iterator[str]:
    for word, value in node.items():
        if not word.startswith("@"):
            values = value if isinstance(value, list) else [value]
            yield f"{word} {', '.join(_value(one, prefixes) for one in values)}"


def _value(value: Any, prefixes: Mapping[str, str]) -> str:
    if "@id" in value:
        return _name(value["@id"], prefixes)
    text = _quoted(value["@value"])
    if "@language" in value:
        return f"{text}@{value['@language']}"
    return f"{text}^^{value['@type']}" if "@type" in value else text


def _name(identifier: str, prefixes: Mapping[str, str]) -> str:
    prefix, mark, local = identifier.partition(":")
    if mark and prefix in prefixes and re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", local):
        return identifier
    return f"<{identifier}>"


_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _quoted(text: str) -> str:
    made = "".join(_ESCAPES.get(letter) or (f"\\u{ord(letter):04X}" if ord(letter) < 32 else letter) for letter in text)
    return f'"{made}"'
