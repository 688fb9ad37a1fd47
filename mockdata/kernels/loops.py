"""All loops under one name. Import them only through `mockdata.kernels.compiled`: they need Numba.

Arrays are contiguous; integers are int64, hashed words uint64. Nothing is checked here: callers pass what their NumPy
way would take.
"""

from mockdata.kernels.codes import citizen_numbers, credit_codes, digits
from mockdata.kernels.facts import incomes, office_times, registered
from mockdata.kernels.places import address_parts, births, employers, intervals, linked, ranked, where
from mockdata.kernels.randomness import below, hashed, permuted
from mockdata.kernels.strings import CHUNK, join, size

__all__ = [
    "CHUNK", "address_parts", "below", "births", "citizen_numbers", "credit_codes", "digits", "employers", "hashed",
    "incomes", "intervals", "join", "linked", "office_times", "permuted", "ranked", "registered", "size", "where",
]  # fmt: skip
