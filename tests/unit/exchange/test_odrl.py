"""Agreements as ODRL policies: the JSON-LD says in RDF what ODRL 2.2 asks of an Agreement, in its own vocabulary."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from pyshacl import validate
from rdflib import Graph, URIRef
from rdflib.namespace import ODRL2, RDF

from exchange.agreements import odrl
from exchange.agreements.model import Agreement, AgreementState
from exchange.agreements.wish import Mode

NOW = datetime(2026, 11, 2, tzinfo=UTC)
AGREEMENT = Agreement(
    id="agr_1",
    application="apl_1",
    consumer="human-resources",
    provider="police",
    interface="police.residents",
    version="1.0.0",
    mode=Mode.SERVICE,
    purpose="social-security-card",
    legal_basis="社会保险经办条例第六条",
    scenario="社会保障卡申领",
    fields=("XM", "CSRQ"),
    scope={"queryResident": ("/CSRQ", "/XM")},
    starts_at="2026-11-02T00:00:00.000Z",
    expires_at="2026-12-02T00:00:00.000Z",
)
# what the context at www.w3.org says of the members we use; the tests reach no network
TERMS = ("Agreement", "Asset", "Party")
VOCABULARY = ("action", "leftOperand", "operator")
NODES = (
    "profile", "assigner", "assignee", "permission", "prohibition", "obligation", "duty", "target", "constraint",
    "refinement", "partOf",
)  # fmt: skip
CONTEXT: dict[str, Any] = {
    "@version": 1.1,
    "odrl": "http://www.w3.org/ns/odrl/2/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "uid": "@id",
    "rightOperand": {"@id": "odrl:rightOperand"},
    **{name: {"@id": f"odrl:{name}"} for name in TERMS},
    **{name: {"@id": f"odrl:{name}", "@type": "@vocab", "@context": {"@vocab": "http://www.w3.org/ns/odrl/2/"}}
       for name in VOCABULARY},
    **{name: {"@id": f"odrl:{name}", "@type": "@id"} for name in NODES},
}  # fmt: skip
# the parts of the Information Model (§2) an Agreement has to have
SHAPES = """
@prefix sh: <http://www.w3.org/ns/shacl#> . @prefix odrl: <http://www.w3.org/ns/odrl/2/> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> . @prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .
[] a sh:NodeShape ; sh:targetClass odrl:Agreement ; sh:nodeKind sh:IRI ;
  sh:property [ sh:path odrl:profile ; sh:minCount 1 ; sh:nodeKind sh:IRI ] ,
    [ sh:path odrl:assigner ; sh:minCount 1 ; sh:maxCount 1 ; sh:class odrl:Party ] ,
    [ sh:path odrl:assignee ; sh:minCount 1 ; sh:maxCount 1 ; sh:class odrl:Party ] ,
    [ sh:path odrl:permission ; sh:minCount 1 ; sh:node [
        sh:property [ sh:path odrl:target ; sh:minCount 1 ; sh:class odrl:Asset ] ;
        sh:property [ sh:path odrl:duty ; sh:minCount 1 ] ] ] ,
    [ sh:path odrl:prohibition ; sh:minCount 1 ; sh:node [
        sh:property [ sh:path odrl:target ; sh:minCount 1 ] ;
        sh:property [ sh:path odrl:remedy ; sh:maxCount 0 ] ] ] ,
    [ sh:path odrl:obligation ; sh:minCount 1 ] .
[] a sh:NodeShape ; sh:targetObjectsOf odrl:permission , odrl:prohibition , odrl:obligation , odrl:duty ;
  sh:property [ sh:path odrl:action ; sh:minCount 1 ; sh:maxCount 1 ] .
[] a sh:NodeShape ; sh:targetObjectsOf odrl:constraint , odrl:refinement ;
  sh:property [ sh:path odrl:leftOperand ; sh:minCount 1 ; sh:maxCount 1 ; sh:nodeKind sh:IRI ] ,
    [ sh:path odrl:operator ; sh:minCount 1 ; sh:maxCount 1 ; sh:nodeKind sh:IRI ;
      sh:in ( odrl:eq odrl:neq odrl:lt odrl:lteq odrl:gt odrl:gteq ) ] ,
    [ sh:path odrl:rightOperand ; sh:minCount 1 ] .
"""


def graph(policy: dict[str, Any]) -> Graph:
    document = copy.deepcopy(policy)
    assert document["@context"][0] == odrl.CONTEXT
    document["@context"][0] = CONTEXT
    return Graph().parse(data=json.dumps(document), format="json-ld")


def conforms(found: Graph) -> tuple[bool, str]:
    shapes = Graph().parse(data=SHAPES, format="turtle")
    result, _, text = validate(found, shacl_graph=shapes)
    return bool(result), str(text)


@pytest.mark.parametrize("mode", list(Mode))
def test_a_policy_conforms_and_uses_words_odrl_has(mode: Mode) -> None:
    agreement = replace(AGREEMENT, mode=mode, matter="newborn", terms={"rows": "XZQH = '110101'"})
    found = graph(odrl.policy(agreement, NOW, disposal="delete", disposal_days=10))
    good, text = conforms(found)
    assert good, text
    space = str(ODRL2._NS)
    used = {str(term) for triple in found for term in triple if str(term).startswith(space)}
    assert len(used) > 20
    # odrl:partOf, duty … : the vocabulary as rdflib holds it knows every word
    assert [term for term in sorted(used) if URIRef(term) not in ODRL2] == []


@pytest.mark.parametrize("part", ["assigner", "assignee", "permission", "prohibition", "obligation", "profile"])
def test_a_policy_without_a_part_does_not_conform(part: str) -> None:
    policy = odrl.policy(AGREEMENT, NOW)
    del policy[part]
    assert not conforms(graph(policy))[0]


def test_permissions_name_fields_purpose_period_and_way() -> None:
    policy = odrl.policy(AGREEMENT, NOW)
    (permission,) = policy["permission"]
    assert permission["target"]["tongban:field"] == ["CSRQ", "XM"]
    said = {(c["leftOperand"], c["operator"]): c["rightOperand"] for c in permission["constraint"]}
    assert said["purpose", "eq"] == "social-security-card"
    assert said["dateTime", "lt"]["@value"] == AGREEMENT.expires_at
    assert said["deliveryChannel", "eq"] == {"@id": "urn:tongban:odrl:service-interface"}
    assert permission["tongban:inForce"] is True
    assert {p["action"] for p in policy["prohibition"]} == {"distribute", "use"}


def test_one_not_in_force_says_so() -> None:
    ended = odrl.policy(replace(AGREEMENT, state=AgreementState.SUSPENDED), NOW)
    assert (ended["tongban:state"], ended["permission"][0]["tongban:inForce"]) == ("suspended", False)
    late = odrl.policy(AGREEMENT, datetime(2027, 1, 1, tzinfo=UTC))
    assert late["tongban:state"] == "expired"


def test_the_demanded_disposal_is_a_duty_with_its_delay() -> None:
    found = graph(odrl.policy(AGREEMENT, NOW, disposal="shred", disposal_days=10))
    policy = URIRef("urn:tongban:agreement:agr_1")
    (duty,) = found.objects(policy, ODRL2.obligation)
    assert (duty, ODRL2.action, ODRL2.delete) in found
    delays = [c for c in found.objects(duty, ODRL2.constraint) if (c, ODRL2.leftOperand, ODRL2.delayPeriod) in found]
    assert [str(found.value(c, ODRL2.rightOperand)) for c in delays] == ["P10D"]
    assert (policy, RDF.type, ODRL2.Agreement) in found
