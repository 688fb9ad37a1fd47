"""Guardians see who used a child's data when the register of births shows them, and nobody else does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from exchange.agreements.service import Agreements
from exchange.agreements.wish import Wish
from exchange.brokering.service import Broker
from exchange.brokering.sources import SourceFailure
from exchange.brokering.subjects import beside
from exchange.errors import Forbidden, NotFound, TooMany, Unauthenticated, Unavailable
from exchange.oversight import usage_routes
from exchange.oversight.guardians import A_GUARDIAN, Guardians
from exchange.oversight.identity import Identity
from exchange.oversight.usage import Usage
from specs.check_digits import citizen_check
from tests.unit.exchange.test_agreements import publish
from tests.unit.exchange.test_brokering import Provider

# the database is asked for nothing here that test_usage does not ask of both
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
SERIAL, PURPOSE = "HK20261012000001", "核验监护关系"


def number(first: str) -> str:
    return first + citizen_check(first)


MOTHER, FATHER, STRANGER = number("11010119900307002"), number("11010119910307001"), number("11010119900307012")
CHILD, ADULT = number("11010120260910024"), number("11010120080910024")
FIELDS = ("GMSFHM", "FQGMSFHM", "MQGMSFHM", "JHRYGMSFHM")


class World:
    """The register of births behind the broker, and two proofs of identity at hand."""

    def __init__(self, services: Any) -> None:
        self.services, self.sent = services, list[tuple[str, str]]()
        publish(services, "police/birth-registrations/openapi.yaml")
        services.catalogue.set_endpoint(
            services.department("police"), "police.birth-registrations", "http://127.0.0.1:9"
        )
        self.agreements = Agreements(services.database, services.ledger, services.catalogue, services.clock)
        self.register = Provider()
        self.says()
        base = services.database, services.ledger
        self.broker = Broker(*base, services.catalogue, self.agreements, self.register, services.clock)
        identity = Identity(
            *base, b"k" * 32, services.clock, lambda who, code: str(self.sent.append((who, code)) or "")
        )
        guardians = Guardians(*base, identity, self.agreements, self.broker, services.clock, "civil-affairs")
        self.usage = Usage(*base, identity, services.clock, guardians)
        self.web = services.web(usage_routes.router(self.usage, services.access, lambda party: party))

    def says(self, **changes: str | None) -> None:
        """What the register answers: the whole registration, of which the agreement lets a part out."""
        entry = {
            "YWLSH": SERIAL, "GMSFHM": CHILD, "CSZMBH": "T260000001", "XM": "赵安", "XB": "2", "CSRQ": "2026-09-10",
            "CSDSSXQ": "110101", "HB": "1", "CSDJLB": "01", "LHSFZ": FATHER, "FQXM": "赵一鸣", "FQGMSFHM": FATHER,
            "MQXM": "钱思源", "MQGMSFHM": MOTHER, "SBRXM": "钱思源", "SBRSFZ": MOTHER, "SBRLXDH": "15400000001",
            "CSSJ": "09:25", "HH": "900000123", "DJRQ": "2026-09-20",
            "HKBBS": "1.2.156.3005.2.1155000000990003XX002.1155000000990003XX.20261012000001.001.C",
        }  # fmt: skip
        self.register.says(200, {name: value for name, value in (entry | changes).items() if value is not None})

    def agree(self) -> Any:
        wish = Wish(
            interface="police.birth-registrations", operations=("getBirthRegistration",), fields=FIELDS,
            legal_basis="政务数据共享条例第二十五条", scenario="谁使用了我的数据", purpose=PURPOSE, mode="service",
            duration_days=365, approved_by="head",
        )  # fmt: skip
        application = self.agreements.apply(self.services.department("civil-affairs"), wish)
        return self.agreements.answer(self.services.department("police"), application.id, "consent")

    def proof(self, who: str) -> str:
        asked = self.usage.identity.ask(who, who)
        return self.usage.identity.prove(asked.challenge, self.sent[-1][1])

    def used(self, *subjects: str, **more: Any) -> int:
        body = {"consumer": "health", "provider": "police", "interface": "police.residents", "operation": "get"}
        told = {**body, "purpose": "p", "legal_basis": "law 1", "agreement": "agr_1", "fields": ["XM", "MQXM"], **more}
        with self.services.database.transaction() as tx:
            return self.services.ledger.append(tx, "delivery.made", told, subjects=subjects).index

    def entries(self, proof: str) -> list[int]:
        return [use.entry for use in self.usage.uses(proof)[1]]


@pytest.fixture
def world(services: Any) -> World:
    return World(services)


# ---- who may not


def test_without_a_proof_of_identity_the_register_is_not_asked(world: World) -> None:
    world.agree()
    body, path = {"number": CHILD, "reference": SERIAL}, "/api/v1/usage/representations"
    officer = world.services.bearer(world.services.officer())
    challenge = world.usage.identity.ask(MOTHER, "a").challenge
    for headers in ({}, officer, {"Authorization": f"Bearer {challenge}"}):
        assert world.web.post(path, json=body, headers=headers).status_code == 401
    assert world.register.calls == []


def test_without_an_agreement_in_force_nobody_represents_anybody(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    proof = world.proof(MOTHER)
    with pytest.raises(Unavailable, match="no register"):
        world.usage.guardians.prove(proof, CHILD, SERIAL)
    agreement = world.agree()
    assert world.usage.guardians.ready()
    # an agreement of whoever was not named for it, or nobody named, does not do
    for other in ("health", ""):
        monkeypatch.setattr(world.usage.guardians, "department", other)
        assert not world.usage.guardians.ready()
    monkeypatch.setattr(world.usage.guardians, "department", "civil-affairs")
    world.agreements.suspend(world.services.department("police"), agreement.id, "misuse")
    assert not world.usage.guardians.ready()
    with pytest.raises(Unavailable):
        world.usage.guardians.prove(proof, CHILD, SERIAL)
    assert world.register.calls == []


def test_whoever_is_not_shown_as_guardian_is_refused_always_alike(world: World) -> None:
    world.agree()
    world.used(CHILD)
    calls: list[tuple[str, str, str, Callable[[], None]]] = [
        (STRANGER, CHILD, SERIAL, world.says),
        (MOTHER, ADULT, SERIAL, lambda: world.says(GMSFHM=ADULT)),
        (MOTHER, CHILD, SERIAL, lambda: world.says(GMSFHM=STRANGER)),
        (MOTHER, CHILD, SERIAL, lambda: world.says(MQGMSFHM=None)),
        (MOTHER, CHILD, "../birth", world.says),
        (MOTHER, MOTHER, SERIAL, world.says),
        (FATHER, CHILD, SERIAL, lambda: world.register.says(404, {"type": "about:blank", "title": "-", "status": 404},
                                                            "application/problem+json")),
    ]  # fmt: skip
    told = set()
    for who, child, serial, answers in calls:
        answers()
        with pytest.raises(Forbidden) as raised:
            world.usage.guardians.prove(world.proof(who), child, serial)
        told.add((raised.value.detail, raised.value.hint, raised.value.rule))
    assert len(told) == 1
    # neither an adult nor a number that cannot be one is asked about
    assert len(world.register.calls) == 4
    world.register.answer = SourceFailure("provider-unreachable")
    with pytest.raises(Unavailable):
        world.usage.guardians.prove(world.proof(FATHER), CHILD, SERIAL)
    failed = world.services.last("usage.representation-failed")
    assert CHILD not in str(failed)


def test_asking_is_limited_and_proofs_of_guardianship_do_not_chain(world: World) -> None:
    world.agree()
    proof = world.usage.guardians.prove(world.proof(MOTHER), CHILD, SERIAL)
    with pytest.raises(Forbidden):
        world.usage.guardians.prove(proof, CHILD, SERIAL)
    for _ in range(A_GUARDIAN - 2):
        world.usage.guardians.prove(world.proof(MOTHER), CHILD, SERIAL)
    with pytest.raises(TooMany):
        world.usage.guardians.prove(proof, CHILD, SERIAL)
    world.services.clock.advance(minutes=16)
    with pytest.raises(Unauthenticated):
        world.usage.uses(proof)


# ---- who may


def test_a_guardian_sees_the_childs_uses_and_the_family_sees_that_the_register_was_asked(world: World) -> None:
    world.agree()
    entry, other, own = world.used(CHILD), world.used(STRANGER), world.used(MOTHER)
    mine = {"Authorization": f"Bearer {world.proof(MOTHER)}"}
    made = world.web.post(
        "/api/v1/usage/representations", json={"number": CHILD, "reference": SERIAL}, headers=mine
    )  # fmt: skip
    assert made.status_code == 201
    asked = world.services.ledger.entries(kind="delivery.made", newest_first=True, limit=1)[0]
    assert (asked.body["consumer"], asked.body["purpose"]) == ("civil-affairs", PURPOSE)
    assert set(asked.body["fields"]) == {"GMSFHM", "FQGMSFHM", "MQGMSFHM"}  # nothing else left the register
    proof = made.json()["proof"]
    assert world.entries(proof) == [asked.index, entry]
    assert world.usage.receipt(proof, entry).startswith("c2sp.org/tlog-proof@v1")
    for wrong in (other, own):
        with pytest.raises(NotFound):
            world.usage.receipt(proof, wrong)
    # mother and father stand in the registration: both see that it was asked, and only the fields about such as them
    for parent in (MOTHER, FATHER):
        use = world.usage.uses(world.proof(parent))[1][0]
        assert (use.entry, use.role, use.fields) == (asked.index, "mentioned", ("FQGMSFHM", "MQGMSFHM"))
    kinds = {found.kind for found in world.services.ledger.entries(subject=CHILD, limit=100)}
    assert {"usage.represented", "usage.shown"} <= kinds
    assert world.services.last("usage.represented")["delivery"].startswith("dlv_")


def test_find_usage_takes_the_child_as_user_code(world: World) -> None:
    world.agree()
    world.used(CHILD, purpose="免疫接种")
    proof = world.usage.guardians.prove(world.proof(MOTHER), CHILD, SERIAL)

    def asked(user: str, about: str) -> Any:
        headers = {"Authorization": f"Bearer {proof}", "X-Road-UserId": user}
        return world.web.get("/findusage/v2/findUsage", params={"userCode": about}, headers=headers)

    assert [use["action"] for use in asked(MOTHER, CHILD).json()["usages"]][1] == "免疫接种 (law 1)"
    for user, about in ((MOTHER, MOTHER), (CHILD, CHILD), (CHILD, MOTHER), (FATHER, CHILD), (MOTHER, STRANGER)):
        assert asked(user, about).status_code == 403


def test_rules_hold_for_those_who_look(world: World) -> None:
    world.agree()
    office = world.services.officer()
    open_use = world.used(CHILD)
    secret = world.used(CHILD, purpose="未成年人保护调查")
    will = world.used(STRANGER, MOTHER, beside(MOTHER), purpose="遗嘱查询", fields=["XM", "JE", "FQXM"])
    more = {"basis": "未成年人保护法", "review_on": "2027-11-02"}
    world.usage.set_rule(office, "hide", {"purpose": "未成年人保护调查"}, viewer="guardian", **more)
    own, child = world.proof(MOTHER), world.proof(CHILD)
    guardian = world.usage.guardians.prove(own, CHILD, SERIAL)
    assert secret in world.entries(child)
    assert secret not in world.entries(guardian)
    assert open_use in world.entries(guardian)
    with pytest.raises(NotFound):
        world.usage.receipt(guardian, secret)
    assert will in world.entries(own)
    world.usage.set_rule(office, "hide", {"purpose": "遗嘱查询"}, viewer="mentioned", **more)
    assert will not in world.entries(own)
    assert will in world.entries(world.proof(STRANGER))
    # what is kept from the child is kept from the guardian, whatever is said of guardians
    world.usage.set_rule(office, "hide", {"purpose": "p"}, **more)
    world.usage.set_rule(office, "show", {"purpose": "p"}, viewer="guardian", review_on="2027-11-02")
    assert open_use not in world.entries(guardian)
