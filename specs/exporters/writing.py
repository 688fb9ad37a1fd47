"""Values to YAML text that `specs.parse` reads back unchanged."""

from __future__ import annotations

import re
from typing import Any

# What the JSON-like schema of `specs.parse` takes for a number, YAML 1.1 (PyYAML) does not always: 1e5.
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]*)?([eE][-+]?[0-9]+)?\Z")


def yaml_text(value: Any, heading: str = "") -> str:
    """A JSON value as YAML, members in their own order, Chinese as it is, no aliases. `heading` goes before it as a
    comment."""
    import yaml

    comment = "".join(f"# {line}\n" for line in heading.splitlines())
    try:
        body = _dumped(value, getattr(yaml, "CSafeDumper", yaml.SafeDumper))  # ten times as fast
    except UnicodeEncodeError:  # half a character, which JSON may hold
        body = _dumped(value, yaml.SafeDumper)
    return f"{comment}{body}"


def _dumped(value: Any, base: Any) -> str:
    import yaml

    class Dumper(base):  # type: ignore[misc]
        def ignore_aliases(self, data: Any) -> bool:
            return True

    def string(dumper: Any, text: str) -> yaml.ScalarNode:
        style = "'" if _NUMBER.match(text) else None
        if any(letter in text for letter in "\x85\u2028\u2029\ufeff\t"):
            style = '"'
        node: yaml.ScalarNode = dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)
        return node

    Dumper.add_representer(str, string)
    made: str = yaml.dump(value, Dumper=Dumper, allow_unicode=True, sort_keys=False, width=120)
    return made
