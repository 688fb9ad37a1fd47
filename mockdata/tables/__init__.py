"""Datasets: `plan` says how each column is made, `generate` makes the rows, `write` puts them on disk."""
