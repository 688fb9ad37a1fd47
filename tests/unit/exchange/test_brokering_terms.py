"""Rows and masks: what is agreed leaves, what is not understood refuses, and noise cannot be averaged away."""

from __future__ import annotations

import statistics
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.brokering.enforce import GONE, Masks, question, rows
from exchange.brokering.terms import MASKS, WORDS, Mask, Row, Unreadable, read

PEOPLE = {
    "items": [
        {"id": "110101199003070017", "code": "110101", "age": 35, "born": "1990-03-07", "vip": True},
        {"id": "120101199003070017", "code": "120101", "age": 61, "born": "1964-11-30", "vip": False},
        {"id": "x", "age": None},
    ],
    "total": 3,
}


def chosen(*conditions: tuple[str, str, Any]) -> list[str]:
    made = read({"rows": [{"place": place, "is": word, "value": value} for place, word, value in conditions]})
    return [item["id"][:2] for item in rows(PEOPLE, made.rows)["items"]]


@pytest.mark.parametrize(
    ("conditions", "left"),
    [
        ([("/items/*/code", "startsWith", "11")], ["11"]),
        ([("/items/*/code", "eq", "120101")], ["12"]),
        ([("/items/*/code", "isAnyOf", ["110101", "120101"])], ["11", "12"]),
        # a record without the field never holds, whatever is asked
        ([("/items/*/code", "neq", "110101")], ["12"]),
        ([("/items/*/code", "isNoneOf", ["110101"])], ["12"]),
        ([("/items/*/age", "gteq", 18), ("/items/*/age", "lt", 60)], ["11"]),
        ([("/items/*/born", "lteq", "1970-01-01")], ["12"]),
        ([("/items/*/vip", "eq", True)], ["11"]),
        ([("/items/*/vip", "eq", 1)], []),
        ([("/items/*/age", "gt", "18")], []),
        ([("/items/*/nothing", "eq", "x")], []),
    ],
)
def test_records_for_which_every_condition_holds_leave(conditions: Any, left: list[str]) -> None:
    assert chosen(*conditions) == left


def test_an_answer_that_is_the_record_leaves_whole_or_not_at_all() -> None:
    made = read({"rows": [{"place": "/code", "is": "eq", "value": "1"}]}).rows
    assert rows({"code": "1", "x": 2}, made) == {"code": "1", "x": 2}
    for value in ({"code": "2", "x": 2}, [{"code": "1"}], "text"):
        assert rows(value, made) is GONE


def test_records_in_records_and_maps() -> None:
    made = read({"rows": [{"place": "/a/*/b/*/c", "is": "eq", "value": 1}]}).rows
    value = {"a": {"k": {"b": [{"c": 1}, {"c": 2}]}, "l": {"b": {"m": {"c": 2}, "n": {"c": 1}}}}}
    assert rows(value, made) == {"a": {"k": {"b": [{"c": 1}]}, "l": {"b": {"n": {"c": 1}}}}}


BROKEN: list[Any] = [
    {"weather": "fine"},
    {"rows": {}},
    {"rows": [{"place": "/a", "is": "like", "value": "x"}]},
    {"rows": [{"place": "a", "is": "eq", "value": "x"}]},
    {"rows": [{"place": "/a", "is": "eq", "value": ["x"]}]},
    {"rows": [{"place": "/a", "is": "eq", "value": None}]},
    {"rows": [{"place": "/a", "is": "isAnyOf", "value": []}]},
    {"rows": [{"place": "/a", "is": "isAnyOf", "value": "abc"}]},
    {"rows": [{"place": "/a", "is": "startsWith", "value": 1}]},
    {"rows": [{"place": "/a", "is": "eq", "value": "x", "or": "y"}]},
    {"rows": [{"place": "/a", "is": "eq"}]},
    {"masks": [{"place": "/a"}]},
    {"masks": [{"place": "/a", "as": "blur"}]},
    {"masks": [{"place": "/a", "as": "hash", "keep": 3}]},
    {"masks": [{"place": "/a", "as": "truncate"}]},
    {"masks": [{"place": "/a", "as": "truncate", "keep": 0}]},
    {"masks": [{"place": "/a", "as": "truncate", "keep": True}]},
    {"masks": [{"place": "/a", "as": "generalise", "to": "week"}]},
    {"masks": [{"place": "/a", "as": "generalise", "to": -1}]},
    {"masks": [{"place": "/a", "as": "noise", "scale": "1"}]},
    {"masks": ["/a"]},
    {"rows": [{"place": "/a", "is": "eq", "value": object()}]},
]


