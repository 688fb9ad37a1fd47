"""Check characters of the identifiers that interface documents and ledgers carry, one value at a time.

Standards: GB 11643-1999 (citizen number, ISO 7064 MOD 11-2), GB 32100-2015 (unified social credit code) with the inner
check of GB 11714. `mockdata.identifiers` makes the same identifiers by the million.
"""

from __future__ import annotations

CITIZEN_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_BODY_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_BODY_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def citizen_check(first: str) -> str:
    """The 18th character for the first 17 digits of a citizen number. Raises ValueError for anything but 17 digits."""
    if len(first) != 17 or not first.isascii() or not first.isdigit():
        raise ValueError(f"a citizen number has 17 digits before its check character, not {first!r}")
    return "10X98765432"[sum(int(d) * w for d, w in zip(first, CITIZEN_WEIGHTS, strict=True)) % 11]


def organisation_check(body: str) -> str:
    """The check character of the 8 characters of an organisation code (GB 11714)."""
    rest = 11 - sum(_BODY_ALPHABET.index(c) * w for c, w in zip(body, _BODY_WEIGHTS, strict=True)) % 11
    return {10: "X", 11: "0"}.get(rest, str(rest))


def uscc_check(first: str) -> str:
    """The 18th character for the first 17 of a unified social credit code. Raises ValueError for a foreign letter."""
    total = sum(USCC_ALPHABET.index(c) * pow(3, place, 31) for place, c in enumerate(first))
    return USCC_ALPHABET[(31 - total % 31) % 31]


def uscc_problem(code: str) -> str:
    """What is wrong with a unified social credit code; "" when both its check characters are right."""
    if len(code) != 18:
        return f"it has {len(code)} characters, not 18"
    strange = sorted({c for c in code if c not in USCC_ALPHABET})
    if strange:
        return f"{', '.join(strange)} cannot occur in it"
    if not code[2:8].isdigit():
        return "characters 3 to 8 must be a division code"
    if (inner := organisation_check(code[8:16])) != code[16]:
        return f"the inner check character must be {inner} (GB 11714)"
    if (outer := uscc_check(code[:17])) != code[17]:
        return f"the last check character must be {outer} (GB 32100)"
    return ""
