"""CEL over columns: parsed and typed once, evaluated for a whole batch of rows at a time."""

from mockdata.tables.expressions.expression import Expression, compile
from mockdata.tables.expressions.nodes import ExpressionError

__all__ = ["Expression", "ExpressionError", "compile"]
