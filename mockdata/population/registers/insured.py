"""医保参保: one row a living person; everybody is insured."""

from __future__ import annotations

from mockdata.population import insurance
from mockdata.population.attributes import ATTRIBUTES
from mockdata.population.registers.crowd import GUARDIANS, by_number, of_crowd

INSURED = of_crowd(
    "insured", lambda p: p.people, ATTRIBUTES, GUARDIANS,
    {"CBBH": lambda p, numbers: insurance.find(p.world, numbers), "GMSFHM": by_number},
)  # fmt: skip
