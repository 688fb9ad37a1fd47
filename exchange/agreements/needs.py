"""Derived needs: which field every step of a published process reads, what covers it, and what is missing.

`reads` and `asked` read an Arazzo document; `derive` compares it with agreements, applications and the catalogue. Both
are pure. What is missing and can be had becomes the draft of an application, one for each operation, so that no draft
asks for more than its step needs; what cannot be had is a gap, and says whether anybody shares it elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from exchange.agreements.model import (
    Agreement,
    AgreementState,
    Application,
    ApplicationState,
    Sharing,
    sharing_class,
)
from exchange.agreements.scope import resolve
from exchange.agreements.wish import Gap, Mode, Wish, gaps
from specs.model import Interface
from specs.process import Process, Step
from specs.words import NOTHING, Text

OWN, AGREED, APPLIED, MISSING, UNSHARED = "own", "agreed", "applied", "missing", "unshared"
_BODY = re.compile(r"\$response\.body#(/[^\s'\"})\]=<>!&|]+)")
_INPUT = re.compile(r"\$inputs\.([A-Za-z0-9_.-]+)")


@dataclass(frozen=True, slots=True)
class Giver:
    """Somebody who shares a data element."""

    department: str
    interface: str
    field: str
    title: Text


@dataclass(frozen=True, slots=True)
class Offer:
    """An interface of the catalogue as far as needs go. ``live``: in force."""

    spec: Interface
    department: str
    live: bool


@dataclass(frozen=True, slots=True)
class Needed:
    """One answer field a step reads. ``state``: `OWN`, `AGREED`, `APPLIED`, `MISSING` or `UNSHARED`.

    ``by``: the agreement or application that covers it. ``why`` and ``givers`` belong to an unshared one: the reason,
    and who shares the same element elsewhere; with nobody, it is a gap no department fills.
    """

    field: str
    state: str
    by: str = ""
    why: str = ""
    givers: tuple[Giver, ...] = ()


@dataclass(frozen=True, slots=True)
class StepNeeds:
    """What one step needs: answer fields of an operation, and what is sent to get them."""

    id: str
    title: Text
    department: str
    interface: str
    operation: str
    fields: tuple[Needed, ...]
    sends: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """One thing the applicant is asked for; ``givers`` share it, so it need not be asked (国务院令第716号 art 7)."""

    name: str
    title: Text
    element: str
    steps: tuple[str, ...]
    givers: tuple[Giver, ...]


@dataclass(frozen=True, slots=True)
class Draft:
    """An application not filed yet; ``missing`` is what its author still has to say."""

    provider: str
    wish: Wish
    missing: tuple[Gap, ...]


@dataclass(frozen=True, slots=True)
class Derived:
    """Everything a process needs on behalf of one consumer."""

    process: str
    matter: str
    consumer: str
    title: Text
    steps: tuple[StepNeeds, ...]
    asked: tuple[Asked, ...]
    drafts: tuple[Draft, ...]

    @property
    def gaps(self) -> list[tuple[StepNeeds, Needed]]:
        """Fields nobody shares with this consumer, with the step that needs them."""
        return [(step, one) for step in self.steps for one in step.fields if one.state == UNSHARED]

    def count(self, state: str) -> int:
        """How many fields of all steps are in one state."""
        return sum(one.state == state for step in self.steps for one in step.fields)


@dataclass(frozen=True, slots=True)
class Known:
    """What `derive` compares a process with."""

    consumer: str
    offers: Mapping[str, Offer]
    agreements: Sequence[Agreement]
    applications: Sequence[Application]
    givers: Callable[[str], tuple[Giver, ...]]
    now: datetime
    steps: Mapping[str, Any] = field(default_factory=dict)
    needs: Mapping[str, Mapping[str, Sequence[str]]] = field(default_factory=dict)


def derive(process: Interface, matter: str, known: Known, settled: Iterable[str] = ()) -> Derived:
    """What ``process`` needs on behalf of ``known.consumer`` for the purpose ``matter``.

    ``known.steps`` and ``known.needs`` are what the matter says beyond the process: titles, and fields an app may
    read. Elements in ``settled`` say who is asked about; they are never held against the applicant's form.
    """
    steps = tuple(_step(step, matter, known) for step in _calls(process))
    return Derived(
        process.id,
        matter,
        known.consumer,
        process.title,
        steps,
        tuple(_asked(process, known, frozenset(settled))),
        tuple(_drafts(steps, matter, process, known)),
    )


def reads(step: Step) -> tuple[str, ...]:
    """Names and pointers of the answer fields a step's outputs, criteria and actions read, each once."""
    texts = [*_strings(step.outputs), *(criterion.condition for criterion in step.criteria)]
    texts += [str(criterion.context) for criterion in step.criteria if criterion.context]
    for action in (*step.on_success, *step.on_failure):
        texts += [criterion.condition for criterion in action.criteria]
    found = (hit for text in texts for hit in _BODY.findall(text))
    return tuple(dict.fromkeys(_named(pointer) for pointer in found))


