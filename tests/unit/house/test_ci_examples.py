"""The build-server examples in the docs can be read, and call the command with options it has."""

from __future__ import annotations

import re
from pathlib import Path

import typer.main
import yaml

from conformance.cli import app

TEXT = (Path(__file__).parents[3] / "docs" / "conformance.md").read_text()


def test_the_examples_are_yaml_and_their_options_exist() -> None:
    blocks = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)]
    github, gitlab = (block for block in blocks if "jobs" in block or "conformance" in block)
    steps = github["jobs"]["newborn"]["steps"]
    lines = [step["run"] for step in steps if "run" in step] + gitlab["conformance"]["script"]
    commands = [line for line in lines if line.startswith("tongban conform run")]
    assert len(commands) == 2
    run = typer.main.get_command(app).commands["run"]  # type: ignore[attr-defined]
    known = {name for parameter in run.params for name in parameter.opts}
    for line in commands:
        assert set(re.findall(r"--[a-z-]+", line)) <= known
    assert any("--sarif" in line for line in commands)
    assert gitlab["conformance"]["artifacts"]["reports"]["junit"] in commands[1]
    uploaded = [step["with"]["sarif_file"] for step in steps if "sarif_file" in step.get("with", {})]
    assert uploaded
    assert all(name in commands[0] for name in uploaded)
