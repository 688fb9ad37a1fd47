"""Compiled loops for large jobs: the same values as the NumPy ways beside their callers, several times as fast.

Every caller says its rule once in NumPy, which is short, needs no compiler and serves single records and small batches.
Whoever begins a large job calls `load`; from then on callers get from `compiled` the loop that computes the same. Tests
hold the two together. Numba compiles a loop at its first use and keeps it beside the source (or in NUMBA_CACHE_DIR), so
only the first large dataset after an installation waits for it.
"""

from __future__ import annotations

from types import ModuleType

LARGE = 250_000
"""Rows of a job from which the loops are worth their loading (about a second)."""
LEAST = 4_096
"""Rows of a batch from which a loop beats NumPy."""

_loaded: list[ModuleType] = []


def load(rows: int) -> None:
    """Makes the compiled loops ready for a job of so many rows: if it is LARGE, and Numba is installed."""
    if rows < LARGE or _loaded:
        return
    try:
        from mockdata.kernels import loops
    except ImportError:
        return
    _loaded.append(loops)


def compiled(rows: int) -> ModuleType | None:
    """The compiled loops for a batch of so many rows; None when it is small, or nobody has loaded them."""
    return _loaded[0] if rows >= LEAST and _loaded else None
