"""A country of three people and two institutions: enough to evaluate the library's CEL rules."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any

import cel
import pytest

from specs import library
from specs.model import Interface

COMMON = {"XBDM": "2", "CSRQ": "1990-01-01", "HYZKDM": "20", "HJDZ": "示例路1号", "LXDH": "15400000001"}
MARRIAGE = {"ZT": "20", "DJRQ": "2021-05-20", "DJJG": "示例市民政局", "ZSBH": "J550106-2021-000123"}
INSTITUTIONS = {
    "125501060099100111": {"JGMC": "示例市妇幼保健院", "XZQH": "550104", "QFQX": "1"},
    "915501060099100222": {"JGMC": "示例诊所", "XZQH": "550104", "QFQX": "0"},
}


class World:
    """What the rules may ask, and what the departments have written so far."""

    TODAY = "2026-11-01"
    MOTHER, FATHER, LONER = "550106199504120261", "550106199308300176", "250102198802290313"
    NOBODY = "550106200001010011"
    HOSPITAL, CLINIC = "125501060099100111", "915501060099100222"
    PEOPLE = (
        {"GMSFHM": MOTHER, "XM": "钱思源", "HB": "1", "HJXZQH": "550106", "MZDM": "01"},
        {"GMSFHM": FATHER, "XM": "赵一鸣", "HB": "1", "HJXZQH": "550106", "MZDM": "02"},
        {"GMSFHM": LONER, "XM": "孙独行", "HB": "2", "HJXZQH": "250102", "MZDM": "03"},
    )

    def __init__(self) -> None:
        self.records: dict[str, list[dict[str, Any]]] = {}
        self.assigned: list[tuple[str, ...]] = []

    def person(self, number: str) -> dict[str, Any] | None:
        return next((COMMON | person for person in self.PEOPLE if person["GMSFHM"] == number), None)

    def married(self, one: str, other: str) -> dict[str, Any] | None:
        return MARRIAGE if {one, other} == {self.MOTHER, self.FATHER} else None

    def stored(self, resource: str, fields: Any, values: Any) -> dict[str, Any] | None:
        names, wanted = ([fields], [values]) if isinstance(fields, str) else (fields, values)
        matching = (r for r in self.records.get(resource, []) if [r.get(n) for n in names] == wanted)
        return next(matching, None)

    def assign(self, element: str) -> str:
        self.assigned.append((element,))
        return f"{element}{len(self.assigned)}"

    def assign_number(self, division: str, day: str, sex: str) -> str:
        self.assigned.append((division, day, sex))
        return f"{division}{day.replace('-', '')}00{sex}0"

    def value(self, expression: str, **variables: Any) -> Any:
        """The value of one CEL expression."""
        functions: dict[str, Callable[..., Any]] = {
            "person": self.person,
            "married": self.married,
            "institution": INSTITUTIONS.get,
            "stored": self.stored,
            "assign": self.assign,
            "assign_number": self.assign_number,
            "months_after": months_after,
        }
        known = {"today": self.TODAY, "now": f"{self.TODAY}T09:30:00+08:00"}
        return cel.compile(expression).execute(cel.Context({**known, **variables}, functions))

    def answer(self, operation: tuple[str, str], **variables: Any) -> tuple[str, str, dict[str, Any]]:
        """Rule id, status and named body fields of the first rule that matches; writes what it says."""
        interface, name = operation
        for rule in library.interfaces()[interface].operation(name).extensions["x-mock-rules"]:
            if "when" in rule and self.value(rule["when"], **variables) is not True:
                continue
            body = {field: self.value(text, **variables) for field, text in rule["body"].items()}
            if rule.get("store"):
                self.records.setdefault(interface, []).append({**variables.get("body", {}), **body})
            return rule["id"], rule["status"], body
        raise AssertionError("no rule matched")


def months_after(day: str, months: int) -> str:
    """The corresponding day `months` later, the last day of the month where there is none."""
    start = date.fromisoformat(day)
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    return date(year, month + 1, min(start.day, monthrange(year, month + 1)[1])).isoformat()


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture(scope="session")
def documents() -> Mapping[str, Interface]:
    """Every interface of the library with the matters' own documents, by id."""
    matters = [library.matter(name) for name in library.matters()]
    own = {document.id: document for matter in matters for document in (matter.interface, matter.process)}
    return {**library.interfaces(), **own}


@pytest.fixture(scope="session")
def nodes() -> Callable[[Any], Iterator[tuple[str, dict[str, Any]]]]:
    """Every mapping inside a document with its JSON pointer."""

    def walk(value: Any, pointer: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
        if isinstance(value, dict):
            yield pointer, value
            for key, member in value.items():
                yield from walk(member, f"{pointer}/{key}")
        elif isinstance(value, list):
            for index, member in enumerate(value):
                yield from walk(member, f"{pointer}/{index}")

    return walk
