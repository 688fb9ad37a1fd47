"""Written datasets judged by their interface, with Great Expectations in a process of its own."""

from mockdata.quality.quality import Judge, check

__all__ = ["Judge", "check"]
