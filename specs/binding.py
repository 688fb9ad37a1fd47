"""What a field means: the data element it declares, else the one its name, words, values and neighbours speak for.

    for carrier, binding in bindings(interface): …

A binding has a confidence from 0 to 1 and a reason in words. The author's own word always wins: `x-element: NAME`
(`authoritativeDefinitions` in a data contract) is certain, `x-element: none` says that the field is no standard
element. Inference is a pure function of the field and what stands around it; nothing is learned, nothing is fetched.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from specs import elements
from specs.carriers import Carrier, carriers, complete
from specs.elements import Element
from specs.evidence import by_values, fit
from specs.lexicon import lexicon, words_of
from specs.model import Field, Interface
from specs.namereading import UNCERTAIN, Reading, chinese, english, identifier
from specs.namewords import namewords
from specs.schema import Schema
from specs.words import is_chinese

CERTAIN, LIKELY, POSSIBLE = 0.95, 0.8, 0.6
"""Confidence from which an element may be taken as meant, as probably meant, and is worth proposing to the author.
Below POSSIBLE a binding is only a candidate: the field counts as undecided."""

CANDIDATE = 0.3
"""Below this nothing is said at all."""


@dataclass(frozen=True, slots=True)
class Binding:
    """A field bound to an element: `name` is the identifier with its qualifier ("MQ_GMSFHM"), `reason` says in a few
    words what the binding rests on."""

    element: Element
    qualifier: str | None
    confidence: float
    reason: str

    @property
    def name(self) -> str:
        return f"{self.qualifier}_{self.element.id}" if self.qualifier else self.element.id

    @property
    def explicit(self) -> bool:
        """Whether the document itself says so."""
        return self.confidence == 1.0


def bindings(interface: Interface, *, declared: bool = True) -> Iterator[tuple[Carrier, Binding | None]]:
    """Every field of the interface with its binding. With `declared` False, as if the document declared none.

    A declared element that nobody knows counts as none (the rule `unknown-element` tells of it).
    """
    around: dict[int, Surroundings] = {}
    for carrier in carriers(interface):
        near = around.get(id(carrier.siblings))
        if near is None or carrier.place == "parameter":
            near = around[id(carrier.siblings)] = surroundings(carrier.siblings, carrier.owner)
        field = carrier.field if declared else replace(carrier.field, element=None)
        try:
            yield carrier, bind(field, interface, near)
        except KeyError:
            yield carrier, None


def bind(field: Field, interface: Interface, near: Surroundings | None = None) -> Binding | None:
    """The element a field carries, None when nothing speaks for one. Raises KeyError (naming near ones) for a declared
    element that nobody knows.

    The confidence of an inferred binding is at least CANDIDATE; whether it is enough is the caller's to say.
    """
    if field.element is not None:
        if field.element.lower() == "none":
            return None
        qualifier, element = elements.resolve(field.element)
        if qualifier is None:
            qualifier = _qualifier_of(field.name, element)
        return Binding(element, qualifier, 1.0, "declared")
    return infer(field, complete(field.schema, interface), near or surroundings((field,), ""))


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a field stands among: the words of its owner and of its siblings' names, whether those names are pinyin,
    and whether the record is about a person or an organisation."""

    words: frozenset[str]
    pinyin: bool
    person: bool
    organisation: bool


