"""The citizen of the story: a family of the public population that may register a newborn, and what is known of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from exchange.errors import Unavailable
from exchange.settings import Settings

ATTRIBUTES = ("citizen_number", "name", "sex", "birth_date", "hukou_division", "household_kind", "mobile")


@dataclass(frozen=True, slots=True)
class Family:
    """Mother, father (elements → values) and an institution that may issue birth certificates in their province."""

    mother: Mapping[str, Any]
    father: Mapping[str, Any]
    institution: str

    def application(self, today: date) -> dict[str, Any]:
        """The newborn application of this family for a child born ten days ago."""
        return {
            "newborn": {
                "XM": f"{self.father['XM'][0]}安宁",
                "XBDM": "2",
                "CSRQ": (today - timedelta(days=10)).isoformat(),
                "CSSJ": "09:25",
                "JGDM": self.institution,
            },
            "mother": {name: self.mother[name] for name in ("XM", "GMSFHM")},
            "father": {name: self.father[name] for name in ("XM", "GMSFHM")},
            "follow": "father",
            "guardian_consent": True,
            "applicant": {"XM": self.mother["XM"], "GMSFHM": self.mother["GMSFHM"], "LXDH": self.mother["LXDH"]},
        }

    def questions(self) -> list[tuple[str, str, dict[str, Any], dict[str, Any]]]:
        """(interface, path, body, expected fields): what three departments must answer about this family."""
        couple = {
            "NAN_XM": self.father["XM"],
            "NAN_GMSFHM": self.father["GMSFHM"],
            "NV_XM": self.mother["XM"],
            "NV_GMSFHM": self.mother["GMSFHM"],
        }
        who = {name: self.mother[name] for name in ("XM", "GMSFHM")}
        return [
            ("civil-affairs.marriages", "/marriage-checks", couple, {"ZT": "20"}),
            ("police.households", "/household-checks", who, {"HJXZQH": self.mother["HJXZQH"], "HB": "1"}),
            ("police.residents", "/resident-queries", who, {"CSRQ": self.mother["CSRQ"], "XBDM": "2"}),
        ]


@lru_cache(maxsize=4)
def family(settings: Settings) -> Family:
    """The first eligible family of the population: married, family households of one province. Pure in the settings."""
    import numpy as np

    from mockdata.population import Population
    from mockdata.registers import registers

    population = Population(settings.population_seed, settings.population_size)
    start, step = population.size // 3, 5000
    for first in range(start, start + 50 * step, step):
        index = np.arange(first, min(first + step, population.size))
        spouse = population.spouse(index)
        for wife, husband in zip(index[spouse >= 0].tolist(), spouse[spouse >= 0].tolist(), strict=True):
            mother, father = (_elements(population.record(p, ATTRIBUTES)) for p in (wife, husband))
            if mother["XBDM"] != "2" or not 20 <= _age(mother) <= 40:
                continue
            home = mother["HJXZQH"][:2]
            if father["HJXZQH"][:2] != home or "2" in (mother["HB"], father["HB"]):
                continue
            institution = _institution(population, registers, home)
            if institution:
                return Family(mother, father, institution)
    raise Unavailable("no family of this population can register a newborn", hint="take a larger population")


def _elements(person: Mapping[str, Any]) -> dict[str, Any]:
    names = dict(zip(ATTRIBUTES, ("GMSFHM", "XM", "XBDM", "CSRQ", "HJXZQH", "HB", "LXDH"), strict=True))
    return {names[key]: value.isoformat() if isinstance(value, date) else value for key, value in person.items()}


def _age(person: Mapping[str, Any]) -> int:
    return date.today().year - int(person["CSRQ"][:4])
