"""Faker's own idea of today, held at a given day while a pool is filled."""

from __future__ import annotations

import datetime as clock
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock
from types import ModuleType
from typing import Any

_LOCK = RLock()


class _AsBefore(type):
    """Classes that stand in for date and datetime: the real ones' values are theirs."""

    def __instancecheck__(cls, value: Any) -> bool:
        return isinstance(value, cls.__mro__[1])

    def __subclasscheck__(cls, other: type) -> bool:
        return issubclass(other, cls.__mro__[1])


def _stand_ins(day: clock.date) -> dict[Any, Any]:
    noon = clock.datetime(day.year, day.month, day.day, 12, tzinfo=clock.UTC)

    class Day(clock.date, metaclass=_AsBefore):
        @classmethod
        def today(cls) -> Any:
            return day

    class Moment(clock.datetime, metaclass=_AsBefore):
        @classmethod
        def now(cls, tz: clock.tzinfo | None = None) -> Any:
            return noon.replace(tzinfo=None) if tz is None else noon.astimezone(tz)

        @classmethod
        def utcnow(cls) -> Any:
            return noon.replace(tzinfo=None)

        @classmethod
        def today(cls) -> Any:
            return noon.replace(tzinfo=None)

    shown = ModuleType("datetime")
    vars(shown).update({**vars(clock), "date": Day, "datetime": Moment})
    return {id(clock.date): Day, id(clock.datetime): Moment, id(clock): shown}


@contextmanager
def today(day: clock.date) -> Iterator[None]:
    """Providers asked inside it see this day (at noon, UTC) as today. One thread at a time."""
    with _LOCK:
        stand_ins = _stand_ins(day)
        changed: list[tuple[dict[str, Any], str, Any]] = []
        for name, module in list(sys.modules.items()):
            if name.split(".")[0].startswith("faker") and isinstance(module, ModuleType):
                for word, value in list(vars(module).items()):
                    if id(value) in stand_ins:
                        changed.append((vars(module), word, value))
        try:
            for names, word, value in changed:
                names[word] = stand_ins[id(value)]
            yield
        finally:
            for names, word, value in changed:
                names[word] = value
