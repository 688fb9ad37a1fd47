"""Faults a sandbox shows on purpose, interface by interface."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Fault:
    """How calls of an interface go wrong. `latency_ms` is added to every answer; with `status` (503, 500,
    429) the call is refused with it, `retry_after` seconds in Retry-After; with `drop` the connection is cut.
    `calls` None: until taken away, else for so many calls. `operations` empty: all operations."""

    latency_ms: float = 0.0
    status: int | None = None
    retry_after: int | None = None
    drop: bool = False
    calls: int | None = None
    operations: frozenset[str] = frozenset()

    @property
    def refuses(self) -> bool:
        """Whether calls get no proper answer."""
        return self.drop or self.status is not None


class FaultPlan:
    """The faults in force. May be changed while the sandbox serves, from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: dict[str, Fault] = {}

    def set(self, interface: str, fault: Fault) -> None:
        """Put a fault in force for an interface id, or for all with "*"."""
        with self._lock:
            self._faults[interface] = fault

    def clear(self, interface: str | None = None) -> None:
        """Take away the fault of an interface, or all."""
        with self._lock:
            if interface is None:
                self._faults.clear()
            else:
                self._faults.pop(interface, None)

    def current(self) -> dict[str, Fault]:
        """The faults in force, by interface id."""
        with self._lock:
            return dict(self._faults)

    def strike(self, interface: str, operation: str) -> Fault | None:
        """The fault that hits this call, counting it off."""
        if not self._faults:
            return None
        with self._lock:
            for key in (interface, "*"):
                fault = self._faults.get(key)
                if fault is None or (fault.operations and operation not in fault.operations):
                    continue
                if fault.calls is not None:
                    if fault.calls <= 1:
                        del self._faults[key]
                    else:
                        self._faults[key] = replace(fault, calls=fault.calls - 1)
                return fault
        return None
