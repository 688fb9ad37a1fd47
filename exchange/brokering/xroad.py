"""X-Road's message protocol for REST (version ``r1``): addresses, headers, request hash, errors. Pure.

Our words in theirs: a party is a member of class GOV (departments, offices) or COM (vendors), its code the party's id
or its unified social credit code; a party's interfaces belong to its one subsystem `SUBSYSTEM`; a service code is an
interface id.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

from exchange.errors import Invalid, TongbanError
from exchange.http.problems import STATUS

SUBSYSTEM = "TONGBAN"
METADATA = frozenset({"listMethods", "allowedMethods", "getOpenAPI"})
PASSED = frozenset(
    {"x-road-client", "x-road-id", "x-road-userid", "x-road-issue", "x-road-represented-party", "x-road-request-id"}
)
"""Headers of the protocol that a provider gets to see."""
SKIPPED = frozenset(
    {"transfer-encoding", "keep-alive", "te", "trailer", "upgrade", "connection", "user-agent", "host", "server"}
    | {"proxy-authenticate", "proxy-authorization", "content-length", "expect", "x-road-request-id"}
    # ours alone: what the consumer shows the exchange is no part of the message
    | {"x-road-request-hash", "authorization", "cookie"}
)
"""Headers that are no part of a message and so not of its hash."""
_IDENTIFIER = re.compile(r"[A-Za-z0-9'()+,\-.=?]{1,255}")
_ID = re.compile(r"[A-Za-z0-9._~:@/+=-]{1,255}")
GOVERNMENT = frozenset({"department", "data_office", "finance", "operator"})


@dataclass(frozen=True, slots=True)
class Member:
    """A member or one of its subsystems, by the parts of its identifier."""

    instance: str
    kind: str
    code: str
    subsystem: str = ""

    def __str__(self) -> str:
        parts = (self.instance, self.kind, self.code, *([self.subsystem] if self.subsystem else []))
        return "/".join(quote(part, safe="") for part in parts)


@dataclass(frozen=True, slots=True)
class Address:
    """What a request path names: a service of a provider's subsystem, and the raw path below it."""

    provider: Member
    service: str
    path: str

    @property
    def id(self) -> str:
        """The service's identifier, for X-Road-Service."""
        return f"{self.provider}/{quote(self.service, safe='')}"


def address(raw: str) -> Address:
    """From ``/r1/CN/GOV/police/TONGBAN/police.people/people/7``. Raises `Invalid`.

    The subsystem is required: without it, it could not be told where the service code ends and the path begins.
    """
    parts = raw.split("/", 7)
    if len(parts) < 7 or parts[1] != "r1":
        raise Invalid(
            "the path names no service",
            hint=f"/r1/<instance>/<member class>/<member code>/{SUBSYSTEM}/<interface id>/…",
        )
    instance, kind, code, subsystem, service = (_part(part) for part in parts[2:7])
    return Address(Member(instance, kind, code, subsystem), service, "/" + (parts[7] if len(parts) > 7 else ""))


def client(headers: Iterable[tuple[str, str]]) -> Member:
    """The member in ``X-Road-Client``. Raises `Invalid` when it is missing, malformed or given twice."""
    given = [value for name, value in headers if name.lower() == "x-road-client"]
    if len(given) != 1:
        raise Invalid("X-Road-Client has to be given once", hint="X-Road-Client: <instance>/GOV/<your party>/<system>")
    parts = given[0].strip().split("/")
    if not 3 <= len(parts) <= 4:
        raise Invalid("X-Road-Client is no member", hint="X-Road-Client: <instance>/GOV/<your party>/<system>")
    return Member(*(_part(part) for part in parts))


def kind_of(kind: str) -> str:
    """The member class of a party's kind."""
    return "GOV" if kind in GOVERNMENT else "COM"


def message_id(headers: Mapping[str, str]) -> str | None:
    """``X-Road-Id`` as given, or None. A UUID is what the protocol recommends; any other plain word is one, too.

    Raises `Invalid` for what is none.
    """
    given = headers.get("x-road-id")
    if given is not None and not _ID.fullmatch(given):
        raise Invalid("X-Road-Id is a UUID or another plain word", hint="leave it out to have one made")
    return given


def request_hash(method: str, target: str, headers: Iterable[tuple[str, str]], request: str, body: bytes) -> str:
    """``X-Road-Request-Hash``: base64 of SHA-512(SHA-512(message) ‖ SHA-512(body)); without a body of SHA-512(message).

    The message is the method, the target with its query, and the headers in order (names in lower case, as this server
    hears them), each line ended by CRLF; last the request's own id.
    """
    told = [(name.lower(), value) for name, value in headers if name.lower() not in SKIPPED]
    lines = [method, target, *(f"{name}:{value}" for name, value in (*told, ("x-road-request-id", request)))]
    message = hashlib.sha512("".join(f"{line}\r\n" for line in lines).encode()).digest()
    whole = hashlib.sha512(message + hashlib.sha512(body).digest()).digest() if body else message
    return base64.b64encode(whole).decode()


def fault(error: TongbanError) -> tuple[int, str]:
    """Status and type of a platform error: 400 for what the client did wrong in the message, 500 otherwise."""
    status = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
    if status in (400, 413, 422):
        return 400, "Client.BadRequest"
    rule = str(error.extra.get("rule", ""))
    if rule == "provider-timeout" or rule == "provider-unreachable":
        return 500, "Server.ServerProxy.NetworkError"
    names = {401: "Server.ClientProxy.AuthenticationFailed", 403: "Server.ServerProxy.AccessDenied"}
    names |= {404: "Server.ServerProxy.UnknownService", 502: "Server.ServerProxy.ServiceFailed"}
    return 500, names.get(status, "Server.ServerProxy.InternalError")


def service_entry(provider: Member, service: str, endpoints: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """One service as the metadata services list it."""
    return {
        "member_class": provider.kind,
        "member_code": provider.code,
        "object_type": "SERVICE",
        "service_code": service,
        "service_type": "OPENAPI",
        "subsystem_code": provider.subsystem,
        "xroad_instance": provider.instance,
        "endpoint_list": [{"method": method, "path": path} for method, path in endpoints],
    }


def _part(raw: str) -> str:
    part = unquote(raw, errors="replace")
    if not _IDENTIFIER.fullmatch(part) or part in (".", ".."):
        raise Invalid(
            "a part of an identifier is empty or holds a character that is not allowed", hint="A–Z a–z 0–9 .-"
        )
    return part
