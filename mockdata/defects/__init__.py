"""Controlled dirt for datasets, and a ledger of every spoiled cell. See docs/defects.md."""

from mockdata.defects.rules import Defects, DefectsError, read_defects, rules_of
from mockdata.defects.spoiler import Spoiler, spoiled

__all__ = ["Defects", "DefectsError", "Spoiler", "read_defects", "rules_of", "spoiled"]
