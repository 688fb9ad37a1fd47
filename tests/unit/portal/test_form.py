"""A form made from a schema gives back a body of that schema."""

from __future__ import annotations

from exchange.portal import form

SCHEMA = {
    "type": "object",
    "required": ["mother", "consent"],
    "properties": {
        "mother": {"$ref": "#/$defs/Person"},
        "father": {"$ref": "#/$defs/Person"},
        "consent": {"type": "boolean", "title": "同意", "x-en": {"title": "Consent"}},
        "weight": {"type": ["integer", "null"]},
        "follow": {"enum": ["father", "mother"]},
    },
    "$defs": {"Person": {"type": "object", "required": ["XM"], "properties": {"XM": {"type": "string"}}}},
}


def test_fields_follow_the_schema() -> None:
    shown = form.fields(SCHEMA, SCHEMA)
    assert [item.pointer for item in shown] == ["/mother", "/father", "/consent", "/weight", "/follow"]
    assert shown[0].children[0].pointer == "/mother/XM"
    assert shown[2].title == {"zh_CN": "同意", "en": "Consent"}
    assert [value for value, _ in shown[4].choices] == ["father", "mother"]


def test_a_body_has_types_and_leaves_empty_things_out() -> None:
    shown = form.fields(SCHEMA, SCHEMA)
    typed = {"/mother/XM": " 钱思源 ", "/father/XM": "", "/consent": "true", "/weight": "3200", "/follow": ""}
    assert form.body(shown, typed) == {"mother": {"XM": "钱思源"}, "consent": True, "weight": 3200}


def test_what_is_no_number_is_left_for_the_app_to_refuse() -> None:
    shown = form.fields(SCHEMA, SCHEMA)
    assert form.body(shown, {"/weight": "heavy"})["weight"] == "heavy"


def test_a_required_group_is_sent_even_when_empty() -> None:
    assert form.body(form.fields(SCHEMA, SCHEMA), {}) == {"mother": {}}


def test_endless_references_end() -> None:
    looped = {"$ref": "#/$defs/A", "$defs": {"A": {"$ref": "#/$defs/A"}}}
    assert form.fields(looped, looped) == ()
