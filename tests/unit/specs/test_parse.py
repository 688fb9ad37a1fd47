"""Bytes to values with positions; refusals in one line."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from specs.finding import SpecError
from specs.parse import MAX_BYTES, parse, pointers

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc", "Co", "Cn"]), max_size=8)
SCALAR = st.none() | st.booleans() | st.integers(-(10**9), 10**9) | TEXT | st.floats(-1e6, 1e6)
VALUE = st.recursive(
    SCALAR, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4), max_leaves=20
)
DOCUMENT = st.dictionaries(TEXT, VALUE, min_size=1, max_size=5) | st.lists(VALUE, min_size=1, max_size=4)


def check_positions(text: str, name: str, value: Any) -> None:
    document = parse(text.encode(), name)
    assert document.value == value
    lines = text.split("\n")
    for pointer, node in pointers(value):
        place = document.position(pointer)
        assert place is not None
        line, column = place
        here = lines[line - 1][column - 1 :]
        last = pointer.rsplit("/", 1)[-1].replace("~1", "/").replace("~0", "~")
        container: Any = document.value
        for token in pointer.split("/")[1:-1]:
            token = token.replace("~1", "/").replace("~0", "~")
            container = container[int(token)] if isinstance(container, list) else container[token]
        if pointer and isinstance(container, dict):
            assert here.startswith((json.dumps(last, ensure_ascii=False), json.dumps(last)))
        elif isinstance(node, str):
            assert here.startswith((json.dumps(node, ensure_ascii=False), json.dumps(node)))
        elif not isinstance(node, dict | list):
            assert here.startswith(json.dumps(node))
        else:
            assert here[:1] in "{[-" or here[:1] == '"'


@given(DOCUMENT, st.sampled_from([None, 1, 2]), st.booleans())
def test_json_values_stand_where_their_pointers_say(value: Any, indent: int | None, ascii_only: bool) -> None:
    check_positions(json.dumps(value, indent=indent, ensure_ascii=ascii_only), "x.json", value)


@given(DOCUMENT, st.booleans())
@settings(deadline=None)
def test_yaml_values_stand_where_their_pointers_say(value: Any, flow: bool) -> None:
    # Every string quoted in JSON's way, which is YAML too; lists and mappings in block or flow style.
    class Dumper(yaml.SafeDumper):
        pass

    Dumper.add_representer(str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, '"'))
    Dumper.add_representer(
        float, lambda dumper, number: dumper.represent_scalar("tag:yaml.org,2002:float", json.dumps(number))
    )
    text = yaml.dump(value, Dumper=Dumper, width=10**6, allow_unicode=True, default_flow_style=flow, sort_keys=False)
    if (
        "\\x" in text
        or "\\L" in text
        or "\\u" in text
        or "\\N" in text
        or "\\_" in text
        or "\\P" in text
        or "\\e" in text
    ):
        return  # YAML spells these characters in a way JSON does not have
    if '? "' in text or "\\U" in text or "\ufeff" in text:
        return
    check_positions(text, "x.yaml", value)


def test_the_line_of_a_missing_member_is_its_nearest_ancestor() -> None:
    document = parse(b"info:\n  title: x\npaths: {}\n")
    assert document.line("/info/version/major") == 1
    assert document.line("/paths") == 3
    assert document.line("no pointer") is None


def test_crlf_and_cr_count_as_line_ends() -> None:
    assert parse(b'{\r\n"a": 1,\r\n"b": 2}').line("/b") == 3
    assert parse(b"a: 1\rb: 2\r").line("/b") == 2


def test_yaml_words_of_old_versions_stay_strings() -> None:
    text = b"on: off\nyes: no\nday: 2024-01-01\ntime: 12:30:45\ncode: 007\nhex: 0x1f\nversion: 1.10.0\n200: ok\n"
    value = parse(text).value
    assert value == {
        "on": "off", "yes": "no", "day": "2024-01-01", "time": "12:30:45", "code": "007", "hex": "0x1f",
        "version": "1.10.0", "200": "ok",
    }  # fmt: skip
    assert parse(b"[true, null, ~, 1, 1.5, -2e3, '1']").value == [True, None, None, 1, 1.5, -2000.0, "1"]


def test_merge_keys_and_aliases() -> None:
    document = parse(b"base: &b {p: 1, q: 2}\nmade:\n  <<: *b\n  p: 3\nlist: [*b, *b]\n")
    assert document.value["made"] == {"p": 3, "q": 2}
    assert document.value["list"] == [{"p": 1, "q": 2}] * 2
    assert document.line("/made/q") == 1


@pytest.mark.parametrize(
    ("text", "name", "pointer", "line"),
    [
        (b'{"a": 1,\n "b": {"c": 1,\n "c": 2}}', "x.json", "/b/c", 3),
        (b"a: 1\nb:\n  c: 1\n  c: 2\n", "x.yaml", "/b/c", 4),
    ],
)
def test_repeated_keys_are_found(text: bytes, name: str, pointer: str, line: int) -> None:
    (finding,) = parse(text, name).findings
    assert (finding.rule, finding.pointer, finding.line) == ("duplicate-key", pointer, line)


LAUGHS = "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 15))


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        (b"", 1, "empty"),
        (b"  \n \n", 1, "empty"),
        (b'{"a":\n [1, }', 2, "not JSON"),
        (b"a: 1\nb: [1, 2\nc: 3\n", 3, "not YAML"),
        (b"a:\n\tb: 1\n", 2, "not YAML"),
        (b"a: 1\nb: \x00\n", 2, "control character"),
        ("a: 1\n标题: 好\n".encode("gb18030"), 2, "UTF-8"),
        (b"[" * 600 + b"]" * 600, 1, "deeper than 512"),
        (b"[" * 1_000_000, 1, "deeper than 512"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, 1, "deeper than 512"),
        (b"- " * 5000 + b"x", 1, "deeper than 512"),
        (LAUGHS.encode(), 7, "aliases"),
        (b"a: &a\n  - *a\n", 2, "contains itself"),
        (b"a: 1\nb: *nobody\n", 2, "no anchor"),
        (b"a: 1\n? [b, c]\n: 2\n", 2, "key"),
        (b'{"a": ' + b"1" * 5000 + b"}", 1, "too long"),
        (b'"just a string', 1, "not"),
        (b"- 1\n" * 2_100_000, 2_000_001, "2,000,000 values"),
        (b"[" + b"1," * 2_000_001 + b"1]", 1, "2,000,000 values"),
    ],
)
def test_hostile_and_broken_texts_get_one_clear_line(text: bytes, line: int, says: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse(text, "spec")
    (finding,) = caught.value.findings
    assert says in finding.message
    assert (finding.rule, finding.line) == ("unreadable", line)
    assert finding.hint
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(f"spec:{line} ")


def test_more_than_64_mib_is_refused_without_reading_it_all(tmp_path: Path) -> None:
    path = tmp_path / "big.json"
    with path.open("wb") as stream:
        stream.truncate(MAX_BYTES * 20)
    with pytest.raises(SpecError, match="64 MiB"):
        parse(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="no such file"):
        parse(tmp_path / "none.yaml")
    with pytest.raises(SpecError, match="folder"):
        parse(tmp_path)


def test_what_can_be_understood_is_tolerated() -> None:
    assert parse(b'{"a": 1,}', "x.json").findings[0].rule == "not-strict-json"
    assert parse(b"a: !ours 1\n").findings[0].rule == "custom-tag"
    assert parse(b"a: 1\n---\nb: 2\n").findings[0].rule == "many-documents"
    assert parse(b'\xef\xbb\xbf{"a": 1}').value == {"a": 1}
    assert parse('{"a": "好"}'.encode("utf-16")).value == {"a": "好"}
    assert parse(b'{"a": "\\ud800", "b": 1e999}').value == {"a": "\ufffd", "b": 1.7976931348623157e308}


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(text: bytes) -> None:
    try:
        document = parse(text)
    except SpecError:
        return
    for pointer, _ in pointers(document.value):
        assert document.position(pointer) is not None
