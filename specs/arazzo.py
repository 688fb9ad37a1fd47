"""Arazzo 1.0 and 1.1 documents to processes.

Follows: Arazzo 1.0.1 and 1.1.0 (HTTP part). A source description names the interface it stands for by
`x-interface-id`; without it, `…/<department>/<name>/openapi.yaml` in its URL does. Step order:
`dependsOn` (1.1), in documents of 1.0 also `x-depends-on`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from specs.model import Interface, Kind
from specs.naming import INTERFACE_ID, department_of, interface_id
from specs.normalise import Dialect, Normaliser
from specs.openapi import title_of, version_of
from specs.parts import english
from specs.process import Action, Argument, Criterion, Payload, Process, Replacement, Source, Step, Workflow
from specs.sources import Node, Sources
from specs.words import Text, words

_SOURCE = re.compile(r"\$sourceDescriptions\.([A-Za-z0-9_-]+)\.(.+)", re.DOTALL)
_OUTPUT = re.compile(r"\$steps\.([A-Za-z0-9_-]+)\.outputs\.([A-Za-z0-9_.-]+)")
_ELSEWHERE = re.compile(r"\$(?:workflows\.[^.]+|sourceDescriptions\.[^.]+\.[^.]+)\.steps\.[^.]+")
_PLACES = ("path", "query", "querystring", "header", "cookie")


def read(sources: Sources) -> Interface:
    """The process an Arazzo document describes. Never raises for what the document holds."""
    return _Reader(sources).interface()


class _Reader:
    def __init__(self, sources: Sources) -> None:
        self.sources, self.root = sources, sources.root
        self.schemas = Normaliser(Dialect.CURRENT)
        self.described: dict[str, Source] = {}

    def interface(self) -> Interface:
        root, info = self.root, self.root.mapping("info")
        self.described = {source.name: source for source in self.source_descriptions()}
        if not self.described:
            root.report("missing-field", "the process names no sourceDescriptions", "name the interfaces used")
        workflows = tuple(self.workflows())
        if not workflows:
            root.report("missing-field", "the process has no workflows", "describe at least one")
        return Interface(
            kind=Kind.PROCESS,
            id=interface_id(self.sources, info),
            version=version_of(info),
            title=title_of(info),
            description=words(info.text("description"), english(info, "description")),
            department=department_of(info),
            document=self.sources.main,
            process=Process(workflows, tuple(self.described.values()), root.text("$self")),
            definitions=self.schemas.finish(),
            extensions={**info.extensions(), **root.extensions()},
            findings=self.sources.findings,
            format=f"Arazzo {root.value.get('arazzo')}",
            documents=self.sources.documents,
            origins=self.schemas.origins,
        )

    def source_descriptions(self) -> Iterator[Source]:
        for node in self.root.items("sourceDescriptions"):
            name = node.text("name") if isinstance(node.value, dict) else None
            if not name:
                node.report("missing-field", "a source description without a name; left out", "add name:")
                continue
            url = node.text("url") or ""
            folders = [part for part in url.split("/")[:-1] if part not in {"", ".", ".."}]
            interface = node.text("x-interface-id")
            if interface is None and INTERFACE_ID.match(name):
                interface = name
            if interface is None and len(folders) >= 2 and ":" not in url:
                interface = f"{folders[-2]}.{folders[-1]}"
            yield Source(name, url, node.text("type") or "openapi", interface, node.where)

    # --- workflows and steps

    def workflows(self) -> Iterator[Workflow]:
        nodes = [node for node in self.root.items("workflows") if isinstance(node.value, dict)]
        known = {str(node.value.get("workflowId")): set(node.mapping("outputs").value) for node in nodes}
        seen: set[str] = set()
        for node in nodes:
            id = node.text("workflowId")
            if not id or id in seen:
                problem = "a workflow without workflowId" if not id else f"the workflow {id!r} is described twice"
                node.report("missing-field" if not id else "duplicate-name", f"{problem}; left out", "name it")
                continue
            seen.add(id)
            yield self.workflow(node, id, known)
        self.cycle(nodes, "workflowId")

    def workflow(self, node: Node, id: str, known: dict[str, set[str]]) -> Workflow:
        steps = [step for step in node.items("steps") if isinstance(step.value, dict)]
        ids = [str(step.value.get("stepId")) for step in steps]
        for other in node.items("dependsOn"):
            name = str(other.value)
            if name not in known and not name.startswith("$sourceDescriptions."):
                other.report("unknown-step", f"there is no workflow {name!r}", "correct dependsOn")
        made: dict[str, Step] = {}
        every = set(ids)
        for step in steps:
            step_id = step.text("stepId")
            if not step_id:
                step.report("missing-field", "a step without stepId; left out", "add stepId:")
            elif step_id in made:
                step.report(
                    "duplicate-name",
                    f"the step {step_id!r} is described twice; the first counts",
                    "rename it",
                )
            else:
                made[step_id] = self.step(step, step_id, every, known)
        if not made:
            node.report("missing-field", f"the workflow {id!r} has no steps", "describe at least one")
        self.cycle(steps, "stepId")
        self.references(steps, ids, known)
        return Workflow(
            id=id,
            summary=words(node.text("summary"), english(node, "summary")),
            description=self.told(node),
            inputs=self.schemas.schema(node.get("inputs")),
            depends_on=tuple(str(other.value) for other in node.items("dependsOn")),
            steps=tuple(made.values()),
            parameters=self.arguments(node, "parameters"),
            success_actions=self.actions(node, "successActions"),
            failure_actions=self.actions(node, "failureActions"),
            outputs=node.mapping("outputs").value,
            extensions=node.extensions(),
            pointer=node.where,
        )

    def step(self, node: Node, id: str, ids: set[str], workflows: dict[str, set[str]]) -> Step:
        targets = [word for word in ("operationId", "operationPath", "workflowId", "channelPath") if word in node]
        if len(targets) != 1:
            problem = f"the step {id!r} must name exactly one of operationId, operationPath, workflowId"
            node.report("missing-field", problem, f"it names {len(targets)}")
        depends, elsewhere = [], []
        for other in _dependencies(node):
            if _ELSEWHERE.fullmatch(str(other.value)):
                elsewhere.append(str(other.value))
            elif str(other.value) not in ids:
                other.report("unknown-step", f"there is no step {other.value!r} in this workflow", "correct dependsOn")
            else:
                depends.append(str(other.value))
        source, operation = self.qualified(node, "operationId")
        path_source, path = self.qualified(node, "operationPath")
        called = source or path_source
        workflow = node.text("workflowId")
        if workflow and workflow not in workflows and not workflow.startswith("$sourceDescriptions."):
            node.get("workflowId").report("unknown-step", f"there is no workflow {workflow!r}", "correct the name")
        return Step(
            id=id,
            description=self.told(node),
            interface=called.interface if called else None,
            operation=operation,
            operation_path=path,
            workflow=workflow,
            depends_on=tuple(dict.fromkeys(depends)),
            parameters=self.arguments(node, "parameters"),
            payload=self.payload(node.mapping("requestBody")),
            criteria=self.criteria(node, "successCriteria"),
            on_success=self.actions(node, "onSuccess"),
            on_failure=self.actions(node, "onFailure"),
            outputs=node.mapping("outputs").value,
            timeout=node.value["timeout"] if isinstance(node.value.get("timeout"), int) else None,
            extensions=node.extensions(),
            pointer=node.where,
            source=called.name if called else None,
            depends_elsewhere=tuple(dict.fromkeys(elsewhere)),
            channel=node.text("channelPath"),
        )

    def qualified(self, node: Node, word: str) -> tuple[Source | None, str | None]:
        """Source and the rest of `$sourceDescriptions.NAME.rest`, or of a name in the only source."""
        text = node.text(word)
        if text is None:
            return None, None
        name: str | None = None
        rest = text
        hint = "write $sourceDescriptions.<name>.<operationId>"
        if word == "operationPath":  # {$sourceDescriptions.NAME.url}#/paths/~1x/get
            hint = "write '{$sourceDescriptions.<name>.url}#/paths/~1…/get'"
            address, _, rest = text.partition("#")
            match = _SOURCE.match(address.strip("{}"))
            name = match[1] if match else None
            if name is None and (name := self.plain_source(address)) is not None:
                problem = f"{address!r} is no runtime expression; read as the source description {name!r}"
                node.get(word).report("loose-type", problem, hint)
        elif match := _SOURCE.match(text):
            name, rest = match[1], match[2]
        else:
            usable = [source.name for source in self.described.values() if source.type == "openapi"]
            name = usable[0] if len(usable) == 1 else None
        if name is None or name not in self.described:
            problem = f"{text!r} does not say which source description it belongs to"
            if name:
                problem = f"there is no source description {name!r}"
            node.get(word).report("unknown-source", problem, hint)
            return None, rest
        return self.described[name], rest

    def plain_source(self, address: str) -> str | None:
        """The source description that `address`, no runtime expression, clearly means: its name or its URL."""
        named = [source.name for source in self.described.values() if address in (source.name, source.url)]
        return named[0] if len(named) == 1 and address else None

    # --- parts of a step

    def told(self, node: Node) -> Text:
        return words(node.text("description"), english(node, "description"))

    def reusable(self, entry: Node) -> Node:
        """What `reference: $components.KIND.NAME` means; a `value` beside it overrides."""
        target = entry.value.get("reference") if isinstance(entry.value, dict) else None
        if not isinstance(target, str):
            return entry
        found = self.root.get("components")
        for token in target.removeprefix("$components.").split(".", 1):
            found = found.get(token)
        if not isinstance(found.value, dict):
            entry.get("reference").report("unresolved-ref", f"{target!r} leads nowhere", "define it in components")
            return Node(entry.sources, entry.document, entry.pointer, {})
        if "value" in entry:
            value = {**found.value, "value": entry.value["value"]}
            return Node(entry.sources, found.document, found.pointer, value)
        return found

    def arguments(self, node: Node, word: str) -> tuple[Argument, ...]:
        made = []
        for entry in node.items(word):
            part = self.reusable(entry)
            name = part.text("name") if isinstance(part.value, dict) else None
            place = part.text("in") if isinstance(part.value, dict) else None
            if not name or (place is not None and place not in _PLACES):
                entry.report("wrong-type", "this is no parameter ({name, in, value}); ignored", "name it")
                continue
            made.append(Argument(name, place, part.value.get("value"), entry.where))
        return tuple(made)

    def payload(self, node: Node) -> Payload | None:
        if not node.value:
            return None
        replacements = tuple(
            Replacement(
                str(part.value.get("target")),
                part.value.get("value"),
                *_language(part.value.get("targetSelectorType")),
                pointer=part.where,
            )
            for part in node.items("replacements")
            if isinstance(part.value, dict)
        )
        return Payload(node.value.get("payload"), node.text("contentType"), replacements, node.where)

    def criteria(self, node: Node, word: str) -> tuple[Criterion, ...]:
        made = []
        for entry in node.items(word):
            condition = entry.text("condition") if isinstance(entry.value, dict) else None
            if not condition:
                entry.report("wrong-type", "this is no criterion ({condition: …}); ignored", "write a condition")
                continue
            kind, version = _language(entry.value.get("type"))
            context, exact = entry.text("context"), entry.flag("x-exact")
            made.append(Criterion(condition, kind or "simple", context, entry.where, version, exact))
        return tuple(made)

    def actions(self, node: Node, word: str) -> tuple[Action, ...]:
        made = []
        for entry in node.items(word):
            part = self.reusable(entry)
            kind = part.text("type") if isinstance(part.value, dict) else None
            if kind not in {"end", "goto", "retry"}:
                entry.report("wrong-type", "this is no action (type: end | goto | retry); ignored", "correct type")
                continue
            after, limit = part.value.get("retryAfter"), part.value.get("retryLimit", 1)
            made.append(
                Action(
                    name=part.text("name") or kind,
                    type=kind,
                    step=part.text("stepId"),
                    workflow=part.text("workflowId"),
                    retry_after=float(after) if isinstance(after, int | float) else None,
                    retry_limit=limit if isinstance(limit, int) else 1,
                    criteria=self.criteria(part, "criteria"),
                    pointer=entry.where,
                    parameters=self.arguments(part, "parameters"),
                )
            )
        return tuple(made)

    # --- order

    def cycle(self, nodes: list[Node], word: str) -> None:
        """Report dependsOn that leads back to where it came from."""
        order = {str(node.value.get(word)): [str(o.value) for o in _dependencies(node)] for node in nodes}
        if circle := _circle(order):
            last = next(node for node in nodes if str(node.value.get(word)) == circle[-2])
            told = " → ".join(circle)
            last.report("dependency-cycle", f"dependsOn goes in a circle: {told}", "cut it at one place")

    def references(self, steps: list[Node], ids: list[str], workflows: dict[str, set[str]]) -> None:
        """Report `$steps.X.outputs.Y` where X does not exist, has no Y, or runs later."""
        outputs: dict[str, set[str]] = {}
        for name, step in zip(ids, steps, strict=True):
            called = step.value.get("workflowId")  # the outputs of a workflow are those of the step that calls it
            inner = workflows.get(called, set()) if isinstance(called, str) else set()
            outputs[name] = {*step.mapping("outputs").value, *inner}
        order = {name: [str(o.value) for o in _dependencies(step)] for name, step in zip(ids, steps, strict=True)}
        place_of = {name: index for index, name in reversed([*enumerate(ids)])}
        for index, (id, step) in enumerate(zip(ids, steps, strict=True)):
            # A step's own outputs exist once it has run: its criteria and actions may read them.
            for pointer, text in _strings(step.value, step.pointer):
                own = pointer.removeprefix(step.pointer).split("/")[1] not in {"parameters", "requestBody"}
                for match in _OUTPUT.finditer(text):
                    target, output = match[1], match[2].rstrip(".")
                    place = Node(step.sources, step.document, pointer, text)
                    if target not in outputs:
                        place.report("unknown-step", f"there is no step {target!r} in this workflow", "correct it")
                    elif not _has(outputs[target], output):
                        if not str(steps[place_of[target]].value.get("workflowId")).startswith("$source"):
                            problem = f"the step {target!r} has no output {output!r}"
                            place.report("unknown-step", problem, "add it there")
                    elif (own and target == id) or place_of[target] < index:
                        continue
                    elif target not in _ancestors(order, id):
                        problem = f"the step {id!r} uses an output of {target!r}, which runs later"
                        place.report("forward-reference", problem, "reorder the steps or add dependsOn")


def _language(spoken: Any) -> tuple[str | None, str | None]:
    """Type and version of an expression type: a word, or an Expression Type Object."""
    kind, version = (spoken.get("type"), spoken.get("version")) if isinstance(spoken, dict) else (spoken, None)
    return str(kind) if kind else None, str(version) if version else None


def _has(outputs: set[str], wanted: str) -> bool:
    """Whether `wanted` is one of `outputs`, or a member of one ("party.name")."""
    parts = wanted.split(".")
    return any(".".join(parts[:count]) in outputs for count in range(1, len(parts) + 1))


def _dependencies(node: Node) -> list[Node]:
    word = next((word for word in ("dependsOn", "x-depends-on", "x-dependsOn") if word in node), "dependsOn")
    return node.items(word)


def _circle(order: dict[str, list[str]]) -> list[str]:
    """A way from a name back to itself along `order`, the first one found; [] when there is none."""
    done: set[str] = set()
    for start in order:
        path = [start] if start not in done else []
        walks = [iter(order[start])]
        while path:
            name = next(walks[-1], None)
            if name is None:
                walks.pop()
                done.add(path.pop())
            elif name in path:
                return [*path[path.index(name) :], name]
            elif name in order and name not in done:
                path.append(name)
                walks.append(iter(order[name]))
    return []


def _ancestors(order: dict[str, list[str]], id: str) -> set[str]:
    found: set[str] = set()
    waiting = list(order.get(id, ()))
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += order.get(name, ())
    return found


def _strings(value: Any, pointer: str) -> Iterator[tuple[str, str]]:
    from specs.parse import pointers

    for at, node in pointers(value, pointer):
        if isinstance(node, str) and at != pointer:
            yield at, node
