"""The runner against services that were not written here, some with documented flaws and a switch for them.

    python tests/benchmarks/conformance_calibration.py --vampi DIR --restaurant DIR --booking DIR …

Each DIR is a checkout of that service outside this repository with its own packages (`DIR/.venv`, or `node_modules`);
what is not given is left out. A service without a switch may have a second checkout, `--restaurant-mended DIR` say, in
which somebody mended what is documented: it counts as the switch off. `tongban bench conformance_calibration` takes the
checkouts from the folder that `TONGBAN_CALIBRATION` names, each under the option's name. Services are started on
loopback with no other environment than they need; those that run commands for whoever asks get a user of no rights
where that can be had.

The suites stand in tests/data/calibration, written by hand from what each service publishes about itself.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

if __name__ == "__main__":  # a script's own folder comes first, and there `exchange` is another benchmark
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from exchange.bench import load, row
from tests.conftest import free_port

SUITES = Path(__file__).parent.parent / "data" / "calibration"
NOBODY = 65534
START = 60.0
"""Seconds a service may take until it answers."""


class StartError(Exception):
    """A service that does not start; the message is one line."""


@dataclass(frozen=True)
class Service:
    """A service of others. `command` is made of its folder and port; `switch` are environments with the flaws and
    without; `ready` is a path that answers when the service is up; `untrusted`: it is run as a user of no rights."""

    name: str
    title: str
    command: Callable[[Path, int], list[str]]
    ready: str
    inside: str = "."
    environment: Mapping[str, str] = field(default_factory=dict)
    switch: tuple[Mapping[str, str], Mapping[str, str]] | None = None
    untrusted: bool = False
    database: bool = False


def _python(folder: Path) -> str:
    return str(folder.resolve() / ".venv" / "bin" / "python")


def _uvicorn(app: str) -> Callable[[Path, int], list[str]]:
    def command(folder: Path, port: int) -> list[str]:
        return [
            _python(folder),
            "-m",
            "uvicorn",
            app,
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
            "--log-level",
            "error",
        ]

    return command


def _flask(folder: Path, port: int) -> list[str]:
    # as shipped it listens on all interfaces in debug mode
    return [_python(folder), "-c", f"import config; config.vuln_app.run(host='127.0.0.1', port={port}, debug=False)"]


def _express(folder: Path, port: int) -> list[str]:
    # as shipped it listens on all interfaces
    return ["node", "-e", f"require('./app').listen({port}, '127.0.0.1')"]


SERVICES = (
    Service(
        "vampi",
        "VAmPI",
        _flask,
        "/createdb",
        environment={"tokentimetolive": "600"},
        switch=({"vulnerable": "1"}, {"vulnerable": "0"}),
    ),
    Service(
        "restaurant",
        "Damn Vulnerable RESTaurant",
        _uvicorn("main:app"),
        "/healthcheck",
        inside="app",
        environment={"DB_BACKEND": "memory"},
        untrusted=True,
    ),
    Service("booking", "Schemathesis booking example", _uvicorn("app:app"), "/health", inside="examples/booking"),
    Service("restful-booker", "restful-booker", _express, "/ping", environment={"SEED": "true"}),
    Service("realworld", "RealWorld backend", _uvicorn("conduit.app:app"), "/openapi.json", database=True),
)


def measure(folders: Mapping[str, Path] | None = None) -> list[dict[str, Any]]:
    """Rows for `exchange.bench`. `folders`: the checkouts by the services' names."""
    if folders is None:
        root = os.environ.get("TONGBAN_CALIBRATION", "")
        given = {name: Path(root) / name for name in _names()} if root else {}
        folders = {name: folder for name, folder in given.items() if folder.is_dir()}
    rows: list[dict[str, Any]] = []
    for service in SERVICES:
        if service.name in folders:
            rows += _rows(service, folders[service.name], folders.get(f"{service.name}-mended"))
        else:
            rows.append(row(service.title, "left out", "", f"give --{service.name} DIR", None, "", None))
    return rows


def _names() -> Iterator[str]:
    for service in SERVICES:
        yield from (service.name,) if service.switch else (service.name, f"{service.name}-mended")


