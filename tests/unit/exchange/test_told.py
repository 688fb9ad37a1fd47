"""A vendor that holds a hosted sandbox of an interface hears of a change before it takes effect."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from exchange.catalogue.lifecycle import NOTICE_DAYS
from exchange.errors import Conflict
from exchange.handed import trying
from exchange.sandboxes.service import Sandboxes
from tests.unit.exchange.hosted import NOTES


def test_the_holder_of_a_sandbox_is_told_and_nobody_else(
    services: Any,
    sandboxes: Sandboxes,
    clock: Any,
) -> None:
    police, life = services.department("police"), services.lifecycle
    life.news.users = trying
    other = services.catalogue.register(police, "o.yaml", NOTES.replace("police.notes", "police.notes-old"))
    life.publish(police, other.interface, "1.0.0")
    assert life.news.subscribers(police, "police.notes") == []
    sandboxes.open(services.vendor("acme"), ["police.notes"])
    sandboxes.open(police, ["police.notes"])  # its own department need not be told
    sandboxes.open(services.vendor("rival"), ["police.notes-old"])
    assert life.news.subscribers(police, "police.notes") == ["acme"]
    assert life.news.subscribers(police, "police.notes-old") == ["rival"]
    assert life.news.subscribers(services.vendor("acme"), "police.notes") == ["acme"]
    changed = NOTES.replace("version: 1.0.0", "version: 2.0.0").replace(
        "text: {type: string, maxLength: 50}", "text: {type: integer}"
    )
    services.catalogue.register(police, "notes.yaml", changed)
    with pytest.raises(Conflict, match="breaks acme"):
        life.publish(police, "police.notes", "2.0.0")
    assert life.news.notices(services.vendor("acme")) == []
    life.publish(police, "police.notes", "2.0.0", clock() + timedelta(days=NOTICE_DAYS))
    (notice,) = life.news.notices(services.vendor("acme"))
    assert (notice.kind, notice.version) == ("announced", "2.0.0")
    assert life.news.notices(services.vendor("rival")) == []
