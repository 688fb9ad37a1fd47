"""What the story checks beyond the API: datasets that agree, a ledger that proves itself offline."""

from __future__ import annotations

import hashlib
from pathlib import Path

from exchange.errors import TongbanError


class NotShown(TongbanError):
    """The service did not show what a step of the story should show."""


def expect(shown: bool, otherwise: str) -> None:
    """Raises `NotShown` with ``otherwise`` unless ``shown``."""
    if not shown:
        raise NotShown(otherwise)


def contradictions(files: dict[str, Path]) -> int:
    """How many citizens several datasets share; raises `NotShown` when any two disagree on one of them."""
    import duckdb

    person = files["police.resident-register"]
    compared = 0
    with duckdb.connect() as db:
        for identifier, file in files.items():
            columns = {row[0] for row in db.execute("DESCRIBE SELECT * FROM read_parquet(?)", [str(file)]).fetchall()}
            known = {row[0] for row in db.execute("DESCRIBE SELECT * FROM read_parquet(?)", [str(person)]).fetchall()}
            shared = sorted((columns & known) - {"GMSFHM"} & {"XM", "XBDM", "CSRQ", "MZDM"})
            if identifier == "police.resident-register" or "GMSFHM" not in columns or not shared:
                continue
            differ = " OR ".join(f'a."{c}" IS DISTINCT FROM b."{c}"' for c in shared)
            both, wrong = db.execute(
                f"SELECT count(*), count(*) FILTER ({differ}) "
                "FROM read_parquet(?) a JOIN read_parquet(?) b USING (GMSFHM)",
                [str(person), str(file)],
            ).fetchone() or (0, 0)
            expect(wrong == 0, f"{identifier} contradicts the register on {wrong} citizens")
            compared += both
    expect(compared > 0, "no two datasets share a citizen, so nothing was compared")
    return compared


def prove(bundle: Path) -> str:
    """Prove a ledger bundle offline, then flip one byte of a copy and see it found at its place."""
    from exchange.ledger.verify import verify

    whole = verify(bundle)
    expect(whole.ok, f"the bundle does not verify: {whole.text()}")
    data = bytearray(bundle.read_bytes())
    place = int.from_bytes(hashlib.sha256(data).digest()[:8], "big") % len(data)
    data[place] ^= 1
    bad = bundle.with_suffix(".tampered")
    bad.write_bytes(data)
    found = verify(bad)
    expect(not found.ok and bool(found.problems), "a flipped byte was not noticed")
    first = found.problems[0]
    expect(first.offset <= place < first.offset + first.length, f"byte {place} was flipped, {first.offset} was named")
    where = first.section if first.entry is None else f"{first.section}, entry {first.entry}"
    return f"{whole.entries} ledger entries proved offline; byte flipped at {place} found in {where}"
