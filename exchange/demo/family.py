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
    """An eligible family of the population: a young couple of one province in family households. Pure in the settings.

    Raises `Unavailable` when the population has none.
    """
    from conformance.subjects import NoSubject, Search, columns
    from mockdata.population import Population
    from mockdata.population.registers import register

    population = Population(settings.population_seed, settings.population_size)

    def couples(index: Any) -> dict[str, Any]:
        husband = population.spouse(index)
        index, husband = index[husband >= 0], husband[husband >= 0]
        wives = columns(population, index, ("sex", "hukou_division", "household_kind"))
        husbands = columns(population, husband, ("hukou_division", "household_kind"))
        return {
            "mother": index,
            "father": husband,
            "age": population.ages(index),
            "sex": wives["sex"],
            "homes": wives["household_kind"] + husbands["household_kind"],
            "province": wives["hukou_division"].astype("U2"),
            "other": husbands["hukou_division"].astype("U2"),
        }

    try:
        pair = Search(population, "story", "married", couples, "mother").find(
            "story",
            lambda c: (
                (c["sex"] == "2")
                & (c["age"] >= 22)
                & (c["age"] <= 35)
                & (c["homes"] == "11")
                & (c["province"] == c["other"])
            ),
        )
    except NoSubject as error:
        raise Unavailable(
            "no family of this population can register a newborn", hint="take a larger TONGBAN_POPULATION_SIZE"
        ) from error
    known = register("institution")
    rows = known.rows(population, 0, known.count(population), ("JGDM", "XZQH", "QFQX")).to_pylist()
    institution = next(row["JGDM"] for row in rows if row["QFQX"] == "1" and row["XZQH"][:2] == pair["province"])
    mother, father = (_elements(population.record(int(pair[role]), ATTRIBUTES)) for role in ("mother", "father"))
    return Family(mother, father, str(institution))


def _elements(person: Mapping[str, Any]) -> dict[str, Any]:
    names = dict(zip(ATTRIBUTES, ("GMSFHM", "XM", "XBDM", "CSRQ", "HJXZQH", "HB", "LXDH"), strict=True))
    return {names[key]: value.isoformat() if isinstance(value, date) else value for key, value in person.items()}
