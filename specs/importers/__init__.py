"""Draft data contracts from what departments already have: catalogue sheets, SQL DDL, CSV and Parquet files.

Every importer gives `Draft`s: an ODCS 3.1.0 contract that `specs.read` reads back, and findings on what it could not
take over and what a person has to decide.
"""
