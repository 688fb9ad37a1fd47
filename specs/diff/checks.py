"""The register of what `tongban spec diff` can notice: id, what it means, and why it is judged as it is.

A check about a constraint comes in the variants `-narrowed`, `-widened`, `-changed` and `-unsure`: whether it breaks
anybody follows from the side alone (see `Relation.level`). Every other check states its judgement here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from specs.diff.change import Level, Relation, Side

B, C, U = Level.BREAKING, Level.COMPATIBLE, Level.UNKNOWN


@dataclass(frozen=True, slots=True)
class Check:
    """`request` and `response`: the level on that side, None where it cannot occur."""

    id: str
    what: str
    request: Level | None
    response: Level | None

    def level(self, side: Side) -> Level:
        """The level on a side; the graver one for both. Raises KeyError when the check has none there."""
        known = {Side.REQUEST: [self.request], Side.RESPONSE: [self.response]}
        levels = [level for level in known.get(side, [self.request, self.response]) if level is not None]
        if not levels:
            raise KeyError(f"{self.id} does not occur on side {side}")
        return min(levels, key=lambda level: level.rank)


CONSTRAINTS: Mapping[str, str] = {
    "type": "the JSON types allowed",
    "enum": "the values allowed one by one (enum, const)",
    "range": "minimum, maximum and their exclusive forms",
    "multiple-of": "the step of numbers",
    "length": "the length of a text",
    "pattern": "the pattern of a text",
    "format": "the format of a text or number",
    "content": "what a text carries (contentMediaType, contentEncoding, contentSchema)",
    "items-count": "how many items an array has",
    "unique-items": "whether items may repeat",
    "items": "whether an array says what its items are",
    "prefix-items": "the items at fixed places",
    "contains": "what an array must contain, and how often",
    "properties-count": "how many members an object has",
    "additional-properties": "whether further members are allowed, and which",
    "property-names": "what members may be called",
    "pattern-properties": "members told by a pattern of their name",
    "dependent-required": "members that another member makes necessary",
    "dependent-schemas": "rules that a member brings with it",
    "unevaluated": "what nothing else describes (unevaluatedItems, unevaluatedProperties)",
    "alternatives": "the alternatives of oneOf or anyOf",
    "all-of": "a part that must hold too (allOf)",
    "not": "what is excluded",
    "condition": "if, then, else",
}
"""Constraint of a schema → what it limits."""

_OWN = (
    # schemas
    Check("property-added", "an optional field more; in a closed answer a strict reader may refuse it", C, C),
    Check("closed-property-added", "a field more where none, or others of another kind, were promised", B, B),
    Check("further-property-added", "a field more, perhaps of another kind than further ones were promised", U, U),
    Check("required-property-added", "a field that every request must send from now on", B, None),
    Check("property-removed", "a field less: callers can no longer say it, readers no longer find it", B, B),
    Check("property-became-required", "a field that could be left out must now be sent", B, C),
    Check("property-became-optional", "a field that was always there may be missing", C, B),
    Check("became-read-only", "a field that could be sent is now only answered", U, C),
    Check("no-longer-read-only", "a field that was only answered can be sent", C, C),
    Check("became-write-only", "a field that was answered is now only sent", C, B),
    Check("no-longer-write-only", "a field that was only sent is answered too", C, C),
    Check("discriminator-changed", "another member tells which alternative is meant", B, B),
    Check("discriminator-mapping-changed", "a value of the discriminator means another schema", B, B),
    Check("discriminator-mapping-removed", "a value of the discriminator means nothing any more", B, C),
    Check("discriminator-mapping-added", "the discriminator knows one more value", C, U),
    Check("discriminator-added-or-removed", "alternatives are told apart in another way", U, U),
    Check("default-changed", "what counts when a value is left out", U, C),
    Check("element-changed", "the field carries another data element: the same name means something else", B, B),
    Check("element-removed", "nobody says any more what the field means", U, U),
    Check("element-added", "the field says what it means", C, C),
    Check(
        "sensitivity-raised", "the field is more sensitive than it was: agreements and masks may have to change", U, U
    ),
    Check("sensitivity-lowered", "the field is less sensitive than it was", C, C),
    Check("alternatives-regrouped", "alternatives came or went, and others take in what they allow", C, C),
    Check("known-value-added", "a value more of an open list (x-extensible-enum)", C, C),
    Check("known-value-removed", "a value less of an open list (x-extensible-enum)", B, C),
    Check("xml-changed", "how a value is written in XML", U, U),
    Check("schema-added", "a body without a schema has one", B, C),
    Check("schema-removed", "nobody says any more what a body holds", C, B),
    Check("text-changed", "titles, descriptions, examples, tags: words for people", C, C),
    Check("not-compared", "reading cut a schema short; what lies behind may differ", U, U),
    Check("extension-changed", "a keyword of the publisher's own, whose meaning is not known here", U, U),
    Check("behaviour-changed", "the declared behaviour behind the answers (x-mock-rules, x-rules)", U, U),
    Check("deprecated", "announced to go", C, C),
    Check("no-longer-deprecated", "a deprecation is taken back", C, C),
    Check("sunset-added", "the day it ends is announced (x-sunset)", C, C),
    Check("sunset-later", "it ends later than announced, or no longer does", C, C),
    Check("sunset-earlier", "it ends before the day that was announced", B, B),
    Check("sunset-removed", "it is still to end, and nobody says any more when", B, B),
    Check("stability-raised", "it is more settled (x-stability-level)", C, C),
    Check("stability-lowered", "what was settled may change again (x-stability-level)", B, B),
    # operations
    Check("path-removed", "a path with all its operations is gone", B, None),
    Check("operation-removed", "a method of a path is gone", B, None),
    Check("operation-added", "one operation more", C, None),
    Check("operation-renamed", "another operationId: processes, agreements and generated clients name it", B, None),
    Check("path-parameter-renamed", "another name for the same place of a path; no caller sees it", C, C),
    Check("server-removed", "an address that was promised", B, None),
    Check("server-added", "one address more", C, None),
    Check("security-tightened", "a caller who got in no longer does", B, None),
    Check("security-loosened", "further ways in, or fewer scopes asked for", C, None),
    Check("security-scheme-changed", "the same scheme is used in another way", B, None),
    Check("security-address-changed", "tokens are got from another address", U, None),
    Check("security-flow-removed", "one way to get a token is gone", B, None),
    Check("security-flow-added", "one more way to get a token", C, None),
    Check("security-scope-removed", "a scope is no longer described; operations that still ask for it say so", U, None),
    Check("security-scope-added", "one more scope is described", C, None),
    Check("parameter-added", "an optional parameter more", C, C),
    Check("required-parameter-added", "a parameter that every call must send", B, C),
    Check("parameter-removed", "a parameter that callers may be sending", B, B),
    Check("parameter-became-required", "a parameter that could be left out", B, C),
    Check("parameter-became-optional", "a parameter that may now be left out", C, B),
    Check("parameter-became-list", "one value where several may be given now, written the same", C, B),
    Check("parameter-style-changed", "the value is written in another way (style, explode, media type)", B, B),
    Check("parameter-default-changed", "a call that leaves the parameter out now means something else", B, C),
    Check("empty-value-allowed", "a parameter may be named without a value", C, C),
    Check("empty-value-refused", "a parameter may no longer be named without a value", B, C),
    Check("reserved-allowed", "reserved characters may stand unescaped in a value", C, C),
    Check("reserved-refused", "reserved characters must be escaped in a value", B, C),
    Check("body-added", "an optional body", C, C),
    Check("required-body-added", "a body that every call must send", B, C),
    Check("body-removed", "a body that callers are sending", B, B),
    Check("body-became-required", "the body could be left out", B, C),
    Check("body-became-optional", "the body may be left out", C, B),
    Check("media-type-removed", "one way to send or receive it is gone", B, B),
    Check("media-type-added", "one more way to send or receive it", C, C),
    Check("media-type-widened", "a media range takes in the media type that was named", C, B),
    Check("media-type-narrowed", "one media type of the range that was named", B, C),
    Check("media-type-parameters-changed", "the same media type with other parameters", U, U),
    Check("encoding-changed", "how the parts of a form are written", U, U),
    Check("part-type-narrowed", "a part of a form may have fewer media types", B, C),
    Check("part-type-widened", "a part of a form may have further media types", C, B),
    Check("part-type-changed", "a part of a form has another media type", B, B),
    Check("part-spelled-otherwise", "a part of a form is written in another way (style, explode)", B, B),
    Check("stream-changed", "items one by one became a whole, or the reverse", B, B),
    Check("success-response-removed", "an answer that callers wait for", B, B),
    Check("error-response-removed", "an error that is no longer documented", U, C),
    Check("response-added", "one more documented answer", C, C),
    Check("response-narrowed", "a range of statuses is documented one by one", U, C),
    Check("header-removed", "a header that readers may be using", C, B),
    Check("header-added", "one header more", C, C),
    Check("required-header-added", "one header more that is always there", B, C),
    Check("header-became-optional", "a header that was always there may be missing", C, B),
    Check("header-became-required", "a header that will always be there", B, C),
    Check("link-added", "an answer leads on to one more operation", C, C),
    Check("link-removed", "whoever follows the link no longer finds it", B, B),
    Check("link-changed", "the link leads elsewhere, or takes along something else", B, B),
    Check("callback-removed", "a message that callers wait for", None, B),
    Check("callback-added", "one more message a caller may ask for", None, C),
    Check("callback-changed", "what a callback is called back with in turn", None, U),
    Check("callback-address-changed", "the address to call back is taken from elsewhere", None, B),
    Check("message-security-changed", "how the sender of a message shows who it is", None, U),
    Check("webhook-removed", "a message that subscribers wait for", None, B),
    Check("webhook-added", "one more message to subscribe to", None, C),
    Check("webhook-changed", "what a webhook is called back with", None, U),
    Check("identity-changed", "the interface has another id or department", B, B),
    Check("catalogue-changed", "the catalogue entry: scope, class, conditions, classification", U, U),
    # datasets
    Check("table-removed", "a table that readers load", None, B),
    Check("table-added", "one table more", None, C),
    Check("primary-key-changed", "rows are told apart by other fields", None, B),
    Check("foreign-key-removed", "rows need no longer lead to another table", None, B),
    Check("foreign-key-added", "rows lead to another table", None, C),
    Check("physical-type-changed", "the same value stored in another way", U, U),
    Check("uniqueness-lost", "values that were unique may repeat", C, B),
    Check("uniqueness-gained", "values no longer repeat", B, C),
    Check("quality-rule-removed", "a promise about the data is gone", None, B),
    Check("quality-rule-added", "one more promise about the data", None, C),
    Check("quality-rule-tightened", "a promise about the data became stronger", None, C),
    Check("quality-rule-loosened", "a promise about the data became weaker", None, B),
    Check("quality-rule-changed", "a promise about the data became another one", None, U),
    Check("service-level-added", "one more promise about freshness, retention, latency and the like", None, C),
    Check("service-level-raised", "such a promise became stronger", None, C),
    Check("service-level-lowered", "such a promise became weaker", None, B),
    Check("service-level-changed", "such a promise became another one", None, U),
    Check("physical-name-changed", "queries of the store name a table or field that is no longer there", None, B),
    Check("logical-type-changed", "a text became a day or a moment, or the reverse: stored in another way", None, B),
    Check("contract-server-removed", "a place where the data were is gone", None, B),
    Check("contract-server-added", "the data are in one more place", None, C),
    Check("contract-server-changed", "the data are at another address, or in another form", None, B),
    Check("role-removed", "whoever had access in this role no longer has it", None, B),
    Check("role-added", "one more role that gives access", None, C),
    Check("role-changed", "a role gives another access, or is given in another way", None, U),
    Check("retired", "the contract holds no longer", None, B),
    Check("terms-changed", "what the data cost, or a state the contract fell back to", None, U),
    Check("service-level-removed", "a promise about freshness, retention, latency and the like is gone", None, B),
    Check("register-changed", "the rows come from another register", None, B),
    # processes
    Check("workflow-removed", "a process that apps follow", B, None),
    Check("workflow-added", "one process more", C, None),
    Check("step-removed", "apps still do it, and it is no longer part of the process", B, None),
    Check("step-added", "apps do not do it yet", B, None),
    Check("step-operation-changed", "the step calls something else", B, None),
    Check("order-tightened", "a step waits for one more", B, None),
    Check("order-loosened", "a step waits for one less", C, None),
    Check("output-removed", "a result that callers read", None, B),
    Check("output-added", "one result more", None, C),
    Check("output-changed", "a result is taken from elsewhere: the same name means something else", None, B),
    Check("criteria-tightened", "a step counts as done when something else, or more, holds", B, None),
    Check("criteria-loosened", "a step counts as done when less holds", C, None),
    Check("step-content-changed", "a step sends something else", B, None),
    Check("step-followed-otherwise", "the process goes on elsewhere when a step is done", B, None),
    Check("step-failure-changed", "what follows a failure, how often it is tried again, how long it may take", U, None),
    Check("source-added", "one more description of operations", C, None),
    Check("source-removed", "operations are no longer described where they were", B, None),
    Check("source-changed", "operations are those of another interface, or described elsewhere", B, None),
    Check("source-moved", "the same interface, described elsewhere", C, None),
)


_SAID = {
    Relation.NARROWER: "less is allowed",
    Relation.WIDER: "more is allowed",
    Relation.DIFFERENT: "something else is allowed",
    Relation.UNSURE: "it cannot be told whether less or more is allowed",
}


def _variants() -> list[Check]:
    made = []
    for name, what in CONSTRAINTS.items():
        for relation in (Relation.NARROWER, Relation.WIDER, Relation.DIFFERENT, Relation.UNSURE):
            levels = relation.level(Side.REQUEST), relation.level(Side.RESPONSE)
            words = {
                "narrowed": "less is allowed",
                "widened": "more is allowed",
                "changed": "something else is allowed",
            }
            made.append(Check(f"{name}-{relation}", f"{what}: {words.get(relation, 'cannot be compared')}", *levels))
    return made


CHECKS: Mapping[str, Check] = {check.id: check for check in (*_OWN, *_variants())}
"""Every check by id."""
