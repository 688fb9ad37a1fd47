"""Rules over the words: is everything explained, in every language the document speaks?"""

from __future__ import annotations

from collections.abc import Iterator

from specs.finding import Severity
from specs.model import Interface
from specs.rules import Hit, rule
from specs.rules.places import objects, parameters, some
from specs.words import Text


@rule(
    Severity.WARNING,
    bad="components: {schemas: {Marriage: {properties: {DJRQ: {description: null}}}}}",
    good="components: {schemas: {Marriage: {properties: {DJRQ: {description: Date of registration}}}}}",
)
def missing_description(interface: Interface) -> Iterator[Hit]:
    """A name is not a meaning: without words two departments will read the same field differently."""
    if not interface.description and not interface.title:
        yield "/info", "the interface says nowhere what it is for", "add a description"
    for operation in interface.operations:
        if not operation.summary and not operation.description:
            yield operation.pointer, f"{operation.method} {operation.path} is not described", "add a summary"
    for parameter in parameters(interface):
        schema = interface.resolve(parameter.schema)
        if not parameter.description and not schema.get("description") and not schema.get("title"):
            yield parameter.pointer, f"the parameter {parameter.name!r} is not described", "add a description"
    for pointer, fields in objects(interface):
        silent = [field.name for field in fields if not field.title and not field.description]
        if silent:
            problem = f"{len(silent)} of {len(fields)} fields not described: {some(silent)}"
            yield pointer, problem, "add a description to each"


@rule(
    Severity.WARNING,
    bad="info: {title: 婚姻登记核验, x-en: {title: Marriage checks}}\n"
    "components: {schemas: {Marriage: {properties: {DJRQ: {title: 登记日期, description: null}}}}}",
    good="""
info: {title: 婚姻登记核验, description: 供部门核验。, x-en: {title: Marriage checks, description: For departments.}}
paths:
  /marriages/{ZSBH}:
    get:
      summary: 一条婚姻登记
      x-en: {summary: One marriage}
      parameters:
        - name: ZSBH
          in: path
          required: true
          description: 证书编号
          x-en: {description: Certificate number}
          schema: {type: string}
components:
  schemas:
    Marriage:
      properties:
        ZSBH: {description: 证书编号, x-en: {description: Certificate number}}
        DJRQ: {description: 登记日期, x-en: {description: Date of registration}}
""",
)
def missing_language(interface: Interface) -> Iterator[Hit]:
    """A document that speaks two languages speaks them throughout; half a translation leaves half its readers
    out."""
    if not _bilingual(interface):
        return
    for operation in interface.operations:
        yield from _gaps(operation.pointer, f"{operation.method} {operation.path}", operation.summary)
    for parameter in parameters(interface):
        yield from _gaps(parameter.pointer, f"the parameter {parameter.name!r}", parameter.description)
    for pointer, fields in objects(interface):
        for missing in ("zh_CN", "en"):
            half = [f.name for f in fields if _lacks(f.title, missing) or _lacks(f.description, missing)]
            if half:
                yield pointer, f"fields not described in {missing}: {some(half)}", "translate title and description"


def _bilingual(interface: Interface) -> bool:
    return len(interface.title) > 1 or any(len(table.title) > 1 for table in interface.tables)


def _lacks(text: Text, language: str) -> bool:
    return bool(text) and language not in text


def _gaps(pointer: str, what: str, text: Text) -> Iterator[Hit]:
    for language in ("zh_CN", "en"):
        if _lacks(text, language):
            yield pointer, f"{what} is not described in {language}", "translate it (x-en holds the English)"
