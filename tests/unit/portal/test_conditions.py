"""Conditions: what a form offers and reads back is what the broker keeps, and what is said of it is what it does."""

from __future__ import annotations

from typing import Any

import pytest

from exchange.agreements.model import Agreement, Application, ApplicationState, Sharing
from exchange.agreements.wish import Mode, Wish, scope_of
from exchange.brokering import terms as calls
from exchange.bulk import checking as tables
from exchange.portal import conditions, conditions_form
from specs import library
from specs.model import Interface

RESIDENTS, REGISTER = (library.interfaces()[id] for id in ("police.residents", "police.resident-register"))


def application(spec: Interface, *fields: str, **more: Any) -> Application:
    wish = Wish(spec.id, fields=fields, mode="service" if spec is RESIDENTS else "bulk", duration_days=30, **more)
    return Application("apl_1", "hr", "police", wish, Sharing.CONDITIONAL, ApplicationState.FILED, "m", "2026-11-02")


CALL = application(RESIDENTS, "XM", "CSRQ", "GMSFHM", operations=("queryResident",))
TABLE = application(REGISTER, "XM", "CSRQ", table="residents")


def form(*lines: tuple[str, str, str], **masks: str) -> dict[str, list[str]]:
    """A sent form; a mask is ``CSRQ="year"`` or ``XM="truncate 1"``, at the top level of an answer."""
    given: dict[str, list[str]] = {"row-place": [], "row-is": [], "row-value": []}
    for line in lines:
        for name, value in zip(given, line, strict=False):
            given[name].append(value)
    for name, said in masks.items():
        way, _, amount = said.partition(" ")
        given |= {f"as:/{name}": [way], f"n:/{name}": [amount]}
    return given


def read(given: dict[str, list[str]], of: Application = CALL, spec: Interface = RESIDENTS) -> conditions_form.Draft:
    return conditions_form.read(conditions_form.offer(of, spec), given, "en")


def test_a_form_offers_what_suits_each_field_and_nothing_else() -> None:
    offered = {one.name: one.ways for one in conditions_form.offer(CALL, RESIDENTS).fields}
    assert offered == {
        "XM": ("", "hash", "truncate"),
        "CSRQ": ("", "hash", "year", "month", "decade"),
        "GMSFHM": ("", "hash", "truncate"),
    }
    places = {one.name for one in conditions_form.offer(CALL, RESIDENTS).places}
    assert "HJXZQH" in places  # rows may be chosen by a field that is not asked for
    assert "detail" not in places  # of an error answer
    assert "remove" in conditions_form.offer(TABLE, REGISTER).fields[0].ways


def test_what_is_typed_is_what_the_broker_keeps() -> None:
    lines = (("/HJXZQH", "startsWith", "1101"), ("/XBDM", "isAnyOf", "1， 2"), ("", "eq", ""))
    draft = read(form(*lines, CSRQ="year", XM="truncate 1", GMSFHM="hash"))
    assert draft.errors == {}
    kept = calls.read(draft.terms)
    assert [(row.place, row.word, row.value) for row in kept.rows] == [
        (("HJXZQH",), "startsWith", "1101"), (("XBDM",), "isAnyOf", ["1", "2"]),
    ]  # fmt: skip
    assert {mask.place: (mask.word, dict(mask.options)) for mask in kept.masks} == {
        ("CSRQ",): ("generalise", {"to": "year"}), ("XM",): ("truncate", {"keep": 1}), ("GMSFHM",): ("hash", {}),
    }  # fmt: skip


def test_a_table_is_read_by_the_same_form() -> None:
    given = {"row-place": ["/*/CSRQ"], "row-is": ["gteq"], "row-value": ["2000-01-01"], "as:/*/XM": ["remove"]}
    draft = read(given, TABLE, REGISTER)
    assert draft.errors == {}
    agreement = Agreement(
        "agr_1", None, "hr", "police", REGISTER.id, "1.0.0", Mode.BULK, "p", "b", "s", ("XM",),
        scope_of(TABLE.wish, REGISTER), "2026-11-02", "2027-11-02", terms=draft.terms,
    )  # fmt: skip
    tables.check_terms(agreement)
    kept = tables.terms_of(agreement, "residents")
    assert kept.rows == '(`CSRQ` >= "2000-01-01")'
    assert kept.masks == {"XM": {"mask": "remove"}}


