"""What the commands share: exit codes and JSON on stdout."""

from __future__ import annotations

import json
import sys

FOUND, BAD_INPUT = 1, 3


def print_json(value: object) -> None:
    """Write JSON for programs to stdout, Chinese as it is."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")
