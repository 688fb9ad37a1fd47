"""What a model says otherwise than its document, written into the document; everything else stays as it is.

Both states of a part are written from the model; where they are equal the document's own words stay, so that what the
model does not hold (owners, prices, a vendor's members) cannot be lost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Written = dict[str, Any]

_SAYS_SO = {
    "classification": ("sensitivity",),
    "authoritativeDefinitions": ("element",),
    "quality": ("enum",),
    "logicalType": ("logicalType",),
}
"""Custom properties that say what a member says, and would say it of its former value."""


def patched(raw: Written, old: Written, new: Written) -> Written:
    """`raw` with what differs between `old` and `new`: the part as the model had it, and as it has it now."""
    made = dict(raw)
    differing = [word for word in {**old, **new} if old.get(word) != new.get(word)]
    for word in differing:
        value = _member(word, raw.get(word), old.get(word), new.get(word))
        if value is None or value == [] or value == {}:
            made.pop(word, None)
        else:
            made[word] = value
    stale = {name for word in differing for name in _SAYS_SO.get(word, ())} - _names(new.get("customProperties"))
    if isinstance(custom := made.get("customProperties"), list) and stale & _names(custom):
        made["customProperties"] = [one for one in custom if _name(one) not in stale]
        if not made["customProperties"]:
            del made["customProperties"]
    return _translated(made, raw, new) if _says(raw, "en") and _words(old) != _words(new) else made


def _member(word: str, raw: Any, old: Any, new: Any) -> Any:
    if word == "customProperties":
        return _custom(_list(raw), _list(old), _list(new))
    if word == "authoritativeDefinitions":
        return [*(one for one in _list(raw) if not is_element(one)), *_list(new)]
    if word == "quality":
        return [one for one in _list(raw) if one in _list(new) or one not in _list(old)] + [
            one for one in _list(new) if one not in _list(raw) and one not in _list(old)
        ]
    if word == "properties":
        return named(_list(raw), _list(old), _list(new))
    if word in {"items", "logicalTypeOptions"} and isinstance(raw, dict) and isinstance(new, dict):
        return patched(raw, old if isinstance(old, dict) else {}, new)
    return new


def named(raw: Sequence[Any], old: Sequence[Written], new: Sequence[Written]) -> list[Any]:
    """Parts with names, in the order of `new`; what reading left out (no name, a name twice) stays at the end."""
    written: dict[str, Written] = {}
    for one in raw:
        if isinstance(one, dict) and isinstance(name := one.get("name"), str):
            written.setdefault(name, one)
    before = {one["name"]: one for one in old}
    made: list[Any] = []
    for one in new:
        kept, was = written.get(one["name"]), before.get(one["name"])
        made.append(one if kept is None or was is None else patched(kept, was, one))
    unread = [one for one in raw if not any(one is kept for kept in written.values())]
    return made + unread


def _custom(raw: list[Any], old: list[Any], new: list[Any]) -> list[Any]:
    before, now = ({_name(one): one.get("value") for one in listed} for listed in (old, new))
    made = []
    for one in raw:
        name = _name(one)
        if name not in before or (name in now and before[name] == now[name]):
            made.append(one)
        elif name in now:
            made.append({**one, "value": now[name]})
    known = _names(raw)
    return made + [one for one in new if _name(one) not in known and one not in old]


def _translated(made: Written, raw: Written, new: Written) -> Written:
    """The English of a part, which its author wrote as the custom property `en`, in the two that the writer uses."""
    kept = [one for one in _list(raw.get("customProperties")) if _name(one) not in {"en", "title_en", "description_en"}]
    english = [one for one in _list(new.get("customProperties")) if _name(one) in {"title_en", "description_en"}]
    return {**made, "customProperties": kept + english}


def _words(written: Written) -> list[Any]:
    english = {_name(one): one.get("value") for one in _list(written.get("customProperties"))}
    return [written.get("businessName"), written.get("description"), english.get("title_en"),
            english.get("description_en")]  # fmt: skip


def is_element(definition: Any) -> bool:
    """Whether a definition binds a data element, as `specs.odcs` reads it."""
    if not isinstance(definition, dict):
        return False
    kind, url = str(definition.get("type", "")).lower(), str(definition.get("url", ""))
    return kind in {"dataelement", "data-element", "element"} or url.startswith("urn:tongban:element:")


def _says(written: Written, name: str) -> bool:
    return name in _names(written.get("customProperties"))


def _names(listed: Any) -> set[Any]:
    return {_name(one) for one in _list(listed)}


def _name(one: Any) -> Any:
    return one.get("property") if isinstance(one, Mapping) else None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
