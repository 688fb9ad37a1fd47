import base64
import copy
import dataclasses
import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from conformance.case import Outcome
from conformance.certificate import Subject, certificate_id, commitment, issue, verify
from conformance.envelope import CertificateError, encoding, fingerprint, read_public_key
from conformance.grade import grade, policy
from conformance.rederive import check
from conformance.report import digest, reveal
from conformance.revocation import Revoked, publish, read

NOW = datetime(2026, 11, 5, 9, tzinfo=UTC)
APP = Subject("newborn-app", "1.2.0", "d" * 64)


@pytest.fixture
def key():
    return Ed25519PrivateKey.from_private_bytes(b"k" * 32)


@pytest.fixture
def report(make):
    names = [r for r in ("E1", "E2", "E3", "order", "once") for _ in (0,)]
    return make.report({make.case(name): (make.run(),) for name in names})


@pytest.fixture
def certificate(report, key):
    good = grade(report, policy())
    return issue(report, good, APP, {"runner": "b" * 64}, key, issued=NOW, expires=NOW + timedelta(days=365), run="r-1")


def test_a_certificate_is_verified_offline(certificate, key) -> None:
    found = verify(certificate, key.public_key(), now=NOW, subject_digest="d" * 64, version="1.2.0")
    assert (found.subject, found.grade, found.commitment, found.run) == (APP, "A", "c" * 64, "r-1")
    assert found.passed == ("E1", "E2", "E3", "order", "once")
    assert found.documents["runner"] == "b" * 64
    assert "suite:newborn@1.0.0" in found.documents
    assert any(name.startswith("tongban-grade@") for name in found.documents)


def test_other_tools_can_verify_it_too(certificate, key) -> None:
    import in_toto_attestation.v1.statement_pb2 as spb
    from google.protobuf import json_format
    from in_toto_attestation.v1.statement import Statement
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import SSlibKey

    public = SSlibKey.from_crypto(key.public_key(), keyid=fingerprint(key.public_key()))
    for envelope in certificate["envelopes"]:
        dsse = Envelope.from_dict(copy.deepcopy(envelope))  # it changes what it is given
        assert dsse.verify([public], 1)
        statement = json.loads(dsse.payload)
        parsed = json_format.ParseDict(statement, spb.Statement())
        Statement.copy_from_pb(parsed).validate()


def test_the_encoding_is_that_of_the_standard() -> None:
    assert encoding("application/vnd.in-toto+json", b'{"a":1}') == b'DSSEv1 28 application/vnd.in-toto+json 7 {"a":1}'


def refuse(reason, certificate, key, **more):
    with pytest.raises(CertificateError) as caught:
        verify(certificate, key.public_key(), **{"now": NOW, **more})
    assert caught.value.reason == reason


def edit(certificate, place, change):
    changed = copy.deepcopy(certificate)
    envelope = changed["envelopes"][place]
    statement = json.loads(base64.b64decode(envelope["payload"]))
    change(statement)
    envelope["payload"] = base64.b64encode(json.dumps(statement).encode()).decode()
    return changed


def test_an_altered_grade_is_found(certificate, key) -> None:
    refuse("signature", edit(certificate, 1, lambda s: s["predicate"].update(grade="B")), key)


def test_a_hidden_failure_is_found(certificate, key) -> None:
    refuse("signature", edit(certificate, 0, lambda s: s["predicate"].update(failedTests=[])), key)


def test_another_signer_is_found(certificate) -> None:
    refuse("signature", certificate, Ed25519PrivateKey.from_private_bytes(b"z" * 32))


def test_statements_of_two_certificates_cannot_be_recombined(certificate, report, key) -> None:
    later = issue(
        report,
        grade(report, policy()),
        Subject("other", "1", "e" * 64),
        {},
        key,
        issued=NOW,
        expires=NOW + timedelta(1),
    )
    mixed = {**certificate, "envelopes": [later["envelopes"][0], certificate["envelopes"][1]]}
    refuse("mismatch", mixed, key)


def test_time_app_version_and_revocation_are_checked(certificate, key) -> None:
    refuse("expired", certificate, key, now=NOW + timedelta(days=366))
    refuse("not-yet", certificate, key, now=NOW - timedelta(days=1))
    refuse("wrong-app", certificate, key, subject_digest="e" * 64)
    refuse("wrong-version", certificate, key, version="1.2.1")
    refuse("revoked", certificate, key, revoked=[certificate_id(certificate)])
    assert verify(certificate, key.public_key(), now=None).expires < "2028"


def test_another_suite_and_another_policy_are_refused(certificate, report, key) -> None:
    digest = policy().digest
    verify(certificate, key.public_key(), now=NOW, documents=report.documents, policy_digest=digest)
    refuse("wrong-suite", certificate, key, documents={"suite:newborn@1.0.0": "e" * 64})
    refuse("wrong-suite", certificate, key, documents={"suite:fund@1.0.0": "a" * 64})
    refuse("wrong-policy", certificate, key, policy_digest="e" * 64)


def test_a_certificate_binds_the_report_whether_its_seeds_are_hidden_or_not(make, certificate, report, key) -> None:
    found = verify(certificate, key.public_key(), now=NOW)
    assert found.report == digest(report) == digest(reveal(report, ("a", "b"), "n" * 32))
    assert found.report != digest(dataclasses.replace(report, requests=7))
    with pytest.raises(CertificateError) as hidden:
        check(found, report)
    with pytest.raises(CertificateError) as other:
        check(found, reveal(report, ("a", "b"), "n" * 32))
    assert (hidden.value.reason, other.value.reason) == ("hidden", "wrong-seed")


