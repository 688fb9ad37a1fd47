"""The documentation page of the rules, made from the rules themselves (docs/lint-rules.md)."""

from __future__ import annotations

from specs.rules import Rule, rules

_HEAD = """# Lint rules

Made from the rules by `tongban spec rules --format markdown`; a test fails when this page is out of date.

`tongban spec lint FILE` reports what reading noticed and what the rules found, each with file, line and JSON
pointer. Examples change a faultless document in the place shown; the rest of it is left out.

| rule | severity | |
|---|---|---|
"""


def markdown() -> str:
    """The whole page."""
    every = rules().values()
    table = "".join(f"| [{rule.id}](#{rule.id}) | {rule.severity.value} | {_first(rule.reason)} |\n" for rule in every)
    return _HEAD + table + "".join(_section(rule) for rule in every)


def _first(reason: str) -> str:
    sentence = reason.split(". ")[0].rstrip(".")
    return sentence.replace("|", "\\|")


def _section(rule: Rule) -> str:
    found = "while reading" if rule.check is None else "by its rule"
    return (
        f"\n## {rule.id}\n\n**{rule.severity.value}**, found {found}. {rule.reason}\n\n"
        f"Bad:\n\n```yaml\n{_shown(rule.bad)}\n```\n\nGood:\n\n```yaml\n{_shown(rule.good)}\n```\n"
    )


def _shown(example: str) -> str:
    text = example.strip()
    return text if len(text) < 1000 else text[:200] + " …"