def sends(step: Step) -> tuple[tuple[str, str], ...]:
    """(name, where it comes from) of what a step sends: an expression, or the constant itself."""
    parts = [(argument.name, str(argument.value)) for argument in step.parameters if argument.name != "fields"]
    payload = step.payload.value if step.payload else None
    if isinstance(payload, Mapping):
        parts += [(str(name), text) for name, value in payload.items() for text in _strings(value)]
    elif step.payload:
        parts += [("(body)", text) for text in _strings(payload)]
    parts += [(one.target, str(one.value)) for one in (step.payload.replacements if step.payload else ())]
    return tuple(dict.fromkeys(parts))


def _calls(process: Interface) -> Iterator[Step]:
    for workflow in (process.process or Process()).workflows:
        yield from (step for step in workflow.steps if step.operation and step.interface)


def _step(step: Step, matter: str, known: Known) -> StepNeeds:
    interface, operation = str(step.interface), str(step.operation)
    more = known.needs.get(interface, {}).get(operation, ())
    wanted = dict.fromkeys((*reads(step), *more))
    said = known.steps.get(step.id)
    offer = known.offers.get(interface)
    return StepNeeds(
        id=step.id,
        title=said.title if said else step.description or NOTHING,
        department=offer.department if offer else said.department if said else interface.partition(".")[0],
        interface=interface,
        operation=operation,
        fields=tuple(_needed(name, interface, operation, matter, known) for name in wanted),
        sends=tuple(dict.fromkeys(name for name, _ in sends(step))),
    )


def _needed(name: str, interface: str, operation: str, matter: str, known: Known) -> Needed:
    offer = known.offers.get(interface)
    if offer is not None and offer.department == known.consumer:
        return Needed(name, OWN)
    places = _places(offer, operation, name)
    for agreement in known.agreements:
        if _is_for(agreement, interface, matter, known) and places and _holds(agreement, operation, places):
            return Needed(name, AGREED, agreement.id)
    why = _obstacle(offer, operation, places)
    if why:
        return Needed(name, UNSHARED, why=why, givers=_elsewhere(name, interface, known))
    for application in known.applications:
        if _asks(application, offer, operation, matter, places):
            return Needed(name, APPLIED, application.id)
    return Needed(name, MISSING)


def _obstacle(offer: Offer | None, operation: str, places: frozenset[str]) -> str:
    if offer is None or not offer.live:
        return "not-published"
    if operation not in {one.id for one in offer.spec.operations}:
        return "no-operation"
    if not places:
        return "no-field"
    return "not-shared" if sharing_class(offer.spec) is Sharing.NONE else ""


