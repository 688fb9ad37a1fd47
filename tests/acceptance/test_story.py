"""The story as a user starts it: on SQLite and PostgreSQL, killed in the middle, started twice, in bad places."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from exchange.ledger.verify import verify
from tests.conftest import COMMAND, Served, environment, free_port, named, run_sql

STEPS = ["parties", "interfaces", "datasets", "sandboxes", "market", "sharing", "citizen", "oversight"]


def demo(home: Path, *options: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, "demo", "--once", "--rows", "1000", *options],
        env=environment(home, **settings),
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )


def test_the_served_story_showed_every_step(served: Served) -> None:
    assert [line[0] for line in served.output[:8]] == ["✓"] * 8, served.output


def test_kills_in_the_middle_lose_nothing(tmp_path: Path, postgres: str) -> None:
    """On PostgreSQL, killed hard while datasets are written and again while apps are tested; the third start finishes
    the story."""
    run_sql(postgres, "CREATE DATABASE story")
    port, database = str(free_port()), named(postgres, "story")
    for after in (2, 4):
        _killed(tmp_path, port, after, database)
    done = demo(tmp_path, "--json", "--port", port, TONGBAN_DATABASE_URL=database)
    assert done.returncode == 0, done.stdout + done.stderr
    steps = json.loads(done.stdout)["steps"]
    assert [(step["name"], step["ok"]) for step in steps] == [(name, True) for name in STEPS]
    bundle = tmp_path / "story" / "ledger.bundle"
    assert verify(bundle).ok


def _killed(home: Path, port: str, after: int, database: str) -> None:
    """Start the story and kill it soon after it has shown so many steps."""
    command = [*COMMAND, "demo", "--once", "--rows", "1000", "--port", port]
    complaints, shown = home / "stderr.txt", 0
    with complaints.open("w") as errors, subprocess.Popen(
        command,
        env=environment(home, TONGBAN_DATABASE_URL=database),
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            shown += line.startswith("✓")
            if shown == after:
                time.sleep(0.7)
                break
        os.kill(process.pid, signal.SIGKILL)
    assert shown == after, "".join(lines) + complaints.read_text()


def test_a_second_start_on_the_same_folder_is_refused(served: Served) -> None:
    again = demo(served.home, "--port", str(free_port()))
    assert again.returncode == 4
    assert "already runs on the data folder" in again.stderr
    assert "hint:" in again.stderr
    assert "Traceback" not in again.stderr


def test_a_port_in_use_is_told_before_any_work(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = demo(tmp_path, "--port", str(port))
    assert done.returncode == 4
    assert f"port {port}" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 2
    assert not (tmp_path / "tongban.sqlite").exists()


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    done = demo(tmp_path / "file" / "home")
    assert done.returncode == 4
    assert "cannot be written" in done.stderr
    assert "TONGBAN_HOME" in done.stderr


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"TONGBAN_PORTS": "1"}, "unknown setting TONGBAN_PORTS"),
        ({"TONGBAN_PORT": "many"}, "TONGBAN_PORT must be a whole number"),
        ({"TONGBAN_DATABASE_URL": "postgresql+psycopg://nobody:s3cret@127.0.0.1:1/none"}, "cannot be opened"),
    ],
)
def test_wrong_settings_are_told_in_one_line(tmp_path: Path, settings: dict[str, str], said: str) -> None:
    done = demo(tmp_path, **settings)
    assert done.returncode in (3, 4)
    assert said in done.stderr
    assert "s3cret" not in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_option_is_a_usage_error() -> None:
    done = subprocess.run([*COMMAND, "demo", "--bogus"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "--bogus" in done.stderr


def test_the_tour_notebook_runs_against_the_service(served: Served) -> None:
    notebook = Path(__file__).parents[2] / "notebooks" / "01_five_minute_tour.ipynb"
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "--nbmake",
            "-p",
            "no:cacheprovider",
            "--rootdir",
            str(notebook.parent),
            "-q",
            str(notebook),
        ],
        env={**environment(served.home), "TONGBAN_URL": served.url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
