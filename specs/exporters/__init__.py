"""An interface in the forms others read: data contract, DCAT, JSON Schema, reference pages, catalogue sheet.

Every exporter is a pure function of interfaces to a value or text; none touches a file.
"""
