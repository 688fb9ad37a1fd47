"""How the example apps carry out the writing steps of a process: each when it is due, once, and nothing lost."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from conformance.examples.departments import DepartmentDown, DepartmentRefused, Departments


class Carrying:
    """The steps of a matter. `NEEDS`: every step with those it comes after, in the order shown; `CHECKS`: those that
    write nothing; `FIRST`: the first write; `TAKEN`: the rule that fails when `FIRST` is answered 409."""

    NEEDS: Mapping[str, tuple[str, ...]]
    CHECKS: tuple[str, ...]
    FIRST: str
    TAKEN: str

    def request(self, step: str, matter: Any) -> tuple[str, str, list[str] | None, dict[str, Any]]:
        """Interface, path, fields wanted and body of a writing step."""
        raise NotImplementedError

    def keep(self, step: str, matter: Any, answer: Mapping[str, Any]) -> None:
        """Keep what a department gave."""
        raise NotImplementedError

    def perform(self, step: str, matter: Any, departments: Departments) -> None:
        """Do one step; results and the reference shown to the citizen are the department's own."""
        interface, path, fields, body = self.request(step, matter)
        answer = departments.ask("POST", interface, path, fields, body, self.step_key(matter, step))
        self.keep(step, matter, answer)

    def step_key(self, matter: Any, step: str) -> str:
        """From the citizen's key, so that it is the same for every try of a step, also when a submission is sent again:
        a department that has done what it could not tell us does nothing twice."""
        whose = json.dumps([matter.token, matter.key, matter.application], sort_keys=True)
        return f"{hashlib.sha256(whose.encode()).hexdigest()[:40]}-{step}"

    def carry_out(self, matter: Any, departments: Departments) -> None:
        """Every wanted step that is not done and whose needs are; a failure stops only what needs it."""
        for step in self.order(matter):
            if matter.steps[step] == "done":
                continue
            if not self.ready(step, matter):
                matter.steps[step] = "pending"
                continue
            try:
                self.perform(step, matter, departments)
                matter.steps[step] = "done"
            except DepartmentRefused as refused:
                matter.steps[step] = "failed"
                if refused.existing:
                    matter.references[step] = refused.existing
                if step == self.FIRST and refused.status == 409:
                    matter.state, matter.failed_rules = "not_eligible", [self.TAKEN]
                    return
            except DepartmentDown:
                self.outage(step, matter)
        done = all(matter.steps[step] == "done" for step in matter.wanted())
        matter.state = "completed" if done else "partially_completed"

    def order(self, matter: Any) -> list[str]:
        """The writing steps this citizen wants, in an order the process allows."""
        return [step for step in matter.wanted() if step not in self.CHECKS]

    def ready(self, step: str, matter: Any) -> bool:
        """Whether a step may be called: what it comes after is done."""
        return all(matter.steps[need] == "done" for need in self.NEEDS[step])

    def outage(self, step: str, matter: Any) -> None:
        """A department is down at this step: say so; before the first finished step nothing has happened."""
        matter.steps[step] = "failed"
        if step == self.FIRST:
            raise DepartmentDown(step)
