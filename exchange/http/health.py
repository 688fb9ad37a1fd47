"""Health: is the process up, and can it do its work."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from exchange.errors import TongbanError, Unavailable

Check = Callable[[], None]
"""Raises when a part cannot do its work."""
LEAST_ROOM = 64 * 1024 * 1024
"""Bytes free below which a disk counts as full: what is under way has to come to an end."""


def router(checks: Mapping[str, Check]) -> APIRouter:
    """``GET /health`` answers while the process lives; ``GET /ready`` runs every check: 200 or 503."""
    routes = APIRouter(tags=["health"])

    @routes.get("/health")
    def health() -> dict[str, str]:
        """The process lives."""
        return {"status": "ok"}

    @routes.get("/ready")
    def ready() -> JSONResponse:
        """Every part can do its work: 200, or 503 naming what cannot."""
        parts = {name: _state(check) for name, check in checks.items()}
        good = all(state == "ok" for state in parts.values())
        body = {"status": "ok" if good else "unavailable", "parts": parts}
        return JSONResponse(body, status_code=200 if good else 503, headers={"Cache-Control": "no-store"})

    return routes


def room(folder: Path, least: int = LEAST_ROOM) -> None:
    """Raises `Unavailable` when the disk of a folder has less than ``least`` bytes left."""
    free = shutil.disk_usage(folder).free
    if free < least:
        raise Unavailable(f"the disk of the data folder has {free:,} bytes left", hint=f"make room for {least:,}")


def _state(check: Check) -> str:
    try:
        check()
    except TongbanError as error:
        return error.detail
    return "ok"
