"""The virtual population and the registers departments keep of it: persons, couples, births, firms, places."""

from mockdata.population.population import Population

__all__ = ["Population"]
