"""The newborn suite: families, world, cases by subject, and `load` that joins them."""
