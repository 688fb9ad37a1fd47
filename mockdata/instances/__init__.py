"""Valid values of any JSON Schema, one at a time, and strings that match any pattern, by the column."""

from mockdata.instances.instances import Instances, Unsatisfiable, instance

__all__ = ["Instances", "Unsatisfiable", "instance"]
