"""Derived needs: what a process reads, what covers it, which applications are missing, and what nobody shares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

import specs.library
from exchange.agreements.deriving import Deriving
from exchange.agreements.model import (
    Agreement,
    AgreementState,
    Application,
    ApplicationState,
    Sharing,
    grant,
    sharing_class,
)
from exchange.agreements.needs import (
    AGREED,
    APPLIED,
    MISSING,
    OWN,
    UNSHARED,
    Derived,
    Giver,
    Known,
    Offer,
    derive,
    reads,
    sends,
)
from exchange.agreements.needs_routes import router
from exchange.agreements.service import Agreements
from exchange.agreements.wish import Wish
from exchange.errors import Conflict, Forbidden, NotFound, Unprocessable
from specs import library
from specs.model import Interface

ROOT = Path(specs.library.__file__).parent
PROCESS = "health.newborn-process"
NOW = datetime(2026, 11, 2, tzinfo=UTC)
UNPUBLISHED = "medical-insurance.maternity-claims"
POLICE = Giver("police", "police.households", "XZQH", {"en": "households"})


def offers(*without: str) -> dict[str, Offer]:
    return {
        id: Offer(spec, str(spec.department), True) for id, spec in library.interfaces().items() if id not in without
    }


def derived(
    *,
    consumer: str = "health",
    agreements: Sequence[Agreement] = (),
    applications: Sequence[Application] = (),
    givers: Mapping[str, Sequence[Giver]] | None = None,
    offered: dict[str, Offer] | None = None,
    process: Interface | None = None,
    now: datetime = NOW,
) -> Derived:
    matter = library.matter("newborn")
    steps = {step.id: step for step in matter.steps}
    known = Known(
        consumer,
        offers(UNPUBLISHED) if offered is None else offered,
        agreements,
        applications,
        lambda element: tuple((givers or {}).get(element, ())),
        now,
        steps,
        matter.needs,
    )
    return derive(process or matter.process, "newborn", known, {"XM", "GMSFHM"})


def states(found: Derived) -> dict[str, set[str]]:
    return {step.id: {one.state for one in step.fields} for step in found.steps}


def draft(found: Derived, interface: str) -> Wish:
    return next(one.wish for one in found.drafts if one.wish.interface == interface)


def applied(wish: Wish) -> Application:
    spec = library.interfaces()[wish.interface]
    state = ApplicationState.FILED
    return Application("apl_1", "health", str(spec.department), wish, sharing_class(spec), state, "me", "2026")


def agreed(wish: Wish) -> Agreement:
    whole = applied(replace(wish, duration_days=365))
    return grant("agr_1", whole, library.interfaces()[wish.interface], NOW)


# ---- the pure part


def test_every_step_of_the_process_has_its_fields() -> None:
    found, matter = derived(), library.matter("newborn")
    assert {step.id: {one.field for one in step.fields} for step in found.steps} == {
        step.id: set(step.reads) for step in matter.steps
    }
    assert {step.id: set(step.sends) for step in matter.steps} == {
        step.id: set(step.sends) - {"Idempotency-Key"} for step in found.steps
    }


def test_own_missing_and_unpublished_fields_are_told_apart() -> None:
    found = derived()
    assert states(found) == {
        step.id: {OWN} if step.department == "health" else {UNSHARED} if step.interface == UNPUBLISHED else {MISSING}
        for step in library.matter("newborn").steps
    }
    ((step, gap),) = found.gaps
    assert (step.id, gap.field, gap.why, gap.givers) == ("N8", "SLH", "not-published", ())
    assert len(found.drafts) == len({one.wish.interface for one in found.drafts}) == 7
    households = draft(found, "police.households")
    assert (households.operations, set(households.fields)) == (("checkHousehold",), {"PPJG", "HJXZQH", "HB", "ZT"})
    pointers = [gap.pointer for gap in found.drafts[0].missing]
    assert pointers == ["/legal_basis", "/approved_by", "/duration_days"]


def test_an_agreement_covers_its_fields_for_its_purpose_and_time_only() -> None:
    wish = draft(derived(), "civil-affairs.marriages")
    whole = agreed(wish)
    n1 = derived(agreements=[whole]).steps[0]
    assert {(one.state, one.by) for one in n1.fields} == {(AGREED, "agr_1")}
    for other in (
        replace(whole, state=AgreementState.SUSPENDED),
        replace(whole, purpose="statistics"),
        replace(whole, consumer="tax"),
        replace(whole, expires_at="2026-11-02T00:00:00.000Z"),
    ):
        assert states(derived(agreements=[other]))["N1"] == {MISSING}
    assert states(derived(agreements=[whole], now=NOW + timedelta(days=366)))["N1"] == {MISSING}
    narrow = agreed(replace(wish, fields=("PPJG",)))
    found = derived(agreements=[narrow])
    assert states(found)["N1"] == {AGREED, MISSING}
    assert draft(found, "civil-affairs.marriages").fields == ("ZT",)  # no more than is missing


def test_what_was_applied_for_is_not_drafted_again() -> None:
    waiting = applied(draft(derived(), "civil-affairs.marriages"))
    found = derived(applications=[waiting])
    assert states(found)["N1"] == {APPLIED}
    assert "civil-affairs.marriages" not in {one.wish.interface for one in found.drafts}
    over = replace(waiting, state=ApplicationState.REFUSED)
    assert states(derived(applications=[over]))["N1"] == {MISSING}


def test_a_gap_says_why_and_who_shares_the_element_elsewhere() -> None:
    every = offers()
    closed = every[UNPUBLISHED].spec
    entry = {**closed.extensions["x-catalogue"], "sharing_class": "3"}
    every[UNPUBLISHED] = replace(
        every[UNPUBLISHED], spec=replace(closed, extensions={**closed.extensions, "x-catalogue": entry})
    )
    assert sharing_class(every[UNPUBLISHED].spec) is Sharing.NONE
    every["tax.premiums"] = replace(every["tax.premiums"], live=False)
    process = library.matter("newborn").process
    assert process.process is not None
    (workflow,) = process.process.workflows
    steps = list(workflow.steps)
    steps[0] = replace(steps[0], outputs={"x": "$response.body#/LOTTERY"})
    steps[1] = replace(steps[1], operation="nothing")
    odd = replace(process, process=replace(process.process, workflows=(replace(workflow, steps=tuple(steps)),)))
    found = derived(
        offered=every, process=odd, givers={"LOTTERY": [POLICE], "SLH": [replace(POLICE, department="health")]}
    )
    gaps = {(step.id, one.field): (one.why, one.givers) for step, one in found.gaps}
    assert gaps["N1", "LOTTERY"] == ("no-field", (POLICE,))
    assert gaps["N0-mother", "PPJG"] == ("no-operation", ())
    assert gaps["N5", "JFPZH"] == ("not-published", ())
    assert gaps["N8", "SLH"] == ("not-shared", ())  # one's own interface is no help


def test_what_is_asked_of_people_names_who_shares_it() -> None:
    asked = {one.name: one for one in derived(givers={"XM": [POLICE], "CSDXZQH": [POLICE]}).asked}
    assert asked["newborn_name"].steps[:2] == ("N2", "N3")
    assert asked["newborn_name"].givers == ()  # whom it is about has to be said
    elements = {one.element for one in asked.values()}
    shared = derived(givers={element: [POLICE] for element in elements})
    assert {one.name for one in shared.asked if not one.givers} >= {"newborn_name", "mother_number"}
    assert {one.name for one in shared.asked if one.givers} >= {"birth_date", "institution"}


def test_expressions_in_every_place_of_a_step_are_read() -> None:
    process = library.matter("newborn").process.process
    assert process is not None
    step = process.workflows[0].steps[0]
    assert reads(step) == ("PPJG", "ZT")
    odd = replace(step, outputs={"a": "$response.body#/items/0/XM", "b": {"c": "x {$response.body#/GMSFHM}"}})
    assert reads(odd) == ("/items/*/XM", "GMSFHM", "PPJG", "ZT")
    assert dict(sends(step))["NAN_XM"] == "$inputs.father_name"


# ---- with the catalogue


@pytest.fixture
def deriving(services: Any) -> Deriving:
    for name in ("civil-affairs/marriages/openapi.yaml", "matters/newborn/process.arazzo.yaml"):
        caller = services.department("health" if "matters" in name else name.partition("/")[0])
        text = (ROOT / name).read_text(encoding="utf-8")
        made = services.catalogue.register(caller, name.rpartition("/")[2], text)
        services.lifecycle.publish(caller, made.interface, made.version)
    agreements = Agreements(services.database, services.ledger, services.catalogue, services.clock)
    return Deriving(agreements, services.checking)


@pytest.fixture
def web(services: Any, deriving: Deriving) -> Iterator[TestClient]:
    with services.web(router(deriving, services.access)) as client:
        yield client


def test_who_sees_and_files_what_is_needed(services: Any, deriving: Deriving, web: TestClient) -> None:
    path = f"/api/v1/needs/{PROCESS}"
    assert web.get(path).status_code == 401
    assert web.post(f"{path}/applications", json={}).status_code == 401
    with pytest.raises(NotFound):
        deriving.needs(services.department("tax"), PROCESS, "health")
    with pytest.raises(Forbidden):
        deriving.file(services.vendor(), PROCESS, legal_basis="law", duration_days=30)
    with pytest.raises(Forbidden):
        deriving.needs(services.caller("citizens", "public", "citizen"), PROCESS)
    with pytest.raises(NotFound, match="no published process"):
        deriving.needs(services.department("health"), "civil-affairs.marriages")
    assert deriving.needs(services.officer(), PROCESS).consumer == "health"

    lead = services.department("health")
    headers = services.bearer(lead)
    shown = web.get(path, headers=headers).json()
    assert {state: shown["counts"][state] for state in ("agreed", "applied", "missing")} == {
        "agreed": 0, "applied": 0, "missing": 2,
    }  # fmt: skip
    assert {"step": "N8", "field": "SLH", "why": "not-published", "nobody": True} in shown["gaps"]
    assert [one["application"]["fields"] for one in shown["drafts"]] == [["PPJG", "ZT"]]
    engineer = replace(lead, roles=frozenset({"engineer"}))
    with pytest.raises(Unprocessable, match="legal_basis, /approved_by, /duration_days"):
        deriving.file(engineer, PROCESS, legal_basis="", duration_days=0)
    assert deriving.agreements.applications(lead) == []
    answer = web.post(f"{path}/applications", json={"legal_basis": "law", "duration_days": 30}, headers=headers)
    assert [one["state"] for one in answer.json()["items"]] == ["filed"]
    assert web.get(path, headers=headers).json()["counts"]["applied"] == 2
    with pytest.raises(Conflict):
        deriving.file(lead, PROCESS, legal_basis="law", duration_days=30)
