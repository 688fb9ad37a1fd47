"""Counter hashing and keyed bijections."""

from __future__ import annotations

import numpy as np
import pytest

from mockdata.seeds import Bijection, apportion, below, hashed, order, stream, unit


def test_hash_is_splitmix64() -> None:
    # the first three outputs of splitmix64 from state 0, as published with the algorithm
    assert [hex(word) for word in hashed(0, np.array([1, 2, 3]))] == [
        "0xe220a8397b1dcdaf",
        "0x6e789e6aa1b965f4",
        "0x6c45d188009454f",
    ]


@pytest.mark.parametrize("key", [0, 1, (1 << 64) - 1])
def test_one_at_a_time_gives_the_same_words(key: int) -> None:
    counter = np.array([0, 1, -1, 1 << 62])
    together = hashed(key, counter)
    assert [hashed(key, counter[at : at + 1])[0] for at in range(4)] == list(together)
    assert counter.tolist() == [0, 1, -1, 1 << 62]  # the input is not changed


def test_streams_differ_by_seed_and_purpose() -> None:
    assert len({stream(7, "a"), stream(7, "b"), stream(8, "a"), stream("7", "a", 1)}) == 4
    assert stream(7, "a") == stream("7", "a")


def test_below_and_unit_stay_inside_and_fill_evenly() -> None:
    words = hashed(5, np.arange(100_000))
    drawn = below(words, 10)
    assert drawn.min() == 0
    assert drawn.max() == 9
    assert np.abs(np.bincount(drawn) - 10_000).max() < 500
    assert 0 <= unit(words).min() < unit(words).max() < 1


@pytest.mark.parametrize("n", [1, 2, 3, 7, 100, 12_345])
def test_bijection_permutes_and_inverts(n: int) -> None:
    mixed = Bijection(3).forward(np.arange(n), n)
    assert np.array_equal(np.sort(mixed), np.arange(n))
    assert np.array_equal(Bijection(3).backward(mixed, n), np.arange(n))


@pytest.mark.parametrize("n", [1, 2, 10, 999, 10**9, 10**10])
def test_one_value_alone_is_mixed_as_among_others(n: int) -> None:
    values = np.array([0, n // 2, n - 1])
    mixed = Bijection(8, rounds=3).forward(values, n)
    for value, image in zip(values, mixed, strict=True):
        assert Bijection(8, rounds=3).forward(np.array([value]), n).tolist() == [image]
        assert Bijection(8, rounds=3).backward(np.array([image]), np.array([n])).tolist() == [value]


def test_bijection_with_a_bound_for_each_value() -> None:
    bounds = np.arange(1, 2_000)
    values = np.arange(1, 2_000) // 2
    mixed = Bijection(9).forward(values, bounds)
    assert (mixed < bounds).all()
    assert np.array_equal(Bijection(9).backward(mixed, bounds), values)


def test_bijection_of_a_large_domain_inverts_and_scatters() -> None:
    n = 1_100_000_000
    values = np.arange(0, n, 1_234_567)
    mixed = Bijection(4).forward(values, n)
    assert np.array_equal(Bijection(4).backward(mixed, n), values)
    neighbours = Bijection(4).forward(np.arange(1_000), n)
    assert np.abs(np.diff(neighbours)).mean() > n / 10


def test_apportion_adds_up_exactly() -> None:
    shares = apportion([1.0, 1.0, 1.0], 100)
    assert shares.sum() == 100
    assert shares.tolist() == [34, 33, 33]


def test_order_is_a_permutation() -> None:
    assert np.array_equal(np.sort(order(1, 500)), np.arange(500))
