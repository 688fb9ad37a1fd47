"""The form of a reference page that calls an operation in a sandbox, and the same call as a `curl` command."""

from __future__ import annotations

import json
import shlex
from typing import Any
from urllib.parse import quote, urlencode

from specs.exporters.labels import LABELS, PLACES
from specs.exporters.markup import Markup, element, join
from specs.exporters.samples import sample, value_of
from specs.model import Content, Interface, Operation, Parameter
from specs.words import Text

TOKEN = "sandbox"
"""The credential the form starts with; a sandbox takes any, unless it was told which."""


def trials(interface: Interface) -> dict[str, Any]:
    """What the page's script needs of each operation, by id."""
    return {operation.id: _plan(interface, operation) for operation in interface.operations}


def trial(interface: Interface, operation: Operation, sandbox: str | None) -> Markup:
    """The form (shown by the script) and the command."""
    from specs.exporters.html import words

    fields = [
        _row(words(_about(one, interface)), _input(interface, operation, number, one))
        for number, one in enumerate(_inputs(interface, operation))
    ]
    if content := _sent(operation):
        name = f"try-{operation.id}-body"
        text = _text(sample(interface, content))
        area = element(
            "textarea", text, id=name, name="body", rows=str(min(14, text.count("\n") + 2)), spellcheck="false"
        )
        fields.append(_row(join(words(LABELS["body"]), " ", element("code", content.media_type)), area, name))
    statuses = [element("option", words_plain(LABELS["any"]), value="")]
    statuses += [
        element("option", one.status, value=one.status) for one in operation.responses if one.status.isdecimal()
    ]
    name = f"try-{operation.id}-expect"
    fields.append(_row(words(LABELS["expect"]), element("select", *statuses, id=name, name="expect"), name))
    form = element(
        "form",
        *fields,
        element("button", words(LABELS["send"]), type="submit"),
        element("div", class_="result", aria_live="polite"),
        class_="trial",
        data_operation=operation.id,
        hidden=True,
    )
    command = element("pre", element("code", curl(interface, operation, sandbox), class_="command"), tabindex="0")
    note = element("p", words(LABELS["no_script"]), class_="no-script")
    return element("details", element("summary", words(LABELS["try"])), note, form, command, class_="try")


def words_plain(text: Text) -> str:
    """Both languages in one line, where no markup may stand."""
    return " / ".join(dict.fromkeys(text.values()))


def curl(interface: Interface, operation: Operation, sandbox: str | None) -> str:
    """The call with its first values, as a command for a POSIX shell."""
    path, query, headers = operation.path, [], []
    for one in _inputs(interface, operation):
        value = _first(interface, one)
        if one.location == "path":
            path = path.replace(f"{{{one.name}}}", quote(value or "1", safe=""))
        elif value and one.required and one.location == "query":
            query.append((one.name, value))
        elif value and one.required and one.location == "header":
            headers.append(f"{one.name}: {value}")
    base = (sandbox or "http://127.0.0.1:4010").rstrip("/")
    parts = ["curl", "-X", operation.method, f"{base}{path}" + (f"?{urlencode(query)}" if query else "")]
    if content := _sent(operation):
        headers.append(f"Content-Type: {content.media_type}")
    for header in headers:
        parts += ["-H", header]
    if content:
        parts += ["--data", _compact(sample(interface, content))]
    return " ".join(shlex.quote(" ".join(part.splitlines())) for part in parts)


def _plan(interface: Interface, operation: Operation) -> dict[str, Any]:
    inputs = [
        {"name": one.name, "in": one.location, "required": one.required, "explode": one.explode, "style": one.style,
         "list": _type(interface, one) == "array"}
        for one in _inputs(interface, operation)
    ]  # fmt: skip
    content = _sent(operation)
    return {"method": operation.method, "path": operation.path, "inputs": inputs,
            "media": content.media_type if content else None}  # fmt: skip


def _inputs(interface: Interface, operation: Operation) -> list[Parameter]:
    """The parameters a browser can send, and the credential the operation asks for."""
    found = [one for one in operation.parameters if one.location in {"path", "query", "header"}]
    wanted = next((one for one in operation.security if one), None) if all(operation.security) else None
    for name in wanted or ():
        scheme = interface.security_schemes.get(name)
        made = _credential(scheme) if isinstance(scheme, dict) else None
        if made and all((one.name.lower(), one.location) != (made.name.lower(), made.location) for one in found):
            found.append(made)
    return found


def _credential(scheme: dict[str, Any]) -> Parameter | None:
    if (
        scheme.get("type") == "apiKey"
        and scheme.get("in") in {"header", "query"}
        and isinstance(scheme.get("name"), str)
    ):
        return Parameter(scheme["name"], scheme["in"], True, {"type": "string", "default": TOKEN})
    if scheme.get("type") == "apiKey":
        return None
    basic = str(scheme.get("scheme", "")).lower() == "basic"
    value = "Basic c2FuZGJveDpzYW5kYm94" if basic else f"Bearer {TOKEN}"
    return Parameter("Authorization", "header", True, {"type": "string", "default": value})


def _sent(operation: Operation) -> Content | None:
    contents = operation.body.contents if operation.body else ()
    return next((one for one in contents if one.is_json), None)


def _type(interface: Interface, parameter: Parameter) -> str:
    named = interface.resolve(parameter.schema).get("type")
    return str(next((one for one in named if one != "null"), "") if isinstance(named, list) else named)


def _first(interface: Interface, parameter: Parameter) -> str:
    value = next(iter(parameter.examples.values()), None)
    if value is None and parameter.required:
        value = value_of(interface, parameter.schema)
    if isinstance(value, list):
        return ",".join(str(one) for one in value)
    return "" if value is None else _compact(value) if isinstance(value, dict | bool) else str(value)


def _about(parameter: Parameter, interface: Interface) -> Text:
    place = PLACES.get(parameter.location, {"en": parameter.location})
    mark = " *" if parameter.required else ""
    return {language: f"{parameter.name} · {word}{mark}" for language, word in place.items()}


def _input(interface: Interface, operation: Operation, number: int, parameter: Parameter) -> Markup:
    schema = interface.resolve(parameter.schema)
    label = f"{operation.id}-{parameter.location}-{parameter.name}"
    values = schema.get("enum")
    first = _first(interface, parameter)
    common: dict[str, str | bool | None] = {"name": str(number), "aria_label": label, "required": parameter.required}
    if isinstance(values, list) and 0 < len(values) <= 60:
        options = [] if parameter.required else [element("option", "", value="")]
        for value in values:
            if value is not None:
                options.append(element("option", str(value), value=str(value), selected=str(value) == first))
        return element("select", *options, **common)
    kind = "number" if _type(interface, parameter) in {"integer", "number"} else "text"
    step = "any" if kind == "number" else None
    return element("input", type=kind, step=step, value=first, spellcheck="false", autocomplete="off", **common)


def _row(label: Markup, field: Markup, name: str | None = None) -> Markup:
    return element("label", element("span", label, class_="name"), field, for_=name)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)


def _compact(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
