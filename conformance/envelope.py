"""Signed envelopes (DSSE over Ed25519): what is signed is the exact bytes, and they are parsed only after that held."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey


class CertificateError(ValueError):
    """A certificate that must not be believed; `reason` is one word for programs, `str()` says why."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def encoding(payload_type: str, payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding: the bytes that are signed."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def signed(payload: bytes, payload_type: str, key: Ed25519PrivateKey, key_id: str) -> dict[str, Any]:
    """A DSSE envelope around these bytes."""
    signature = key.sign(encoding(payload_type, payload))
    return {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": payload_type,
        "signatures": [{"keyid": key_id, "sig": base64.b64encode(signature).decode()}],
    }


def opened(envelope: Any, key: Ed25519PublicKey, payload_type: str, what: str) -> bytes:
    """The bytes of a DSSE envelope whose signature held; CertificateError malformed or signature, naming `what`."""
    try:
        kind = envelope["payloadType"]
        payload = base64.b64decode(envelope["payload"], validate=True)
        signatures = [base64.b64decode(entry["sig"], validate=True) for entry in envelope["signatures"]]
    except (KeyError, TypeError, ValueError) as error:
        raise CertificateError("malformed", f"{what} is no DSSE envelope: {error!r}") from None
    if kind != payload_type:
        raise CertificateError("malformed", f"{what} holds {kind!r}, not {payload_type!r}")
    for signature in signatures:
        try:
            key.verify(signature, encoding(kind, payload))
            return payload
        except InvalidSignature:
            continue
    raise CertificateError("signature", f"{what} is not signed by this key: forged, altered or another key")


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


def _raw(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
