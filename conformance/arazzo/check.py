"""What is known before the first request: features this executor lacks, names that lead nowhere, orders that fail.

Everything that `findings` gives refuses the run; `warnings` are conditions that can never pass.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from conformance.arazzo.calling import origin
from conformance.arazzo.conditions import ConditionSyntax, read
from conformance.arazzo.documents import Book
from conformance.arazzo.expressions import Expression, ExpressionSyntax, embedded, expressions, parse
from conformance.arazzo.ordering import OrderError, ordered
from conformance.arazzo.payloads import is_selector
from conformance.arazzo.requests import FORBIDDEN, media_type_of, merged, server_of
from conformance.arazzo.selectors import SelectorError, matches, query
from conformance.arazzo.tokens import complaint, is_token
from specs.finding import Finding, Severity
from specs.parse import pointers
from specs.process import Action, Argument, Criterion, Step, Workflow

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_LANGUAGES = "jsonpath (rfc9535) and jsonpointer are understood"


def reachable(book: Book, ids: Iterable[str]) -> list[tuple[Book, Workflow]]:
    """The workflows of these ids and all they lead to: called, gone to, depended on."""
    found: list[tuple[Book, Workflow]] = []
    waiting = [(book, id) for id in reversed(list(ids))]
    while waiting:
        at, id = waiting.pop()
        known = at.workflow(id)
        if known is None or any(one is known[1] for _, one in found):
            continue
        found.append(known)
        inner, workflow = known
        names = [*workflow.depends_on]
        for step in workflow.steps:
            names += [step.workflow] if step.workflow else []
            names += [elsewhere(name) for name in step.depends_elsewhere]
        names += [action.workflow for action in _actions(workflow) if action.workflow]
        waiting += [(inner, name) for name in reversed(names)]
    return found


def elsewhere(name: str) -> str:
    """The workflow that `$workflows.W.steps.S` or `$sourceDescriptions.N.W.steps.S` belongs to."""
    return name.rpartition(".steps.")[0].removeprefix("$workflows.")


def findings(flows: Iterable[tuple[Book, Workflow]]) -> Iterator[Finding]:
    """What speaks against carrying out these workflows."""
    for book, workflow in flows:
        check = _Check(book, workflow)
        for pointer, message, hint in check.all():
            yield book.finding(message, pointer, hint)


def warnings(flows: Iterable[tuple[Book, Workflow]]) -> Iterator[Finding]:
    """Conditions that always fail because they cannot be read, and what has no meaning where it stands."""
    for book, workflow in flows:
        for criterion in _criteria(workflow):
            if told := _unreadable(criterion):
                message = f"the condition {criterion.condition!r} always fails: {told}"
                yield book.interface.finding("arazzo", Severity.WARNING, message, criterion.pointer)
        declared = workflow.inputs.get("properties")
        for pointer, _, expression in _all_expressions(workflow, book):
            if isinstance(expression, Expression) and expression.kind == "inputs" and isinstance(declared, dict):
                names = expression.name.split(".")
                if not any(".".join(names[:count]) in declared for count in range(1, len(names) + 1)):
                    message = f"{expression.text} is no input of the workflow {workflow.id!r}"
                    yield book.interface.finding("arazzo", Severity.WARNING, message, pointer)
        for step in workflow.steps:
            if step.workflow and step.payload is not None:
                message = f"the step {step.id!r} calls a workflow: its requestBody goes nowhere"
                yield book.interface.finding("arazzo", Severity.WARNING, message, step.pointer)


def _unreadable(criterion: Criterion) -> str:
    try:
        if criterion.type == "simple":
            read(criterion.condition)
            return ""
        if criterion.context:
            parse(criterion.context)
        if any(isinstance(part, Expression) for part in embedded(criterion.condition)):
            return ""
        if criterion.type == "jsonpath":
            query(criterion.condition)
        elif criterion.type == "regex":
            matches(criterion.condition, "")
    except (ConditionSyntax, ExpressionSyntax, SelectorError) as wrong:
        return str(wrong)
    return ""


class _Check:
    """One workflow: (pointer, message, hint) for everything that is in the way."""

    def __init__(self, book: Book, workflow: Workflow) -> None:
        self.book, self.workflow = book, workflow

    def all(self) -> Iterator[tuple[str, str, str]]:
        flow = self.workflow
        try:
            ordered(flow)
        except OrderError as wrong:
            yield wrong.step.pointer, str(wrong), "reorder the steps or add dependsOn"
        for name in flow.depends_on:
            if self.book.workflow(name) is None:
                yield flow.pointer, f"dependsOn names {name!r}, which is no workflow", ""
        for action in _actions(flow):
            yield from self.action(action)
        for criterion in _criteria(flow):
            yield from _language(criterion.type, criterion.version, criterion.pointer)
            if criterion.type == "jsonpointer":
                yield criterion.pointer, "a condition cannot be a JSON Pointer", "use jsonpath, or a simple condition"
        for step in flow.steps:
            yield from self.step(step)
        for pointer, text, expression in _all_expressions(flow, self.book):
            yield from self.expression(pointer, text, expression)
        for pointer, value in pointers(self._written(flow.pointer), flow.pointer):
            if is_selector(value):
                kind = value["type"]
                told = (kind.get("type"), kind.get("version")) if isinstance(kind, dict) else (kind, None)
                yield from _language(str(told[0]), told[1], pointer)
            if is_token(value) and (against := complaint(value)):
                yield pointer, against, ""

    def _written(self, pointer: str) -> Any:
        document, inner = self.book.interface.place(pointer)
        value: Any = document.value
        for token in inner.split("/")[1:]:
            name = token.replace("~1", "/").replace("~0", "~")
            value = value[int(name)] if isinstance(value, list) else value[name]
        return value

    def action(self, action: Action) -> Iterator[tuple[str, str, str]]:
        if action.workflow and self.book.workflow(action.workflow) is None:
            yield action.pointer, f"there is no workflow {action.workflow!r}", "correct workflowId"
        if action.step and action.step not in {step.id for step in self.workflow.steps}:
            yield action.pointer, f"there is no step {action.step!r} in the workflow {self.workflow.id!r}", ""

    def step(self, step: Step) -> Iterator[tuple[str, str, str]]:
        written = self._written(step.pointer)
        for word in ("channelPath", "action", "correlationId"):
            if word in written:
                yield f"{step.pointer}/{word}", f"{word} belongs to AsyncAPI, which is not supported", "HTTP only"
        for name in step.depends_elsewhere:
            found = self.book.workflow(elsewhere(name))
            if found is None or name.rpartition(".steps.")[2] not in {one.id for one in found[1].steps}:
                yield step.pointer, f"dependsOn names {name!r}, which is no step", ""
        if step.workflow:
            if self.book.workflow(step.workflow) is None:
                yield step.pointer, f"there is no workflow {step.workflow!r}", "correct workflowId"
            return
        source = next((one for one in self.book.process.sources if one.name == step.source), None)
        if source is not None and source.type == "asyncapi":
            yield step.pointer, f"the source {source.name!r} is asyncapi, which is not supported", "HTTP only"
        elif step.operation or step.operation_path:
            yield from self.operation(step)

    def operation(self, step: Step) -> Iterator[tuple[str, str, str]]:
        api = self.book.apis.get(step.source or "")
        if api is None:
            yield step.pointer, f"the step {step.id!r} calls no OpenAPI source", "name one of sourceDescriptions"
            return
        operation = api.operation(step)
        if operation is None:
            name = step.operation or step.operation_path
            yield step.pointer, f"the source {step.source!r} has no operation {name!r}", "correct the name"
            return
        server = server_of(api, operation)
        if origin(server) is None:
            told = f"the source {step.source!r} has no server that can be called ({server or 'none'})"
            yield step.pointer, told, f"--server {step.source}=URL"
        arguments = merged(step.parameters, self.workflow.parameters)
        yield from self.arguments(step, arguments, operation.path)
        if step.payload is not None:
            kind = media_type_of(step.payload, operation).split(";")[0].strip().lower()
            xml = kind.endswith(("/xml", "+xml"))
            if xml and not isinstance(step.payload.value, str | None):
                told = f"a payload of {kind} must be text: structures are not turned into XML"
                yield step.payload.pointer, told, "write the payload as text"
            for one in step.payload.replacements:
                yield from _language(one.type or ("xpath" if xml else "jsonpointer"), one.version, one.pointer)

    def arguments(self, step: Step, arguments: Iterable[Argument], path: str) -> Iterator[tuple[str, str, str]]:
        arguments = list(arguments)
        named = {(one.name, one.location) for one in arguments}
        for name in re.findall(r"\{([^{}]+)\}", path):
            if (name, "path") not in named:
                yield step.pointer, f"the path {path} needs a parameter {name!r} (in: path)", "add it to parameters"
        whole = [one for one in arguments if one.location == "querystring"]
        if len(whole) > 1 or (whole and any(one.location == "query" for one in arguments)):
            yield step.pointer, "querystring is the whole query: it stands alone", "write it into one"
        for one in arguments:
            if one.location is None:
                yield one.pointer, f"the parameter {one.name!r} has no in", "in: path, query, header or cookie"
            if one.location == "header" and (one.name.lower() in FORBIDDEN or not _TOKEN.fullmatch(one.name)):
                yield one.pointer, f"the header {one.name!r} cannot be set by a document", "leave it out"
        for entry in self._written(step.pointer).get("parameters", ()):
            if isinstance(entry, dict) and entry.get("in") == "channel":
                yield step.pointer, "in: channel belongs to AsyncAPI, which is not supported", "HTTP only"

    def expression(
        self, pointer: str, text: str, expression: Expression | ExpressionSyntax
    ) -> Iterator[tuple[str, str, str]]:
        if isinstance(expression, ExpressionSyntax):
            yield pointer, str(expression), ""
            return
        if expression.kind == "message":
            yield pointer, f"{expression.text} belongs to AsyncAPI, which is not supported", "HTTP only"
        if expression.kind == "workflows" and self.book.workflow(expression.owner) is None:
            yield pointer, f"{expression.text}: there is no workflow {expression.owner!r}", ""
        if expression.kind == "steps" and expression.owner not in {step.id for step in self.workflow.steps}:
            yield pointer, f"{expression.text}: there is no step {expression.owner!r} in this workflow", ""
        if (expression.needs_answer and "/requestBody" in pointer + "/") or (
            expression.needs_answer and re.search(r"/steps/[0-9]+/parameters/", pointer)
        ):
            yield (
                pointer,
                f"{expression.text} is not known before the request is sent",
                "use an output of an earlier step",
            )


def _all_expressions(workflow: Workflow, book: Book) -> Iterator[tuple[str, str, Expression | ExpressionSyntax]]:
    """Every expression of a workflow outside conditions, with its place."""
    for argument in (*workflow.parameters, *(a for step in workflow.steps for a in step.parameters)):
        yield from expressions(argument.value, f"{argument.pointer}/value")
    for action in _actions(workflow):
        for argument in action.parameters:
            yield from expressions(argument.value, f"{argument.pointer}/value")
    for step in workflow.steps:
        if step.payload is not None:
            yield from expressions(step.payload.value, f"{step.payload.pointer}/payload")
            for one in step.payload.replacements:
                yield from expressions(one.value, f"{one.pointer}/value")
        yield from expressions(dict(step.outputs), f"{step.pointer}/outputs")
    yield from expressions(dict(workflow.outputs), f"{workflow.pointer}/outputs")


def _language(kind: str, version: str | None, pointer: str) -> Iterator[tuple[str, str, str]]:
    if kind == "xpath":
        yield pointer, "xpath is not supported", _LANGUAGES
    elif kind == "jsonpath" and version not in (None, "rfc9535"):
        yield pointer, f"jsonpath of version {version} is not supported", _LANGUAGES


def _actions(workflow: Workflow) -> list[Action]:
    steps = [action for step in workflow.steps for action in (*step.on_success, *step.on_failure)]
    return [*workflow.success_actions, *workflow.failure_actions, *steps]


def _criteria(workflow: Workflow) -> list[Criterion]:
    own = [criterion for step in workflow.steps for criterion in step.criteria]
    return [*own, *(criterion for action in _actions(workflow) for criterion in action.criteria)]
