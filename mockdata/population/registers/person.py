"""常住人口: one row a living person."""

from __future__ import annotations

from mockdata.population.attributes import ATTRIBUTES
from mockdata.population.population import Population
from mockdata.population.registers.crowd import GUARDIANS, PARENTS, by_number, employers_head, of_crowd

PERSON = of_crowd(
    "person", lambda p: p.people, ATTRIBUTES,
    {**PARENTS, **GUARDIANS, "PO": Population.spouse, "HZ": Population.head, "FR": employers_head},
    {"GMSFHM": by_number},
)  # fmt: skip
