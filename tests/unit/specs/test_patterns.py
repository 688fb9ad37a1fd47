"""Patterns mean the same to Python and Rust, and ECMA-262's own spellings are read."""

import re

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specs.patterns import portable

CASES = [
    # pattern, a string that matches, one that does not, whether it is worth a finding
    (r"^\p{L}+$", "héllo好", "a1", False),
    (r"^\P{L}+$", "12-", "a", False),
    (r"^[\p{Han}·]{2,}$", "欧阳·娜", "ab", False),
    (r"^\p{Script=Han}$", "好", "a", False),
    (r"^(?<year>[0-9]{4})$", "2024", "20", False),
    (r"^\u{1F600}$", "😀", "a", False),
    (r"^[^]$", "\n", "", False),
    (r"^[\w-.]+@[\w-]+$", "a-b.c@d-e", "a b", False),
    (r"^{a}$", "{a}", "a", False),
    (r"^https?:\/\/x$", "https://x", "ftp://x", False),
    (r"^[a&&b]$", "&", "c", False),
    (r"\Aab\Z", "ab", "abc", True),
    (r"^x{,3}$", "xxx", "xxxx", True),
    (r"/^[a-z]+$/i", "abc", "1", True),
    (r"^(?i)abc$", "", "x", None),
    (r"(?P<n>^a$)", "a", "b", True),
]


@pytest.mark.parametrize(("pattern", "right", "wrong", "told"), CASES)
def test_patterns_are_read_alike(pattern: str, right: str, wrong: str, told: bool | None) -> None:
    made, complaint = portable(pattern)
    if told is None:
        assert made is None
        return
    assert made is not None
    assert bool(complaint) is told
    rust = jsonschema_rs.Draft202012Validator({"pattern": made})
    for text, expected in ((right, True), (wrong, False)):
        assert (re.search(made, text) is not None) is expected
        assert rust.is_valid(text) is expected


@pytest.mark.parametrize("pattern", ["(", "[", "a**", "[z-a]", "a{2,1}", "\\", r"\p{Nonsense}", r"(a)\2", "(?#c)"])
def test_what_is_no_expression_is_refused_with_a_reason(pattern: str) -> None:
    made, complaint = portable(pattern)
    assert made is None
    assert complaint


@given(st.text(alphabet=r"ab1\[](){}|^$.*+?-,:<>=!pLudwPk&/", max_size=14))
def test_what_is_accepted_both_engines_compile(pattern: str) -> None:
    made, _ = portable(pattern)
    if made is not None:
        re.compile(made)
        jsonschema_rs.Draft202012Validator({"pattern": made})
