"""Rules over the document as a whole: version, contact, servers, tags, what is never used."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from specs.finding import Severity
from specs.model import Interface
from specs.naming import INTERFACE_ID
from specs.parse import pointers
from specs.rules import Hit, rule
from specs.rules.places import some, title_of
from specs.schema import escape


def _api(interface: Interface) -> bool:
    return interface.format.startswith(("OpenAPI", "Swagger"))


def _contract(interface: Interface) -> bool:
    return interface.format.startswith("ODCS")


def _member(value: Any, *names: str) -> Any:
    """The value under these names, None where there is none."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


@rule(Severity.INFO, bad="info: {version: '2026'}", good="info: {version: 2.0.0}")
def version_not_semantic(interface: Interface) -> Iterator[Hit]:
    """MAJOR.MINOR.PATCH tells subscribers whether a new version breaks them. Other numbers tell nothing, and cannot be
    published after one another."""
    from specs.versions import parts

    root = interface.document.value
    pointer = "/version" if _contract(interface) else "/info/version"
    if _member(root, *pointer.split("/")[1:]) is not None and parts(interface.version) is None:
        yield pointer, f"the version {interface.version!r} is no semantic version", "for example 1.0.0"


@rule(Severity.INFO, bad="info: {contact: null}", good="info: {contact: {email: data@civil-affairs.example}}")
def missing_contact(interface: Interface) -> Iterator[Hit]:
    """Whoever finds a fault, or needs a field more, must know whom to ask."""
    root = interface.document.value
    if _api(interface) and interface.operations and not _member(root, "info", "contact"):
        yield "/info", "nobody to ask is named", "add contact: with name, url or email"
    if _contract(interface) and not any(root.get(word) for word in ("support", "team", "contact")):
        yield "", "nobody to ask is named", "add support: or team:"


@rule(Severity.INFO, bad="servers: null", good="servers: [{url: 'https://civil-affairs.example'}]")
def missing_servers(interface: Interface) -> Iterator[Hit]:
    """Without a server the address is that of the document itself, which is where it was found, not where the service
    is."""
    silent = not interface.servers and not any(operation.servers for operation in interface.operations)
    if _api(interface) and interface.operations and silent:
        yield "", "no server is named", "add servers:" if "openapi" in interface.document.value else "add host:"


@rule(
    Severity.WARNING,
    bad="servers: [{url: 'https://{city}.example'}]",
    good="servers: [{url: 'https://{city}.example', variables: {city: {default: civil-affairs}}}]",
)
def undefined_server_variable(interface: Interface) -> Iterator[Hit]:
    """A variable of an address without a default leaves a hole: no client can call it, no probe can check it."""
    told: set[str] = set()
    for server in (*interface.servers, *(s for o in interface.operations for s in o.servers)):
        if server.pointer not in told and (names := re.findall(r"\{([^{}]*)\}", server.url)):
            told.add(server.pointer)
            pointer = server.pointer or ("/host" if "host" in interface.document.value else "")
            yield pointer, f"no default for {some(names)} of {server.template}", "define it under variables"


@rule(
    Severity.INFO,
    bad="servers: [{url: 'https://civil-affairs.example/api/'}]",
    good="servers: [{url: 'https://civil-affairs.example/api'}]",
)
def server_trailing_slash(interface: Interface) -> Iterator[Hit]:
    """Paths begin with a slash and are appended to the address as it stands: https://x/ and /y make https://x//y."""
    if not interface.format.startswith("OpenAPI"):
        return
    told: set[str] = set()
    for server in (*interface.servers, *(s for o in interface.operations for s in o.servers)):
        if server.template.endswith("/") and server.template != "/" and server.pointer not in told:
            told.add(server.pointer)
            yield server.pointer, f"{server.template} ends in a slash", "remove it"


_TAGS = "tags: [{name: marriages}%s]\npaths: {'/marriages/{ZSBH}': {get: {tags: [%s]}}}"


@rule(Severity.INFO, bad=_TAGS % ("", "weddings"), good=_TAGS % ("", "marriages"))
def undefined_tag(interface: Interface) -> Iterator[Hit]:
    """Tags are the chapters of the reference pages. One outside the document's own list is a slip, and a chapter
    without a title."""
    known = _tags(interface)
    told: set[str] = set()
    for operation in interface.operations if known else ():
        for tag in operation.tags:
            if tag not in known and tag not in told:
                told.add(tag)
                yield f"{operation.pointer}/tags", f"the tag {tag!r} is not in the list of tags", "add it there"


