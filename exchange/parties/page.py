"""The table of access as a page of docs/: what stands in the code, in two tables."""

from __future__ import annotations

from itertools import groupby

from exchange.parties.access import EVERYWHERE, TABLE
from exchange.parties.gates import GATES
from exchange.parties.model import ROLES, Kind

HEAD = """# Who may do what: the table

Made from `exchange/parties/access.py` and `exchange/parties/gates.py` by `python -m exchange.reference`; what the words
mean is in [access.md](access.md). A test asks every route in every role, with nobody, and with another party.

## By role

● for one's own party · ★ for any party · empty: refused with the rule `access.<action>`

"""
ROUTES = """
## By route

*anyone*: nobody has to be signed in · *signed-in*: whoever is somebody · *credential*: a key of its own kind (a
client's secret, a launch token, the key of a sandbox) · *own*: what the path names belongs to a party, another one's
is refused or not found · *everywhere*: concerns all parties, so it takes a ★. A route in no row is closed.

| route | takes | |
|---|---|---|
"""


def markdown() -> str:
    """docs/access-table.md: actions by role, and what every route takes."""
    cells = [(kind, role) for kind in Kind for role in sorted(ROLES[kind])]
    lines = ["| action | " + " | ".join(f"{kind.value.replace('_', ' ')}<br>{role}" for kind, role in cells) + " |"]
    lines.append("|---|" + ":-:|" * len(cells))
    for action, pairs in TABLE.items():
        marks = [
            "★" if (action, kind.value, role) in EVERYWHERE else "●" if (kind.value, role) in pairs else ""
            for kind, role in cells
        ]
        lines.append(f"| `{action}` | " + " | ".join(marks) + " |")
    rows = []
    for path, group in groupby(GATES.items(), key=lambda item: item[0][1]):
        # methods of one path that take the same stand in one row
        taken: dict[tuple[str, bool, bool], list[str]] = {}
        for (method, _), gate in group:
            taken.setdefault((gate.action, gate.own, gate.everywhere), []).append("any" if method == "*" else method)
        for (action, own, everywhere), methods in taken.items():
            shown = f"`{action}`" if action in TABLE else f"*{action}*"
            scope = "own" if own else "everywhere" if everywhere else ""
            rows.append(f"| `{', '.join(methods)} {path}` | {shown} | {scope} |")
    return HEAD + "\n".join(lines) + "\n" + ROUTES + "\n".join(rows) + "\n"