def surroundings(siblings: Iterable[Field], owner: str) -> Surroundings:
    """What the fields of one table or schema have in common."""
    names: set[str] = set()
    short = spoken = 0
    for field in siblings:
        lower = field.name.lower()
        names |= {lower, lower.replace("_", ""), *words_of(field.name)}
        spoken += is_chinese(field.name) or is_chinese(field.title.get("zh_CN", ""))
        readings = identifier(field.name, pinyin=True)
        short += bool(readings) and len(field.name) > 2 and not lexicon().english.get(words_of(field.name))
    owners = frozenset(words_of(owner))
    person = bool(owners & namewords().person or names & namewords().person_facts)
    return Surroundings(
        words=frozenset(names) | owners,
        pinyin=spoken > 0 or short >= max(2, len(names) // 6),
        person=person,
        organisation=not person and bool(owners & namewords().organisation),
    )


def infer(field: Field, schema: Schema, near: Surroundings) -> Binding | None:
    """The best inferred binding, None when nothing reaches CANDIDATE. `schema` is the field's own, completed."""
    spoken = [_fitted(reading, schema) for reading in _weighed(field, near)]
    sure = max((reading.confidence for reading in spoken), default=0.0)
    of_values = [_fitted(reading, schema) for reading in by_values(schema)]
    if sure >= POSSIBLE:  # what values suggest counts little when the words speak of something else
        of_values = [replace(reading, confidence=reading.confidence * 0.4) for reading in of_values]
    best = max([*spoken, *of_values], key=lambda reading: reading.confidence, default=None)
    if best is None or best.confidence < CANDIDATE:
        return None
    return Binding(elements.dictionary()[best.element], best.qualifier, best.confidence, best.reason)


def _fitted(reading: Reading, schema: Schema) -> Reading:
    worth, why = fit(elements.dictionary()[reading.element], schema)
    confidence = round(min(0.98, reading.confidence * worth), 2)
    return replace(reading, confidence=confidence, reason=f"{reading.reason}; {why}" if why else reading.reason)


def _weighed(field: Field, near: Surroundings) -> list[Reading]:
    """The readings of the field's words, and of its name as far as the words do not speak against it."""
    words = _of_words(field)
    names = [*identifier(field.name, pinyin=near.pinyin), *_of_name(field, near)]
    title = field.title.get("zh_CN", "") if not is_chinese(field.name) else field.name
    if words and max(reading.confidence for reading in words) > UNCERTAIN:
        names = [reading for reading in names if reading.confidence > UNCERTAIN or _among(reading, words)]
        return [_in_error(_agreed(reading, names), near) for reading in words]
    if title:
        names = [_against_title(reading, title) for reading in names]
    return [*words, *names]


def _in_error(reading: Reading, near: Surroundings) -> Reading:
    """What explains an error is no remark."""
    if reading.element != "BZ" or not near.words & _ERRORS:
        return reading
    return replace(reading, element="CWXX", confidence=0.85, reason=f"{reading.reason} beside an error")


_ERRORS = frozenset({"error", "errors", "exception", "fault", "problem"})


def _of_words(field: Field) -> list[Reading]:
    """What Chinese name or title say; without one, what the description begins with."""
    title = field.title.get("zh_CN", "")
    text = field.name if is_chinese(field.name) else title
    found = list(chinese(text)) if text else []
    if not found and (head := field.description.get("zh_CN", "")) and not text:
        found = [replace(r, confidence=r.confidence - 0.12, reason=f"description, {r.reason}") for r in chinese(head)]
    return found


def _of_name(field: Field, near: Surroundings) -> list[Reading]:
    """What an English name, title or description says."""
    found: list[Reading] = []
    if not is_chinese(field.name):
        found += _generic(field, near) or english(field.name, near.words)
    if (title := field.title.get("en", "")) and words_of(title) != words_of(field.name):
        found += [replace(r, confidence=min(0.98, r.confidence + 0.02)) for r in english(title, near.words)]
    if not any(reading.confidence > UNCERTAIN for reading in found):
        head = field.description.get("en", "").split("\n")[0]
        for mark in (".", ",", ";", " - ", "(", ":", " of ", " for ", " in ", " where "):
            head = head.split(mark)[0]
        if _another_date(field.name, head):
            return found
        for reading in english(head, near.words) if 0 < len(head.split()) < 7 else ():
            if (
                reading.confidence > UNCERTAIN and len(set(words_of(head)) - namewords().noise) > 1
            ):  # "current state" says too little
                less = 0.15 if reading.said or reading.qualifier else 0.3  # the end of a sentence says little by itself
                found.append(replace(reading, confidence=reading.confidence - less, reason="description"))
    if _TOLD_OF.match(field.description.get("en", "")):
        found = [r for r in found if elements.dictionary()[r.element].schema.get("type") in ("integer", "number")]
    return found


_TOLD_OF = re.compile(r"(the )?(total |overall )*(count|sum|share|percentage) of\b|total number of\b", re.IGNORECASE)
"""How a description begins that tells of many what an element says of one."""


def _another_date(name: str, head: str) -> bool:
    """Whether a name already says which date it is, in other words than the description begins with."""
    named, told = set(words_of(name)), set(words_of(head)) - namewords().noise
    return "date" in named and "date" in told and not (named & told) - {"date"}


def _generic(field: Field, near: Surroundings) -> list[Reading]:
    """Names that mean something only in a record of persons or of organisations."""
    name = field.name.lower()
    words = words_of(field.name)
    if words in (("id", "number"), ("identity", "number")) and near.words & _KINDS_OF_DOCUMENT:
        return [Reading("ZJHM", None, 0.85, "number beside the type of its document")]
    if words == ("registered", "address") and near.organisation:
        return [Reading("ZCDZ", None, 0.85, "registered address of an organisation")]
    if namewords().pairs.get(field.name.upper(), " ") in near.words and len(name) == 2:
        return [Reading(field.name.upper(), None, 0.9, "beside its other half")]
    if name == "name":
        if near.person:
            return [Reading("XM", None, 0.8, "name in a record of a person")]
        return [Reading("DWMC", None, 0.75, "name in a record of an organisation")] if near.organisation else []
    if name == "address" and near.person:
        return [Reading("XZZXZ", None, 0.75, "address in a record of a person")]
    return []


_KINDS_OF_DOCUMENT = frozenset({"idtype", "documenttype", "doctype", "certtype", "zjlx", "zjlxdm"})


def _agreed(reading: Reading, names: list[Reading]) -> Reading:
    """A reading of the words, surer when the name says the same. The name of a column is the composition GA/T 543
    knows: a title that merely names the record's subject (参保人姓名 for XM) adds no qualifier."""
    for other in names:
        if other.element == reading.element:
            both = 1 - (1 - reading.confidence) * (1 - other.confidence)
            plain = other.reason == "identifier" and other.qualifier is None and reading.qualifier not in _OTHERS
            qualifier = other.qualifier or (None if plain else reading.qualifier)
            return replace(reading, qualifier=qualifier, confidence=both, reason=f"{reading.reason} and {other.reason}")
    return reading


_OTHERS = frozenset(
    {"FQ", "MQ", "JHR", "JHRY", "JHRE", "NAN", "NV", "PO", "HZ", "FR", "DLR", "LXR", "JBR", "FZR", "CWFZR"}
)
"""Roles that never are the record's own subject."""


def _among(reading: Reading, readings: list[Reading]) -> bool:
    return any(reading.element == other.element for other in readings)


def _against_title(reading: Reading, title: str) -> Reading:
    """The name says one thing and nothing in the Chinese title is known: 项目 is no 姓名, though both are XM."""
    alike = max((_overlap(title, name) for name in lexicon().spoken[reading.element]), default=0.0)
    return replace(reading, confidence=reading.confidence * (0.9 if alike >= 0.7 else 0.6 if alike >= 0.4 else 0.35))


def _overlap(one: str, other: str) -> float:
    shared, every = len(set(one) & set(other)), len(set(one) | set(other))
    return shared / every if every else 0.0


def _qualifier_of(name: str, element: Element) -> str | None:
    """The qualifier in a field's name whose declared element is the bare one (`MQ_XM` declared as XM)."""
    composed = elements.find(name)
    return composed[0] if composed is not None and composed[1] is element else None
