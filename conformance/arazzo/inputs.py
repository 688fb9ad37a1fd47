"""The inputs of a workflow: from words of a command line to values, and whether they fit their JSON Schema."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import jsonschema_rs

from specs.model import Interface
from specs.process import Workflow

LARGEST = 5_000_000
"""Bytes of a file with inputs."""


class InputError(ValueError):
    """Words that are no inputs; the message says which."""


def read(words: Iterable[str], flows: Iterable[tuple[Interface, Workflow]]) -> dict[str, Any]:
    """The inputs that `NAME=VALUE`, `NAME=@FILE` and `@FILE` (a JSON object) say, later ones winning.

    A value is text where the schema asks for a string, else JSON. Raises `InputError`.
    """
    flows = list(flows)
    made: dict[str, Any] = {}
    for word in words:
        if word.startswith("@"):
            value = _json(_file(word[1:]), word)
            if not isinstance(value, dict):
                raise InputError(f"{word}: a JSON object of inputs is needed")
            made |= value
            continue
        name, mark, text = word.partition("=")
        if not mark or not name:
            raise InputError(f"{word!r} is neither NAME=VALUE nor @FILE")
        if text.startswith("@"):
            text = _file(text[1:])
        kinds = {kind for interface, workflow in flows for kind in _kinds(interface, workflow, name)}
        made[name] = _value(text, kinds, name)
    known = [workflow.inputs.get("properties") for _, workflow in flows]
    if known and all(isinstance(one, dict) for one in known):
        names = {name for one in known if isinstance(one, dict) for name in one}
        for name in made:
            if name not in names:
                raise InputError(f"no workflow has an input {name!r}; there are {', '.join(sorted(names)) or 'none'}")
    return made


def complaints(interface: Interface, workflow: Workflow, inputs: Mapping[str, Any]) -> list[str]:
    """What the inputs' schema says against them; [] when they fit."""
    if not workflow.inputs:
        return []
    options = jsonschema_rs.FancyRegexOptions(backtrack_limit=200_000)
    try:
        schema = interface.standalone(workflow.inputs)
        validator = jsonschema_rs.Draft202012Validator(schema, pattern_options=options)
    except (ValueError, KeyError, jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError) as wrong:
        return [f"their schema cannot be used: {str(wrong).splitlines()[0]}"]
    return [
        (f"{'.'.join(map(str, error.instance_path))}: " if error.instance_path else "")
        + error.message.splitlines()[0][:300]
        for error in validator.iter_errors(dict(inputs))
    ]


def declared(workflow: Workflow, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Those of some inputs that a workflow declares; all of them when it declares none by name."""
    properties = workflow.inputs.get("properties")
    return {name: value for name, value in inputs.items() if not isinstance(properties, dict) or name in properties}


def with_defaults(workflow: Workflow, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs, and the schema's own `default` for those that are absent."""
    properties = workflow.inputs.get("properties")
    known = properties if isinstance(properties, dict) else {}
    defaults = {name: one["default"] for name, one in known.items() if isinstance(one, dict) and "default" in one}
    return {**defaults, **inputs}


def secrets(workflow: Workflow, inputs: Mapping[str, Any]) -> set[str]:
    """The values of inputs whose format is password: they are not shown."""
    properties = workflow.inputs.get("properties")
    known = properties if isinstance(properties, dict) else {}
    hidden = {name for name, one in known.items() if isinstance(one, dict) and one.get("format") == "password"}
    return {value for name, value in inputs.items() if name in hidden and isinstance(value, str) and len(value) > 3}


def _kinds(interface: Interface, workflow: Workflow, name: str) -> set[str]:
    properties = workflow.inputs.get("properties")
    schema = properties.get(name) if isinstance(properties, dict) else None
    schema = interface.resolve(schema) if isinstance(schema, dict) else {}
    spoken = schema.get("type", ())
    return {spoken} if isinstance(spoken, str) else set(spoken)


def _value(text: str, kinds: set[str], name: str) -> Any:
    if kinds == {"string"}:
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        if kinds and "string" not in kinds:
            raise InputError(
                f"{name}: {text[:60]!r} is no JSON, and the input is {' or '.join(sorted(kinds))}"
            ) from None
        return text


def _file(path: str) -> str:
    try:
        with Path(path).open("rb") as stream:
            raw = stream.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: {getattr(error, 'strerror', None) or error}") from None
    if len(raw) > LARGEST:
        raise InputError(f"{path}: more than {LARGEST:,} bytes")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise InputError(f"{path}: not UTF-8") from None


def _json(text: str, word: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise InputError(f"{word}: no JSON") from None
