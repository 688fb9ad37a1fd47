"""Arazzo documents carried out over HTTP: 1.0.1, and of 1.1 everything that HTTP has."""
