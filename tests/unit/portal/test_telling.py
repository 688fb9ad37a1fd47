"""Errors speak the reader's language: every sentence a page can show has its Chinese."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import exchange
from exchange import errors
from exchange.errors import Conflict, Forbidden
from exchange.portal import telling

ROOT = Path(exchange.__file__).parent
SHOWN = ("agreements", "bulk", "catalogue", "certification", "market", "oversight", "parties", "portal", "pushing",
         "sandboxes")  # fmt: skip
KINDS = {
    name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, errors.TongbanError)
}


def sentences(node: ast.expr) -> list[str]:
    """What a raised error may say, with ``{}`` for what is put in; none for what is made elsewhere."""
    if isinstance(node, ast.Constant):
        return [str(node.value)]
    if isinstance(node, ast.JoinedStr):
        return ["".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)]
    if isinstance(node, ast.IfExp):
        return sentences(node.body) + sentences(node.orelse)
    return []


def raised() -> dict[str, str]:
    found = {}
    for path in sorted(file for feature in SHOWN for file in (ROOT / feature).glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in KINDS and node.args:
                found |= dict.fromkeys(sentences(node.args[0]), path.name)
    return found


def test_every_sentence_has_its_chinese() -> None:
    known = telling.sentences()
    assert {said: place for said, place in raised().items() if said not in known} == {}


def test_every_line_puts_in_what_the_error_says() -> None:
    for english, chinese in telling.sentences().items():
        assert {int(number) for number in re.findall(r"\{(\d)\}", chinese)} <= set(range(english.count("{}"))), english
        assert re.search(r"[一-鿿]", chinese), english


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("agreement agr_1 is terminated; it cannot resume", "授权 agr_1 当前为“已终止”，不能执行 resume。"),
        ("no dataset ds_1 of yours", "您没有数据集 ds_1。"),
        ("nobody wrote this sentence", ""),
        ("what nobody wrote cannot be guessed at", ""),
    ],
)
def test_a_sentence_is_found_by_what_stands_around_its_values(english: str, chinese: str) -> None:
    assert telling.chinese(english) == chinese


def test_a_refusal_says_its_own_reason() -> None:
    refused = Forbidden("not for this", rule="purpose-mismatch", reason={"zh_CN": "用途不符", "en": "other purpose"})
    assert telling.said_of(refused, "zh_CN") == "用途不符"
    assert telling.said_of(Conflict("xyzzy"), "zh_CN") == "xyzzy"
    assert (
        telling.refused_input({"type": "missing", "loc": ("body", "id"), "input": "secret"}, "zh_CN") == "id: 未填写。"
    )
