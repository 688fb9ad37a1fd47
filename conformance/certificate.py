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
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from conformance.case import Outcome
from conformance.envelope import CertificateError, fingerprint, opened, signed
from conformance.grade import Grade
from conformance.report import Report, digest

MEDIA_TYPE = "application/vnd.tongban.certificate+json;version=1"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT = "https://in-toto.io/Statement/v1"
TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
CONFORMANCE = "https://tongban.dev/attestation/conformance/v1"
SHORTEST_NONCE = 16


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
    policy: str
    report: str
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
    log: Mapping[str, Any] | None = None,
    key_id: str | None = None,
) -> dict[str, Any]:
    """The signed certificate of a listable grade, as a JSON-ready dict.

    `configuration` adds documents (name → sha256 hex) to those of the report, for instance the runner's own
    version; `url` is the public page of the run, `log` where its commitment stands in a public log.
    Raises CertificateError("not-passed") for a refused grade: a failing app gets a report, never a certificate.
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
                "result": "WARNED" if names[Outcome.WARN] or names[Outcome.FAIL] else "PASSED",
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
                "flaky": [case.case.id for case in report.cases if case.flaky],
                "coverage": {
                    "appOperations": len(report.coverage.app_operations),
                    "appOperationsUntested": list(report.coverage.app_operations_untested),
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
                        "unneeded": list(r.unneeded),
                    }
                    for r in report.readings
                ],
                "seedCommitment": report.commitment,
                "report": {"sha256": digest(report)},
                **({"log": dict(log)} if log else {}),
                "testResult": {"sha256": hashlib.sha256(first).hexdigest()},
                "issued": _time(issued),
                "expires": _time(expires),
            },
        }
    )
    name = key_id or fingerprint(key.public_key())
    return {
        "mediaType": MEDIA_TYPE,
        "envelopes": [signed(statement, PAYLOAD_TYPE, key, name) for statement in (first, second)],
    }


def verify(
    document: Mapping[str, Any],
    public_key: Ed25519PublicKey,
    *,
    now: datetime | None,
    subject_digest: str | None = None,
    version: str | None = None,
    documents: Mapping[str, str] | None = None,
    policy_digest: str | None = None,
    revoked: Sequence[str] = (),
) -> Certificate:
    """What the certificate says, or CertificateError with the reason it is refused.

    Without a `now` it is read as a record of the past: whether it has ended or was revoked is not asked.

    Reasons: malformed · signature (forged or altered) · mismatch (statements recombined) · not-yet ·
    expired · revoked (`revoked` lists `certificate_id`s) · wrong-app (`subject_digest`) · wrong-version ·
    wrong-suite (`documents`, name → sha256, must all be named by it) · wrong-policy (`policy_digest`).
    """
    envelopes = document.get("envelopes")
    if document.get("mediaType") != MEDIA_TYPE or not isinstance(envelopes, list) or len(envelopes) != 2:
        raise CertificateError("malformed", f"not a certificate: {MEDIA_TYPE} with two envelopes is needed")
    payloads = [
        opened(envelope, public_key, PAYLOAD_TYPE, f"statement {place} of 2")
        for place, envelope in enumerate(envelopes, 1)
    ]
    statements = [_statement(payload) for payload in payloads]
    try:
        found = _believe(payloads, statements)
        if now is not None:
            _hold(found, certificate_id(document), now, revoked)
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise CertificateError("malformed", f"signed, but incomplete: {error!r}") from None
    if subject_digest is not None and subject_digest != found.subject.digest:
        raise CertificateError("wrong-app", f"issued for sha256 {found.subject.digest}, not for {subject_digest}")
    if version is not None and version != found.subject.version:
        raise CertificateError("wrong-version", f"issued for version {found.subject.version}, not for {version}")
    for name, wanted in (documents or {}).items():
        if found.documents.get(name) != wanted:
            told = found.documents.get(name, "another one")
            raise CertificateError("wrong-suite", f"issued under {name} sha256 {told}, not {wanted}")
    if policy_digest is not None and policy_digest != found.policy:
        raise CertificateError("wrong-policy", f"graded by a policy with sha256 {found.policy}, not {policy_digest}")
    return found


def _hold(found: Certificate, name: str, now: datetime, revoked: Sequence[str]) -> None:
    """Refuse what is over or not yet begun."""
    if name in revoked:
        raise CertificateError("revoked", "the certificate has been revoked")
    if now < datetime.fromisoformat(found.issued):
        raise CertificateError("not-yet", f"issued only at {found.issued}")
    if now >= datetime.fromisoformat(found.expires):
        raise CertificateError("expired", f"expired at {found.expires}")


def _believe(payloads: list[bytes], statements: list[Mapping[str, Any]]) -> Certificate:
    result, ours = statements
    if (result["predicateType"], ours["predicateType"]) != (TEST_RESULT, CONFORMANCE):
        raise CertificateError("malformed", "the two statements are not a test result and a conformance grade")
    predicate = ours["predicate"]
    if predicate["testResult"]["sha256"] != hashlib.sha256(payloads[0]).hexdigest():
        raise CertificateError("mismatch", "grade and test result come from different certificates")
    who = ours["subject"][0]
    notes = who["annotations"]
    subject = Subject(who["name"], notes["version"], who["digest"]["sha256"], notes["binds"])
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
        policy=predicate["policy"]["digest"]["sha256"],
        report=predicate.get("report", {}).get("sha256", ""),
        statements=tuple(statements),
    )


def certificate_id(document: Mapping[str, Any]) -> str:
    """sha256 (hex) of the second envelope's payload bytes: the name a revocation list uses."""
    return hashlib.sha256(base64.b64decode(document["envelopes"][1]["payload"])).hexdigest()


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
