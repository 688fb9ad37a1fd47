"""Rules over access: who may call, and how the caller proves it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from specs.finding import Severity
from specs.model import Field, Interface, Operation, Parameter
from specs.rules import Hit, rule
from specs.rules.places import is_ignored, operations, parameters, some, title_of, written

_SCHEME = "components: {securitySchemes: {token: {%s}}}"
_LOCAL = re.compile(r"http://(localhost|127\.|\[::1\]|0\.0\.0\.0)", re.IGNORECASE)


def _plain(url: object) -> bool:
    """Whether a URL is plain HTTP to another machine."""
    return isinstance(url, str) and url.lower().startswith("http://") and not _LOCAL.match(url)


def _member(interface: Interface, *names: str) -> str:
    """The pointer of the first of these members the document has: where Swagger 2.0 says its address."""
    return next((f"/{name}" for name in names if name in interface.document.value), "")


@rule(
    Severity.WARNING,
    bad="servers: [{url: 'http://civil-affairs.example'}]",
    good="servers: [{url: 'https://civil-affairs.example'}]",
)
def http_server_url(interface: Interface) -> Iterator[Hit]:
    """Personal data over plain HTTP can be read by anyone on the way."""
    servers = {s.pointer + s.url: s for s in interface.servers}
    servers |= {s.pointer + s.url: s for o in interface.operations for s in o.servers}
    for server in servers.values():
        if _plain(server.url):
            pointer = server.pointer or _member(interface, "schemes", "host")
            yield pointer, f"the server {server.url} is not encrypted", "offer https"


@rule(
    Severity.ERROR,
    bad="security: [{tokn: []}, {token: []}]",
    good="security: [{token: []}]",
)
def security_undefined(interface: Interface) -> Iterator[Hit]:
    """A security requirement that names no scheme protects nothing and cannot be met."""
    known = set(interface.security_schemes)
    reported: set[str] = set()
    for operation in interface.operations:
        for requirement in operation.security:
            for name in requirement:
                if name not in known and name not in reported:
                    reported.add(name)
                    near = some(sorted(known)) or "none is defined"
                    hint = f"define it in securitySchemes ({near})"
                    yield operation.pointer, f"the security scheme {name!r} is not defined", hint


_TOKEN = "components: {securitySchemes: {token: null}}\n"


@rule(Severity.INFO, bad="security: null\n" + _TOKEN, good="security: []\n" + _TOKEN)
def missing_security(interface: Interface) -> Iterator[Hit]:
    """Who may call is for the document to say. Silence may mean everybody, or that it was forgotten; an open interface
    says `security: []`."""
    every = operations(interface)
    if not every or "security" in interface.document.value:
        return
    silent = [o for o in every if not o.security and not _says(interface, o)]
    if len(silent) == len(every):
        yield "", "nothing says who may call", "add security:, or security: [] if everybody may"
    else:
        for operation in silent:
            said = f"{title_of(operation)} does not say who may call it, others do"
            yield operation.pointer, said, "add security:, or security: [] if everybody may"


def _says(interface: Interface, operation: Operation) -> bool:
    said = written(interface, operation.pointer)
    return isinstance(said, dict) and "security" in said


_HEADER = """
paths:
  /marriages/{ZSBH}:
    parameters: [{name: %s, in: header, description: It, schema: {type: string, maxLength: 99}}]
