"""Probes of the day as durable jobs: a round is asked for once however many workers there are, and survives a kill."""

from __future__ import annotations

from functools import partial
from typing import Any

from exchange.catalogue.probing import Probing
from exchange.clock import stamp
from exchange.jobs import JobContext, Jobs, StepFailed
from exchange.parties.access import SYSTEM

KIND = "probes"
MOST = 100
"""Services of one round. There is at most one round in ten minutes, so 14,400 services are asked every day."""


class Rounds:
    """Asks for rounds, and is what a round does: each service is a step of its own."""

    def __init__(self, probing: Probing, jobs: Jobs) -> None:
        self.probing, self.jobs = probing, jobs
        jobs.register(KIND, self._run)

    def due(self) -> str | None:
        """Ask for a round when a service waits for its probe; its job. Called by the clock of every worker."""
        if not self.probing.due(1):
            return None
        # ten minutes have one name: workers that see the same need ask for the same job
        return self.jobs.submit(KIND, stamp(self.probing.clock())[: len("2026-11-02T01:0")], {"most": MOST})

    def _run(self, argument: Any, job: JobContext) -> dict[str, int]:
        chosen = job.step("choose", partial(self.probing.due, argument["most"]))
        counts = {"passed": 0, "failed": 0, "left": 0}
        for number, interface in enumerate(chosen):
            try:
                passed = job.step(interface, partial(self.probing.again, SYSTEM, interface))
            except StepFailed:  # ended or moved meanwhile: the others are asked all the same
                passed = None
            counts["left" if passed is None else "passed" if passed else "failed"] += 1
            job.progress(number + 1, len(chosen), interface)
        return counts
