"""Strings from patterns: they match, they keep the length asked for, ranks give distinct ones."""

import jsonschema_rs
import numpy as np
import pytest

from mockdata.instances import patterns
from mockdata.instances.ecma import parse
from mockdata.instances.matching import matcher

HASHES = np.arange(500, dtype=np.uint64)

PATTERNS = [
    r"^\d{17}[\dXx]$",
    r"^1(3\d|4[014-9]|5[0-35-9]|6[2567]|7[0-8]|8\d|9[0-35-9])\d{8}$",
    r"^[0-9A-HJ-NPQRTUWXY]{2}\d{6}[0-9A-HJ-NPQRTUWXY]{10}$",
    "^[\\u4e00-\\u9fa5·]{2,10}$",
    r"^(?=.*[A-Z])(?=.*\d)[A-Za-z\d]{8,}$",
    r"^(?!000)\d{9}$",
    r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$",
    r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$",
    r"^((25[0-5]|(2[0-4]|1\d|[1-9]|)\d)\.?\b){4}$",
    r"^([a-z0-9]+(-[a-z0-9]+)*)(/[a-z]+)?$",
    r"^\p{Lu}\p{L}*$",
    r"^\P{L}{3}$",
    r"^[^@\s]+@[^@\s]+\.[a-z]{2,}$",
    r"^(a|bc|def)*$",
    r"\bfoo\b",
    r"^(?<first>\w)x\k<first>$",
    r"^\u{1F432}*$",
    r"^\S(|(.|\n)*\S)$",
    r"^[+\-]?(0|[1-9]\d*)(\.\d+)?$",
    r"x{0,3}[^]y",
]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_every_string_matches_and_has_variety(pattern):
    template = patterns.compile(pattern)
    texts = template.strings(HASHES).to_pylist()
    assert all(template.matches(text) for text in texts)
    assert all(template.shortest <= len(text) <= template.longest for text in texts)
    assert len(set(texts)) >= (1 if "foo" in pattern else 3)
    assert template.example(17) == texts[17]  # one at a time or by the column: the same


@pytest.mark.parametrize("pattern", [p for p in PATTERNS if "\\u{" not in p and "[^]" not in p and "?<" not in p])
def test_an_independent_validator_agrees(pattern):
    judge = jsonschema_rs.validator_for({"type": "string", "pattern": pattern})
    assert all(judge.is_valid(text) for text in patterns.compile(pattern).strings(HASHES).to_pylist())


@pytest.mark.parametrize("pattern", [p for p in PATTERNS if not patterns.compile(p).checked])
def test_ranks_give_distinct_strings(pattern):
    template = patterns.compile(pattern)
    ranks = np.arange(min(template.size, 3000), dtype=np.uint64)
    texts = template.unrank(ranks).to_pylist()
    assert len(set(texts)) == len(ranks)
    assert all(template.matches(text) for text in texts)


def test_ambiguous_alternatives_are_counted_once():
    template = patterns.compile("^(a|[ab]c?|ab?)$")
    texts = template.unrank(np.arange(template.size, dtype=np.uint64)).to_pylist()
    assert len(set(texts)) == len(texts) == template.size
    assert set(texts) <= {"a", "b", "ac", "bc", "ab"}


@pytest.mark.parametrize(
    ("pattern", "low", "high"),
    [("a", 5, 5), ("^a", 3, 9), ("^[a-z]+$", 40, None), ("", 2, 2), ("^(^a|b)c$|^d", 4, 6)],
)
def test_lengths_are_kept(pattern, low, high):
    template = patterns.compile(pattern, low, high)
    for text in template.strings(HASHES).to_pylist():
        assert low <= len(text) <= (high or 999)
        assert template.matches(text)


@pytest.mark.parametrize(
    ("pattern", "low", "high", "reason"),
    [
        ("^abc$", 0, 2, "maxLength is 2"),
        ("^abc$", 4, 9, "no match of length 4 to 9"),
        ("^[]$", 0, None, "no string at all"),
        ("(a", 0, None, "not closed at character 1"),
        ("[z-a]", 0, None, "out of order"),
        ("a{3,2}", 0, None, "out of order"),
        ("*a", 0, None, "nothing to repeat"),
        (r"\p{Nonsense}", 0, None, "unknown Unicode property"),
        ("(?=b)a", 0, None, "look-around"),
        ("a)", 0, None, "unmatched"),
        ("^a{2000000}$", 0, None, "characters long"),
        ("a", 3, 2, "minLength 3 is more than maxLength 2"),
    ],
)
def test_refusals_name_the_reason(pattern, low, high, reason):
    with pytest.raises(patterns.Unsupported, match=reason) as caught:
        patterns.compile(pattern, low, high)
    assert caught.value.pattern == pattern


def test_ecma_reading_differs_from_pythons():
    assert not matcher(parse(r"^\d$")).search("\u0663")  # ARABIC-INDIC DIGIT THREE is \d to Python only
    assert not matcher(parse("^a$")).search("a\n")
    assert matcher(parse(r"^\cA[\b]\/$")).search("\x01\x08/")


def test_same_hash_same_string_in_any_batch():
    template = patterns.compile(PATTERNS[4])
    whole = template.strings(HASHES).to_pylist()
    assert [*template.strings(HASHES[:7]).to_pylist(), *template.strings(HASHES[7:]).to_pylist()] == whole