"""
_INSTEAD = {
    "accept": "name the media types under content: of the answers",
    "authorization": "describe it as a security scheme",
    "content-type": "name the media types under content: of the body",
}


@rule(Severity.INFO, bad=_HEADER % "Authorization", good=_HEADER % "Idempotency-Key")
def ignored_header_parameter(interface: Interface) -> Iterator[Hit]:
    """OpenAPI ignores parameters for the headers Accept, Authorization and Content-Type: no client sends them, no
    documentation shows them."""
    found: dict[str, list[Parameter]] = {}
    if interface.format.startswith("OpenAPI"):
        for parameter in parameters(interface):
            if is_ignored(parameter):
                found.setdefault(parameter.name.lower(), []).append(parameter)
    for name, those in found.items():
        said = f"the parameter for the header {those[0].name} is ignored"
        yield those[0].pointer, said + f", as in {len(those) - 1} more places" * (len(those) > 1), _INSTEAD[name]


_OPEN = "paths: {'/marriages/{ZSBH}': {get: {security: %s}}}\n"
_PERSON = "components: {schemas: {Marriage: {properties: {NAN_GMSFHM: {type: string, description: Number, " \
          "x-element: NAN_GMSFHM, x-sensitivity: general-3}}}}}"  # fmt: skip


@rule(Severity.WARNING, bad=_OPEN % "[]" + _PERSON, good=_OPEN % "[{token: []}]" + _PERSON)
def open_personal_data(interface: Interface) -> Iterator[Hit]:
    """Personal data go to whoever may have them. An operation that answers them and asks for no credential gives them
    to everybody."""
    for operation in interface.operations:
        if operation.security and all(operation.security):
            continue
        content = operation.success.content() if operation.success else None
        shown = [field.name for field in interface.fields(content.schema) if _private(field)] if content else []
        if shown:
            yield operation.pointer, f"{title_of(operation)} answers {some(shown)} to anybody", "require a credential"


def _private(field: Field) -> bool:
    """Whether a field is said to be sensitive personal data, by its level or by its element."""
    grave = ("core", "important", "general-4", "general-3")
    if field.sensitivity is not None:
        return field.sensitivity in grave
    if not field.element or field.element.lower() == "none":
        return False
    from specs import elements

    found = elements.find(field.element)
    return found is not None and found[1].sensitivity in grave


def _schemes(interface: Interface) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Each security scheme: pointer, name, what it says."""
    swagger = interface.format.startswith("Swagger")
    folder = "/securityDefinitions" if swagger else "/components/securitySchemes"
    for name, scheme in interface.security_schemes.items():
        if isinstance(scheme, dict):
            yield f"{folder}/{str(name).replace('~', '~0').replace('/', '~1')}", name, scheme


@rule(Severity.WARNING, bad=_SCHEME % "scheme: basic", good=_SCHEME % "scheme: bearer")
def basic_authentication(interface: Interface) -> Iterator[Hit]:
    """Basic authentication sends the password itself with every call: it cannot be limited, expire, or be taken back
    for one caller alone."""
    for pointer, name, scheme in _schemes(interface):
        if scheme.get("type") == "basic" or str(scheme.get("scheme")).lower() == "basic":
            yield pointer, f"{name!r} is basic authentication", "use bearer tokens, OAuth 2 or mutual TLS"


_SECRET = re.compile(
    r"api_?key|access_?token|auth_?token|id_?token|refresh_?token|passwords?|passwd|pwd|secret|client_?secret", re.I
)


@rule(
    Severity.WARNING,
    bad=_SCHEME % "type: apiKey, in: query, name: key, scheme: null",
    good=_SCHEME % "type: apiKey, in: header, name: Key, scheme: null",
)
def credential_in_url(interface: Interface) -> Iterator[Hit]:
    """URLs are kept in logs, histories and proxies. A credential in one is known to everybody who reads them."""
    for pointer, name, scheme in _schemes(interface):
        if scheme.get("type") == "apiKey" and scheme.get("in") == "query":
            yield pointer, f"{name!r} travels in the URL", "in: header"
    for parameter in parameters(interface):
        named = parameter.name.replace("-", "_")
        if parameter.location in ("path", "query") and _SECRET.fullmatch(named):
            yield parameter.pointer, f"{parameter.name!r} in the {parameter.location} is a credential", "use a header"


_FLOW = _SCHEME % "type: oauth2, scheme: null, flows: {clientCredentials: {tokenUrl: '%s', scopes: {read: Read}}}"


