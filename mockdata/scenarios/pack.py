"""A scenario pack as read from its file. Immutable plain data: two packs are the same when their documents are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent / "packs"
Where = Mapping[str, Any]
FACTS = ("name", "address", "hukou_address", "marital_status")
"""Facts two departments can disagree about."""


class ScenarioError(ValueError):
    """A pack that does not exist or cannot be used. `hint` says what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True)
class Names:
    """Names for a share of the persons who fit `where`. `given`: given names, the surname stays. Else whole names: one
    of `male` or `female`, the separator, and one of `male` that is the father's own first part."""

    where: Where
    share: float
    given: tuple[str, ...] = ()
    male: tuple[str, ...] = ()
    female: tuple[str, ...] = ()
    separator: str = "·"


@dataclass(frozen=True)
class Conflict:
    """Departments that have an outdated value of one fact for a share of the persons who fit `where`."""

    fact: str
    departments: tuple[str, ...]
    share: float
    where: Where


@dataclass(frozen=True)
class Wave:
    """Days from `first` to `last` (included) with so many times the usual deaths and births; `cause` is that of the
    deaths beyond the usual ones."""

    first: date
    last: date
    deaths: float
    births: float
    cause: str | None


@dataclass(frozen=True)
class Pack:
    """One pack. `text` is its whole document as canonical JSON; everything else is read from it."""

    text: str

    @cached_property
    def _document(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.text)
        return found

    @property
    def name(self) -> str:
        """Its name, by which salts are drawn."""
        return str(self._document["scenario"])

    @property
    def title(self) -> Mapping[str, str]:
        """Title by language."""
        title: Mapping[str, str] = self._document["title"]
        return title

    @property
    def description(self) -> Mapping[str, str]:
        """Description by language."""
        description: Mapping[str, str] = self._document["description"]
        return description

    @cached_property
    def rows(self) -> tuple[Where, float] | None:
        """(whose records, share of the rows of a dataset that are theirs), None: as many as there are."""
        rows = self._document.get("rows")
        return None if rows is None else (self._meant(rows["where"]), float(rows["share"]))

    def _meant(self, where: Where) -> Where:
        """A description as it is meant: `named: true` are the persons named by this pack."""
        return {trait: self.name if trait == "named" and held is True else held for trait, held in where.items()}

    @cached_property
    def names(self) -> tuple[Names, ...]:
        """Whom the pack gives other names."""
        return tuple(
            Names(
                entry.get("where", {}), float(entry.get("share", 1)), tuple(entry.get("given", ())),
                tuple(entry.get("male", ())), tuple(entry.get("female", ())), entry.get("separator", "·"),
            )
            for entry in self._document.get("names", ())
        )  # fmt: skip

    @cached_property
    def conflicts(self) -> tuple[Conflict, ...]:
        """Facts in which departments differ."""
        return tuple(
            Conflict(
                entry["fact"], tuple(entry["departments"]), float(entry["share"]), self._meant(entry.get("where", {}))
            )
            for entry in self._document.get("conflicts", ())
        )

    @cached_property
    def waves(self) -> tuple[Wave, ...]:
        """Times of more or fewer deaths and births."""
        return tuple(
            Wave(
                date.fromisoformat(entry["from"]), date.fromisoformat(entry["until"]), float(entry.get("deaths", 1)),
                float(entry.get("births", 1)), entry.get("cause"),
            )
            for entry in self._document.get("waves", ())
        )  # fmt: skip

    def agreeing(self) -> Pack:
        """The pack without its conflicts."""
        return _pack({**self._document, "conflicts": []}) if self.conflicts else self


def _pack(document: Mapping[str, Any]) -> Pack:
    return Pack(json.dumps(document, ensure_ascii=False, sort_keys=True))


def packs() -> dict[str, Pack]:
    """The shipped packs by name."""
    return {path.stem: read_pack(str(path)) for path in sorted(_FOLDER.glob("*.yaml"))}


def read_pack(given: str) -> Pack:
    """A shipped pack by name, or the pack in a YAML file. Raises ScenarioError."""
    import jsonschema_rs
    import yaml

    path = Path(given)
    if path.suffix not in (".yaml", ".yml"):
        path = _FOLDER / f"{given}.yaml"
        known = sorted(found.stem for found in _FOLDER.glob("*.yaml"))
        if given not in known:
            raise ScenarioError(f"there is no scenario {given!r}", f"there are {', '.join(known)}; or name a YAML file")
    try:
        document = json.loads(json.dumps(yaml.safe_load(path.read_text(encoding="utf-8")), default=str))
    except FileNotFoundError:
        raise ScenarioError(f"{path}: there is no such file") from None
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ScenarioError(f"{path}: cannot be read: {str(error).splitlines()[0]}") from None
    schema = json.loads((_FOLDER.parent / "pack.schema.json").read_text(encoding="utf-8"))
    fault = next(iter(jsonschema_rs.validator_for(schema).iter_errors(document)), None)
    if fault is not None:
        place = "/".join(map(str, fault.instance_path))
        raise ScenarioError(f"{path}: {place or 'the document'}: {fault.message[:200]}", "see docs/scenarios.md")
    for at, wave in enumerate(document.get("waves", ())):
        for end in ("from", "until"):
            try:
                date.fromisoformat(wave[end])
            except ValueError:
                raise ScenarioError(f"{path}: waves/{at}/{end}: there is no day {wave[end]}") from None
    return _pack(document)
