"""What an interface is called: `<department>.<name>`, or a name made from its file or title."""

from __future__ import annotations

import re
from pathlib import PurePath

from specs.sources import Node, Sources

INTERFACE_ID = re.compile(r"[a-z][a-z0-9-]*(?:\.[a-z0-9][a-z0-9-]*)+\Z")
_SAYS_NOTHING = {
    "openapi",
    "swagger",
    "api",
    "spec",
    "index",
    "odcs",
    "arazzo",
    "process",
    "schema",
    "app",
    "",
}
_FORMATS = re.compile(r"[.-](?:openapi|swagger|odcs|arazzo|schema|process)$")


def interface_id(sources: Sources, info: Node, written: str | None = None) -> str:
    """`x-interface-id` of the document (or `written`), else a slug of the file's name, else of its title."""
    if written:  # the `id` of a data contract may be of any shape; as part of a URL it needs a plain one
        return written if re.fullmatch(r"[A-Za-z0-9._-]{1,200}", written) else slug(written) or "contract"
    named = info.text("x-interface-id") or sources.root.text("x-interface-id")
    if named:
        if not INTERFACE_ID.match(named):
            problem = f"the interface id {named!r} is not <department>.<name> in lower case"
            info.report("interface-id", problem, "for example civil-affairs.marriages")
        return named
    stem = PurePath(sources.main.name).stem.lower()
    stem = _FORMATS.sub("", stem)
    if stem in _SAYS_NOTHING or not slug(stem):
        stem = str(info.value.get("title") or "")
    return slug(stem) or f"interface-{sources.main.digest[:8]}"


def department_of(info: Node) -> str | None:
    """`x-department`, else the first part of `x-interface-id`."""
    named = info.text("x-department")
    if named:
        return named
    written = info.value.get("x-interface-id")
    return written.split(".")[0] if isinstance(written, str) and "." in written else None


def slug(text: str) -> str:
    """Lower-case ASCII letters and digits joined by hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def operation_id(node: Node, method: str, path: str, taken: dict[str, int], *, needed: bool = True) -> str:
    """The operationId; one made of method and path where it is missing (told if it is `needed`) or already taken.

    `taken` holds how often each id was wanted so far, and is brought up to date.
    """
    written = node.text("operationId")
    readable = re.sub(r"[^0-9A-Za-z\u3400-\u9fff]+", "-", path).strip("-") or "root"
    made = f"{method.lower()}-{readable}"
    if written is None or not written.strip():
        if needed:
            node.report(
                "missing-operation-id",
                f"{method} {path} has no operationId; called {made!r} here",
                "add operationId: a name that never changes",
            )
        written = made
    elif written in taken:
        node.get("operationId").report(
            "duplicate-operation-id", f"the operationId {written!r} is used before", "give each its own name"
        )
        written = made
    name = written
    while name in taken:
        taken[written] += 1
        name = f"{written}-{taken[written]}"
    taken[name] = 1
    return name