def _flows(scheme: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """The flows of a scheme: pointer inside it, name, what it says. Swagger 2.0 writes one into the scheme itself."""
    if scheme.get("type") != "oauth2":
        return
    flows = scheme.get("flows")
    if isinstance(flows, dict):
        for name, flow in flows.items():
            if isinstance(flow, dict):
                yield f"/flows/{name}", str(name), flow
    elif isinstance(scheme.get("flow"), str):
        yield "/flow", str(scheme["flow"]), scheme


@rule(Severity.WARNING, bad=_FLOW % "http://civil-affairs.example/t", good=_FLOW % "https://civil-affairs.example/t")
def http_token_url(interface: Interface) -> Iterator[Hit]:
    """A token fetched over plain HTTP belongs to everybody on the way."""
    for pointer, name, scheme in _schemes(interface):
        for at, _, flow in _flows(scheme):
            urls = [word for word in ("tokenUrl", "authorizationUrl", "refreshUrl") if _plain(flow.get(word))]
            if urls:
                yield pointer + at, f"{some(urls)} of {name!r} not encrypted", "offer https"


_SCOPED = _FLOW % "https://civil-affairs.example/t"


@rule(
    Severity.WARNING,
    bad=_SCOPED + "\nsecurity: [{token: [write]}]",
    good=_SCOPED + "\nsecurity: [{token: [read]}]",
)
def undefined_scope(interface: Interface) -> Iterator[Hit]:
    """A scope that the scheme does not define cannot be asked for, so the operation cannot be called."""
    defined: dict[str, set[str]] = {}
    for _, name, scheme in _schemes(interface):
        if scheme.get("type") == "oauth2":
            scopes = [flow.get("scopes") for _, _, flow in _flows(scheme)]
            defined[name] = {str(scope) for some_ in scopes if isinstance(some_, dict) for scope in some_}
    told: set[tuple[str, str]] = set()
    for operation in interface.operations:
        for requirement in operation.security:
            for name, wanted in requirement.items():
                for scope in wanted:
                    if name in defined and scope not in defined[name] and (name, scope) not in told:
                        told.add((name, scope))
                        known = some(sorted(defined[name])) or "none"
                        said = f"{name!r} defines no scope {scope!r}"
                        yield operation.pointer, said, f"define it; there are {known}"


_IMPLICIT = "type: oauth2, scheme: null, flows: {%s: {tokenUrl: 'https://a.example/t', authorizationUrl: " \
            "'https://a.example/a', scopes: {read: Read}}}"  # fmt: skip


@rule(
    Severity.INFO,
    bad=_SCHEME % (_IMPLICIT % "implicit"),
    good=_SCHEME % (_IMPLICIT % "authorizationCode"),
)
def obsolete_oauth_flow(interface: Interface) -> Iterator[Hit]:
    """The implicit flow puts tokens into URLs, the password flow hands passwords to apps; RFC 9700 says not to use
    either."""
    for pointer, name, scheme in _schemes(interface):
        for at, flow, _ in _flows(scheme):
            if flow in ("implicit", "password"):
                yield (
                    pointer + at,
                    f"{name!r} uses the {flow} flow",
                    "authorizationCode, or clientCredentials",
                )


_ANSWERED = "components: {schemas: {Marriage: {properties: {password: {type: string, description: Secret%s}}}}}"


@rule(Severity.WARNING, bad=_ANSWERED % "", good=_ANSWERED % ", writeOnly: true")
def password_in_answer(interface: Interface) -> Iterator[Hit]:
    """A password is checked, never told. One that comes back in an answer is stored in the clear, and in every log
    behind it."""
    told: set[str] = set()
    for operation in interface.operations:
        content = operation.success.content() if operation.success else None
        for field in interface.fields(content.schema) if content else ():
            known = field.name.lower().replace("_", "") in ("password", "passwd", "pwd", "密码")
            if known and not field.schema.get("writeOnly") and content and content.pointer not in told:
                told.add(content.pointer)
                yield (
                    content.pointer,
                    f"{title_of(operation)} answers {field.name!r}",
                    "writeOnly: true",
                )
