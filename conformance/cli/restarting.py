"""A vendor's own command that ends the app and starts it again."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Callable

LONGEST = 60.0
"""Seconds the command may take."""


def restarting(command: str | None) -> Callable[[], None] | None:
    """What runs the command; None without one. A command that fails shows nothing about the app, and says so.

    Raises ValueError for a command that cannot be read.
    """
    if command is None:
        return None
    from conformance.stage import Inconclusive

    words = shlex.split(command)
    if not words:
        raise ValueError("--restart-command is empty")

    def restart() -> None:
        try:
            done = subprocess.run(
                words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                timeout=LONGEST, check=False,
            )  # fmt: skip
            failed = f"exit code {done.returncode}" if done.returncode else ""
        except (OSError, subprocess.TimeoutExpired) as error:
            failed = str(error)
        if failed:
            raise Inconclusive({"zh_CN": f"重启命令失败：{failed}", "en": f"the restart command failed: {failed}"})

    return restart
