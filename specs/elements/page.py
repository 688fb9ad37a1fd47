"""The dictionary as a page: docs/elements-table.md is made from it."""

from __future__ import annotations

from specs.elements import Element, code_lists, dictionary, qualifiers


def markdown() -> str:
    """Every element, qualifier and code list as Markdown tables."""
    elements = dictionary().values()
    lines = [
        "# Data elements, qualifiers and code lists",
        "",
        "Made from the dictionary (`specs/elements/*.yaml`) by `python -m exchange.reference`. How fields are bound to"
        " elements is told in [elements.md](elements.md). ✓ = read in the standard named; all other entries must be"
        " compared with their standard before anybody relies on them.",
        "",
        f"## {len(elements)} elements",
        "",
        "| identifier | name | type and domain | sensitivity | standard | |",
        "|---|---|---|---|---|---|",
    ]
    for element in sorted(elements, key=lambda one: one.id):
        aliases = f" ({', '.join(element.aliases)})" if element.aliases else ""
        mark = "✓" if element.verified else ""
        title = f"{element.title['zh_CN']} / {element.title['en']}"
        cells = (f"`{element.id}`{aliases}", title, _domain(element), element.sensitivity, element.standard, mark)
        lines.append(f"| {' | '.join(map(_cell, cells))} |")
    lines += [
        "",
        f"## {len(qualifiers())} qualifiers",
        "",
        "| identifier | name | further words | |",
        "|---|---|---|---|",
    ]
    for role in sorted(qualifiers().values(), key=lambda one: one.id):
        title = f"{role.title['zh_CN']} / {role.title['en']}"
        said = (f"`{role.id}`", title, ", ".join(role.synonyms), "✓" if role.verified else "")
        lines.append(f"| {' | '.join(map(_cell, said))} |")
    lines += ["", f"## {len(code_lists())} code lists", ""]
    for one in sorted(code_lists().values(), key=lambda one: one.id):
        values = " · ".join(f"`{code}` {text['zh_CN']}" for code, text in one.values.items())
        lines += [f"### {one.id}", "", f"{one.title['zh_CN']} / {one.title['en']}; {one.standard}", "", values, ""]
    return "\n".join(lines).rstrip() + "\n"


def _domain(element: Element) -> str:
    schema = element.schema
    if element.code_list is not None:
        return f"code list [{element.code_list}](#{element.code_list})"
    said = [str(schema.get("format") or schema.get("type"))]
    low, high = schema.get("minLength"), schema.get("maxLength")
    if high is not None:
        said.append(f"{high} characters" if low == high else f"{low or 0}–{high} characters")
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None:
        said.append(f"{low}–{high}")
    if element.check is not None:
        said.append(f"check {element.check}")
    return ", ".join(said)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
