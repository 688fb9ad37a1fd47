"""What the story remembers between starts: ids and credentials, in a file only its owner can read."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any


class Memory:
    """A small JSON file, replaced whole at each change, so a kill leaves the old or the new one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.values: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}

    def once(self, name: str, make: Callable[[], Any]) -> Any:
        """The remembered value of ``name``; made and remembered the first time."""
        if name not in self.values:
            self.put(name, make())
        return self.values[name]

    def put(self, name: str, value: Any) -> None:
        """Remember a JSON value."""
        self.values[name] = value
        partial = self.path.with_suffix(".tmp")
        handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as file:
            json.dump(self.values, file, ensure_ascii=False, indent=1)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(self.path)
