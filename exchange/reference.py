"""Write the reference pages from the code itself: ``python -m exchange.reference``.

A test compares the pages with what this module gives, so a command or route cannot be undocumented.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import typer.main

DOCS = Path(__file__).parent.parent / "docs"


def cli() -> str:
    """docs/cli.md: every command with its help, arguments and options."""
    from exchange.cli import app

    lines = ["# Command line", "", "Made from the commands themselves by `python -m exchange.reference`.", ""]
    for path, command in sorted(_commands(typer.main.get_command(app), ("tongban",))):
        lines += [f"## `{' '.join(path)}`", "", _paragraphs(f"{command.help or ''}\n\n{command.epilog or ''}"), ""]
        for parameter in command.params:
            if parameter.name == "help":
                continue
            names = ", ".join(f"`{name}`" for name in (*parameter.opts, *parameter.secondary_opts))
            if parameter.param_type_name == "argument":
                names = f"`{parameter.name.upper()}`"
            lines.append(f"- {names}: {' '.join((getattr(parameter, 'help', '') or '').split())}".rstrip(": "))
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def api() -> str:
    """docs/api.md: every route with what it does, by tag."""
    from exchange.app import create_app
    from exchange.settings import Settings

    with tempfile.TemporaryDirectory() as home:
        app = create_app(Settings(home=Path(home)))
        document = app.openapi()
    lines = [
        "# HTTP interface",
        "",
        "Made from the routes themselves by `python -m exchange.reference`; the full OpenAPI document is at"
        " `/openapi.json`. Errors are described in [errors.md](errors.md).",
    ]
    for tag, operations in sorted(_by_tag(document).items()):
        lines += ["", f"## {tag}", "", "| operation | what it does |", "|---|---|"]
        lines += [f"| `{method} {path}` | {summary} |" for method, path, summary in operations]
    return "\n".join(lines) + "\n"


def _commands(command: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    inner = getattr(command, "commands", None)
    if not inner:
        yield path, command
        return
    for name, part in inner.items():
        yield from _commands(part, (*path, name))


def _paragraphs(text: str | None) -> str:
    blocks = ("\n".join((text or "").replace("\b", "").splitlines())).split("\n\n")
    return "\n\n".join(" ".join(block.split()) for block in blocks if block.strip())


def _by_tag(document: Mapping[str, Any]) -> dict[str, list[tuple[str, str, str]]]:
    found: dict[str, list[tuple[str, str, str]]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            said = operation.get("description", "").split("\n\n")[0]
            tag = (operation.get("tags") or ["service"])[0]
            found.setdefault(tag, []).append((method.upper(), path, " ".join(said.split())))
    return found


def pages() -> Mapping[str, Callable[[], str]]:
    """The pages made from code: file name in docs/ → what makes it."""
    from exchange.parties.page import markdown as access_table
    from specs.diff.page import markdown as diff_checks
    from specs.elements.page import markdown as elements
    from specs.rules.page import markdown as lint_rules

    return {
        "cli.md": cli,
        "api.md": api,
        "access-table.md": access_table,
        "lint-rules.md": lint_rules,
        "diff-checks.md": diff_checks,
        "elements-table.md": elements,
    }


def main() -> None:
    """Write every page."""
    for name, make in pages().items():
        (DOCS / name).write_text(make())


if __name__ == "__main__":
    main()
