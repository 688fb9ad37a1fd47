"""What is to be spoiled and how often: rules, as a line of text or a YAML file.

`missing=0.01,malformed.truncated@XM=0.02,swapped@NAN_XM+NV_XM=0.005`: a kind, its form after a dot, its columns after
an @, its rate (share of the cells of each column; of rows for the kinds of whole rows). Without columns a kind goes
to every column it can spoil.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

KINDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "missing": ("null", "empty"),
        "duplicate": (),
        "displaced": (),
        "late": (),
        "swapped": ("columns", "name-order"),
        "malformed": ("check-digit", "pattern", "truncated", "encoding", "blanks", "full-width"),
        "code": (),
        "range": (),
        "unit": (),
        "dangling": (),
        "type": (),
    }
)
"""Every kind and its forms."""
ROW_KINDS = ("duplicate", "displaced")
"""Kinds that spoil whole rows."""
_ITEM = re.compile(r"(?P<kind>[a-z]+)(?:\.(?P<form>[a-z-]+))?(?:@(?P<columns>[^=]+))?=(?P<rate>[0-9.eE+-]+)")


class DefectsError(ValueError):
    """Defects that cannot be understood. `hint` says what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind at one rate. `columns` empty: every column the kind can spoil; `forms` empty: every form that fits."""

    kind: str
    rate: float
    columns: tuple[str, ...] = ()
    forms: tuple[str, ...] = ()

    def __str__(self) -> str:
        form = f".{'+'.join(self.forms)}" if self.forms else ""
        where = f"@{'+'.join(self.columns)}" if self.columns else ""
        return f"{self.kind}{form}{where}={self.rate:g}"


@dataclass(frozen=True, slots=True)
class Defects:
    """Rules under a salt: another salt spoils other cells of the same data."""

    rules: tuple[Rule, ...]
    salt: str = ""

    def to_json(self) -> dict[str, Any]:
        """What the manifest says about them."""
        return {"rules": [str(rule) for rule in self.rules], "salt": self.salt}


def read_defects(given: str) -> Defects:
    """Defects from a YAML file (when there is a file of that name) or from a line of text. Raises DefectsError."""
    path = Path(given)
    return _from_file(path) if path.suffix in (".yaml", ".yml", ".json") else rules_of(given)


def rules_of(given: str | Mapping[str, Any]) -> Defects:
    """Defects from a line of text, or from what such a file holds. Never opens a file. Raises DefectsError."""
    if not isinstance(given, str):
        return _from_document(given, "defects")
    if not given.strip():
        raise DefectsError("no defects given", "write for example missing=0.01,duplicate=0.002")
    rules = []
    for item in given.split(","):
        match = _ITEM.fullmatch(item.strip())
        if match is None:
            raise DefectsError(
                f"{item.strip()!r} is no defect", "write kind[.form][@COLUMN[+COLUMN]]=rate, or name a file"
            )
        columns = tuple((match["columns"] or "").split("+")) if match["columns"] else ()
        rules.append(_rule(match["kind"], match["rate"], columns, (match["form"],) if match["form"] else ()))
    return Defects(tuple(rules))


def _from_file(path: Path) -> Defects:
    import yaml

    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DefectsError(f"{path}: there is no such file") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise DefectsError(f"{path}: cannot be read: {str(error).splitlines()[0]}") from None
    return _from_document(document, path)


def _from_document(document: Any, path: Path | str) -> Defects:
    entries = document.get("defects") if isinstance(document, Mapping) else None
    if not isinstance(entries, list) or not entries:
        raise DefectsError(f"{path}: has no list `defects`", "defects: [{kind: missing, rate: 0.01}]")
    rules = []
    for number, entry in enumerate(entries):
        if not isinstance(entry, dict) or not {"kind", "rate"} <= entry.keys():
            raise DefectsError(f"{path}: defects/{number}: needs kind and rate")
        if odd := sorted(map(str, entry.keys() - {"kind", "rate", "columns", "forms"})):
            raise DefectsError(f"{path}: defects/{number}: unknown word {odd[0]!r}", "kind, rate, columns, forms")
        columns, forms = (_words(path, number, word, entry.get(word, [])) for word in ("columns", "forms"))
        try:
            rules.append(_rule(str(entry["kind"]), entry["rate"], columns, forms))
        except DefectsError as error:
            raise DefectsError(f"{path}: defects/{number}: {error}", error.hint) from None
    return Defects(tuple(rules), str(document.get("salt", "")))


def _words(path: Path | str, number: int, word: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(part, str) for part in value):
        raise DefectsError(f"{path}: defects/{number}/{word}: must be a list of names")
    return tuple(value)


def _rule(kind: str, rate: Any, columns: tuple[str, ...], forms: tuple[str, ...]) -> Rule:
    if kind not in KINDS:
        raise DefectsError(f"there is no kind of defect {kind!r}", f"there are {', '.join(KINDS)}")
    try:
        share = float(rate)
    except (TypeError, ValueError):
        share = -1.0
    if not 0 <= share <= 1:
        raise DefectsError(f"the rate of {kind} must lie between 0 and 1, not {rate}")
    for form in forms:
        if form not in KINDS[kind]:
            there = ", ".join(KINDS[kind]) or "none"
            raise DefectsError(f"{kind} has no form {form!r}", f"its forms: {there}")
    if kind in ROW_KINDS and columns:
        raise DefectsError(f"{kind} spoils whole rows and takes no columns")
    if kind == "swapped" and "name-order" not in forms and len(columns) not in (0, 2):
        raise DefectsError("swapped takes two columns", "swapped@NAN_XM+NV_XM=0.01")
    return Rule(kind, share, columns, forms)
