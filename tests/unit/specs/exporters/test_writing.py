"""YAML that reads back as it was."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import specs
from specs.exporters.writing import yaml_text

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e15, 1e15) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
TRICKY = [
    "1e5",
    "007",
    "-1.5",
    "no",
    "null",
    "~",
    "2020-01-01",
    "12:30",
    " a",
    "a ",
    "- x",
    "a: b",
    "#",
    "'",
    '"',
    "\t",
    "\n",
    "1.",
    "0x1F",
    "1_000",
    ".inf",
    "=",
    "<<",
    "!x",
    "&a",
    "*a",
    "%",
    "@",
    "`",
    "\u2028",
    "\ufeff",
    "\x85",
    "字\n段",
]


@given(VALUES)
def test_any_value_reads_back(value: object) -> None:
    assert specs.parse(yaml_text({"a": value}).encode(), "x.yaml").value == {"a": value}


@pytest.mark.parametrize("text", TRICKY)
def test_texts_stay_texts(text: str) -> None:
    assert specs.parse(yaml_text({"a": text, text: [text]}).encode(), "x.yaml").value == {"a": text, text: [text]}


def test_a_heading_is_a_comment() -> None:
    assert yaml_text({"a": 1}, "one\ntwo") == "# one\n# two\na: 1\n"


def test_half_a_character_is_told_from_a_whole_one() -> None:
    assert specs.parse(yaml_text({"a": "x\ud800y"}).encode(), "x.yaml").value == {"a": "x\ufffdy"}
