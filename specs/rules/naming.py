"""Rules over names: of paths, operations, fields. One interface, one way to write them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from specs.finding import Severity
from specs.model import Field, Interface
from specs.rules import Hit, rule
from specs.rules.places import schemas, some, spelled, written
from specs.schema import escape

STYLES = (
    ("camelCase", re.compile(r"[a-z]+[a-z0-9]*([A-Z][a-z0-9]*)+\Z")),
    ("snake_case", re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)+\Z")),
    ("kebab-case", re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)+\Z")),
    ("PascalCase", re.compile(r"[A-Z][a-z0-9]+([A-Z][a-z0-9]*)*\Z")),
)  # one lower-case word fits every style; identifiers of data elements (GMSFHM) are a style of their own


def mixed(names: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str, list[str], str, int]]:
    """The styles in the minority among `names` (name, pointer): pointer of the first, style, names, the usual style
    and how many names have it."""
    found: dict[str, dict[str, str]] = {}
    for name, pointer in names:
        style = next((style for style, shape in STYLES if shape.match(name)), None)
        if style:
            found.setdefault(style, {}).setdefault(name, pointer)
    if len(found) > 1:
        usual = max(found, key=lambda style: len(found[style]))
        for style, those in found.items():
            if style != usual:
                yield next(iter(those.values())), style, list(those), usual, len(found[usual])


@rule(
    Severity.INFO,
    bad="components: {schemas: {Marriage: {properties: {first_party: {type: string, description: One}, "
    "second_party: {type: string, description: Two}, placeOfMarriage: {type: string, description: Place}}}}}",
    good="components: {schemas: {Marriage: {properties: {first_party: {type: string, description: One}, "
    "second_party: {type: string, description: Two}, place_of_marriage: {type: string, description: Place}}}}}",
)
def naming_style(interface: Interface) -> Iterator[Hit]:
    """One interface, one way to write field names: mixed styles make consumers guess each time."""
    names = (
        (name, f"{pointer}/properties/{escape(name)}")
        for pointer, schema in schemas(interface)
        for name in schema.get("properties", {})
        if name not in _PRESCRIBED
    )
    for pointer, style, those, usual, count in mixed(names):
        problem = f"{count} field names are {usual}, but {some(those)} {style}"
        yield pointer, problem, f"write them in {usual} in the next major version"


_PRESCRIBED = {"access_token", "client_id", "client_secret", "code_challenge", "code_challenge_method", "code_verifier",
               "error_description", "error_uri", "expires_in", "grant_type", "id_token", "redirect_uri",
               "refresh_token", "response_type", "token_type"}  # fmt: skip
"""Names OAuth 2.0 (RFC 6749, RFC 7636) prescribes, whatever the style around them."""

_ANSWER = """responses:
        '200': {description: The office, content: {application/json: {schema: {type: string}}}}
        default: {$ref: '#/components/responses/Problem'}
"""


def _path(*paths: str) -> str:
    """An example of operations under these paths."""
    made = "paths:\n"
    for number, path in enumerate(paths):
        made += f"  {path}:\n    get:\n      operationId: getOffice{number}\n      summary: An office\n      {_ANSWER}"
    return made


def _static(path: str) -> list[str]:
    """The segments of a path that are no placeholders."""
    return [segment for segment in path.split("/") if segment and "{" not in segment]


@rule(Severity.INFO, bad=_path("/registry-offices", "/officeHours"), good=_path("/registry-offices", "/office-hours"))
def mixed_path_style(interface: Interface) -> Iterator[Hit]:
    """Paths in one style can be guessed and typed; case matters in them, so a mixed style costs a failed call each
    time."""
    segments = ((segment, _item(o.pointer)) for o in interface.operations for segment in _static(o.path))
    for pointer, style, those, usual, count in mixed(segments):
        yield pointer, f"{count} path segments are {usual}, but {some(those)} {style}", f"write them in {usual}"


def _item(pointer: str) -> str:
    """The pointer of the path item around an operation."""
    return pointer.rpartition("/")[0]


@rule(Severity.INFO, bad=_path("/registry-offices/"), good=_path("/registry-offices"))
def mixed_trailing_slash(interface: Interface) -> Iterator[Hit]:
    """/offices and /offices/ are two resources. Where some paths end in a slash and others do not, half of the calls
    miss."""
    paths = {o.path: _item(o.pointer) for o in interface.operations if o.path != "/"}
    slashed = [path for path in paths if path.endswith("/")]
    if slashed and len(slashed) < len(paths):
        few = slashed if 2 * len(slashed) <= len(paths) else [path for path in paths if path not in slashed]
        said = "end in a slash, the others do not" if few is slashed else "end in no slash, the others do"
        yield paths[few[0]], f"{some(few)} {said}", "write all in one way"


@rule(Severity.WARNING, bad=_path("/registry-offices?city=1"), good=_path("/registry-offices"))
def query_in_path(interface: Interface) -> Iterator[Hit]:
    """A path ends before ? and #. What follows is never part of a path, so no request matches this template."""
    for operation in interface.operations:
        if "?" in operation.path or "#" in operation.path:
            yield _item(operation.pointer), f"{operation.path} holds a query or fragment", "use parameters, in: query"


