"""Values to YAML text that `specs.parse` reads back unchanged."""

from __future__ import annotations

import re
from typing import Any

# What the JSON-like schema of `specs.parse` takes for a number, YAML 1.1 (PyYAML) does not always: 1e5.
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]*)?([eE][-+]?[0-9]+)?\Z")


_HALF = re.compile("[\ud800-\udfff]")


def yaml_text(value: Any, heading: str = "") -> str:
    """A JSON value as YAML, members in their own order, Chinese as it is, no aliases. `heading` goes before it as a
    comment. Half a character, which JSON may hold and YAML not, becomes U+FFFD."""
    import yaml

    base: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)  # the same text, ten times as fast

    class Dumper(base):  # type: ignore[misc]
        def ignore_aliases(self, data: Any) -> bool:
            return True

    def string(dumper: Any, text: str) -> yaml.ScalarNode:
        style = "'" if _NUMBER.match(text) else None
        if any(letter in text for letter in "\x85\u2028\u2029\ufeff\t"):
            style = '"'
        whole = _HALF.sub("\ufffd", text)
        node: yaml.ScalarNode = dumper.represent_scalar("tag:yaml.org,2002:str", whole, style=style)
        return node

    Dumper.add_representer(str, string)
    body = yaml.dump(value, Dumper=Dumper, allow_unicode=True, sort_keys=False, width=120)
    comment = "".join(f"# {line}\n" for line in heading.splitlines())
    return f"{comment}{body}"
