"""Compiled loops for large batches: the same values as the NumPy ways beside their callers, several times as fast.

Every caller says its rule once in NumPy, which is short, needs no compiler and serves small batches and single records;
for a batch of LEAST rows and more it asks `compiled` for the loop that computes the same. Tests hold the two together.
Numba compiles a loop at its first use and keeps it beside the source (or in NUMBA_CACHE_DIR), so only the first
large dataset after an installation waits for it.
"""

from __future__ import annotations

from functools import cache
from types import ModuleType

LEAST = 32_768
"""Rows from which a compiled loop is worth its loading."""


def compiled(rows: int) -> ModuleType | None:
    """The compiled loops for a batch of so many rows; None when it is too small, or Numba is not installed."""
    return _loops() if rows >= LEAST else None


@cache
def _loops() -> ModuleType | None:
    try:
        from mockdata.kernels import loops
    except ImportError:
        return None
    return loops
