"""Terms of bulk are checked before an agreement is made under them: later they could only refuse. Pure."""

from __future__ import annotations

from exchange.agreements.model import Agreement
from exchange.bulk.model import ENFORCED
from exchange.bulk.privacy import allowance
from exchange.bulk.terms import terms_of
from exchange.errors import Unprocessable


def check_terms(agreement: Agreement) -> None:
    """Raises `Unprocessable` for an agreement in bulk whose terms cannot be read, so that none such is made."""
    if unknown := sorted(agreement.terms.keys() - ENFORCED):
        raise Unprocessable(f"bulk sharing cannot keep: {', '.join(unknown)}", rule="unknown-term", pointer="/terms")
    for table in agreement.scope:
        terms = terms_of(agreement, table)
        if terms.aggregates is not None:
            allowance(terms)
