"""A Dask cluster as an executor. Its workers need the same Tongban and pyarrow, and the target on a disk they share."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any

from mockdata.tables.manifest import generator_version, libraries
from mockdata.tables.scale import TRIES

SECONDS = 5


class ClusterError(RuntimeError):
    """A cluster that cannot be used. `hint` says what to do."""

    def __init__(self, reason: str, hint: str = "") -> None:
        super().__init__(reason)
        self.hint = hint


@contextmanager
def cluster(address: str) -> Iterator[Executor]:
    """The executor of the cluster whose scheduler answers at `address` (`tcp://host:8786`).

    A part whose worker died is done again by another. Raises ClusterError when nobody answers, when there is no worker,
    when a worker has other versions, or when part after part kills its worker.
    """
    try:
        import distributed
    except ImportError:
        raise ClusterError("--dask needs the package distributed", "pip install 'tongban[dask]'") from None
    try:
        connect: Any = distributed.Client
        client = connect(address, timeout=SECONDS, set_as_default=False)
    except (OSError, TimeoutError, ValueError, ImportError) as error:
        told = f"no Dask scheduler answers at {address} ({type(error).__name__})"
        raise ClusterError(told, "start one with: dask scheduler") from None
    with client:
        _same(client, address)
        try:
            with client.get_executor(pure=False, retries=TRIES) as executor:
                yield executor
        except distributed.KilledWorker as error:
            raise ClusterError(
                f"workers of {address} die on the same part: {str(error).splitlines()[0]}", "look into their memory"
            ) from None


def versions() -> dict[str, str]:
    """What must be equal everywhere for equal bytes."""
    return {"tongban": generator_version(), **libraries()}


def _same(client: Any, address: str) -> None:
    try:
        found = client.run(versions)
    except Exception as error:  # whatever a worker without Tongban says
        told = f"the workers of {address} cannot run Tongban: {error}".splitlines()[0]
        raise ClusterError(told, "install tongban[mock] on every worker") from None
    if not found:
        raise ClusterError(f"the cluster at {address} has no worker", f"start some with: dask worker {address}")
    here = versions()
    for worker, there in found.items():
        if there != here:
            raise ClusterError(f"{worker} has {there}, here is {here}", "install the same versions everywhere")
