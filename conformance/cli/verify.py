"""`tongban conform verify`."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from conformance.cli.terminal import BAD_INPUT, NOT_PASSED, USAGE, document, stop

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from conformance.certificate import Certificate

OWN = ("runner:", "generator:")
"""Documents that name code: another release of it does not make a certificate one of another suite."""


def verify(
    certificate: Annotated[Path, typer.Argument(help="The certificate file.")],
    key: Annotated[Path, typer.Option(help="Public key of the certifier: PEM, vkey or JWK.")],
    app_digest: Annotated[str | None, typer.Option(help="sha256 the certificate must be for.")] = None,
    app_version: Annotated[str | None, typer.Option(help="Version the certificate must be for.")] = None,
    matter: Annotated[str | None, typer.Option(help="It must rest on this matter's suite as installed here.")] = None,
    policy: Annotated[Path | None, typer.Option(help="Grading policy (YAML) it must have been graded by.")] = None,
    revocations: Annotated[Path | None, typer.Option(help="The certifier's revocation list.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Verify a certificate offline: signatures, validity, and that it is for this app, version, suite and policy.

    Example: tongban conform verify certificate.json --key certifier.pem --revocations revocations.json
    """
    from conformance import revocation
    from conformance.certificate import certificate_id
    from conformance.certificate import verify as check
    from conformance.envelope import CertificateError

    made = document(certificate, "certificate")
    public = public_key(key)
    documents = _documents(matter) if matter else None
    wanted = _policy(policy)
    now = datetime.now(UTC)
    try:
        taken = revocation.read(document(revocations, "revocation list"), public, now=now) if revocations else None
        found = check(
            made,
            public,
            now=now,
            subject_digest=app_digest.removeprefix("sha256:") if app_digest else None,
            version=app_version,
            documents=documents,
            policy_digest=wanted,
            revoked=taken.ids() if taken else (),
        )
    except CertificateError as error:
        reason, said = error.reason, str(error)
        if reason == "revoked" and taken:
            entry = next(e for e in taken.revoked if e.certificate == certificate_id(made))
            said = f"revoked at {entry.at}: {entry.reason}"
        if as_json:
            print(json.dumps({"valid": False, "reason": reason, "detail": said}, ensure_ascii=False))
        stop(f"refused ({reason}): {said}", NOT_PASSED)
    if as_json:
        print(json.dumps(_told(found) | {"revocation_checked": taken is not None}, ensure_ascii=False, indent=1))
        return
    print(
        f"valid: {found.subject.name} {found.subject.version}, grade {found.grade} ({found.score:.3f}) in suite "
        f"{found.suite} {found.suite_version}, until {found.expires}"
    )
    if found.subject.binds == "claim":
        print("it binds the declared address, interface and version of a hosted app, not its code")
    print(
        f"not revoked by the list of {taken.issued}"
        if taken
        else "whether it was revoked was not checked: --revocations"
    )


def public_key(path: Path) -> Ed25519PublicKey:
    """The certifier's key in a file; ends the command when there is none."""
    from conformance.envelope import read_public_key

    try:
        return read_public_key(path.read_text(encoding="utf-8"))
    except OSError as error:
        stop(f"{path}: {error.strerror}", BAD_INPUT)
    except (ValueError, KeyError) as error:
        stop(f"{path}: {error}", BAD_INPUT, hint="a PEM public key, a vkey or a JWK is needed")


def _documents(matter: str) -> dict[str, str]:
    from conformance import suites

    try:
        suite = suites.load(matter)
    except suites.UnknownSuite as error:
        stop(str(error), USAGE, hint=f"suites: {', '.join(suites.names())}")
    return {name: digest for name, digest in suite.documents.items() if not name.startswith(OWN)}


def _policy(path: Path | None) -> str | None:
    from conformance.grade import PolicyError
    from conformance.grade import policy as read

    if path is None:
        return None
    try:
        return read(path).digest
    except OSError as error:
        stop(f"{path}: {error.strerror}", BAD_INPUT)
    except PolicyError as error:
        stop(f"{path}: {error}", BAD_INPUT)


def _told(found: Certificate) -> dict[str, Any]:
    return {
        "valid": True,
        "app": found.subject.name,
        "version": found.subject.version,
        "digest": found.subject.digest,
        "binds": found.subject.binds,
        "suite": f"{found.suite} {found.suite_version}",
        "grade": found.grade,
        "score": found.score,
        "issued": found.issued,
        "expires": found.expires,
        "commitment": found.commitment,
        "report": found.report,
        "passed": len(found.passed),
        "warned": len(found.warned),
        "failed": len(found.failed),
    }
