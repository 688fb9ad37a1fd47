"""The certificate: two in-toto statements in DSSE envelopes, signed with Ed25519, checked offline.

The first statement is `https://in-toto.io/attestation/test-result/v0.1`: which cases passed, under which
documents (suite, interfaces, process, policy: each by sha256) and which seed commitment. The second carries
our own predicate: grade, counts, fields read against fields needed, validity; it names the sha256 of the
first one's payload, so the two cannot be recombined.

The signature covers DSSE's pre-authentication encoding over the exact bytes; a payload is parsed only after
its signature held, and the parsed bytes are the signed ones, never a re-serialisation.

For an app without an artefact (a hosted black box) the subject's digest is taken over (base URL, interface
digest, declared version): it then binds a claim and not code, and the statement says so.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from conformance.case import Outcome
from conformance.grade import Grade
from conformance.report import Report

MEDIA_TYPE = "application/vnd.tongban.certificate+json;version=1"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT = "https://in-toto.io/Statement/v1"
TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
CONFORMANCE = "https://tongban.dev/attestation/conformance/v1"
SHORTEST_NONCE = 16


class CertificateError(ValueError):
    """A certificate that must not be believed; `reason` is one word for programs, `str()` says why."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Subject:
    """What was certified: name, version and the sha256 (hex) of the artefact or of the claim."""

    name: str
    version: str
    digest: str
    binds: str = "artefact"

    @staticmethod
    def hosted(name: str, version: str, url: str, interface_digest: str) -> Subject:
        """The subject for a hosted app without an artefact: a digest over the claim."""
        claim = json.dumps([url, interface_digest, version], separators=(",", ":")).encode()
        return Subject(name, version, hashlib.sha256(claim).hexdigest(), binds="claim")


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a certificate says once both signatures held."""

    subject: Subject
    suite: str
    suite_version: str
    grade: str
    score: float
    commitment: str
    issued: str
    expires: str
    run: str
    documents: Mapping[str, str]
    passed: tuple[str, ...]
    warned: tuple[str, ...]
    failed: tuple[str, ...]
    statements: tuple[Mapping[str, Any], ...]


def commitment(seeds: Sequence[str], nonce: str) -> str:
    """sha256(seed ‖ nonce) in hex, fixed before a run so that the seeds cannot be chosen afterwards.

    Several seeds are joined by commas (a seed holds none). The nonce (at least 16 characters) keeps short practice
    seeds from being guessed out of the hash.
    """
    if len(nonce) < SHORTEST_NONCE:
        raise ValueError(f"the nonce has {len(nonce)} characters; at least {SHORTEST_NONCE} are needed")
    if not seeds or any("," in seed or not seed for seed in seeds):
        raise ValueError("seeds are non-empty and hold no comma")
    return hashlib.sha256(",".join(seeds).encode() + nonce.encode()).hexdigest()


def issue(
    report: Report,
    grade: Grade,
    subject: Subject,
    configuration: Mapping[str, str],
    key: Ed25519PrivateKey,
    *,
    issued: datetime,
    expires: datetime,
    run: str = "",
    url: str = "",
    key_id: str | None = None,
) -> dict[str, Any]:
    """The signed certificate of a listable grade, as a JSON-ready dict.

    `configuration` adds documents (name → sha256 hex) to those of the report, for instance the runner's own
    version; `url` is the public page of the run. Raises CertificateError("not-passed") for a refused grade:
    a failing app gets a report, never a certificate.
    """
    if not grade.listable:
        raise CertificateError("not-passed", f"the grade is {grade.letter}: no certificate is issued")
    if issued.tzinfo is None or expires.tzinfo is None or expires <= issued:
        raise ValueError("issued and expires need a time zone, and expires lies after issued")
    names: dict[Outcome, list[str]] = {outcome: [] for outcome in Outcome}
    for case in report.cases:
        names[case.outcome].append(case.case.id)
    documents = {**report.documents, **configuration, grade.policy: grade.policy_digest}
    who = [
        {
            "name": subject.name,
            "digest": {"sha256": subject.digest},
            "annotations": {"version": subject.version, "binds": subject.binds},
        }
    ]
    first = _encode(
        {
            "_type": STATEMENT,
            "subject": who,
            "predicateType": TEST_RESULT,
            "predicate": {
                "result": "WARNED" if names[Outcome.WARN] else "PASSED",
                "configuration": [
                    {
                        "name": name,
                        "digest": {"sha256": digest},
                        "annotations": {"seedCommitment": report.commitment},
                    }
                    for name, digest in sorted(documents.items())
                ],
                **({"url": url} if url else {}),
                "passedTests": names[Outcome.PASS],
                "warnedTests": names[Outcome.WARN],
                "failedTests": names[Outcome.FAIL],
            },
        }
    )
    second = _encode(
        {
            "_type": STATEMENT,
            "subject": who,
            "predicateType": CONFORMANCE,
            "predicate": {
                "run": run,
                "suite": {"name": report.suite, "version": report.suite_version},
                "grade": grade.letter,
                "score": grade.score,
                "policy": {"name": grade.policy, "digest": {"sha256": grade.policy_digest}},
                "counts": report.counts(),
                "coverage": {
                    "requirements": len(report.requirements),
                    "requirementsUntested": list(report.coverage.requirements_untested),
                    "departmentOperations": len(report.coverage.department_operations),
                    "departmentOperationsUntouched": list(report.coverage.department_operations_untouched),
                },
                "fields": [
                    {
                        "operation": f"{r.interface}#{r.operation}",
                        "needed": list(r.needed),
                        "read": list(r.read),
                    }
                    for r in report.readings
                ],
                "seedCommitment": report.commitment,
                "testResult": {"sha256": hashlib.sha256(first).hexdigest()},
                "issued": _time(issued),
                "expires": _time(expires),
            },
        }
    )
    name = key_id or fingerprint(key.public_key())
    return {
        "mediaType": MEDIA_TYPE,
        "envelopes": [_sign(first, key, name), _sign(second, key, name)],
    }


def verify(
    document: Mapping[str, Any],
    public_key: Ed25519PublicKey,
    *,
    now: datetime,
    subject_digest: str | None = None,
    version: str | None = None,
    revoked: Sequence[str] = (),
) -> Certificate:
    """What the certificate says, or CertificateError with the reason it is refused.

    Reasons: malformed · signature (forged or altered) · mismatch (statements recombined) · not-yet ·
    expired · revoked (`revoked` lists `certificate_id`s) · wrong-app (`subject_digest`) · wrong-version.
    """
    envelopes = document.get("envelopes")
    if document.get("mediaType") != MEDIA_TYPE or not isinstance(envelopes, list) or len(envelopes) != 2:
        raise CertificateError("malformed", f"not a certificate: {MEDIA_TYPE} with two envelopes is needed")
    payloads = [_open(envelope, public_key, place) for place, envelope in enumerate(envelopes)]
    statements = [_statement(payload) for payload in payloads]
    try:
        return _believe(payloads, statements, document, now, subject_digest, version, revoked)
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise CertificateError("malformed", f"signed, but incomplete: {error!r}") from None


def _believe(
    payloads: list[bytes],
    statements: list[Mapping[str, Any]],
    document: Mapping[str, Any],
    now: datetime,
    subject_digest: str | None,
    version: str | None,
    revoked: Sequence[str],
) -> Certificate:
    result, ours = statements
    if (result["predicateType"], ours["predicateType"]) != (TEST_RESULT, CONFORMANCE):
        raise CertificateError("malformed", "the two statements are not a test result and a conformance grade")
    predicate = ours["predicate"]
    if predicate["testResult"]["sha256"] != hashlib.sha256(payloads[0]).hexdigest():
        raise CertificateError("mismatch", "grade and test result come from different certificates")
    who = ours["subject"][0]
    notes = who["annotations"]
    subject = Subject(who["name"], notes["version"], who["digest"]["sha256"], notes["binds"])
    if certificate_id(document) in revoked:
        raise CertificateError("revoked", "the certificate has been revoked")
    if now < datetime.fromisoformat(predicate["issued"]):
        raise CertificateError("not-yet", f"issued only at {predicate['issued']}")
    if now >= datetime.fromisoformat(predicate["expires"]):
        raise CertificateError("expired", f"expired at {predicate['expires']}")
    if subject_digest is not None and subject_digest != subject.digest:
        raise CertificateError("wrong-app", f"issued for sha256 {subject.digest}, not for {subject_digest}")
    if version is not None and version != subject.version:
        raise CertificateError("wrong-version", f"issued for version {subject.version}, not for {version}")
    tests = result["predicate"]
    return Certificate(
        subject=subject,
        suite=predicate["suite"]["name"],
        suite_version=predicate["suite"]["version"],
        grade=predicate["grade"],
        score=float(predicate["score"]),
        commitment=predicate["seedCommitment"],
        issued=predicate["issued"],
        expires=predicate["expires"],
        run=predicate["run"],
        documents={item["name"]: item["digest"]["sha256"] for item in tests["configuration"]},
        passed=tuple(tests["passedTests"]),
        warned=tuple(tests["warnedTests"]),
        failed=tuple(tests["failedTests"]),
        statements=tuple(statements),
    )


def certificate_id(document: Mapping[str, Any]) -> str:
    """sha256 (hex) of the second envelope's payload bytes: the name a revocation list uses."""
    return hashlib.sha256(base64.b64decode(document["envelopes"][1]["payload"])).hexdigest()


