"""Certify an app version: commit to hidden seeds, run the suite as a durable job, grade, sign, conclude."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection

from conformance import certificate, render, report, revocation, sarif, suites
from conformance import grade as grading
from conformance.grade import UNDECIDED, Grade, grade, policy
from conformance.run import run
from exchange.certification import store
from exchange.certification.model import Certification, State, Subject, move
from exchange.clock import Clock, new_id, stamp
from exchange.database import Database
from exchange.errors import Conflict, NotFound, Unprocessable
from exchange.jobs import JobContext, Jobs, StepFailed
from exchange.ledger.service import Ledger
from exchange.parties.access import Caller, permit

RUNS = 3
"""Runs side by side: each waits most of its time, for citizens who take theirs and for departments that are late."""
VALIDITY = timedelta(days=365)
LIST_HOLDS = timedelta(days=7)
"""How long a revocation list may be relied upon before a new one has to be fetched."""
REVEALED = 20
"""Reports revealed in one round: each is read and written whole."""
LONGEST_REASON = 500
Concluded = Callable[[Connection, Certification], None]


class Certifications:
    """Use cases of certification.

    ``concluded`` is called inside the transaction that stores the verdict, ``revoked`` inside the one that takes a
    certificate back, so that a listing and the certificate it rests on appear and end together; the market above
    supplies both when the service is wired.
    """

    def __init__(
        self,
        database: Database,
        ledger: Ledger,
        jobs: Jobs,
        key: Ed25519PrivateKey,
        folder: Path,
        base_url: str,
        clock: Clock,
    ) -> None:
        self.database, self.ledger, self.jobs = database, ledger, jobs
        self.key, self.folder, self.base_url, self.clock = key, folder, base_url, clock
        self.concluded: Concluded = lambda _tx, _certification: None
        self.revoked: Concluded = lambda _tx, _certification: None
        jobs.register("certification", self._run, lane="certification", at_once=RUNS)

    def request(self, tx: Connection, caller: Caller, subject: Subject) -> Certification:
        """Queue a run inside the caller's transaction; the commitment is in the ledger before the run can start."""
        permit(caller, "certification.request", owner=subject.vendor)
        now = self.clock()
        seeds = (secrets.token_hex(16), secrets.token_hex(16))
        nonce = secrets.token_hex(16)
        certification = Certification(
            id=new_id("crt", now),
            subject=subject,
            state=State.QUEUED,
            commitment=certificate.commitment(seeds, nonce),
            requested_at=stamp(now),
            requested_by=caller.id,
        )
        store.add(tx, certification, seeds, nonce)
        self.ledger.append(
            tx,
            "certification.committed",
            {
                "certification": certification.id,
                "app_version": subject.app_version,
                "artefact_digest": subject.artefact_digest,
                "matter": subject.matter,
                "vendor": subject.vendor,
                "commitment": certification.commitment,
            },
        )
        self.jobs.submit("certification", certification.id, {"certification": certification.id}, tx=tx)
        return certification

    def get(self, caller: Caller, identifier: str) -> Certification:
        """One certification; a vendor sees its own. Raises `NotFound`."""
        with self.database.reading() as tx:
            found = store.find(tx, identifier)
        if found is None or (caller.kind == "vendor" and caller.party != found.subject.vendor):
            raise NotFound(f"no certification {identifier}", hint="list yours at /api/v1/certifications")
        permit(caller, "certification.read")
        return found

    def listed(self, caller: Caller) -> list[Certification]:
        """Newest first; a vendor sees its own."""
        permit(caller, "certification.read")
        with self.database.reading() as tx:
            return store.listed(tx, vendor=caller.party if caller.kind == "vendor" else None)

    def public(self, identifier: str) -> Certification:
        """What anyone may know: certificates are public, runs that ended without one are not. Raises `NotFound`."""
        with self.database.reading() as tx:
            found = store.find(tx, identifier)
        if found is None or found.certificate_digest is None:
            raise NotFound(f"no certificate {identifier}")
        return found

    def revoke(self, caller: Caller, identifier: str, reason: str) -> Certification:
        """Take a certificate back, for a reason that is published. Raises `Conflict` when there is none to take."""
        permit(caller, "certification.revoke")
        said = reason.strip()
        if not said or len(said) > LONGEST_REASON:
            raise Unprocessable(
                f"a revocation needs a reason of 1 to {LONGEST_REASON} characters",
                hint="it stands in the public revocation list; name no person in it",
            )
        with self.database.transaction() as tx:
            found = store.find(tx, identifier)
            if found is None:
                raise NotFound(f"no certification {identifier}", hint="list them at /api/v1/certifications")
            if found.certificate_id is None or found.over(self.clock()):
                raise Conflict(f"certification {identifier} has no certificate in force: there is nothing to revoke")
            found = replace(found, revoked_at=stamp(self.clock()), revoked_because=said)
            store.save(tx, found)
            self.ledger.append(
                tx,
                "certification.revoked",
                {
                    "certification": found.id,
                    "app_version": found.subject.app_version,
                    "vendor": found.subject.vendor,
                    "certificate": found.certificate_digest,
                    "certificate_id": found.certificate_id,
                    "reason": said,
                    "by": caller.id,
                },
            )
            self.revoked(tx, found)
        return found

    def revocations(self) -> dict[str, Any]:
        """The signed list of certificates that were taken back; anyone may have it."""
        now = self.clock()
        with self.database.reading() as tx:
            found = store.revoked(tx)
        entries = [
            revocation.Revoked(item.certificate_id or "", item.revoked_at or "", item.revoked_because or "")
            for item in found
        ]
        return revocation.publish(entries, self.key, issued=now, until=now + LIST_HOLDS)

    def due(self) -> int:
        """Reveal the seeds of certificates that have ended; how many. Run it often.

        The revealed report is a file anyone may have, and seeds and nonce stand in the ledger beside the commitment
        that was written before the run: so the expected answers can be derived by everybody.
        """
        with self.database.reading() as tx:
            ended = store.hidden(tx, stamp(self.clock()), REVEALED)
        for certification in ended:
            self._reveal(certification)
        return len(ended)

    def _reveal(self, certification: Certification) -> None:
        folder = self.folder / certification.id
        with self.database.reading() as tx:
            seeds, nonce = store.secret(tx, certification.id)
        made = report.from_json(json.loads((folder / "report.json").read_text()))
        opened = report.to_json(report.reveal(made, seeds, nonce))
        _replace(folder / "reveal.json", json.dumps(opened, ensure_ascii=False, indent=1))
        with self.database.transaction() as tx:
            present = store.find(tx, certification.id)
            if present is None or present.revealed_at is not None:
                return
            store.save(tx, replace(present, revealed_at=stamp(self.clock())))
            self.ledger.append(
                tx,
                "certification.revealed",
                {
                    "certification": certification.id,
                    "commitment": certification.commitment,
                    "seeds": list(seeds),
                    "nonce": nonce,
                },
            )

    def revealed(self, identifier: str) -> Path:
        """The report with its seeds, once its certificate has ended. Raises `NotFound`."""
        if self.public(identifier).revealed_at is None:
            raise NotFound(
                f"the seeds of {identifier} are not revealed yet", hint="they are when its certificate has ended"
            )
        return self.file(identifier, "reveal.json")

    def file(self, identifier: str, name: str) -> Path:
        """A file of a finished run: ``report.json``, ``report.en.html``, ``certificate.json`` … Raises `NotFound`."""
        path = self.folder / identifier / name
        if not path.is_file():
            raise NotFound(f"certification {identifier} has no {name}", hint="it appears when the run has finished")
        return path

    def _run(self, argument: Mapping[str, Any], job: JobContext) -> None:
        identifier = str(argument["certification"])
        certification = self._move(identifier, State.RUNNING)
        try:
            digest = job.step("run", lambda: self._test(certification, job.progress))
            job.step("conclude", lambda: self._verdict(identifier, digest))
        except StepFailed as error:
            # the app could not be reached or our own side failed: nobody's verdict
            said = {"zh_CN": f"测试未能进行：{error}", "en": f"the run could not be made: {error}"}
            self._conclude(replace(certification, state=State.ERRORED, reasons=(said,)))

    def _move(self, identifier: str, state: State) -> Certification:
        with self.database.transaction() as tx:
            found = store.find(tx, identifier)
            if found is None:
                raise NotFound(f"no certification {identifier}")
            if not found.finished:
                found = replace(found, state=move(found.state, state))
                store.save(tx, found)
            return found

    def _test(self, certification: Certification, progress: Callable[[int, int, str], None]) -> str:
        with self.database.reading() as tx:
            seeds, nonce = store.secret(tx, certification.id)
        suite = suites.load(certification.subject.matter)
        made = run(suite, certification.subject.url, seeds, nonce=nonce, progress=progress)
        mark = grade(made, policy())
        folder = self.folder / certification.id
        folder.mkdir(parents=True, exist_ok=True)
        told = report.to_json(made) | {"grade": grading.to_json(mark)}
        text = json.dumps(told, ensure_ascii=False, indent=1)
        _replace(folder / "report.json", text)
        for language in ("zh_CN", "en"):
            _replace(folder / f"report.{language}.html", render.html(made, language, grade=mark))
        _replace(folder / "report.junit.xml", render.junit(made))
        _replace(folder / "report.sarif", json.dumps(sarif.sarif(made), ensure_ascii=False, indent=1))
        return hashlib.sha256(text.encode()).hexdigest()

    def _verdict(self, identifier: str, report_digest: str) -> str:
        with self.database.reading() as tx:
            certification = store.find(tx, identifier)
        assert certification is not None
        if certification.finished:  # the step ran before a crash: its outcome stands
            return certification.state.value
        made = report.from_json(json.loads((self.folder / identifier / "report.json").read_text()))
        mark = grade(made, policy())
        now = self.clock()
        certification = replace(
            certification,
            state=move(certification.state, _state(mark)),
            finished_at=stamp(now),
            grade=mark.letter,
            score=mark.score,
            reasons=tuple(mark.reasons),
            failing=made.failing,
            report_digest=report_digest,
        )
        if certification.state is State.PASSED:
            subject = certification.subject
            envelope = certificate.issue(
                made,
                mark,
                certificate.Subject(subject.app, subject.version, subject.artefact_digest.removeprefix("sha256:")),
                {"tongban": hashlib.sha256(version("tongban").encode()).hexdigest()},
                self.key,
                issued=now,
                expires=now + VALIDITY,
                run=identifier,
                url=f"{self.base_url}/certifications/{identifier}",
                log={"origin": self.ledger.origin, "vkey": self.ledger.vkey, "kind": "certification.committed"},
            )
            text = json.dumps(envelope, indent=1)
            _replace(self.folder / identifier / "certificate.json", text)
            certification = replace(
                certification,
                certificate_digest=hashlib.sha256(text.encode()).hexdigest(),
                valid_until=stamp(now + VALIDITY),
                certificate_id=certificate.certificate_id(envelope),
            )
        self._conclude(certification)
        return certification.state.value

    def _conclude(self, certification: Certification) -> None:
        with self.database.transaction() as tx:
            present = store.find(tx, certification.id)
            if present is None or present.finished:
                return
            if certification.finished_at is None:
                certification = replace(certification, finished_at=stamp(self.clock()))
            store.save(tx, certification)
            self.ledger.append(
                tx,
                f"certification.{certification.state.value}",
                {
                    "certification": certification.id,
                    "app_version": certification.subject.app_version,
                    "vendor": certification.subject.vendor,
                    "matter": certification.subject.matter,
                    "grade": certification.grade,
                    "failing": len(certification.failing),
                    "commitment": certification.commitment,
                    "report": certification.report_digest,
                    "certificate": certification.certificate_digest,
                    "valid_until": certification.valid_until,
                },
            )
            self.concluded(tx, certification)


def _state(mark: Grade) -> State:
    # an undecided run (limits, outages, our own faults) is nobody's verdict
    if mark.listable:
        return State.PASSED
    return State.ERRORED if mark.letter == UNDECIDED else State.REFUSED


def _replace(path: Path, text: str) -> None:
    partial = path.with_suffix(path.suffix + ".tmp")
    partial.write_text(text)
    partial.replace(path)