@pytest.mark.parametrize("terms", BROKEN)
def test_what_is_not_understood_to_the_last_letter_refuses(terms: Any) -> None:
    with pytest.raises(Unreadable):
        read(terms)


def test_nothing_agreed_is_nothing_to_enforce() -> None:
    assert read({}).none
    assert set(WORDS) >= {"eq", "neq", "lt", "lteq", "gt", "gteq", "isAnyOf", "isNoneOf"}


def masked(
    place: str, word: str, value: Any = PEOPLE, agreement: str = "a", asked: bytes = b"q", **options: Any
) -> Any:
    made = read({"masks": [{"place": place, "as": word, **options}]})
    return Masks(made, b"k" * 32, agreement).apply(value, asked)


def test_a_hash_joins_within_an_agreement_and_not_across_two() -> None:
    left, labels = masked("/items/*/id", "hash")
    assert labels == ("items/id",)
    ids = [item["id"] for item in left["items"]]
    assert all(len(id) == 32 and int(id, 16) for id in ids)
    assert ids == [item["id"] for item in masked("/items/*/id", "hash")[0]["items"]]
    assert set(ids).isdisjoint(item["id"] for item in masked("/items/*/id", "hash", agreement="b")[0]["items"])
    assert left["total"] == 3


@pytest.mark.parametrize(
    ("word", "options", "given", "left"),
    [
        ("truncate", {"keep": 6}, "110101199003070017", "110101"),
        ("truncate", {"keep": 2}, 1234, "12"),
        ("truncate", {"keep": 2}, True, None),
        ("generalise", {"to": "year"}, "1990-03-07", "1990"),
        ("generalise", {"to": "month"}, "1990-03-07T01:02:03Z", "1990-03"),
        ("generalise", {"to": "month"}, "19900307", "199003"),
        ("generalise", {"to": "decade"}, "1997-03-07", "1990"),
        ("generalise", {"to": "year"}, "soon", None),
        ("generalise", {"to": "year"}, 1990, None),
        ("generalise", {"to": 10}, 37, 30),
        ("generalise", {"to": 10}, -3, -10),
        ("generalise", {"to": 0.5}, 1.7, 1.5),
        ("generalise", {"to": 10}, "37", None),
        ("noise", {"scale": 1}, "37", None),
        ("noise", {"scale": 1}, None, None),
        ("hash", {}, None, None),
    ],
)
def test_masks(word: str, options: dict[str, Any], given: Any, left: Any) -> None:
    assert masked("/a", word, {"a": given}, **options)[0] == {"a": left}
    # nothing passes by being nested deeper than the interface says
    assert masked("/a", word, {"a": [{"b": given}]}, **options)[0] == {"a": [{"b": left}]}
    assert set(options) == set(MASKS[word])


def test_noise_is_the_same_for_the_same_question_and_has_the_spread_it_was_agreed_with() -> None:
    def count(asked: str, scale: float = 2.0, value: int = 1000) -> int:
        return int(masked("/n", "noise", {"n": value}, asked=question(asked), scale=scale)[0]["n"])

    assert len({count("one") for _ in range(20)}) == 1
    shifts = [count(str(number)) - 1000 for number in range(4000)]
    assert abs(statistics.fmean(shifts)) < 0.3
    alpha = 2.718281828 ** (-1 / 2.0)
    assert statistics.pvariance(shifts) == pytest.approx(2 * alpha / (1 - alpha) ** 2, rel=0.15)
    assert min(count(str(number), 5.0, 1) for number in range(200)) == 0


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text("ab", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab*/~"), inner, max_size=3),
    max_leaves=12,
)
PLACES = st.lists(st.sampled_from(["a", "b", "*", "0", "~0", "~1", "~2"]), max_size=3)


@given(VALUES, PLACES, st.sampled_from(sorted(WORDS)), st.sampled_from(["a", 1, True]))
def test_no_value_breaks_the_rows(value: Any, place: list[str], word: str, wanted: Any) -> None:
    given_value = [wanted] if word in ("isAnyOf", "isNoneOf") else "a" if word == "startsWith" else wanted
    rows(value, [Row(tuple(place), word, given_value)])


@given(VALUES, PLACES)
def test_after_a_hash_nothing_of_its_place_is_left(value: Any, place: list[str]) -> None:
    made = Masks(read({}), b"k" * 32, "a")
    made._masks = (Mask(tuple(place), "hash", {}),)
    left, labels = made.apply(value, b"q")
    if not place and value not in (None, [], {}):
        assert labels == ("(body)",)
        assert left != value or isinstance(value, dict | list)