@rule(Severity.WARNING, bad=_TAGS % (", {name: marriages}", "marriages"), good=_TAGS % ("", "marriages"))
def duplicate_tag(interface: Interface) -> Iterator[Hit]:
    """Tag names are unique (OpenAPI): of two descriptions of one tag one is lost."""
    names = _tags(interface)
    for name in dict.fromkeys(name for name in names if names.count(name) > 1):
        yield "/tags", f"the tag {name!r} is described twice", "keep one"


@rule(
    Severity.INFO,
    bad="""
paths:
  /marriages/{ZSBH}: {get: {tags: [marriages]}}
  /offices:
    get:
      operationId: listOffices
      summary: The offices
      responses:
        '200': {description: How many, content: {application/json: {schema: {type: integer}}}}
        default: {$ref: '#/components/responses/Problem'}
""",
    good="""
paths:
  /marriages/{ZSBH}: {get: {tags: [marriages]}}
  /offices:
    get:
      operationId: listOffices
      summary: The offices
      tags: [offices]
      responses:
        '200': {description: How many, content: {application/json: {schema: {type: integer}}}}
        default: {$ref: '#/components/responses/Problem'}
""",
)
def untagged_operation(interface: Interface) -> Iterator[Hit]:
    """Where operations are grouped by tags, one without a tag is found in no group."""
    bare = [operation for operation in interface.operations if not operation.tags]
    if len(bare) < len(interface.operations):
        for operation in bare:
            yield operation.pointer, f"{title_of(operation)} has no tag, others have", "add tags:"


def _tags(interface: Interface) -> list[str]:
    written = interface.document.value.get("tags") if _api(interface) else None
    every = written if isinstance(written, list) else []
    return [str(tag["name"]) for tag in every if isinstance(tag, dict) and "name" in tag]


_KINDS = ("schemas", "responses", "parameters", "examples", "requestBodies", "headers", "links", "callbacks",
          "pathItems")  # fmt: skip


@rule(
    Severity.INFO,
    bad="components: {schemas: {Divorce: {type: object, description: A divorce}}}",
    good="components: {schemas: {Marriage: {description: A marriage}}}",
)
def unused_component(interface: Interface) -> Iterator[Hit]:
    """What nothing refers to is either left over or was meant to be referred to. Either way it misleads."""
    root = interface.document.value
    if not _api(interface) or not (interface.operations or root.get("webhooks")):
        return  # a collection of components for other documents
    defined = set(_defined(root))
    edges = _edges(interface, defined)
    reached: set[str] = set()
    waiting = list(edges.get("", ()))
    while waiting:
        if (pointer := waiting.pop()) not in reached:
            reached.add(pointer)
            waiting += edges.get(pointer, ())
    for pointer in _defined(root):
        if pointer not in reached:
            kind, name = pointer.split("/")[-2:]
            said = f"nothing refers to {kind}/{name.replace('~1', '/').replace('~0', '~')}"
            yield pointer, said, "remove it, or use it"
    asked = {name for operation in interface.operations for need in operation.security for name in need}
    folder = "/components/securitySchemes" if _member(root, "components") else "/securityDefinitions"
    for name in interface.security_schemes if asked else ():  # where nothing is asked, `missing-security` tells
        if name not in asked:
            yield f"{folder}/{escape(str(name))}", f"no operation asks for {name!r}", "remove it, or require it"


def _defined(root: dict[str, Any]) -> Iterator[str]:
    """The pointers of all components."""
    swagger = "swagger" in root
    for kind in ("definitions", "parameters", "responses") if swagger else _KINDS:
        folder = root.get(kind) if swagger else _member(root, "components", kind)
        if isinstance(folder, dict):
            yield from (f"{'' if swagger else '/components'}/{kind}/{escape(str(name))}" for name in folder)


