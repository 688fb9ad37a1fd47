"""Who may call an operation, and where: security and servers."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from itertools import product

from specs.diff.change import Side
from specs.diff.report import Node, Report
from specs.diff.shape import canonical
from specs.model import Interface, Operation, Server
from specs.rules.places import written
from specs.schema import escape

_SIDE = Side.REQUEST
_ADDRESSES = ("authorizationUrl", "tokenUrl", "deviceAuthorizationUrl", "refreshUrl")
_Way = Mapping[str, frozenset[str]]


def security(report: Report, node: Node, old: Operation, new: Operation) -> None:
    """Whoever got in must still get in: each old way needs a new one that asks for no more."""
    renamed = _renamed(report.old, report.new)
    ours, theirs = _ways(old, {}), _ways(new, renamed)
    at = _said(report.old, old, "security"), _said(report.new, new, "security")
    lost = [way for way in ours if not any(_within(other, way) for other in theirs)]
    for way in lost:
        said = f"{_way(way)} is no longer enough: {' or '.join(map(_way, theirs))}"
        report.add(node, "security-tightened", _SIDE, said, *at)
    if ours != theirs and not lost:
        said = f"{' or '.join(map(_way, ours))} became {' or '.join(map(_way, theirs))}"
        report.add(node, "security-loosened", _SIDE, said, *at)
    back = {before: after for after, before in renamed.items()}
    for name in sorted({name for way in ours for name in way} & {name for way in theirs for name in way}):
        _scheme(report, node, name, back.get(name, name))


def _within(new: _Way, old: _Way) -> bool:
    """Whether whoever satisfies `old` satisfies `new`."""
    return all(name in old and scopes <= old[name] for name, scopes in new.items())


def _ways(operation: Operation, renamed: Mapping[str, str]) -> list[dict[str, frozenset[str]]]:
    found = [{renamed.get(name, name): frozenset(scopes) for name, scopes in way.items()} for way in operation.security]
    distinct = [way for index, way in enumerate(found) if way not in found[:index]]
    return sorted(distinct or [{}], key=lambda way: sorted((name, sorted(scopes)) for name, scopes in way.items()))


def _way(way: _Way) -> str:
    named = [f"{name}({', '.join(sorted(scopes))})" if scopes else name for name, scopes in way.items()]
    return " and ".join(named) or "no credential"


def _renamed(old: Interface, new: Interface) -> dict[str, str]:
    """New name → old name of schemes that say the same under another name, where only one can be meant."""
    found = {}
    gone = {name: _content(old, name) for name in old.security_schemes if name not in new.security_schemes}
    come = {name: _content(new, name) for name in new.security_schemes if name not in old.security_schemes}
    for name, content in come.items():
        same = [other for other, known in gone.items() if known == content]
        if len(same) == 1 and list(come.values()).count(content) == 1:
            found[name] = same[0]
    return found


def _content(interface: Interface, name: str) -> str:
    scheme = interface.security_schemes.get(name)
    kept = (
        {word: value for word, value in scheme.items() if word != "description"} if isinstance(scheme, dict) else scheme
    )
    return canonical(kept)


def _scheme(report: Report, node: Node, name: str, now: str) -> None:
    old, new = report.old.security_schemes.get(name), report.new.security_schemes.get(now)
    if not isinstance(old, dict) or not isinstance(new, dict) or old == new:
        return
    at = _placed(report.old, name), _placed(report.new, now)
    for word in ("type", "in", "name", "scheme"):
        if str(old.get(word)).lower() != str(new.get(word)).lower():
            said = f"{word} of {name}: {old.get(word)} became {new.get(word)}"
            report.add(node, "security-scheme-changed", _SIDE, said, *at)
    addresses = ("flows", "openIdConnectUrl", "oauth2MetadataUrl")
    if any(old.get(word) != new.get(word) for word in addresses):
        _flows(report, node, name, old, new, at)
    others = old.keys() | new.keys()
    if any(old.get(word) != new.get(word) for word in others - {"type", "in", "name", "scheme", *addresses}):
        report.add(node, "text-changed", _SIDE, f"what is said of {name} changed", *at)


def _flows(
    report: Report, node: Node, name: str, old: Mapping[str, object], new: Mapping[str, object], at: tuple[str, str]
) -> None:
    ours, theirs = _mapping(old.get("flows")), _mapping(new.get("flows"))
    for flow in sorted(ours.keys() - theirs.keys()):
        report.add(node, "security-flow-removed", _SIDE, f"{flow} of {name} is gone", *at)
    for flow in sorted(theirs.keys() - ours.keys()):
        report.add(node, "security-flow-added", _SIDE, f"{flow} of {name} is new", *at)
    moved = [word for word in ("openIdConnectUrl", "oauth2MetadataUrl") if old.get(word) != new.get(word)]
    for flow in sorted(ours.keys() & theirs.keys()):
        before, after = _mapping(ours[flow]), _mapping(theirs[flow])
        moved += [word for word in _ADDRESSES if before.get(word) != after.get(word)]
        scopes, now = _mapping(before.get("scopes")), _mapping(after.get("scopes"))
        for scope in sorted(scopes.keys() - now.keys()):
            report.add(node, "security-scope-removed", _SIDE, f"scope {scope} of {name} is gone", *at)
        for scope in sorted(now.keys() - scopes.keys()):
            report.add(node, "security-scope-added", _SIDE, f"scope {scope} of {name} is new", *at)
        if any(scopes[scope] != now[scope] for scope in scopes.keys() & now.keys()):
            report.add(node, "text-changed", _SIDE, f"what scopes of {name} mean is worded otherwise", *at)
    if moved:
        said = f"{', '.join(dict.fromkeys(moved))} of {name} changed"
        report.add(node, "security-address-changed", _SIDE, said, *at)


def _mapping(value: object) -> dict[str, object]:
    return {str(key): part for key, part in value.items()} if isinstance(value, dict) else {}


def servers(report: Report, node: Node, old: Operation, new: Operation) -> None:
    """The addresses of an operation: its own, else those of the interface. A template stands for the addresses its
    variables make."""
    ours, theirs = (
        {address: server for server in _served(interface, operation) for address in _addresses(interface, server)}
        for interface, operation in ((report.old, old), (report.new, new))
    )
    there = _said(report.old, old, "servers"), _said(report.new, new, "servers")
    for address, server in ours.items():
        kept = theirs.get(address) or next((theirs[one] for one in theirs if _fits(one, address)), None)
        if kept is None:
            report.add(node, "server-removed", _SIDE, f"{address or '/'} was removed", server.pointer, there[1])
        elif (server.description, server.url) != (kept.description, kept.url):
            said = f"the description, or what counts by default, of {server.template or address or '/'} changed"
            report.add(node, "text-changed", _SIDE, said, server.pointer, kept.pointer)
    for address, server in theirs.items():
        if address not in ours and not any(_fits(one, address) for one in ours):
            report.add(node, "server-added", _SIDE, f"{address or '/'} was added", there[0], server.pointer)


_VARIABLE = re.compile(r"\{([^{}]*)\}")
_MOST = 100
"""Addresses of one template told one by one."""


def _addresses(interface: Interface, server: Server) -> list[str]:
    """The addresses of a server; a variable without listed values stays in it."""
    template = (server.template or server.url).rstrip("/")
    value = written(interface, server.pointer)
    variables = _mapping(value.get("variables")) if isinstance(value, dict) else {}
    choices: list[list[str]] = []
    for name in _VARIABLE.findall(template):
        listed = _mapping(variables.get(name)).get("enum")
        choices.append([str(one) for one in listed] if isinstance(listed, list) and listed else [f"{{{name}}}"])
    if math.prod(map(len, choices)) > _MOST:
        return [template]
    pieces = _VARIABLE.split(template)[::2]
    made = (
        "".join(part for pair in zip(pieces, (*one, ""), strict=True) for part in pair) for one in product(*choices)
    )
    return list(dict.fromkeys(made))


def _fits(template: str, address: str) -> bool:
    """Whether an address is one of those a template with open variables stands for."""
    if "{" not in template:
        return False
    pieces = _VARIABLE.split(template)[::2]
    return re.fullmatch("[^/]*".join(map(re.escape, pieces)), address) is not None


def _served(interface: Interface, operation: Operation) -> tuple[Server, ...]:
    return operation.servers or interface.servers or (Server("/"),)


def _said(interface: Interface, operation: Operation, word: str) -> str:
    """Where an operation says it, else where the interface does."""
    value = written(interface, operation.pointer)
    return f"{operation.pointer}/{word}" if isinstance(value, dict) and word in value else f"/{word}"


def _placed(interface: Interface, name: str) -> str:
    word = "securityDefinitions" if interface.format.startswith("Swagger") else "components/securitySchemes"
    return f"/{word}/{escape(name)}"
