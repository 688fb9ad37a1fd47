"""docs/diff-checks.md, made from the register of checks."""

from __future__ import annotations

from specs.diff.checks import CHECKS

_HEAD = """# What `tongban spec diff` notices

Made from the register of checks by `python -m exchange.reference`. A dash: it cannot occur on that side. How the
judgement comes about, and how it compares with other tools, stands in [diff.md](diff.md).

| check | what changed | requests | responses |
|---|---|---|---|
"""


def markdown() -> str:
    """Every check with its judgement on both sides."""
    rows = [
        f"| `{check.id}` | {check.what} | {check.request or '–'} | {check.response or '–'} |"
        for check in CHECKS.values()
    ]
    return _HEAD + "\n".join(rows) + "\n"