def fingerprint(key: Ed25519PublicKey) -> str:
    """sha256 (hex) of the raw public key, used as key id."""
    return hashlib.sha256(_raw(key)).hexdigest()


def read_public_key(text: str) -> Ed25519PublicKey:
    """An Ed25519 public key from PEM (SubjectPublicKeyInfo), a C2SP vkey or a JWK; ValueError otherwise."""
    stripped = text.strip()
    if stripped.startswith("-----BEGIN"):
        key = serialization.load_pem_public_key(stripped.encode())
        if not isinstance(key, Ed25519PublicKey):
            raise ValueError("the key is not an Ed25519 key")
        return key
    if stripped.startswith("{"):
        jwk = json.loads(stripped)
        jwk = jwk["keys"][0] if jwk.get("keys") else jwk
        if jwk.get("kty") != "OKP" or jwk.get("crv") != "Ed25519":
            raise ValueError("the JWK is not an Ed25519 key (kty OKP, crv Ed25519)")
        return Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(jwk["x"] + "=="))
    parts = stripped.split("+", 2)  # base64 may hold a + itself, name and hash may not
    try:
        raw = base64.b64decode(parts[-1], validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("neither a PEM public key, nor a vkey, nor a JWK") from None
    if len(parts) != 3 or len(raw) != 33 or raw[0] != 1:
        raise ValueError("a vkey reads name+hash+key with an Ed25519 key (first byte 1)")
    return Ed25519PublicKey.from_public_bytes(raw[1:])


def encoding(payload_type: str, payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding: the bytes that are signed."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def _sign(payload: bytes, key: Ed25519PrivateKey, key_id: str) -> dict[str, Any]:
    signature = key.sign(encoding(PAYLOAD_TYPE, payload))
    return {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": PAYLOAD_TYPE,
        "signatures": [{"keyid": key_id, "sig": base64.b64encode(signature).decode()}],
    }


def _open(envelope: Any, key: Ed25519PublicKey, place: int) -> bytes:
    try:
        kind = envelope["payloadType"]
        payload = base64.b64decode(envelope["payload"], validate=True)
        signatures = [base64.b64decode(entry["sig"], validate=True) for entry in envelope["signatures"]]
    except (KeyError, TypeError, ValueError) as error:
        raise CertificateError("malformed", f"envelope {place} is no DSSE envelope: {error!r}") from None
    if kind != PAYLOAD_TYPE:
        raise CertificateError("malformed", f"envelope {place} holds {kind!r}, not {PAYLOAD_TYPE!r}")
    for signature in signatures:
        try:
            key.verify(signature, encoding(kind, payload))
            return payload
        except InvalidSignature:
            continue
    raise CertificateError(
        "signature", f"statement {place + 1} of 2 is not signed by this key: forged, altered or another key"
    )


def _statement(payload: bytes) -> Mapping[str, Any]:
    try:
        statement = json.loads(payload)
    except ValueError:
        raise CertificateError("malformed", "a signed payload is no JSON") from None
    if not isinstance(statement, dict) or statement.get("_type") != STATEMENT:
        raise CertificateError("malformed", "a signed payload is no in-toto statement")
    return statement


def _encode(statement: Mapping[str, Any]) -> bytes:
    return json.dumps(statement, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _time(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def _raw(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