def _places(offer: Offer | None, operation: str, name: str) -> frozenset[str]:
    if offer is None or operation not in {one.id for one in offer.spec.operations}:
        return frozenset()
    return frozenset(resolve(offer.spec, [operation], [name])[0][operation])


def _is_for(agreement: Agreement, interface: str, matter: str, known: Known) -> bool:
    """An agreement for another purpose covers nothing here (art 25)."""
    return (
        agreement.consumer == known.consumer
        and agreement.interface == interface
        and agreement.purpose == matter
        and agreement.mode is Mode.SERVICE
        and agreement.state_at(known.now) is AgreementState.ACTIVE
    )


def _holds(agreement: Agreement, operation: str, places: frozenset[str]) -> bool:
    agreed = agreement.scope.get(operation, ())
    return all(any(place == one or place.startswith(f"{one}/") for one in agreed) for place in places)


def _asks(application: Application, offer: Offer | None, operation: str, matter: str, places: frozenset[str]) -> bool:
    wish = application.wish
    waiting = application.state in (ApplicationState.FILED, ApplicationState.INCOMPLETE)
    if offer is None or not waiting or wish.interface != offer.spec.id or wish.purpose != matter:
        return False
    if operation not in wish.operations:
        return False
    return places <= set(resolve(offer.spec, [operation], wish.fields)[0][operation])


def _elsewhere(name: str, interface: str, known: Known) -> tuple[Giver, ...]:
    element = name.rpartition("/")[2]
    return tuple(
        giver for giver in known.givers(element) if giver.interface != interface and known.consumer != giver.department
    )


def _asked(process: Interface, known: Known, settled: frozenset[str]) -> Iterator[Asked]:
    for workflow in (process.process or Process()).workflows:
        users: dict[str, list[str]] = {}
        for step in workflow.steps:
            for _, origin in sends(step):
                for name in _INPUT.findall(origin):
                    users.setdefault(name.partition(".")[0], []).append(step.id)
        properties = workflow.inputs.get("properties", {})
        for name, steps in users.items():
            schema = properties.get(name, {})
            element = str(schema.get("x-element", ""))
            plain = element.rpartition("_")[2]
            found = () if not element or plain in settled else known.givers(element)
            title = {"zh_CN": str(schema.get("title", name)), "en": str(schema.get("x-en", {}).get("title", name))}
            yield Asked(name, title, element, tuple(dict.fromkeys(steps)), found)


def _drafts(steps: Sequence[StepNeeds], matter: str, process: Interface, known: Known) -> Iterator[Draft]:
    missing: dict[tuple[str, str], dict[str, None]] = {}
    for step in steps:
        for one in step.fields:
            if one.state == MISSING:
                missing.setdefault((step.interface, step.operation), {})[one.field] = None
    for (interface, operation), names in missing.items():
        offer = known.offers[interface]
        wish = Wish(
            interface=interface,
            operations=(operation,),
            fields=tuple(names),
            legal_basis=str(process.extensions.get("x-legal-basis", "")),
            scenario=process.title.get("zh_CN") or next(iter(process.title.values()), process.id),
            purpose=matter,
            mode=Mode.SERVICE.value,
        )
        yield Draft(offer.department, wish, gaps(wish, offer.spec))


def completed(draft: Draft, offer: Interface, legal_basis: str, duration_days: int | None, approved_by: str) -> Draft:
    """The draft with what only its author can say; what it says already stays."""
    wish = replace(
        draft.wish,
        legal_basis=legal_basis or draft.wish.legal_basis,
        duration_days=duration_days,
        approved_by=approved_by,
    )
    return replace(draft, wish=wish, missing=gaps(wish, offer))


def _named(pointer: str) -> str:
    """A pointer as applications name fields: the bare name of a top-level one; every array index is ``*``."""
    tokens = ["*" if token.isdigit() else token for token in pointer.split("/")[1:]]
    return tokens[0] if len(tokens) == 1 else "/" + "/".join(tokens)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _strings(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _strings(part)
