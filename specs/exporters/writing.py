"""Values to YAML text that `specs.parse` reads back unchanged, and text to files, whole or not at all."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path
from typing import Any

# What the JSON-like schema of `specs.parse` takes for a number, YAML 1.1 (PyYAML) does not always: 1e5.
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]*)?([eE][-+]?[0-9]+)?\Z")


def yaml_text(value: Any, heading: str = "") -> str:
    """A JSON value as YAML, members in their own order, Chinese as it is, no aliases. `heading` goes before it as a
    comment."""
    import yaml

    class Dumper(yaml.SafeDumper):
        def ignore_aliases(self, data: Any) -> bool:
            return True

    def string(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
        style = "'" if _NUMBER.match(text) else None
        if any(letter in text for letter in "\x85\u2028\u2029\ufeff\t"):
            style = '"'
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)

    Dumper.add_representer(str, string)
    body = yaml.dump(value, Dumper=Dumper, allow_unicode=True, sort_keys=False, width=120)
    comment = "".join(f"# {line}\n" for line in heading.splitlines())
    return f"{comment}{body}"


def save(path: Path, content: str | bytes) -> None:
    """Write a file whole: under a temporary name beside it, then renamed; folders are made. Raises OSError."""
    data = content.encode("utf-8") if isinstance(content, str) else content
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name[:40]}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(name, 0o666 & ~mask)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
