"""``/r1/…``: an X-Road client application calls the exchange as it called its own security server."""

from __future__ import annotations

import asyncio
import base64
import binascii
import time
import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import orjson

from exchange.brokering import headers as passing
from exchange.brokering import xroad
from exchange.brokering.front import METHODS, Front, Gone, Receive, Scope, Send, deliver, heard, known, whole
from exchange.brokering.intake import Incoming
from exchange.brokering.service import Answer
from exchange.errors import Forbidden, Invalid, NotFound, TongbanError, Unauthenticated
from exchange.http.problems import unexpected
from exchange.parties.access import Caller
from exchange.parties.model import Party
from exchange.parties.service import Parties
from specs.model import Kind

BASIC_SECONDS = 300.0


class XRoad:
    """The broker behind X-Road's protocol. Who calls is settled by the credential; X-Road-Client has to agree."""

    def __init__(self, front: Front, parties: Parties, instance: str) -> None:
        """``instance`` is the X-Road instance this exchange answers as."""
        self._front, self._broker, self._parties = front, front.broker, parties
        self._instance = instance
        self._known: dict[str, Party] = {}
        self._basic: dict[str, tuple[float, Sequence[object], str]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One call, whatever becomes of it."""
        request = str(uuid.uuid4())
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        told = {"X-Road-Request-Id": request}
        try:
            answer = await self._answered(scope, receive, headers, request, told)
        except Gone:
            return
        except TongbanError as error:
            answer = _fault(error, request)
        except Exception:
            await unexpected()(scope, receive, send)
            raise  # for the log
        await deliver(answer, told, send)

    async def _answered(
        self, scope: Scope, receive: Receive, headers: list[tuple[str, str]], request: str, told: dict[str, str]
    ) -> Answer:
        if scope["method"] not in METHODS:
            raise Invalid(f"the exchange passes {', '.join(METHODS)}")
        by_name = heard(scope)
        raw: bytes = scope.get("raw_path") or scope["path"].encode()
        path = raw.decode("ascii", "replace").split("?")[0]
        query = scope["query_string"].decode("ascii", "replace")
        who = xroad.client(headers)
        told["X-Road-Client"] = str(who)
        told["X-Road-Id"] = given = xroad.message_id(by_name) or str(uuid.uuid4())
        known(by_name)
        body = await whole(receive, by_name)
        address = xroad.address(path)
        told["X-Road-Service"] = address.id
        if "authorization" in by_name:
            by_name["authorization"] = await self._bearer(by_name["authorization"])
            scope = {**scope, "headers": [pair for pair in scope["headers"] if pair[0].lower() != b"authorization"]}
            scope["headers"].append((b"authorization", by_name["authorization"].encode("latin-1")))
        if not await self._is_provider(address.provider):
            raise NotFound("no such member or subsystem here", hint="GET /listClients names the members")
        if address.service in xroad.METADATA:
            caller = await self._front.caller(by_name, scope)
            await self._bind(who, caller)
            return await asyncio.to_thread(self._metadata, caller, address, query)
        call = Incoming(
            interface=address.service,
            method=scope["method"],
            path=address.path,
            query=query,
            headers={**by_name, "x-road-id": given, "x-road-request-id": request},
            body=body,
            agreement=by_name.get("tongban-agreement"),
            purpose=passing.purpose(by_name, "tongban-purpose", "x-road-issue"),
        )
        service = await self._broker.known(address.service)
        if service is not None and service.record.department != await self._owner(address.provider):
            call = replace(call, interface="")  # refused, and recorded, as a service nobody has
        answer = await self._front.passed(call, scope, lambda caller: self._bind(who, caller))
        target = f"{path}?{query}" if query else path
        told["X-Road-Request-Hash"] = xroad.request_hash(call.method, target, headers, request, body)
        told["Tongban-Receipt"] = answer.delivery
        return answer

    def members(self) -> dict[str, Any]:
        """What ``/listClients`` shows: every member and its subsystem."""
        found = []
        for party in self._parties.parties():
            kind, name = xroad.kind_of(party.kind), dict(party.name).get("zh_CN", party.id)
            fixed = {"xroad_instance": self._instance, "member_class": kind, "member_code": party.id}
            found.append({"id": {**fixed, "object_type": "MEMBER"}, "name": name})
            subsystem = {**fixed, "object_type": "SUBSYSTEM", "subsystem_code": xroad.SUBSYSTEM}
            found.append({"id": subsystem, "name": name, "subsystem_name": xroad.SUBSYSTEM})
        return {"member": found}

    async def _bind(self, who: xroad.Member, caller: Caller) -> None:
        """X-Road-Client says whom the caller acts for; only its own party may stand there. Raises `Forbidden`."""
        party = await self._look(caller.party)
        codes = {party.id, party.uscc} - {None}
        if (who.instance, who.kind) != (self._instance, xroad.kind_of(caller.kind)) or who.code not in codes:
            raise Forbidden(
                "X-Road-Client is not the party of this credential",
                rule="xroad.client",
                hint=f"X-Road-Client: {self._instance}/{xroad.kind_of(caller.kind)}/{party.id}/<your system>",
            )

    async def _is_provider(self, member: xroad.Member) -> bool:
        right = (member.instance, member.subsystem) == (self._instance, xroad.SUBSYSTEM)
        return right and await self._owner(member) is not None

    async def _owner(self, member: xroad.Member) -> str | None:
        try:
            party = await self._look(member.code)
        except NotFound:
            return None
        return party.id if member.kind == xroad.kind_of(party.kind) else None

    async def _look(self, code: str) -> Party:
        found = self._known.get(code)
        if found is None:
            found = await asyncio.to_thread(self._party, code)
            if len(self._known) > 10_000:
                self._known.clear()
            self._known[code] = found  # id, kind and code of a party never change
        return found

    def _party(self, code: str) -> Party:
        try:
            return self._parties.party(code)
        except NotFound:
            found = next((party for party in self._parties.parties() if party.uscc == code), None)
            if found is None:
                raise
            return found

    async def _bearer(self, header: str) -> str:
        """The header as a bearer token: client applications that know only a user and a password send Basic."""
        scheme, _, encoded = header.partition(" ")
        if scheme.lower() != "basic":
            return header
        try:
            name, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise Unauthenticated("the credential cannot be read", hint="Basic with client id and secret") from None
        # looked up at every call: a secret that was dropped ends at once, whatever token it was exchanged for
        await asyncio.to_thread(self._parties.shown, name, secret)
        keys, kept = self._parties.tokens.keys(), self._basic.get(header)
        if kept is not None and kept[0] > time.monotonic() and kept[1] == keys:
            return kept[2]
        bearer = f"Bearer {await asyncio.to_thread(self._parties.token, name, secret)}"
        if len(self._basic) > 10_000:
            self._basic.clear()
        self._basic[header] = (time.monotonic() + BASIC_SECONDS, keys, bearer)
        return bearer

    def _metadata(self, caller: Caller, address: xroad.Address, query: str) -> Answer:
        provider = address.provider
        if address.service == "getOpenAPI":
            return self._document(query)
        found = []
        for record in self._broker.catalogue.search(kind=Kind.API, department=self._known[provider.code].id):
            operations = {one.id: (one.method, one.path) for one in record.spec.operations}
            if address.service == "allowedMethods":
                allowed = self._broker.allowed(caller, record.id)
                operations = {id: told for id, told in operations.items() if id in allowed}
            if operations:
                found.append(xroad.service_entry(provider, record.id, sorted(operations.values())))
        return Answer(200, {"Content-Type": "application/json"}, orjson.dumps({"service": found}))

    def _document(self, query: str) -> Answer:
        from urllib.parse import parse_qs

        service = parse_qs(query).get("serviceCode", [""])[0]
        record = self._broker.catalogue.interface(service)
        if not record.state.public or record.kind is not Kind.API:
            raise NotFound(f"there is no service {service}")
        name, data = self._broker.catalogue.document(service, record.version)
        kind = "application/json" if name.endswith(".json") else "text/yaml"
        return Answer(200, {"Content-Type": kind}, data)


def _fault(error: TongbanError, request: str) -> Answer:
    status, kind = xroad.fault(error)
    rule = f" [{error.extra['rule']}]" if "rule" in error.extra else ""
    body = {"type": kind, "message": f"{error.detail}{rule}", "detail": str(error.extra.get("receipt", request))}
    headers = {"Content-Type": "application/json", "X-Road-Error": kind}
    if "receipt" in error.extra:
        headers["Tongban-Receipt"] = str(error.extra["receipt"])
    if "retry_after" in error.extra:
        headers["Retry-After"] = str(error.extra["retry_after"])
    return Answer(status, headers, orjson.dumps(body))
