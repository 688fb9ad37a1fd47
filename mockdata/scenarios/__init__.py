"""Scenario packs: declarative files that put rare cases into the population and its datasets. See docs/defects.md."""

from mockdata.scenarios.pack import Conflict, Names, Pack, ScenarioError, Wave, packs, read_pack

__all__ = ["Conflict", "Names", "Pack", "ScenarioError", "Wave", "packs", "read_pack"]
