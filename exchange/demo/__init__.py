"""``tongban demo``: the whole product once, on real input, told step by step."""

from __future__ import annotations

import json
import secrets
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx2
from rich.console import Console
from rich.table import Table

from exchange.demo import guardian
from exchange.demo.apps import Apps
from exchange.demo.memory import Memory
from exchange.demo.meter import Meter
from exchange.demo.story import Story, timed
from exchange.errors import TongbanError
from exchange.serving import Serving
from exchange.settings import Settings

TITLES = {
    "parties": "parties, members and credentials",
    "interfaces": "interfaces registered and published",
    "datasets": "synthetic datasets",
    "sandboxes": "sandboxes answer from one population",
    "market": "demand, orders, certification, listing",
    "sharing": "application, agreement, brokered call",
    "citizen": "handled matter, rating, settlement",
    "oversight": "flows and offline proof",
}


def play(settings: Settings, *, once: bool, rows: int, as_json: bool) -> int:
    """Run the story over a service in this process; then serve, unless ``once``. Gives the exit code."""
    console = Console(stderr=True)
    for ending in (signal.SIGINT, signal.SIGTERM):  # both end it the same way, also where a shell had them ignored
        signal.signal(ending, signal.default_int_handler)
    settings = replace(settings, allow_loopback_endpoints=True, identity_proof="demo")
    settings = replace(settings, guardian_department=guardian.DEPARTMENT)
    began = time.perf_counter()
    failed, told = False, []
    with Meter() as meter, _prepared(settings) as (serving, memory, secret), Apps(memory) as apps:
        with console.status("starting") as status:
            story = Story(serving.settings, secret, memory, apps, rows, status.update)
            for number, (name, step) in enumerate(story.steps, 1):
                status.update(f"{number}/8 {TITLES[name]}")
                try:
                    figure, seconds = timed(step)
                except (TongbanError, httpx2.HTTPError) as error:
                    failed = True
                    told.append({"step": number, "name": name, "ok": False, "figure": str(error)})
                    if not as_json:
                        print(f"✗ {number}/8 {TITLES[name]}: {error}", flush=True)
                    break
                told.append({"step": number, "name": name, "ok": True, "figure": figure, "seconds": round(seconds, 2)})
                if not as_json:
                    print(f"✓ {number}/8 {TITLES[name]}: {figure} ({seconds:.1f} s)", flush=True)
        meter.stop()
        total = {"seconds": round(time.perf_counter() - began, 1), "peak_mib": meter.peak_mib}
        if as_json:
            print(json.dumps({"steps": told, **total}, ensure_ascii=False))
        else:
            print(f"{total['seconds']} s, at most {total['peak_mib']} MiB", flush=True)
        if not once and not failed:
            apps.start_all()
            _say_who(console, story, serving.settings)
            _serve(serving)
    return 1 if failed else 0


@contextmanager
def _prepared(settings: Settings) -> Iterator[tuple[Serving, Memory, str]]:
    # the operator's secret is remembered, so that a story cut short can go on under the same one
    path = settings.home / "demo.json"
    secret = settings.operator_secret or _remembered(path) or secrets.token_urlsafe(24)
    with Serving(replace(settings, operator_secret=secret)) as serving:
        memory = Memory(path)
        memory.put("operator secret", secret)
        yield serving, memory, secret


def _remembered(path: Path) -> str:
    try:
        return str(json.loads(path.read_text()).get("operator secret", ""))
    except (OSError, ValueError):
        return ""


def _say_who(console: Console, story: Story, settings: Settings) -> None:
    table = Table(title="who can sign in", title_justify="left")
    for column in ("name", "password", "party", "role"):
        table.add_column(column, no_wrap=True)
    for member in story.world.people():
        table.add_row(member["login"], member["password"], member["party"], member["role"])
    console.print(table)
    console.print(f"a family to try in the newborn form: {story.example()}", markup=False)
    console.print(f"\nserving [bold]{settings.base_url}[/bold] — Ctrl-C ends it")
    print(f"serving {settings.base_url}", flush=True)


def _serve(serving: Serving) -> None:
    try:
        serving.wait()
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
