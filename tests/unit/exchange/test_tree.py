"""The Merkle tree against its test vectors, the recursive definitions of RFC 6962, and an independent library."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.ledger import tree

ENTRIES = [bytes.fromhex(text) for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657")]
ENTRIES.append(bytes.fromhex("606162636465666768696a6b6c6d6e6f"))
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
leaves = st.lists(st.binary(max_size=8), min_size=1, max_size=70)


def node_of(entries: list[bytes]) -> tree.Node:
    return lambda level, n: mth(entries[n << level : (n + 1) << level])


# ---- RFC 6962 §2.1, word for word


def mth(entries: list[bytes]) -> bytes:
    if not entries:
        return hashlib.sha256(b"").digest()
    if len(entries) == 1:
        return hashlib.sha256(b"\x00" + entries[0]).digest()
    k = largest(len(entries))
    return hashlib.sha256(b"\x01" + mth(entries[:k]) + mth(entries[k:])).digest()


def path(m: int, entries: list[bytes]) -> list[bytes]:
    if len(entries) == 1:
        return []
    k = largest(len(entries))
    if m < k:
        return [*path(m, entries[:k]), mth(entries[k:])]
    return [*path(m - k, entries[k:]), mth(entries[:k])]


def proof(m: int, entries: list[bytes], flag: bool = True) -> list[bytes]:
    if m == len(entries):
        return [] if flag else [mth(entries)]
    k = largest(len(entries))
    if m <= k:
        return [*proof(m, entries[:k], flag), mth(entries[k:])]
    return [*proof(m - k, entries[k:], False), mth(entries[:k])]


def largest(n: int) -> int:
    k = 1
    while k * 2 < n:
        k *= 2
    return k


# ---- tests


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_of_the_published_vectors(size: int) -> None:
    assert tree.root_of([tree.leaf(entry) for entry in ENTRIES[:size]]).hex() == ROOTS[size - 1]


def test_the_empty_tree_has_the_hash_of_nothing() -> None:
    assert tree.root([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_proofs_of_the_published_vectors() -> None:
    node = node_of(ENTRIES)
    assert [h.hex()[:16] for h in tree.inclusion(5, 8, node)] == [
        "bc1a0643b12e4d2d",
        "ca854ea128ed050b",
        "d37ee418976dd957",
    ]
    assert [h.hex()[:16] for h in tree.consistency(6, 8, node)] == [
        "0ebc5d3437fbe2db",
        "ca854ea128ed050b",
        "d37ee418976dd957",
    ]
    assert [h.hex()[:16] for h in tree.consistency(2, 5, node)] == ["5f083f0a1a33ca07", "bc1a0643b12e4d2d"]


@given(leaves)
def test_the_frontier_grows_to_the_recursive_root(entries: list[bytes]) -> None:
    frontier: list[bytes] = []
    for size, entry in enumerate(entries):
        tree.push(size, frontier, tree.leaf(entry))
        assert tree.root(frontier) == mth(entries[: size + 1])
    assert frontier == [node_of(entries)(level, n) for level, n in tree.frontier_nodes(len(entries))]


@given(leaves, st.data())
def test_inclusion_paths_are_those_of_the_rfc_and_verify(entries: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(entries) - 1))
    found = tree.inclusion(index, len(entries), node_of(entries))
    assert found == path(index, entries)
    assert tree.included(index, len(entries), tree.leaf(entries[index]), found) == mth(entries)


@given(leaves, st.data())
def test_consistency_proofs_are_those_of_the_rfc_and_verify(entries: list[bytes], data: st.DataObject) -> None:
    old = data.draw(st.integers(1, len(entries)))
    found = tree.consistency(old, len(entries), node_of(entries))
    assert found == proof(old, entries)
    assert tree.consistent(old, mth(entries[:old]), len(entries), mth(entries), found)


@given(leaves, st.data())
def test_a_changed_proof_does_not_verify(entries: list[bytes], data: st.DataObject) -> None:
    size = len(entries)
    old = data.draw(st.integers(1, size))
    found = tree.consistency(old, size, node_of(entries))
    change = data.draw(st.sampled_from(["flip", "drop", "add"]))
    if change == "add" or not found:
        wrong = [*found, bytes(32)]
    elif change == "drop":
        wrong = found[:-1]
    else:
        at = data.draw(st.integers(0, len(found) - 1))
        wrong = [*found[:at], bytes([found[at][0] ^ 1]) + found[at][1:], *found[at + 1 :]]
    assert not tree.consistent(old, mth(entries[:old]), size, mth(entries), wrong)


@given(leaves, st.data())
def test_a_path_verifies_for_its_own_index_only(entries: list[bytes], data: st.DataObject) -> None:
    size = len(entries)
    index = data.draw(st.integers(0, size - 1))
    other = data.draw(st.integers(0, size - 1))
    found = tree.inclusion(index, size, node_of(entries))
    if tree.leaf(entries[index]) != tree.leaf(entries[other]):
        assert tree.included(index, size, tree.leaf(entries[other]), found) != mth(entries)
    assert tree.included(index, size, tree.leaf(entries[index]), [*found, bytes(32)]) is None
    assert tree.included(size, size, tree.leaf(entries[index]), found) is None


@settings(max_examples=20)
@given(st.lists(st.binary(max_size=8), min_size=1, max_size=40))
def test_an_independent_library_finds_the_same_roots(entries: list[bytes]) -> None:
    pymerkle = pytest.importorskip("pymerkle")
    other = pymerkle.InmemoryTree(algorithm="sha256")
    for entry in entries:
        other.append_entry(entry)
    assert other.get_root() == mth(entries) == tree.root_of([tree.leaf(entry) for entry in entries])


def test_no_proof_outside_the_tree() -> None:
    node = node_of(ENTRIES)
    with pytest.raises(IndexError):
        tree.inclusion(8, 8, node)
    with pytest.raises(IndexError):
        tree.consistency(0, 8, node)
    with pytest.raises(IndexError):
        tree.consistency(9, 8, node)
