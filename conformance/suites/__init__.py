"""The suites this package ships: one folder per matter that can be certified."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.resources import files
from typing import Any

from conformance.suites.suite import Sighting, Suite

__all__ = ["Sighting", "Suite", "UnknownSuite", "load", "names"]


class UnknownSuite(ValueError):
    """No suite has this name."""


@cache
def names() -> tuple[str, ...]:
    """The matters that have a suite."""
    folders = files("conformance").joinpath("suites").iterdir()
    return tuple(sorted(_matter(folder.name) for folder in folders if folder.joinpath("suite.yaml").is_file()))


@cache
def load(name: str) -> Suite[Any]:
    """The suite of a matter; raises `UnknownSuite`."""
    if name not in names():
        raise UnknownSuite(f"there is no suite {name!r}")
    suite: Suite[Any] = import_module(f"conformance.suites.{name.replace('-', '_')}").load()
    return suite


def _matter(folder: str) -> str:
    """The matter of a folder: matters have dashes where packages cannot."""
    return folder.replace("_", "-")
