"""Divisions: complete, weighted by the census, and reserved codes that nobody has."""

from __future__ import annotations

import numpy as np
import pytest

from mockdata.population.divisions import PROVINCES, RESERVED, divisions, every_division, reserve, restore


def test_all_county_level_entries_are_shipped() -> None:
    everything = every_division()
    assert len(everything) == 2_978
    assert len({entry.code for entry in everything}) == 2_978
    assert {entry.code[:2] for entry in everything} == set(PROVINCES)


def test_numbers_never_begin_with_summary_or_statistical_codes() -> None:
    codes = [entry.real_code for entry in divisions().entries]
    assert len(codes) == 2_845
    assert not [code for code in codes if code.endswith("00") or 71 <= int(code[4:]) <= 79]


def test_reserved_codes_are_a_bijection_onto_codes_never_assigned() -> None:
    assigned = {entry.code[:2] for entry in every_division()} | {"71", "81", "82", "83"}
    assert not set(RESERVED.values()) & assigned
    assert not [code for code in RESERVED.values() if code[0] in "09"]
    table = divisions("reserved")
    assert len({entry.code for entry in table.entries}) == len(table)
    assert all(restore(entry.code) == entry.real_code for entry in table.entries)
    assert reserve("330106") == "290106"


def test_finding_a_code() -> None:
    table = divisions("realistic")
    assert table.find(table.numbers).tolist() == list(range(len(table)))
    assert table.find(np.array([0, 999_999, 330_100])).tolist() == [-1, -1, -1]
    west_lake = table.entries[int(table.find(np.array([330_106]))[0])]
    assert west_lake.full_name == "浙江省杭州市西湖区"


def test_weights_add_up_to_the_census_by_province() -> None:
    table = divisions()
    weights = table.weights(7)
    shares = np.bincount(table.provinces, weights)
    census = np.array(list(PROVINCES.values()))
    assert np.allclose(shares, census / census.sum())
    assert sum(PROVINCES.values()) == 1_409_778_724
    assert weights.min() > 0
    assert weights.max() * 1.4e9 < 6_000_000


def test_townships_belong_to_their_division() -> None:
    table = divisions("realistic")
    names, starts = table.townships
    at = int(table.find(np.array([330_106]))[0])
    assert "文新街道" in names[starts[at] : starts[at + 1]].to_pylist()
    assert len(starts) == len(table) + 1
    assert starts[-1] == len(names)


def test_an_unknown_mode_is_named() -> None:
    with pytest.raises(ValueError, match="'real'"):
        divisions("real")  # type: ignore[arg-type]
