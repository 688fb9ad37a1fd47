"""``tongban ledger`` commands that keep it in order: erase a payload, exchange the index keys, hand out time stamps."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def erase(
    index: Annotated[int, typer.Argument(min=0, help="Number of the entry.")],
    reason: Annotated[str, typer.Option(help="Why; it stays in the ledger.")],
) -> None:
    """Forget the payload of an entry. The entry, its commitment and the tree stay; the erasure is an entry itself."""
    from exchange.ledger.opening import opened

    ledger = opened()
    with ledger.database.transaction() as tx:
        made = ledger.erase(tx, index, reason)
    ledger.database.compact()
    typer.echo(f"the payload of entry {index} is erased; entry {made.index} says so")


def renew_keys() -> None:
    """Exchange the key of the subject index and bring all entries to the new one. Stop the service first.

    A run that was interrupted is finished by the next one; people are found in any case.
    """
    from exchange.keys import Keys
    from exchange.ledger.opening import opened
    from exchange.ledger.subjects import SubjectKeys, rewrap
    from exchange.locking import locked
    from exchange.settings import from_environment

    settings = from_environment()
    ledger = opened(settings)
    with locked(settings.home):
        # an interrupted run is finished instead of beginning another one
        left = rewrap(ledger.database, ledger.subjects)
        if left:
            typer.echo(f"{left} tags are under key {ledger.subjects.generation}, as was begun before")
            return
        keys = SubjectKeys(Keys(settings.home).renew("subjects"))
        done = rewrap(ledger.database, keys, lambda count: typer.echo(f"{count} tags", err=True))
    typer.echo(f"{done} tags are under key {keys.generation}; keep the older keys, they are needed to find people")


def timestamps(
    folder: Annotated[Path, typer.Argument(help="Folder to write to.")] = Path("timestamps"),
) -> None:
    """Write every time stamp beside what it stamps: SIZE.tsr and SIZE.checkpoint.

    Check one with: openssl ts -verify -in SIZE.tsr -data SIZE.checkpoint -CAfile roots.pem
    """
    from exchange.ledger import store
    from exchange.ledger.opening import opened
    from exchange.ledger.stamping import signed_text

    folder.mkdir(parents=True, exist_ok=True)
    with opened().database.reading() as tx:
        found = store.timestamps(tx)
        for size, _at, token in found:
            (checkpoint,) = store.checkpoints(tx, size - 1, size)
            (folder / f"{size}.tsr").write_bytes(token)
            (folder / f"{size}.checkpoint").write_bytes(signed_text(checkpoint.note))
    typer.echo(f"{len(found)} time stamps in {folder}")
