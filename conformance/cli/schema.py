"""`tongban conform schema`."""

from __future__ import annotations

import json


def schema() -> None:
    """Print the JSON Schema of reports.

    Example: tongban conform schema > report.schema.json
    """
    from conformance import published

    print(json.dumps(published.schema(), ensure_ascii=False, indent=1))
