"""Straight into a database: `load` fills the tables of an interface in one transaction, or none of them.

A table that is there already is refused, or with `force` replaced at the very end. Passwords stay in the URL: whatever
is said or written names the database by `Address.shown`.
"""

from mockdata.tables.databases.address import Address, AddressError
from mockdata.tables.databases.definition import Definition, definitions
from mockdata.tables.databases.load import DatabaseError, Load, TableExists, load

__all__ = ["Address", "AddressError", "DatabaseError", "Definition", "Load", "TableExists", "definitions", "load"]
