"""The order a process demands: which department calls may come only after which others succeeded.

Built from the matter's Arazzo process: every step that calls an operation is a node, `dependsOn` its needs.
A process is a DAG; a cycle or an unknown name makes `ProcessError`. (The full Arazzo executor is another
thing: here the app, not we, walks the process, and we watch.)
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from conformance.case import DepartmentCall
from specs.model import Interface


class ProcessError(ValueError):
    """A process that is no usable DAG; the message names the step."""


@dataclass(frozen=True, slots=True)
class Node:
    """One step: the operation it calls, and the steps that must have succeeded before.

    `about` are request fields with the values they may have in a call of this step, which tell it from calls of other
    steps and of strangers; without them any call of the operation may be the step's.
    """

    id: str
    interface: str
    operation: str
    needs: tuple[str, ...]
    about: Mapping[str, Collection[Any]] = field(default_factory=dict)

    def called(self, request: Any) -> bool:
        """Whether a request can be this step's."""
        return not self.about or (
            isinstance(request, Mapping) and all(request.get(name) in values for name, values in self.about.items())
        )


@dataclass(frozen=True, slots=True)
class Breach:
    """A call that came before something it needs: `position` counts from 0 in the recorded calls."""

    position: int
    step: str
    missing: tuple[str, ...]


@dataclass(frozen=True)
class Order:
    """The process as a DAG of department calls."""

    nodes: Mapping[str, Node]

    @staticmethod
    def of(process: Interface) -> Order:
        """The order a process interface describes; raises `ProcessError`."""
        nodes: dict[str, Node] = {}
        for workflow in process.process.workflows if process.process else ():
            for step in workflow.steps:
                if step.interface and step.operation:
                    nodes[step.id] = Node(step.id, step.interface, step.operation, tuple(step.depends_on))
        if not nodes:
            raise ProcessError(f"{process.id}: no step calls an operation")
        for node in nodes.values():
            for name in node.needs:
                if name not in nodes:
                    raise ProcessError(f"{process.id}: step {node.id} needs {name}, which calls no operation")
        order = Order(nodes)
        order.sequence()
        return order

    def sequence(self) -> tuple[str, ...]:
        """The steps in one valid order (document order among equals)."""
        done: list[str] = []
        waiting = list(self.nodes)
        while waiting:
            ready = next((name for name in waiting if set(self.nodes[name].needs) <= set(done)), None)
            if ready is None:
                raise ProcessError(f"the steps {', '.join(waiting)} need each other in a circle")
            waiting.remove(ready)
            done.append(ready)
        return tuple(done)

    def among(self, steps: Iterable[str]) -> Order:
        """The order of some of the steps alone: what they need of others is left out."""
        kept = frozenset(steps)
        return Order(
            {
                name: replace(node, needs=tuple(need for need in node.needs if need in kept))
                for name, node in self.nodes.items()
                if name in kept
            }
        )

    def telling(self, about: Callable[[str], Mapping[str, Collection[Any]]]) -> Order:
        """The same order, each step with the request fields it is told by."""
        return Order({name: replace(node, about=about(name)) for name, node in self.nodes.items()})

    def steps(self, interface: str, operation: str) -> tuple[Node, ...]:
        """The steps that call this operation; empty when the process never calls it."""
        return tuple(
            node for node in self.nodes.values() if node.interface == interface and node.operation == operation
        )

    def fitting(self, call: DepartmentCall) -> tuple[Node, ...]:
        """The steps a call can be."""
        return tuple(node for node in self.steps(call.interface, call.operation) if node.called(call.request))

    def downstream(self, step: str) -> frozenset[str]:
        """Every step that can only come after `step`."""
        reached: set[str] = set()
        for name in self.sequence():
            if step in self.nodes[name].needs or reached & set(self.nodes[name].needs):
                reached.add(name)
        return frozenset(reached)

    def operations(self) -> frozenset[tuple[str, str]]:
        """Every (interface, operation) of the process."""
        return frozenset((node.interface, node.operation) for node in self.nodes.values())

    def done(self, calls: Iterable[DepartmentCall]) -> frozenset[str]:
        """The steps for which the record shows a successful call."""
        return frozenset(node.id for call in calls if 200 <= call.status < 300 for node in self.fitting(call))

    def breaches(self, calls: Sequence[DepartmentCall]) -> tuple[Breach, ...]:
        """The calls of one handled matter that came before what they need had succeeded.

        An operation that several steps share breaks the order only when none of those steps was due.
        """
        found: list[Breach] = []
        done: set[str] = set()
        for position, call in enumerate(calls):
            nodes = self.fitting(call)
            lacking = [tuple(name for name in node.needs if name not in done) for node in nodes]
            if nodes and all(lacking):
                best = min(range(len(nodes)), key=lambda i: len(lacking[i]))
                found.append(Breach(position, nodes[best].id, lacking[best]))
            if 200 <= call.status < 300:
                done.update(node.id for node, missing in zip(nodes, lacking, strict=True) if not missing)
        return tuple(found)
