"""就业: one row an employee of a firm."""

from __future__ import annotations

from mockdata.population.attributes import ATTRIBUTES
from mockdata.population.registers.crowd import by_number, employers_head, of_crowd

EMPLOYMENT = of_crowd("employment", lambda p: p.employees, ATTRIBUTES, {"FR": employers_head}, {"GMSFHM": by_number})
