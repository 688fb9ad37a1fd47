"""Both languages are complete: no message without words, none fuzzy, none left over."""

from __future__ import annotations

import pytest

from exchange.portal import language, translate


def test_every_message_has_words_and_a_new_one_without_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = translate.collected()  # reads every template and module
    monkeypatch.setattr(translate, "collected", lambda: wanted)
    assert {code: translate.missing(code) for code in language.LANGUAGES} == {"zh_CN": [], "en": []}
    wanted.add("A sentence nobody translated")
    assert translate.missing("zh_CN") == ["no words for 'A sentence nobody translated'"]


def test_chinese_words_are_chinese() -> None:
    gettext = language.translations("zh_CN").gettext
    assert gettext("Ledger") == "存证"
    assert language.translations("en").gettext("Ledger") == "Ledger"


def test_states_have_words_in_both_languages() -> None:
    assert all(zh and en for zh, en in language.WORDS.values())
