"""Tables whose rows are bound as a whole: alternatives, conditions and dependences between fields.

`described` completes a table by the fields that only its alternatives name; `clauses` takes the schema of a row apart
into groups of fields that have nothing to do with each other; `ways` lists, for each group, what its fields may be
together; `planned` turns that into columns: the values that are given (facts, keys, what is weighted) say which ways
are open to a row, a hash takes one of them, and what is left is drawn as that way asks.
"""
