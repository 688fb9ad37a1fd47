"""Whether the stored ledger still says what was recorded: asked at every start and before every signature."""

from __future__ import annotations

from sqlalchemy import Connection

from exchange.errors import NotFound, Unavailable, Unprocessable
from exchange.ledger import note, store, tree
from exchange.ledger.model import Checkpoint
from exchange.ledger.tiles import WIDTH, Tiles


def check(tx: Connection, key: note.SigningKey, *, deep: bool) -> None:
    """Entries, tiles, head and newest checkpoint against each other; ``deep`` hashes every entry again.

    Without ``deep`` the cost does not grow with the ledger, except for counting its rows. Raises `Unavailable`.
    """
    head, last = store.head(tx), store.checkpoint(tx)
    count, end = store.counts(tx)
    size = head.size if head else 0
    if not count == end == size:
        raise altered(f"the head says {size} entries, the table holds {count} up to index {end - 1}")
    if last is not None:
        _check_note(last, key)
    if head is None:
        if last is not None and last.size:
            raise altered("there are checkpoints but no entries")
        return
    compare(Tiles(tx), head, last)
    _check_tiles(tx, size, deep=deep)


def compare(tiles: Tiles, head: store.Head, last: Checkpoint | None) -> None:
    """The head must follow from tiles and newest entries, and extend the newest checkpoint. Raises `Unavailable`."""
    try:
        frontier = [tiles.node(level, n) for level, n in tree.frontier_nodes(head.size)]
        before = None if last is None or last.size > head.size else tiles.root(last.size)
    except NotFound:
        raise altered("a tile or entry is missing") from None
    if b"".join(frontier) != head.frontier or tree.root(frontier) != head.root:
        raise altered("the head does not follow from the tiles and entries")
    if last is not None and before != last.root:
        raise altered(f"the tree no longer extends the checkpoint of size {last.size}")


def altered(what: str) -> Unavailable:
    """The error every mismatch is told with."""
    return Unavailable(
        f"the ledger was altered: {what}",
        hint="serve nothing from this database; compare it with a backup and with checkpoints kept elsewhere",
    )


def _check_note(last: Checkpoint, key: note.SigningKey) -> None:
    try:
        text, _ = note.open_note(last.note, [note.read_vkey(key.vkey)])
        said = note.read_checkpoint(text)
    except Unprocessable as error:
        raise altered(f"its newest checkpoint is not ours: {error.detail} (or TONGBAN_ORIGIN changed)") from None
    if said != (key.name, last.size, last.root):
        raise altered("the newest checkpoint does not say what its row says")


def _check_tiles(tx: Connection, size: int, *, deep: bool) -> None:
    # entries against tiles, and tiles against those below; without ``deep`` only the last of each level
    level, full = 0, size // WIDTH
    while full:
        for n in range(0 if deep else full - 1, full):
            hashes = store.tile(tx, level, n) or b""
            if level == 0:
                below = [entry.leaf for entry in store.entries(tx, n * WIDTH, WIDTH)]
            else:
                below = store.tile_roots(tx, level - 1, n * WIDTH, WIDTH)
            given = tree.unpack(hashes)
            if given != below:
                at = n * WIDTH + next((i for i, (a, b) in enumerate(zip(given, below, strict=False)) if a != b), 0)
                what = f"entry {at}" if level == 0 else f"tile {at} of level {level - 1}"
                raise altered(f"{what} is not the one that was recorded")
            if store.tile_roots(tx, level, n, 1) != [tree.root_of(below)]:
                raise altered(f"tile {n} of level {level} does not have the root that was recorded")
        level, full = level + 1, full // WIDTH
