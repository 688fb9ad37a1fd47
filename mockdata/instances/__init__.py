"""Valid values of any JSON Schema, one at a time, invalid ones with one named fault, values at its limits, and strings
that match any pattern, by the column."""

from mockdata.instances.instances import Instances, Unsatisfiable, instance
from mockdata.instances.named import Boundary, Broken, Refusal, Spot

__all__ = ["Boundary", "Broken", "Instances", "Refusal", "Spot", "Unsatisfiable", "instance"]
