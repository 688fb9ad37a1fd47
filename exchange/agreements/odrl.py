"""An agreement as an ODRL policy in JSON-LD (W3C ODRL Information Model 2.2), for whoever negotiates by machine.

`policy` gives a ``odrl:Agreement`` between assigner (provider) and assignee (consumer): one permission for each
operation or table with its fields, purpose, period and way of delivery as constraints; prohibitions of articles 25
(no third party, no other purpose); duties of articles 27 and 29. What ODRL has no term for is said in our profile.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from exchange.agreements.model import Agreement, AgreementState
from exchange.agreements.scope import label
from exchange.agreements.wish import Mode

OURS = "urn:tongban:odrl:"
CONTEXT = "http://www.w3.org/ns/odrl.jsonld"
PREFIXES = {
    "odrl": "http://www.w3.org/ns/odrl/2/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "dct": "http://purl.org/dc/terms/",
    "tongban": OURS,
}
MEDIA_TYPE = "application/ld+json"
PROFILE = "urn:tongban:odrl:profile:1"
CHANNELS: Mapping[Mode, str] = {
    Mode.SERVICE: f"{OURS}service-interface",
    Mode.BULK: f"{OURS}bulk-exchange",
    Mode.FILE: f"{OURS}file-download",
}
RECORD_YEARS = 3
"""Use records are kept at least three years (art 29)."""


def policy(
    agreement: Agreement, now: datetime, *, disposal: str = "", disposal_days: int | None = None
) -> dict[str, Any]:
    """The policy as a JSON-LD document; ``disposal`` is what the provider demanded for the end of the use.

    One that is not in force at ``now`` says so in ``tongban:state``: a reader that ignores our profile still sees the
    period in every permission.
    """
    state = agreement.state_at(now)
    body: dict[str, Any] = {
        "@context": [CONTEXT, dict(PREFIXES)],
        "@type": "Agreement",
        "uid": f"urn:tongban:agreement:{agreement.id}",
        "profile": PROFILE,
        "dct:issued": _moment(agreement.starts_at),
        "dct:description": agreement.scenario,
        "dct:source": agreement.legal_basis,
        "tongban:state": state.value,
        "assigner": _party(agreement.provider),
        "assignee": _party(agreement.consumer),
        "permission": [
            _permission(agreement, name, templates, state) for name, templates in sorted(agreement.scope.items())
        ],
        "prohibition": _prohibitions(agreement),
        "obligation": _obligations(agreement, disposal, disposal_days),
    }
    if agreement.application:
        body["dct:references"] = f"urn:tongban:application:{agreement.application}"
    return body


def _permission(agreement: Agreement, name: str, templates: tuple[str, ...], state: AgreementState) -> dict[str, Any]:
    constraints = [
        _constraint("purpose", "eq", agreement.purpose),
        _constraint("dateTime", "gteq", _moment(agreement.starts_at)),
        _constraint("dateTime", "lt", _moment(agreement.expires_at)),
        _constraint("deliveryChannel", "eq", {"@id": CHANNELS[agreement.mode]}),
    ]
    if agreement.matter:
        constraints.append(_constraint(f"{OURS}matter", "eq", agreement.matter))
    constraints += [
        _constraint(f"{OURS}term-{term}", "eq", str(value)) for term, value in sorted(agreement.terms.items())
    ]
    keep = {
        "action": {
            "rdf:value": {"@id": f"{OURS}keepUseRecord"},
            "refinement": [_constraint("elapsedTime", "gteq", _typed(f"P{RECORD_YEARS}Y", "duration"))],
        },
        "tongban:article": "29",
    }
    return {
        "uid": f"urn:tongban:agreement:{agreement.id}:permission:{name}",
        "target": {
            "@type": "Asset",
            "uid": f"urn:tongban:interface:{agreement.interface}:{agreement.version}:{name}",
            "partOf": f"urn:tongban:interface:{agreement.interface}",
            "tongban:field": [label(template) for template in templates],
            "tongban:pointer": list(templates),
        },
        "action": "use" if agreement.mode is Mode.SERVICE else "reproduce",
        "constraint": constraints,
        "duty": [keep],
        "tongban:inForce": state is AgreementState.ACTIVE,
    }


def _prohibitions(agreement: Agreement) -> list[dict[str, Any]]:
    target = f"urn:tongban:interface:{agreement.interface}"
    return [
        # art 25: no passing on without the provider's consent
        {"target": target, "action": "distribute", "tongban:article": "25"},
        # art 25: no other purpose
        {
            "target": target,
            "action": "use",
            "constraint": [_constraint("purpose", "neq", agreement.purpose)],
            "tongban:article": "25",
        },
    ]


def _obligations(agreement: Agreement, disposal: str, disposal_days: int | None) -> list[dict[str, Any]]:
    target = f"urn:tongban:interface:{agreement.interface}"
    when = [_constraint("event", "gt", {"@id": "odrl:policyUsage"})]
    if disposal_days is not None:
        when.append(_constraint("delayPeriod", "lteq", _typed(f"P{disposal_days}D", "duration")))
    delete: dict[str, Any] = {"target": target, "action": "delete", "constraint": when, "tongban:article": "27"}
    if disposal:
        delete["dct:description"] = disposal
    return [delete]


def _constraint(left: str, operator: str, right: Any) -> dict[str, Any]:
    return {"leftOperand": left, "operator": operator, "rightOperand": right}


def _moment(text: str) -> dict[str, str]:
    return _typed(text, "dateTime")


def _typed(value: str, kind: str) -> dict[str, str]:
    return {"@value": value, "@type": f"http://www.w3.org/2001/XMLSchema#{kind}"}


def _party(id: str) -> dict[str, str]:
    return {"@type": "Party", "uid": f"urn:tongban:party:{id}"}
