"""企业 and 助产机构: one row a firm, one row a midwifery institution."""

from __future__ import annotations

from mockdata.population import institutions
from mockdata.population.organisations import FIRMS, INSTITUTIONS, Organisations
from mockdata.population.population import Population
from mockdata.population.registers.crowd import same
from mockdata.population.registers.register import Register
from mockdata.seeds import Ints


def _opened(population: Population, index: Ints) -> Organisations:
    return Organisations(population.world, index)


FIRM = Register(
    "firm", lambda p: p.firms.count, same, same, same, _opened, FIRMS,
    {"FR": lambda p, firm: p.representative(firm)},
    {"TYSHXYDM": lambda p, codes: p.firms.find(codes)},
)  # fmt: skip

INSTITUTION = Register(
    "institution", lambda p: institutions.count(p.world), same, same, same, _opened, INSTITUTIONS, {},
    {"JGDM": lambda p, codes: institutions.find(p.world, codes)},
)  # fmt: skip
