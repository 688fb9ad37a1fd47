"""``tongban demo``: the whole product once, on real input, told step by step."""

from __future__ import annotations

import json
import resource
import secrets
import sys
import time
from dataclasses import replace

from rich.console import Console
from rich.table import Table

from exchange.demo.apps import Apps
from exchange.demo.memory import Memory
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


def play(settings: Settings, *, once: bool, as_json: bool) -> int:
    """Run the story over a service in this process; then serve, unless ``once``. Gives the exit code."""
    memory_path = settings.home / "demo.json"
    console = Console(stderr=True)
    settings = replace(settings, allow_loopback_endpoints=True)
    began = time.perf_counter()
    failed, rows = False, []
    with _prepared(settings, memory_path, console) as (serving, memory, secret), Apps(memory) as apps:
        with console.status("starting") as status:
            story = Story(serving.settings, secret, memory, apps, lambda text: status.update(text))
            for number, (name, step) in enumerate(story.steps, 1):
                status.update(f"{number}/8 {TITLES[name]}")
                try:
                    figure, seconds = timed(step)
                except TongbanError as error:
                    failed = True
                    rows.append({"step": number, "name": name, "ok": False, "figure": str(error)})
                    if not as_json:
                        print(f"✗ {number}/8 {TITLES[name]}: {error}", flush=True)
                    break
                rows.append({"step": number, "name": name, "ok": True, "figure": figure, "seconds": round(seconds, 2)})
                if not as_json:
                    print(f"✓ {number}/8 {TITLES[name]}: {figure} ({seconds:.1f} s)", flush=True)
        total = {"seconds": round(time.perf_counter() - began, 1), "peak_mib": _peak_mib()}
        if as_json:
            print(json.dumps({"steps": rows, **total}, ensure_ascii=False))
        else:
            print(f"{total['seconds']} s, at most {total['peak_mib']} MiB", flush=True)
        if not once and not failed:
            apps.start_all()
            _say_who(console, story, serving.settings)
            _serve(serving)
    return 1 if failed else 0


class _prepared:
    """The service in a thread, with the story's memory; the operator's secret is made once and remembered."""

    def __init__(self, settings: Settings, memory_path: object, console: Console) -> None:
        self.settings, self.memory_path, self.console = settings, memory_path, console

    def __enter__(self) -> tuple[Serving, Memory, str]:
        from pathlib import Path

        from exchange.serving import writable

        writable(self.settings.home)
        memory = Memory(Path(str(self.memory_path)))
        secret = self.settings.operator_secret or memory.values.get("operator secret") or secrets.token_urlsafe(24)
        self.serving = Serving(replace(self.settings, operator_secret=secret))
        self.serving.__enter__()
        memory.put("operator secret", secret)
        return self.serving, memory, secret

    def __exit__(self, *error: object) -> None:
        self.serving.__exit__(None, None, None)


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


def _peak_mib() -> int:
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return (own + resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) // 1024
