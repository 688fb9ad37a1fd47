"""Does synthetic data look like the country? Marginals beside published figures, as a table and a page with plots."""

from mockdata.realism.report import Report, measure

__all__ = ["Report", "measure"]
