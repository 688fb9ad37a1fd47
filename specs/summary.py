"""An interface as plain JSON, and what tables and JSON say of a schema in a word."""

from __future__ import annotations

from typing import Any

from specs.binding import POSSIBLE, Binding, Surroundings, bind, surroundings
from specs.model import Content, Field, Interface, Operation
from specs.schema import Schema, definition_name


def shape_of(schema: Schema) -> str:
    if isinstance(target := schema.get("$ref"), str):
        return definition_name(target)
    if isinstance(items := schema.get("items"), dict):
        return f"{shape_of(items)}[]"
    return type_of(schema)


def type_of(schema: Schema) -> str:
    if "$ref" in schema or isinstance(schema.get("items"), dict):
        return shape_of(schema)
    named = schema.get("type", "any")
    word = " or ".join(named) if isinstance(named, list) else str(named)
    if "enum" in schema:
        values = [str(value) for value in schema["enum"]]
        word += " " + "|".join(values[:4]) + ("|…" if len(values) > 4 else "")
    elif "format" in schema:
        word += f" {schema['format']}"
    return word


def binding(interface: Interface, field: Field, near: Surroundings) -> Binding | None:
    """The declared or proposed binding; None for an element nobody knows (a lint rule tells of it)."""
    try:
        found = bind(field, interface, near)
    except KeyError:
        return None
    return found if found is not None and found.confidence >= POSSIBLE else None


def to_json(interface: Interface) -> dict[str, Any]:
    """All of an interface as plain JSON: nothing left out, schemas self-contained."""
    process = interface.process
    return {
        "id": interface.id,
        "kind": interface.kind.value,
        "format": interface.format,
        "version": interface.version,
        "title": dict(interface.title),
        "description": dict(interface.description),
        "department": interface.department,
        "digest": interface.digest,
        "servers": [server.url for server in interface.servers],
        "operations": [_operation_json(interface, operation) for operation in interface.operations],
        "tables": [
            {
                "name": table.name,
                "title": dict(table.title),
                "register": table.register,
                "primary_key": list(table.primary_key),
                "foreign_keys": [
                    {
                        "fields": list(key.fields),
                        "interface": key.interface,
                        "table": key.table,
                        "target_fields": list(key.target_fields),
                    }
                    for key in table.foreign_keys
                ],
                "fields": _fields_json(interface, table.fields, table.name),
            }
            for table in interface.tables
        ],
        "workflows": [
            {
                "id": workflow.id,
                "summary": dict(workflow.summary),
                "steps": [
                    {
                        "id": step.id,
                        "description": dict(step.description),
                        "interface": step.interface,
                        "operation": step.operation or step.operation_path,
                        "workflow": step.workflow,
                        "depends_on": list(step.depends_on),
                        "outputs": dict(step.outputs),
                    }
                    for step in workflow.steps
                ],
            }
            for workflow in (process.workflows if process else ())
        ],
        "findings": [finding.to_json() for finding in interface.findings],
    }


def _operation_json(interface: Interface, operation: Operation) -> dict[str, Any]:
    body = operation.body
    return {
        "id": operation.id,
        "method": operation.method,
        "path": operation.path,
        "summary": dict(operation.summary),
        "deprecated": operation.deprecated,
        "tags": list(operation.tags),
        "parameters": [
            {
                "name": parameter.name,
                "in": parameter.location,
                "required": parameter.required,
                "element": parameter.element,
                "sensitivity": parameter.sensitivity,
                "schema": interface.standalone(parameter.schema),
            }
            for parameter in operation.parameters
        ],
        "body": {"required": body.required, "contents": [_content_json(interface, c) for c in body.contents]}
        if body
        else None,
        "responses": [
            {
                "status": response.status,
                "description": dict(response.description),
                "contents": [_content_json(interface, content) for content in response.contents],
            }
            for response in operation.responses
        ],
    }


def _content_json(interface: Interface, content: Content) -> dict[str, Any]:
    schema = content.schema
    return {
        "media_type": content.media_type,
        "fields": _fields_json(interface, interface.fields(schema), shape_of(schema or {}), with_schema=False),
        "schema": None if schema is None else interface.standalone(schema),
    }


def _fields_json(
    interface: Interface, fields: tuple[Field, ...], owner: str, *, with_schema: bool = True
) -> list[dict[str, Any]]:
    near = surroundings(fields, owner)
    return [_field_json(interface, field, binding(interface, field, near), with_schema) for field in fields]


def _field_json(interface: Interface, field: Field, binding: Binding | None, with_schema: bool) -> dict[str, Any]:
    made: dict[str, Any] = {
        "name": field.name,
        "type": type_of(field.schema),
        "title": dict(field.title),
        "description": dict(field.description),
        "element": field.element,
        "binding": None
        if binding is None
        else {"element": binding.name, "confidence": binding.confidence, "reason": binding.reason},
        "sensitivity": field.sensitivity,
        "required": field.required,
        "key": field.key,
    }
    return {**made, "schema": interface.standalone(field.schema)} if with_schema else made
