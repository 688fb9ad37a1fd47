"""Registers: the population as each department holds it, by row number for data sets and by key for sandboxes.

A register names its fields by data elements (XM, MQ_GMSFHM); which fact an element carries is written in the element
(`Element.attribute`), so nothing is mapped twice. A qualifier the register knows (MQ, HZ, JHR, …) reads another
person's facts. Values are the same in every register and for every order of asking. docs/population.md lists them.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from mockdata.population.population import Population
from mockdata.population.registers.birth import BIRTH
from mockdata.population.registers.changes import MOVE, RENAMING
from mockdata.population.registers.death import DEATH
from mockdata.population.registers.driving import LICENCE
from mockdata.population.registers.employment import EMPLOYMENT
from mockdata.population.registers.fleet import FIRM_VEHICLE
from mockdata.population.registers.fund import ABROAD, CAPACITY, FUND_ACCOUNT
from mockdata.population.registers.heirs import kin
from mockdata.population.registers.home import HOME
from mockdata.population.registers.household import HOUSEHOLD
from mockdata.population.registers.housing import CONTRACT, LOAN, OWNER
from mockdata.population.registers.insured import INSURED
from mockdata.population.registers.marriage import MARRIAGE, married
from mockdata.population.registers.organisation import FIRM, INSTITUTION
from mockdata.population.registers.permit import PERMIT
from mockdata.population.registers.person import PERSON
from mockdata.population.registers.pupil import PUPIL
from mockdata.population.registers.register import Register, plain
from mockdata.population.registers.spells import CONTRIBUTION, SPELL
from mockdata.population.registers.vehicle import VEHICLE

__all__ = ["REGISTERS", "Register", "institution", "kin", "married", "person", "plain", "register"]

_MADE = (
    PERSON, HOUSEHOLD, MARRIAGE, BIRTH, DEATH, INSURED, EMPLOYMENT, SPELL, CONTRIBUTION, MOVE, RENAMING, VEHICLE,
    FIRM_VEHICLE, LICENCE, HOME, PUPIL, FIRM, PERMIT, INSTITUTION, FUND_ACCOUNT, CAPACITY, ABROAD, CONTRACT,
    LOAN, OWNER,
)  # fmt: skip

REGISTERS: MappingProxyType[str, Register] = MappingProxyType({made.name: made for made in _MADE})
"""Every register by name."""


def register(name: str) -> Register:
    """A register by name. Raises KeyError naming the registers there are."""
    if name not in REGISTERS:
        raise KeyError(f"there is no register {name!r}; there are {', '.join(REGISTERS)}")
    return REGISTERS[name]


def person(population: Population, number: str, elements: Any = None) -> dict[str, Any] | None:
    """A living person's record by citizen number, element → JSON value, or None."""
    return PERSON.find(population, "GMSFHM", [number], elements)[0]


def institution(population: Population, code: str) -> dict[str, Any] | None:
    """A midwifery institution's record by its code, or None."""
    return INSTITUTION.find(population, "JGDM", [code])[0]