def test_a_report_other_than_the_certified_one_is_refused(make, key) -> None:
    seeds, nonce = ("a", "b"), "n" * 32
    made = dataclasses.replace(
        make.report({make.case("E1"): (make.run(),)}, seeds=seeds, nonce=nonce), commitment=commitment(seeds, nonce)
    )
    day = {"issued": NOW, "expires": NOW + timedelta(1)}
    found = verify(issue(made, grade(made, policy()), APP, {}, key, **day), key.public_key(), now=NOW)
    check(found, made)
    with pytest.raises(CertificateError) as altered:
        check(found, dataclasses.replace(made, requests=7))
    assert altered.value.reason == "wrong-report"


def test_a_failed_case_is_not_called_passed(make, key) -> None:
    runs = {make.case(n): (make.run(),) for n in ("E1", "E2", "E3", "order", "once")}
    report = make.report(runs | {make.case("slow"): (make.run(Outcome.FAIL, "slow"),)})
    found = grade(report, policy())
    assert found.letter == "C"
    made = issue(report, found, APP, {}, key, issued=NOW, expires=NOW + timedelta(1))
    told = verify(made, key.public_key(), now=NOW)
    assert (told.statements[0]["predicate"]["result"], told.failed) == ("WARNED", ("slow",))


# -- revocation


@pytest.fixture
def taken(certificate, key):
    entry = Revoked(certificate_id(certificate), "2026-11-04T00:00:00Z", "it sent numbers abroad")
    return publish([entry], key, issued=NOW, until=NOW + timedelta(days=7))


def test_a_revocation_list_is_read_offline(certificate, key, taken) -> None:
    listed = read(taken, key.public_key(), now=NOW)
    assert listed.revoked[0].reason == "it sent numbers abroad"
    refuse("revoked", certificate, key, revoked=listed.ids())
    assert read(publish([], key, issued=NOW, until=NOW + timedelta(1)), key.public_key(), now=NOW).ids() == ()


def test_an_old_an_altered_and_another_list_are_refused(certificate, key, taken) -> None:
    altered = copy.deepcopy(taken)
    altered["payload"] = base64.b64encode(base64.b64decode(taken["payload"]).replace(b"abroad", b"around")).decode()
    stranger = Ed25519PrivateKey.from_private_bytes(b"z" * 32).public_key()
    for document, public, now, reason in (
        (taken, key.public_key(), NOW + timedelta(days=7), "list-stale"),
        (altered, key.public_key(), NOW, "list-signature"),
        (taken, stranger, NOW, "list-signature"),
        (certificate["envelopes"][0], key.public_key(), NOW, "list-malformed"),
        ({}, key.public_key(), NOW, "list-malformed"),
    ):
        with pytest.raises(CertificateError) as caught:
            read(document, public, now=now)
        assert caught.value.reason == reason


@pytest.mark.parametrize("document", [{}, {"mediaType": "x"}, {"envelopes": 5}])
def test_what_is_no_certificate_is_malformed(document, key) -> None:
    refuse("malformed", document, key)


def test_half_a_certificate_is_malformed(certificate, key) -> None:
    refuse("malformed", {**certificate, "envelopes": certificate["envelopes"][:1]}, key)


def test_a_refused_app_gets_none(make, key) -> None:
    report = make.report({make.case("E3"): (make.run(Outcome.FAIL, "E3"),)})
    with pytest.raises(CertificateError) as caught:
        issue(report, grade(report, policy()), APP, {}, key, issued=NOW, expires=NOW + timedelta(1))
    assert caught.value.reason == "not-passed"


def test_the_commitment_binds_seeds_and_nonce() -> None:
    nonce = "n" * 32
    assert commitment(["a", "b"], nonce) != commitment(["a", "c"], nonce)
    assert commitment(["a", "b"], nonce) != commitment(["a", "b"], "m" * 32)
    assert commitment(["a", "b"], nonce) == commitment(("a", "b"), nonce)
    for seeds, bad in ((["a"], "short"), ([], nonce), (["a,b"], nonce)):
        with pytest.raises(ValueError, match=r"seed|nonce"):
            commitment(seeds, bad)


def test_a_hosted_app_binds_its_claim() -> None:
    one = Subject.hosted("app", "1", "https://app.example", "f" * 64)
    assert one.binds == "claim"
    assert one.digest != Subject.hosted("app", "2", "https://app.example", "f" * 64).digest


def test_public_keys_are_read_in_three_forms(key) -> None:
    public = key.public_key()
    raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
    vkey = "tongban.example+0a1b2c3d+" + base64.b64encode(b"\x01" + raw).decode()
    jwk = json.dumps({"kty": "OKP", "crv": "Ed25519", "x": base64.urlsafe_b64encode(raw).decode().rstrip("=")})
    for form in (pem, vkey, jwk):
        again = read_public_key(form).public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        assert again == raw
    for form in ("nothing", "a+b+c", '{"kty": "RSA"}'):
        with pytest.raises(ValueError, match=r"key|JWK|vkey"):
            read_public_key(form)
