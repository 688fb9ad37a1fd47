"""The compiled loops compute what the NumPy ways beside them compute: the same persons from both, cell by cell."""

import numpy as np
import pyarrow as pa
import pytest

from mockdata import identifiers, kernels, seeds, texts
from mockdata.population import Population
from mockdata.population.attributes import ATTRIBUTES
from mockdata.population.layout import intervals
from mockdata.population.registers import REGISTERS

ROWS = 3_000


@pytest.fixture(params=["compiled", "numpy"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Every batch the compiled way, or none."""
    monkeypatch.setattr(kernels, "LEAST", 2 if request.param == "compiled" else 1 << 62)
    kernels.load(kernels.LARGE)
    assert (kernels.compiled(ROWS) is not None) is (request.param == "compiled")
    return str(request.param)


@pytest.fixture(scope="module")
def seen() -> dict[str, object]:
    """What the first way made, for the second one to equal."""
    return {}


def agree(seen: dict[str, object], name: str, made: object) -> None:
    if name not in seen:
        seen[name] = made
        return
    if isinstance(made, np.ndarray):
        assert np.array_equal(made, seen[name])
        assert made.dtype == seen[name].dtype
    else:
        assert made == seen[name]


@pytest.fixture(scope="module")
def country() -> Population:
    return Population(7)


def index(country: Population) -> np.ndarray:
    scattered = seeds.below(seeds.hashed(3, np.arange(ROWS)), 2**31) % country.size
    return np.concatenate([np.arange(ROWS), scattered, [0, country.size - 1]])


def test_every_attribute_of_a_person(country: Population, way: str, seen: dict[str, object]) -> None:
    at = index(country)
    columns = country.persons(at, [*ATTRIBUTES, "father.name", "spouse.address", "guardian.mobile"])
    for name, column in columns.items():
        column.validate(full=True)
        agree(seen, f"attribute {name}", column.to_pylist())


def test_every_register_and_back_from_its_keys(country: Population, way: str, seen: dict[str, object]) -> None:
    for name, register in REGISTERS.items():
        rows = np.arange(min(400, register.count(country)))
        columns = register.read(country, rows, sorted(register.elements))
        agree(seen, f"register {name}", {element: column.to_pylist() for element, column in columns.items()})
        for key in register.keys.keys() & columns.keys():
            subjects = register.keys[key](country, columns[key])
            assert (subjects >= 0).all(), (name, key)
    numbers = country.persons(index(country), ["citizen_number"])["citizen_number"]
    assert np.array_equal(country.index_of(numbers), index(country))
    assert country.index_of(["110105194912310021", "", "x" * 18]).tolist() == [-1, -1, -1]
    agree(seen, "nobody's employer", country.firms.employer(np.array([-1, 5, 6, -1])))
    agree(seen, "nobody's row", country.employees.row(np.array([-1, 5, 6, 7, -1])))


def test_permutations_both_ways(way: str, seen: dict[str, object]) -> None:
    for number, n in enumerate((1, 2, 3, 1_000, 10**10, 2**61)):
        mixer = seeds.Bijection(2**64 - 5 + number, rounds=3 + number % 2)
        values = np.arange(ROWS) % n
        there = mixer.forward(values, n)
        assert there.min() >= 0
        assert there.max() < n
        assert np.array_equal(mixer.backward(there, n), values)
        agree(seen, f"below {n}", there)
    bounds = np.arange(ROWS) + 1
    mixed = seeds.Bijection(11).forward(np.arange(ROWS) // 2, bounds)
    assert (mixed < bounds).all()
    assert np.array_equal(seeds.Bijection(11).backward(mixed, bounds), np.arange(ROWS) // 2)
    agree(seen, "bounds", mixed)


def test_words_and_bounds(way: str, seen: dict[str, object]) -> None:
    words = seeds.hashed(2**64 - 1, np.arange(-5, ROWS))
    agree(seen, "words", words)
    agree(seen, "one bound", seeds.below(words, 2**32 - 1))
    agree(seen, "many bounds", seeds.below(words, np.arange(len(words)) + 1))
    edges = np.array([0, 5, 5, 9])
    values = np.array([-1, 0, 4, 5, 8, 9, 10, 3, -7, 5])
    assert intervals(edges, values).tolist() == [-1, 0, 0, 2, 2, 3, 3, 0, -1, 2]


def test_digits_and_codes(way: str, seen: dict[str, object]) -> None:
    numbers = seeds.below(seeds.hashed(1, np.arange(ROWS)), 2**31)
    for width in (10, 11, 18):
        matrix = identifiers.digits(numbers, width)
        assert identifiers.text_column(matrix).to_pylist() == [f"{number:0{width}d}" for number in numbers]
    body = identifiers.bodies(numbers % identifiers.BODY_CAPACITY)
    codes = identifiers.text_column(identifiers.credit_codes("91", numbers % 10**6, body)).to_pylist()
    assert not any(identifiers.why_not_credit_code(code) for code in codes[:200])
    agree(seen, "codes", codes)


def test_texts_from_parts(way: str) -> None:
    pool = pa.array(["", "甲", "一个比十六个字节长得多的词", "ab"])
    at = np.arange(ROWS) % 4
    own = pa.array([str(row) for row in range(ROWS)])
    words = pool.to_pylist()
    expected = [words[row % 4] + str(row) + words[row % 4] for row in range(ROWS)]
    assert texts.joined((pool, at), (own, None), (pool, at)).to_pylist() == expected
    there = at != 1
    some = texts.joined((own, None), (pool, np.where(there, at, -1)), there=there)
    some.validate(full=True)
    assert some.to_pylist() == [str(row) + words[row % 4] if row % 4 != 1 else None for row in range(ROWS)]
    assert texts.taken(pool.slice(1), np.where(there, at % 3, -1)).to_pylist() == [
        words[1:][row % 4 % 3] if row % 4 != 1 else None for row in range(ROWS)
    ]
    assert texts.taken(pa.array([1, 2]), np.array([1, -1, 0])).to_pylist() == [2, None, 1]