def _rows(service: Service, folder: Path, mended: Path | None) -> Iterator[dict[str, Any]]:
    calibration, suite = load("_calibration"), SUITES / service.name / "suite.arazzo.yaml"
    started = [(folder, switched) for switched in service.switch or ({},)] + ([(mended, {})] if mended else [])
    try:
        sides = []
        for place, switched in started:
            with serving(service, place, switched) as url:
                sides.append(calibration.examine(suite, url))
    except StartError as error:
        yield row(service.title, "not started", "", str(error), None, "", False)
        return
    made = calibration.score(sides[0], sides[1] if len(sides) > 1 else None)
    name, visible, unseen = service.title, len(made.found) + len(made.missed), sides[0].unseen
    if visible:
        told = f"{visible + len(unseen)} documented, {visible} visible over HTTP"
        told += f" (not: {', '.join(unseen)})" if unseen else ""
        of, whole = f"of {visible}", not made.missed
        yield row(f"{name}: documented flaws found", len(made.found), of, told, None, "all", whole)
    for id in made.missed:
        yield row(f"{name}: not found", id, "", "", None, "", False)
    if made.told_by_source:
        told = ", ".join(made.told_by_source)
        yield row(f"{name}: flaws that only its source tells", len(made.told_by_source), "", told, None, "", None)
    if sides[0].flawed:
        count, of = len(sides[0].flawed) - len(made.fuzz_missed), f"of {len(sides[0].flawed)}"
        told = "a fuzz round of Schemathesis, apart from the calls below"
        yield row(f"{name}: errors found by fuzzing", count, of, told, None, "all", not made.fuzz_missed)
    if made.stayed:
        told = f"the switch does not reach {', '.join(made.stayed)}"
        yield row(f"{name}: found with the switch off", len(made.stayed), "", told, None, "", None)
    where = "" if len(sides) == 1 else ", switched off and" if service.switch else ", mended and"
    wrong = len(made.against) + len(made.fuzz_against)
    asked, told = f"of {made.controls}", _against(made)
    yield row(f"{name}: false findings{where} on sound operations", wrong, asked, told, None, "0", wrong == 0)
    if made.errors:
        told = "; ".join(f"{one.requirement.id}: {one.reason}" for one in made.errors)
        yield row(f"{name}: questions not reached", len(made.errors), "", told, None, "0", False)
    if limited := [one for side in sides for one in side.results(calibration.Verdict.INCONCLUSIVE)]:
        yield row(f"{name}: inconclusive by its rate limit", len(limited), "", "never a finding", None, "", None)
    calls, seconds = sum(side.calls for side in sides), sum(side.seconds for side in sides)
    yield row(f"{name}: calls", calls, "", f"{seconds:.1f} s", None, "", None)


def _against(made: Any) -> str:
    said = [f"{one.requirement.id}: {one.reason}" for one in made.against]
    return "; ".join([*said, *(f"{one.operation}: {one.title}" for one in made.fuzz_against)])


# --- services


@contextmanager
def serving(service: Service, folder: Path, switched: Mapping[str, str]) -> Iterator[str]:
    """The service on a free port of loopback. Raises `StartError`."""
    inside = folder / service.inside
    inside = inside if inside.is_dir() else folder
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="calibrated-")))
        more = stack.enter_context(_database(folder)) if service.database else {}
        environment = {"PATH": os.environ.get("PATH", ""), "HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"}
        environment |= {**service.environment, **switched, **more}
        port = free_port()
        given: dict[str, Any] = {}
        if service.untrusted and os.geteuid() == 0:
            home.chmod(0o777)
            given = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        log = stack.enter_context((home / "log").open("wb"))
        try:
            process = subprocess.Popen(
                service.command(folder, port), cwd=inside, env=environment, stdout=log, stderr=log, **given
            )
        except OSError as error:
            raise StartError(f"{error.strerror}: {error.filename}") from None
        stack.callback(_end, process)
        url = f"http://127.0.0.1:{port}"
        _wait(process, f"{url}{service.ready}", home / "log")
        yield url


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    until = time.monotonic() + START
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except urllib.error.HTTPError as error:
            raise StartError(f"{url} answers {error.code}") from None
        except OSError:
            time.sleep(0.1)
    last = log.read_text("utf-8", "replace").strip().splitlines()[-1:] or ["it says nothing"]
    raise StartError(f"it did not answer: {last[0][:300]}")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:  # it is at work on what it was asked
        process.kill()
        process.wait()


@contextmanager
def _database(folder: Path) -> Iterator[dict[str, str]]:
    """A PostgreSQL of its own with the service's tables; the settings that lead to it."""
    with load("exchange_kill").postgres() as url:
        place = url.partition("host=")[2] or url
        settings = {"host": place, "port": "5432", "user": "postgres", "password": "none", "db": "postgres"}
        made = {f"POSTGRES_{name.upper()}": value for name, value in settings.items()}
        made |= {"SECRET_KEY": "s" * 40, "JWT_SECRET_KEY": "j" * 40, "APP_ENV": "prod"}
        done = subprocess.run(
            [_python(folder), "-m", "alembic", "upgrade", "head"],
            cwd=folder, env={"PATH": os.environ.get("PATH", ""), **made}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise StartError(f"its tables are not made: {(done.stderr.strip().splitlines() or ['?'])[-1][:300]}")
        yield made


def main(words: list[str]) -> int:
    """The command line; exit code 0 when every bar holds."""
    reader = argparse.ArgumentParser(description="Calibrate the runner on services that were not written here.")
    for name in _names():
        reader.add_argument(f"--{name}", type=Path, metavar="DIR", help="its checkout")
    reader.add_argument("--json", action="store_true", help="print the rows as JSON")
    said = vars(reader.parse_args(words))
    folders = {name: path for name in _names() if (path := said[name.replace("-", "_")]) is not None}
    if gone := [str(path) for path in folders.values() if not path.is_dir()]:
        reader.error(f"no folder: {', '.join(gone)}")
    rows = measure(folders)
    if said["json"]:
        print(json.dumps(rows, ensure_ascii=False, indent=1))
    else:
        width = max(len(one["metric"]) for one in rows)
        for one in rows:
            mark = {True: "holds", False: "FALLS SHORT", None: ""}[one["holds"]]
            print(f"{one['metric']:<{width}}  {one['value']} {one['unit']}".rstrip(), one["against"], mark, sep="  ")
    return 0 if all(one["holds"] is not False for one in rows) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
