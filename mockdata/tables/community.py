"""Community providers of Faker by dotted name.

A document may come from anybody, and importing a module runs it: only installed packages that depend on Faker are
imported by name, and modules that the running program has imported itself.
"""

from __future__ import annotations

import difflib
import importlib
import re
import sys
from functools import lru_cache
from importlib import metadata
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mockdata.tables.place import Place


def community(path: str, place: Place) -> Any:
    """The provider class of `package.module.Class`. Raises PlanError when there is none."""
    from faker.providers import BaseProvider

    name, _, class_name = path.rpartition(".")
    package = name.split(".")[0]
    if name not in sys.modules and package != "faker" and package not in packages():
        near = difflib.get_close_matches(package, sorted(packages()), 3, 0.5)
        hint = f"near ones: {', '.join(near)}" if near else "install the package that brings it"
        raise place.fault(f"no installed package with Faker providers is called {package!r}", hint)
    try:
        module = importlib.import_module(name)
    except Exception as error:  # a package may fail to load in any way
        raise place.fault(f"the provider module {name!r} cannot be imported: {error}") from None
    found = getattr(module, class_name, None)
    if not (isinstance(found, type) and issubclass(found, BaseProvider)):
        classes = {word: value for word, value in vars(module).items() if isinstance(value, type)}
        known = [word for word, kind in classes.items() if issubclass(kind, BaseProvider) and kind is not BaseProvider]
        raise place.fault(f"{name} has no provider class {class_name!r}", f"there is: {', '.join(known) or 'none'}")
    return found


@lru_cache(maxsize=1)
def packages() -> frozenset[str]:
    """Top-level packages of installed distributions that need Faker."""
    needing = {
        dist.metadata["Name"].lower()
        for dist in metadata.distributions()
        if any(re.match(r"faker\b", need, re.IGNORECASE) for need in dist.requires or ())
    }
    return frozenset(
        package
        for package, names in metadata.packages_distributions().items()
        if any(name.lower() in needing for name in names) or (package.startswith("faker_") and package.isidentifier())
    ) - {"faker"}