@pytest.mark.parametrize(
    ("given", "at", "said"),
    [
        (form(("/secret", "eq", "1")), "row-0", "Choose the field"),
        (form(("/HJXZQH", "eq", "")), "row-0", "compared with"),
        (form(("/CSRQ", "lt", "1990")), "row-0", "2001-01-31"),
        (form(("", "", ""), ("/XBDM", "isAnyOf", " ,，")), "row-0", "1 to 100"),
        (form(CSRQ="truncate 4"), "as:/CSRQ", "cannot leave like that"),
        (form(XM="truncate many"), "as:/XM", "above 0"),
        (form(XM="truncate -1"), "as:/XM", "above 0"),
        (form(XM="truncate 1.5"), "as:/XM", "1 to 1000"),
        (form(XM="noise 3"), "as:/XM", "cannot leave like that"),
        (form(XM="truncate nan"), "as:/XM", "above 0"),
    ],
)
def test_what_is_wrong_is_told_at_its_input(given: dict[str, list[str]], at: str, said: str) -> None:
    draft = read(given)
    assert list(draft.errors) == [at]
    assert said in draft.errors[at]


@pytest.mark.parametrize("code", ["en", "zh_CN"])
def test_terms_are_told_in_words(code: str) -> None:
    terms = {
        "rows": [{"place": "/items/*/XZQH", "is": "isAnyOf", "value": ["11", "12"]}],
        "masks": [
            {"place": "/items/*/CSRQ", "as": "generalise", "to": "decade"},
            {"place": "/n", "as": "noise", "scale": 2},
        ],
    }
    told = conditions.told(terms, {"XZQH": "区划"}, code)
    wanted = {"en": "区划 items/XZQH is one of “11”, “12”", "zh_CN": "区划 items/XZQH 是其中之一 “11”、“12”"}
    assert told.rows == (wanted[code],)
    assert "1980" in told.of("items/CSRQ")
    assert "2" in told.of("n")
    assert told.of("items/XM") == ""


def test_a_mask_on_a_container_covers_what_lies_in_it() -> None:
    told = conditions.told({"masks": [{"place": "/person", "as": "hash"}]}, {}, "en")
    assert told.of("person/XM") == told.of("person") != ""
    assert told.of("personal") == ""


def test_expressions_aggregates_and_unknown_terms_are_told_too() -> None:
    terms = {
        "rows": "HJXZQH == '110101'",
        "masks": {"GMSFHM": "hash", "CSRQ": {"mask": "generalise", "to": "year"}},
        "aggregates": {"epsilon": 2.0, "person": "GMSFHM", "measures": {"income": {}}, "groups": {"HJXZQH": []}},
        "watermark": {"x": 1},
    }
    told = conditions.told(terms, {}, "en", bulk=True)
    assert told.rows == ("the expression HJXZQH == '110101' holds",)
    assert told.of("GMSFHM")
    assert "1987-01-01" in told.of("CSRQ")
    assert "budget 2.0" in told.more[0]
    assert "refused" in told.more[1]


def test_an_operation_without_the_field_is_warned_of() -> None:
    offered = conditions_form.Offer(False, (), (), {"one": frozenset({"/XM"}), "many": frozenset({"/items/*"})})
    draft = conditions_form.Draft(terms={"rows": [{"place": "/XM", "is": "eq", "value": "x"}]})
    assert conditions_form.beside(offered, draft, "en") == ["many answers without XM: nothing of its answers leaves"]
    draft = conditions_form.Draft(terms={"rows": [{"place": "/items/*/XM", "is": "eq", "value": "x"}]})
    assert "narrows nothing" in conditions_form.beside(offered, draft, "en")[0]
