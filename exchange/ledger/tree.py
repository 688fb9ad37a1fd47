"""The Merkle tree of RFC 6962 §2.1 over SHA-256: growing it, and proofs read from stored subtrees.

A *node* (level, n) is the root of the full subtree over leaves n·2^level … (n+1)·2^level − 1. The *frontier* of a
size is the roots of its full subtrees, largest first: as many as the size has 1-bits.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

Node = Callable[[int, int], bytes]
"""Gives the root of the full subtree (level, n)."""

EMPTY = hashlib.sha256(b"").digest()
"""Root of the empty tree."""


def leaf(entry: bytes) -> bytes:
    """SHA-256(0x00 ‖ entry)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def join(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 ‖ left ‖ right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def push(size: int, frontier: list[bytes], hashed: bytes) -> None:
    """Append one leaf hash in place: each trailing 1-bit of ``size`` combines the last full subtree on its left."""
    while size & 1:
        hashed = join(frontier.pop(), hashed)
        size >>= 1
    frontier.append(hashed)


def root(frontier: Sequence[bytes]) -> bytes:
    """Root of the tree: the frontier folded from the right."""
    if not frontier:
        return EMPTY
    folded = frontier[-1]
    for hashed in reversed(frontier[:-1]):
        folded = join(hashed, folded)
    return folded


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Root over leaf hashes."""
    frontier: list[bytes] = []
    for size, hashed in enumerate(leaves):
        push(size, frontier, hashed)
    return root(frontier)


def unpack(joined: bytes) -> list[bytes]:
    """Hashes of 32 bytes each from the form they are stored in: joined."""
    return [joined[at : at + 32] for at in range(0, len(joined), 32)]


def frontier_nodes(size: int) -> list[tuple[int, int]]:
    """The (level, n) of the frontier of a tree of ``size``, largest first."""
    found, start = [], 0
    for level in range(size.bit_length() - 1, -1, -1):
        if size >> level & 1:
            found.append((level, start >> level))
            start += 1 << level
    return found


def inclusion(index: int, size: int, node: Node) -> list[bytes]:
    """PATH(index, D[size]), the leaf's sibling first. Raises IndexError outside the tree."""
    if not 0 <= index < size:
        raise IndexError(f"no leaf {index} in a tree of {size}")
    path: list[bytes] = []
    start, stop = 0, size
    while stop - start > 1:  # from the root down; reversed at the end
        middle = start + _split(stop - start)
        if index < middle:
            path.append(_range(middle, stop, node))
            stop = middle
        else:
            path.append(_range(start, middle, node))
            start = middle
    return path[::-1]


def consistency(old: int, size: int, node: Node) -> list[bytes]:
    """PROOF(old, D[size]): the tree of ``size`` extends that of ``old``. Raises IndexError unless 0 < old ≤ size."""
    if not 0 < old <= size:
        raise IndexError(f"no proof from {old} to {size}")
    proof: list[bytes] = []
    start, stop, known = 0, size, True
    while old != stop:
        middle = start + _split(stop - start)
        if old <= middle:
            proof.append(_range(middle, stop, node))
            stop = middle
        else:
            proof.append(_range(start, middle, node))
            start, known = middle, False
    if not known:
        proof.append(_range(start, stop, node))
    return proof[::-1]


def included(index: int, size: int, hashed: bytes, path: Sequence[bytes]) -> bytes | None:
    """The root that an inclusion path leads to, or None when its length does not fit (index, size)."""
    if not 0 <= index < size:
        return None
    steps = list(path)
    last = size - 1
    while last:
        if index & 1 or index < last:
            if not steps:
                return None
            sibling = steps.pop(0)
            hashed = join(sibling, hashed) if index & 1 else join(hashed, sibling)
        index, last = index >> 1, last >> 1
    return None if steps else hashed


def consistent(old: int, old_root: bytes, size: int, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """RFC 9162 §2.1.4.2: whether ``proof`` shows that the tree of ``size`` extends the one of ``old``."""
    if old == size:
        return not proof and old_root == new_root
    if not 0 < old < size or not proof:
        return False
    steps = list(proof) if old & (old - 1) else [old_root, *proof]
    index, last = old - 1, size - 1
    while index & 1:
        index, last = index >> 1, last >> 1
    first = second = steps[0]
    for hashed in steps[1:]:
        if not last:
            return False
        if index & 1 or index == last:
            first, second = join(hashed, first), join(hashed, second)
            while index and not index & 1:
                index, last = index >> 1, last >> 1
        else:
            second = join(second, hashed)
        index, last = index >> 1, last >> 1
    return not last and first == old_root and second == new_root


def _split(count: int) -> int:
    return 1 << (count - 1).bit_length() - 1


def _range(start: int, stop: int, node: Node) -> bytes:
    # start is a multiple of the largest full subtree inside, so the range decomposes like a tree of its own
    hashes = [node(level, (start >> level) + n) for level, n in frontier_nodes(stop - start)]
    return root(hashes)