def _edges(interface: Interface, defined: set[str]) -> dict[str, set[str]]:
    """Which components refer to which; "" stands for everything outside them, other files included."""
    found: dict[str, set[str]] = {}
    children: dict[str, set[str]] = {}
    parents: set[str] = set()
    for document in (interface.document, *interface.documents.values()):
        for pointer, node in pointers(document.value):
            holder = _holder(pointer) if document is interface.document else ""
            holder = holder if holder in defined else ""
            if pointer.endswith("/discriminator") and isinstance(node, dict | str):
                parents.add(holder)
            target = _target(pointer, node) if isinstance(node, str) else ""
            if target in defined:
                found.setdefault(holder, set()).add(target)
                if "/allOf/" in pointer:
                    children.setdefault(target, set()).add(holder)
    for parent in parents - {""}:  # a value of the parent may be any of its children (OpenAPI, discriminator)
        found.setdefault(parent, set()).update(children.get(parent, set()) - {""})
    return found


def _target(pointer: str, text: str) -> str:
    """The component that a string at this place refers to, "" if it is no reference."""
    last = pointer.rpartition("/")[2]
    if last in ("$ref", "$dynamicRef", "operationRef") or "/discriminator/mapping/" in pointer:
        return _holder(unquote(text.rpartition("#")[2])) if "#" in text else f"/components/schemas/{escape(text)}"
    return ""


def _holder(pointer: str) -> str:
    """The component a pointer leads into."""
    tokens = pointer.split("/")
    return "/".join(tokens[: 4 if len(tokens) > 1 and tokens[1] == "components" else 3])


_SCRIPT = re.compile(r"<script[\s>]|javascript:|\bon(load|error|click)\s*=\s*['\"]", re.IGNORECASE)


@rule(
    Severity.WARNING,
    bad="info: {description: 'For departments. <script>alert(1)</script>'}",
    good="info: {description: For departments.}",
)
def script_in_text(interface: Interface) -> Iterator[Hit]:
    """Descriptions are shown on pages of others. A script in one runs there with the rights of whoever reads it."""
    for pointer, node in pointers(interface.document.value):
        if isinstance(node, str) and pointer.endswith(("/description", "/summary", "/title")) and _SCRIPT.search(node):
            yield pointer, "the text holds a script", "describe it in words or in a code block"


@rule(
    Severity.INFO,
    bad="info: {x-interface-id: null}",
    good="info: {x-interface-id: civil-affairs.marriages}",
)
def missing_interface_id(interface: Interface) -> Iterator[Hit]:
    """Agreements, receipts and subscriptions refer to an interface by its id. One made from a file name
    changes with the file."""
    root = interface.document.value
    written = root.get("x-interface-id") or interface.extensions.get("x-interface-id")
    if not written and not (interface.format.startswith("ODCS") and INTERFACE_ID.match(interface.id)):
        pointer = "/info" if "info" in root else "/id" if "id" in root else ""
        word = "id" if interface.format.startswith("ODCS") else "x-interface-id"
        yield pointer, f"no interface id; it is called {interface.id!r} here", f"add {word}: <department>.<name>"


@rule(
    Severity.WARNING,
    bad="info: {x-department: health}",
    good="info: {x-department: civil-affairs}",
)
def interface_id_of_other_department(interface: Interface) -> Iterator[Hit]:
    """The first part of an interface id is the department that owns it. Where the document names another, nobody can
    tell who answers applications."""
    owner, dot, _ = interface.id.partition(".")
    if dot and interface.department and interface.department != owner and INTERFACE_ID.match(interface.id):
        pointer = "/info" if "info" in interface.document.value else ""
        yield pointer, f"{interface.id} of the department {interface.department!r}", "correct one of the two"


_OLD = "paths: {'/marriages/{ZSBH}': {get: {deprecated: true, description: %s}}}"


@rule(Severity.INFO, bad=_OLD % "Do not use.", good=_OLD % "Ends on 2027-06-30; use getCertificate.")
def deprecated_without_date(interface: Interface) -> Iterator[Hit]:
    """Deprecated means: it will end. Callers plan by the day it ends and by what comes instead."""
    for operation in interface.operations:
        if not operation.deprecated:
            continue
        words = " ".join((*operation.description.values(), *operation.summary.values()))
        dated = re.search(r"\b20\d\d\b|20\d\d年", words) or any("sunset" in k.lower() for k in operation.extensions)
        headers = {h.name.lower() for response in operation.responses for h in response.headers}
        if not dated and "sunset" not in headers:
            yield operation.pointer, f"{title_of(operation)} is deprecated without a date", "say when it ends"
