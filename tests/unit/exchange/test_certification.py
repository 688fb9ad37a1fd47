"""A certificate's later life: taken back by who may, listed, its listing ended, its seeds revealed at its end."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from conformance import revocation
from conformance.case import Case, CaseRun, Kind, Outcome, Requirement
from conformance.certificate import certificate_id, commitment, verify
from conformance.envelope import CertificateError
from conformance.rederive import check
from conformance.report import CaseReport, Report, from_json, to_json
from exchange.certification import routes, store
from exchange.certification.model import Certification, State, Subject
from exchange.certification.service import Certifications
from exchange.errors import Conflict, Forbidden, NotFound, Unprocessable
from exchange.jobs import Jobs
from exchange.parties.access import Caller

from .conftest import Services

TEXT = {"zh_CN": "文", "en": "text"}
SUBJECT = Subject("ver_1", "app_1", "acme", "newborn", "1.0.0", "http://127.0.0.1:9", "sha256:" + "d" * 64)


@pytest.fixture
def key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


@pytest.fixture
def certifications(services: Services, key: Ed25519PrivateKey) -> Certifications:
    jobs = Jobs(services.database, services.home, "w", services.clock)
    home = services.home / "c"
    return Certifications(services.database, services.ledger, jobs, key, home, "http://t", services.clock)


def certifier(services: Services) -> Caller:
    return services.caller("operator-office", "operator", "certifier")


def certified(services: Services, made: Certifications) -> Certification:
    """A run that passed, as the job leaves it: a report on disk, a verdict in the database."""
    vendor = services.vendor()
    with services.database.transaction() as tx:
        asked = made.request(tx, vendor, SUBJECT)
    with services.database.transaction() as tx:
        store.save(tx, replace(asked, state=State.RUNNING))
    report = Report(
        suite="newborn",
        suite_version="1.0.0",
        title=TEXT,
        app=SUBJECT.url,
        commitment=asked.commitment,
        started="2026-11-05T00:00:00+00:00",
        finished="2026-11-05T00:01:00+00:00",
        today="2026-12-01",
        quick=False,
        requirements=(Requirement("E1", TEXT, TEXT, rule=True),),
        cases=(CaseReport(Case("E1", TEXT, Kind.POSITIVE, ("E1",)), (CaseRun(Outcome.PASS),)),),
        documents={"suite:newborn@1.0.0": "a" * 64},
    )
    folder = made.folder / asked.id
    folder.mkdir(parents=True)
    (folder / "report.json").write_text(json.dumps(to_json(report)))
    made._verdict(asked.id, "f" * 64)
    return made.public(asked.id)


def test_only_certifier_and_data_office_take_a_certificate_back(
    services: Services, certifications: Certifications
) -> None:
    found = certified(services, certifications)
    web = services.web(routes.router(certifications, services.access, "pem"))
    path, body = f"/api/v1/certifications/{found.id}/revocation", {"reason": "numbers went abroad"}
    assert web.post(path, json=body).status_code == 401
    for other in (services.vendor(), services.department("health"), services.caller("finance", "finance", "finance")):
        with pytest.raises(Forbidden):
            certifications.revoke(other, found.id, "x")
    assert web.post(path, json=body, headers=services.bearer(services.vendor())).status_code == 403
    assert web.get("/api/v1/certificate-revocations").json()["payloadType"] == revocation.PAYLOAD_TYPE
    done = web.post(path, json=body, headers=services.bearer(services.officer()))
    assert done.status_code == 200
    assert done.json()["revoked_because"] == "numbers went abroad"
    assert services.last("certification.revoked")["certificate_id"] == found.certificate_id


def test_a_certificate_taken_back_is_on_the_signed_list_and_refused(
    services: Services, certifications: Certifications, key: Ed25519PrivateKey
) -> None:
    told: list[str] = []
    certifications.revoked = lambda _tx, certification: told.append(certification.id)
    found = certified(services, certifications)
    document = json.loads(certifications.file(found.id, "certificate.json").read_text())
    assert certificate_id(document) == found.certificate_id
    now = services.clock()
    before = revocation.read(certifications.revocations(), key.public_key(), now=now)
    verify(document, key.public_key(), now=now, revoked=before.ids())
    for reason in ("", "  ", "x" * 501):
        with pytest.raises(Unprocessable):
            certifications.revoke(certifier(services), found.id, reason)
    certifications.revoke(certifier(services), found.id, " it kept numbers ")
    listed = revocation.read(certifications.revocations(), key.public_key(), now=now)
    assert [(e.certificate, e.reason) for e in listed.revoked] == [(found.certificate_id, "it kept numbers")]
    with pytest.raises(CertificateError, match="revoked"):
        verify(document, key.public_key(), now=now, revoked=listed.ids())
    assert told == [found.id]
    with pytest.raises(Conflict):
        certifications.revoke(certifier(services), found.id, "again")
    with pytest.raises(NotFound):
        certifications.revoke(certifier(services), "crt_none", "none")


def test_seeds_are_revealed_once_the_certificate_has_ended_and_not_before(
    services: Services, certifications: Certifications, key: Ed25519PrivateKey
) -> None:
    found = certified(services, certifications)
    web = services.web(routes.router(certifications, services.access, "pem"))
    path = f"/api/v1/certifications/{found.id}/reveal"
    assert certifications.due() == 0
    assert web.get(path).status_code == 404
    services.clock.advance(days=365)
    assert (certifications.due(), certifications.due()) == (1, 0)
    revealed = from_json(web.get(path).json())
    assert revealed.seeds is not None
    assert revealed.nonce is not None
    assert commitment(revealed.seeds, revealed.nonce) == found.commitment
    entry = services.last("certification.revealed")
    assert (tuple(entry["seeds"]), entry["nonce"]) == (revealed.seeds, revealed.nonce)
    document = json.loads(certifications.file(found.id, "certificate.json").read_text())
    check(verify(document, key.public_key(), now=None), revealed)


def test_a_revoked_certificate_is_revealed_at_once(services: Services, certifications: Certifications) -> None:
    found = certified(services, certifications)
    certifications.revoke(certifier(services), found.id, "it kept numbers")
    assert certifications.due() == 1
    assert certifications.revealed(found.id).is_file()
