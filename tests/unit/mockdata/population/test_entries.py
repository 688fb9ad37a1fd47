"""Rows without a memory: any number a slot, both ways, on a ring that is cut anywhere."""

from __future__ import annotations

import numpy as np
import pytest

from mockdata.population.entries import Entries, Ring


@pytest.mark.parametrize("counts", [[1, 1, 1, 1, 1], [0, 3, 0, 2, 1], [0, 0, 0, 0, 4], [2, 0, 0, 0, 0]])
def test_rows_are_those_written_out(counts: list[int]) -> None:
    sizes, start = np.array([13, 3, 5, 1, 22]), np.array([0, 2, 4, 3, 1])
    ring = Ring(np.concatenate([[0], np.cumsum(sizes)]), start, 5)
    entries = Entries(ring, np.array(counts))
    written = [
        (int(ring.offset[place] + at), turn)
        for place in range(5)
        for at in range(sizes[place])
        for turn in range(counts[(start[place] + at) % 5])
    ]
    assert entries.count == len(written)
    person, turn = entries.at(np.arange(entries.count))
    assert list(zip(person.tolist(), turn.tolist(), strict=True)) == written
    assert entries.row(person, turn).tolist() == list(range(len(written)))
    slot = ring.where(np.arange(sizes.sum()))[2]
    assert entries.row(np.arange(sizes.sum()), np.array(counts)[slot]).tolist() == [-1] * int(sizes.sum())
    assert entries.row(np.array([-1])).tolist() == [-1]
