"""How one interface answers: the request read, the rules asked, the state changed, the body drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any

from mockdata.instances import Unsatisfiable
from mockdata.instances.suggestions import Source, Suggestions, echo
from mockdata.sandbox.contract import Contract, contract_of
from mockdata.sandbox.facts import Facts
from mockdata.sandbox.listing import Listing
from mockdata.sandbox.messages import Request, Response
from mockdata.sandbox.mockrules import Decision, Rule, compile_rules, decide
from mockdata.sandbox.negotiation import Prefer, choose, prefer
from mockdata.sandbox.overlay import Overlay
from mockdata.sandbox.parameters import write
from mockdata.sandbox.preconditions import Preconditions
from mockdata.sandbox.reduction import reduce
from mockdata.sandbox.requests import Parsed, read
from mockdata.sandbox.resources import Resource, Role
from mockdata.sandbox.responses import answer, drawn, error, example, set_header
from mockdata.sandbox.routing import Match
from mockdata.sandbox.world import Place, World, path_source, place
from mockdata.sandbox.writing import Change, Writing
from mockdata.seeds import stream
from specs.model import Content, Interface, Operation

REPLAYED = "Tongban-Replayed"


class Behaviour:
    """Answers requests to one interface. Raises SpecError when its x-mock-rules are faulty."""

    def __init__(
        self, interface: Interface, facts: Facts, overlay: Overlay, seed: int | str, clock: Callable[[], datetime]
    ) -> None:
        self.interface = interface
        self.facts = facts
        self.overlay = overlay
        self.seed = seed
        self.clock = clock
        self.world = World(interface, self.contract, overlay, seed)
        self.listing = Listing(self.world)
        self.preconditions = Preconditions(self.world, clock)
        self.writing = Writing(self.world, self.preconditions)
        self._rules: dict[str, tuple[Rule, ...]] = {
            one.id: rules for one in interface.operations if (rules := compile_rules(interface, one))
        }

    def contract(self, operation: Operation) -> Contract:
        """The compiled contract of an operation."""
        return contract_of(self.interface, operation)

    def respond(self, request: Request, found: Match) -> tuple[Response, Parsed]:
        """The response to a request that has matched, and what was read from it."""
        operation = found.route.operation
        contract = self.contract(operation)
        parsed = read(contract, request, found.values)
        accept = request.fields.get("accept")
        wanted = prefer(request.fields["prefer"]) if "prefer" in request.fields else Prefer()
        seed = self._seed(operation, request, parsed)
        if wanted.code is not None:
            return self._preferred(contract, wanted, accept, seed), parsed
        if parsed.violations:
            first = parsed.violations[0]
            statuses = [parsed.status, *(one for one in (400, 422) if one != parsed.status)]
            if all(one.pointer.startswith("/path/") for one in parsed.violations):
                statuses.append(404)  # a thing that cannot be named does not exist
            detail = f"{first.pointer}: {first.message}"
            return error(contract, statuses, detail, accept, parsed.violations, seed), parsed
        declared = contract.success[1]
        if declared is not None and declared.contents and choose(declared.contents, accept) is None:
            offered = ", ".join(one.media_type for one in declared.contents)
            return error(contract, (406,), f"only these media types are on offer: {offered}", None, (), seed), parsed
        with self.overlay.lock:
            response = self._idempotent(contract, request, parsed, wanted, seed)
        reduce(contract, response, parsed)
        return response, parsed

    def _seed(self, operation: Operation, request: Request, parsed: Parsed) -> int:
        where = "&".join(f"{name}={write(value)}" for name, value in sorted(parsed.path.items()))
        asked = "&".join(f"{name}={value}" for name, value in sorted(request.pairs))
        body = request.body.decode("latin-1")
        return stream(self.seed, self.interface.id, operation.id, where, asked, body)

    def _preferred(self, contract: Contract, wanted: Prefer, accept: str | None, seed: int) -> Response:
        assert wanted.code is not None
        known = contract.declared(wanted.code)
        if known is None:
            codes = ", ".join(one.status for one in contract.operation.responses)
            return error(None, (404,), f"the document declares no answer {wanted.code} here, only: {codes}")
        status, declared = known
        response = answer(
            contract, status, declared, accept, lambda content: self._shown(contract, content, wanted, seed, None), seed
        )
        return response if response is not None else error(contract, (406,), "no media type on offer is accepted")

    def _shown(
        self, contract: Contract, content: Content, wanted: Prefer, seed: int, suggest: Suggestions | None
    ) -> Any:
        """A body without state: an example when one is asked for, else drawn."""
        if wanted.example is not None or wanted.dynamic is False:
            found, value = example(contract, content, wanted.example)
            if found:
                return value
        return drawn(contract, content, seed, suggest)

    def _idempotent(self, contract: Contract, request: Request, parsed: Parsed, wanted: Prefer, seed: int) -> Response:
        """The same answer for a write sent twice under one Idempotency-Key, where the operation declares
        one.
        """
        key = request.fields.get("idempotency-key")
        if not key or request.method == "GET" or not contract.declares("header", "idempotency-key"):
            return self._answer(contract, request, parsed, wanted, seed)
        mark = ("idempotency", self.interface.id, contract.operation.id, key)
        known = self.overlay.answered(mark)
        if known is None:
            response = self._answer(contract, request, parsed, wanted, seed)
            if response.status < 500:
                self.overlay.remember(mark, (request.path, request.body, response))
            return _again(response)
        path, body, response = known
        if (path, body) != (request.path, request.body):
            detail = "this Idempotency-Key was used for another request"
            return error(contract, (422, 409), detail, request.fields.get("accept"), (), seed)
        again = _again(response)
        set_header(again, REPLAYED, "true")
        return again

    def _answer(self, contract: Contract, request: Request, parsed: Parsed, wanted: Prefer, seed: int) -> Response:
        role, resource = self.world.role(contract.operation)
        decision = self._decide(contract.operation, parsed)
        if decision is not None:
            return self._by_rule(contract, request, parsed, decision, resource, seed)
        if resource is not None and wanted.example is None and wanted.dynamic is not False:
            where = place(resource, parsed.path)
            gone = role not in (Role.LIST, Role.CREATE, Role.REPLACE) and not self.world.exists(where)
            if (where.id is not None and gone) or self.world.orphaned(where):
                detail = f"there is no {where.collection} {where.id or ''}".rstrip()
                return error(contract, (404,), detail, request.fields.get("accept"), (), seed)
            return self._by_state(contract, request, parsed, role, resource, where, seed)
        source = self._source(parsed, seed)
        suggest = self._known(parsed, source)
        return self._send(
            contract, request, seed, lambda content: self._shown(contract, content, wanted, seed, suggest)
        )

    def _send(
        self, contract: Contract, request: Request, seed: int, make: Callable[[Content], Any], status: int = 0
    ) -> Response:
        plain, declared = contract.success
        known = contract.declared(status) if status else None
        if known is not None:
            plain, declared = known
        elif status:
            plain, declared = status, None
        response = answer(contract, plain, declared, request.fields.get("accept"), make, seed)
        return response if response is not None else error(contract, (406,), "no media type on offer is accepted")

    def _named(self, parsed: Parsed) -> Iterator[tuple[str, Any]]:
        """(name, value) of everything a request says."""
        for held in (parsed.body, parsed.path, parsed.query):
            yield from _leaves(held)

    def _source(self, parsed: Parsed, seed: int) -> Source | None:
        return self.facts.source(self._named(parsed), seed)

    def _known(self, parsed: Parsed, source: Source | None) -> Suggestions:
        """What an answer without state may draw on: the body's own members, path parameters, facts."""
        suggest = Suggestions()
        if isinstance(parsed.body, dict):
            suggest.ask(echo(parsed.body))
        for known in (path_source(parsed.path), source):
            if known is not None:
                suggest.ask(known)
        return suggest

    def _decide(self, operation: Operation, parsed: Parsed) -> Decision | None:
        rules = self._rules.get(operation.id)
        if rules is None:
            return None
        now = self.clock()
        variables = {
            "body": parsed.body if parsed.body is not None else {},
            "path": parsed.path,
            "query": parsed.query,
            "header": parsed.header,
            "today": now.date().isoformat(),
            "now": now.isoformat(timespec="seconds").replace("+00:00", "Z"),
        }
        return decide(rules, variables, self.facts.functions())

    def _by_rule(
        self,
        contract: Contract,
        request: Request,
        parsed: Parsed,
        decision: Decision,
        resource: Resource | None,
        seed: int,
    ) -> Response:
        """The answer of a rule: the fields it names, and of the others only those the schema requires."""
        suggest = self._known(parsed, self._source(parsed, seed))
        own = Suggestions().lay(dict(decision.body))
        for source in suggest.sources:
            own.ask(source)
        status = decision.rule.status
        response = self._send(
            contract, request, seed, lambda content: drawn(contract, content, seed, own, lean=True), status
        )
        response.rule = decision.rule.id
        kept = all(_holds(response.value, name, value) for name, value in decision.body.items())
        response.valid = kept and not decision.failed
        if decision.rule.store and status < 400:
            self._store(parsed, response, resource)
        return response

    def _store(self, parsed: Parsed, response: Response, resource: Resource | None) -> None:
        body = parsed.body if isinstance(parsed.body, dict) else {}
        value = response.value if isinstance(response.value, dict) else {}
        record = {**body, **value}
        where = place(resource or Resource("/", None), parsed.path)
        field = resource.parameter if resource is not None else None
        id = record.get(field) if field is not None else None
        key = write(id) if id is not None else str(self.overlay.count(f"{self.interface.id} {where.collection}"))
        self.overlay.put(self.interface.id, where.collection, key, record)

    def _by_state(
        self,
        contract: Contract,
        request: Request,
        parsed: Parsed,
        role: Role,
        resource: Resource,
        where: Place,
        seed: int,
    ) -> Response:
        source = self._source(parsed, seed)
        refused = self.preconditions.refusal(contract, request, role, where, seed, source)
        if refused is not None:
            return refused
        if role is Role.LIST:
            return self._send(
                contract,
                request,
                seed,
                lambda content: self.listing.body(contract, content, resource, parsed, request)[0],
            )
        if role is Role.READ:
            response = self._send(contract, request, seed, lambda content: self._read(contract, content, where, source))
            self.preconditions.mark(contract, response, where, source)
            return response
        if role in (Role.CREATE, Role.REPLACE, Role.PATCH, Role.DELETE):
            change = Change(contract, request, parsed, role, where, seed, source)
            return self.writing.answer(change, self._send)
        suggest = self._known(parsed, source)
        if where.id is not None:
            with suppress(Unsatisfiable):  # a thing without any instance is not known
                suggest.ask(echo(dict(self.world.entity(where, source))))
        return self._send(contract, request, seed, lambda content: drawn(contract, content, seed, suggest))

    def _read(self, contract: Contract, content: Content, where: Place, source: Source | None) -> Any:
        if content.schema is None:
            return drawn(contract, content, 0)
        return self.world.body(contract, content, where, source)


def _again(response: Response) -> Response:
    return Response(
        response.status,
        list(response.headers),
        response.body,
        value=response.value,
        rule=response.rule,
        valid=response.valid,
    )


def _leaves(value: Any, depth: int = 0) -> Iterator[tuple[str, Any]]:
    if depth > 4:
        return
    if isinstance(value, dict):
        for name, inner in value.items():
            if isinstance(inner, dict | list):
                yield from _leaves(inner, depth + 1)
            else:
                yield name, inner
    elif isinstance(value, list):
        for inner in value[:20]:
            yield from _leaves(inner, depth + 1)


def _holds(value: Any, name: str, wanted: Any) -> bool:
    return value is None or (isinstance(value, dict) and name in value and value[name] == wanted)
