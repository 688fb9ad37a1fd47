"""Whom a call is about: the person asked for, those only named beside, and who is a minor."""

from __future__ import annotations

from datetime import date

from exchange.brokering.subjects import Numbers, beside, together
from exchange.oversight.guardians import is_minor
from specs import library

MOTHER, FATHER, CHILD = "550106199504120260", "550106199308300176", "550106202610080244"


def test_a_minor_is_under_eighteen() -> None:
    born = "110101200802290024"
    assert is_minor(born, date(2026, 2, 28))
    assert not is_minor(born, date(2026, 3, 1))
    assert not is_minor(born, date(2008, 2, 28))


def test_whom_a_call_is_about_and_who_is_only_named_in_it() -> None:
    answer, request = frozenset({"C", "M", beside("M")}), frozenset({"F"})
    assert together(request, answer) == {"C", "F", "M", beside("M")}
    assert together(frozenset({"M"}), answer) == {"C", "M"}
    assert together() == frozenset()


def test_a_registration_is_about_the_child_and_names_the_parents() -> None:
    interface = library.interfaces()["police.birth-registrations"]
    find = Numbers(interface).find
    read = interface.operation("getBirthRegistration").response(200)
    assert read is not None
    entry = {"GMSFHM": CHILD, "MQGMSFHM": MOTHER, "LHSFZ": FATHER, "XM": "550106199508300176"}
    found = find(read.contents[0].schema, entry)
    assert found == {CHILD, MOTHER, beside(MOTHER), FATHER, beside(FATHER)}
    # where nobody is named without a qualifier, the call is about all of them
    couple = {"NAN_GMSFHM": FATHER, "NV_GMSFHM": MOTHER}
    assert find(None, couple) == {FATHER, MOTHER}
    assert find(None, [{"GMSFHM": CHILD}, {"GMSFHM": MOTHER, "FQ_GMSFHM": CHILD}]) == {CHILD, MOTHER}