_VERBS = {"get", "fetch", "retrieve", "create", "insert", "update", "modify", "delete", "remove"}


@rule(Severity.INFO, bad=_path("/getOffices"), good=_path("/offices"))
def verb_in_path(interface: Interface) -> Iterator[Hit]:
    """The method says what is done, the path to what. A verb in the path says it twice, or differently."""
    told: set[str] = set()
    for operation in interface.operations:
        for segment in _static(operation.path):
            words = spelled(segment)
            if words and words[0] in _VERBS and operation.path not in told:
                told.add(operation.path)
                yield _item(operation.pointer), f"{operation.path} says what {operation.method} says", "name the thing"


_OPERATION = "paths: {'/marriages/{ZSBH}': {get: {operationId: %s}}}"
_UNSAFE = re.compile(r"[\s/?#\[\]@!$&'()*+,;=%\"<>\\^`{|}]")


@rule(Severity.WARNING, bad=_OPERATION % "get a marriage", good=_OPERATION % "getMarriage")
def unsafe_operation_id(interface: Interface) -> Iterator[Hit]:
    """Operation ids become names in code, anchors and addresses. Spaces and signs are replaced there, by each tool in
    its own way."""
    for id, pointer in _ids(interface):
        if _UNSAFE.search(id):
            yield pointer, f"the operationId {id!r} is no name", "write it of letters, digits, - and _"


def _ids(interface: Interface) -> Iterator[tuple[str, str]]:
    """The operation ids the document writes, with their pointers."""
    for operation in interface.operations:
        said = written(interface, operation.pointer)
        if isinstance(said, dict) and said.get("operationId"):
            yield str(said["operationId"]), f"{operation.pointer}/operationId"


@rule(
    Severity.INFO,
    bad=_path("/offices").replace("getOffice0", "list_offices"),
    good=_path("/offices").replace("getOffice0", "listOffices"),
)
def mixed_operation_id_style(interface: Interface) -> Iterator[Hit]:
    """Operation ids become function names of every client; mixed styles make an untidy one."""
    for pointer, style, those, usual, count in mixed(_ids(interface)):
        yield pointer, f"{count} operationIds are {usual}, but {some(those)} {style}", f"write them in {usual}"


_FIELDS = "components: {schemas: {Marriage: {properties: {%s}}}}"


@rule(
    Severity.INFO,
    bad=_FIELDS % "DJRQ: {x-element: HYDJRQ, x-sensitivity: general-3}, "
    "authority: {type: string, description: Who registered it, x-element: DJJG}",
    good=_FIELDS % "DJRQ: {x-element: HYDJRQ, x-sensitivity: general-3}, "
    "DJJG: {type: string, description: Who registered it, x-element: DJJG}",
)
def mixed_identifier_style(interface: Interface) -> Iterator[Hit]:
    """Data elements have identifiers of pinyin initials (GA/T 543). A record that names some fields by them and others
    in words has two vocabularies."""
    from specs.carriers import carriers

    told: set[int] = set()
    for carrier in carriers(interface):
        if carrier.place == "parameter" or id(carrier.siblings) in told:
            continue
        told.add(id(carrier.siblings))
        bound = [field for field in carrier.siblings if field.element and field.element.lower() != "none"]
        worded = [field for field in bound if _worded(field)]
        if worded and len(worded) < len(bound):
            few = worded if 2 * len(worded) <= len(bound) else [field for field in bound if field not in worded]
            said = "in words, the others by the identifier" if few is worded else "by the identifier, the others not"
            yield few[0].pointer, f"named {said} of their element: {some(f.name for f in few)}", "use one style"


def _worded(field: Field) -> bool:
    """Whether a field is named in words of a language (lower case), not by an identifier."""
    return field.name.upper() != field.name


@rule(
    Severity.WARNING,
    bad=_FIELDS % "NAN_XM: {type: string, description: Name of him, x-element: NAN_GMSFHM, x-sensitivity: general-3}",
    good=_FIELDS % "NAN_XM: {type: string, description: Name of him, x-element: NAN_XM, x-sensitivity: general-3}",
)
def identifier_of_another_element(interface: Interface) -> Iterator[Hit]:
    """A field named by the identifier of one data element and bound to another is read wrongly by whoever trusts the
    name."""
    from specs import elements
    from specs.carriers import carriers

    for carrier in carriers(interface):
        field = carrier.field
        if field.element is None or field.name != field.name.upper() or len(field.name) < 2:
            continue
        named, declared = elements.find(field.name), elements.find(field.element)
        if named is None or declared is None or named[1] is declared[1]:
            continue
        if not declared[1].id.endswith(named[1].id):  # HYDJRQ is a DJRQ
            said = f"{field.name} is the identifier of {_title(named[1].title)}, the field is bound to {field.element}"
            yield carrier.pointer, said, "correct the name or the binding"


def _title(title: Mapping[str, str]) -> str:
    return " / ".join(title.values())
