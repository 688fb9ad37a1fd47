"""Rules over identifiers: what names a thing or an operation must not change."""

from __future__ import annotations

import re
from collections.abc import Iterator

from specs.finding import Severity
from specs.model import Interface
from specs.rules import Hit, rule
from specs.rules.places import parameters, some, spelled

_PATH = """
paths:
  /offices/{%s}:
    get:
      operationId: getOffice
      summary: One office
      parameters: [{name: %s, in: path, required: true, description: Which, schema: {type: %s}}]
      responses:
        '200': {description: The office, content: {application/json: {schema: {type: string}}}}
        default: {$ref: '#/components/responses/Problem'}
"""


@rule(Severity.INFO, bad=_PATH % ("id", "id", "integer"), good=_PATH % ("id", "id", "string"))
def counted_path_id(interface: Interface) -> Iterator[Hit]:
    """A counted number is another one after each migration, tells how many there are, and can be guessed by adding
    one. What is addressed has an identifier that means nothing and never changes."""
    told: set[str] = set()
    for parameter in parameters(interface):
        words = spelled(parameter.name)
        counted = interface.resolve(parameter.schema).get("type") == "integer"
        if counted and parameter.location == "path" and words and words[-1] == "id" and parameter.name not in told:
            told.add(parameter.name)
            yield parameter.pointer, f"{parameter.name!r} is a counted number", "type: string, for example a UUID"


_RENAMED = {"office", "department", "agency", "authority", "ministry", "company", "enterprise", "firm", "organisation",
            "organization", "employer", "institution", "school", "university", "hospital", "clinic", "facility",
            "court", "bank", "shop", "person", "citizen", "resident", "applicant", "patient", "student", "employee",
            "owner", "holder", "driver", "doctor", "first", "last", "full", "family", "given", "city", "town",
            "village", "district", "county", "province", "street", "community", "project", "product", "course",
            "event", "matter"}  # fmt: skip
"""What has a name given by people, that people change. A queue, an image or a column has its name for good."""


@rule(
    Severity.INFO,
    bad=_PATH % ("officeName", "officeName", "string"),
    good=_PATH % ("officeCode", "officeCode", "string"),
)
def name_as_path_id(interface: Interface) -> Iterator[Hit]:
    """Names change, repeat and come in several spellings. A thing addressed by its name is lost when it is renamed."""
    told: set[str] = set()
    for parameter in parameters(interface):
        words = spelled(parameter.name)
        named = bool(words) and (words[-1] in ("name", "title") and bool(set(words) & _RENAMED))
        named = named or parameter.name.endswith(("名称", "姓名"))
        listed = "enum" in interface.resolve(parameter.schema)
        if named and parameter.location == "path" and not listed and parameter.name not in told:
            told.add(parameter.name)
            yield parameter.pointer, f"{parameter.name!r} addresses a thing by its name", "use a code or number"


_ID = "paths: {'/marriages/{ZSBH}': {get: {operationId: %s}}}"
_GENERATED = re.compile(r".+Using(GET|PUT|POST|DELETE|PATCH|HEAD|OPTIONS)(_\d+)?")


@rule(Severity.INFO, bad=_ID % "getMarriageUsingGET_1", good=_ID % "getMarriage")
def generated_operation_id(interface: Interface) -> Iterator[Hit]:
    """An operationId made by a generator of code from method, path and order changes with them: every client, process
    and agreement that names it breaks, though nothing was renamed on purpose."""
    made = [o for o in interface.operations if _GENERATED.fullmatch(o.id) or _of_path(o.id, o.path, o.method)]
    if made:
        said = f"{len(made)} operationIds look generated: {some(o.id for o in made)}"
        yield f"{made[0].pointer}/operationId", said, "write names by hand, once"


def _of_path(id: str, path: str, method: str) -> bool:
    """Whether an id ends with path and method as some frameworks append them: read_item_items__item_id__get."""
    return id.endswith(re.sub(r"\W", "_", path) + "_" + method.lower()) and len(path) > 1
