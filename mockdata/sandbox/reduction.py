"""Answers reduced to the fields a caller asked for, where the operation has a `fields` parameter.

What is returned is what was read: a caller who names the fields it needs reads no others.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mockdata.sandbox.contract import Contract
from mockdata.sandbox.messages import Response
from mockdata.sandbox.requests import Parsed
from mockdata.sandbox.responses import fill

PARAMETER = "fields"


def reduce(contract: Contract, response: Response, parsed: Parsed) -> None:
    """Leave only the fields a caller asked for with `fields=`, and those the schema does not let go."""
    wanted = parsed.query.get(PARAMETER)
    if wanted is None or not contract.declares("query", PARAMETER) or not 200 <= response.status < 300:
        return
    names = set(wanted if isinstance(wanted, list) else str(wanted).split(","))
    known = contract.declared(response.status)
    media_type = response.header("content-type") or ""
    content = next((one for one in known[1].contents if one.media_type == media_type), None) if known else None
    if content is None or not content.is_json:
        return
    makers = contract.answer(content)
    reduced = _only(response.value, names)
    if reduced is None or (content.schema is not None and not makers.accepts(reduced)):
        reduced = _without(response.value, names, makers.accepts)
    response.value = reduced
    response.headers = [entry for entry in response.headers if entry[0].lower() != "content-type"]
    fill(response, contract, content, media_type)


def _only(value: Any, names: set[str]) -> Any:
    if isinstance(value, dict):
        return {name: inner for name, inner in value.items() if name in names}
    if isinstance(value, list):
        return [_only(item, names) if isinstance(item, dict) else item for item in value]
    return None


def _without(value: Any, names: set[str], accepts: Callable[[Any], bool]) -> Any:
    """Drop unwanted members one by one, as far as the schema stays content."""
    if not isinstance(value, dict):
        return value
    kept = dict(value)
    for name in [one for one in value if one not in names]:
        trial = {key: inner for key, inner in kept.items() if key != name}
        if accepts(trial):
            kept = trial
    return kept
