"""Rules over the words: is everything explained, in every language the document speaks?"""

from __future__ import annotations

from collections.abc import Iterator

from specs.finding import Severity
from specs.model import Interface
from specs.rules import Hit, rule
from specs.rules.places import answers, objects, operations, parameters, some, title_of
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
    for operation in operations(interface):
        if not operation.summary and not operation.description:
            yield operation.pointer, f"{operation.method} {operation.path} is not described", "add a summary"
    for workflow in interface.process.workflows if interface.process else ():
        if not workflow.summary and not workflow.description:
            yield workflow.pointer, f"the workflow {workflow.id!r} is not described", "add a summary"
        for step in workflow.steps:
            if not step.description:
                yield step.pointer, f"the step {step.id!r} is not described", "add a description"
    for parameter in parameters(interface):
        schema = interface.resolve(parameter.schema)
        if not parameter.description and not schema.get("description") and not schema.get("title"):
            yield parameter.pointer, f"the parameter {parameter.name!r} is not described", "add a description"
    for pointer, fields in objects(interface):
        silent = [field.name for field in fields if not field.title and not field.description]
        if silent:
            problem = f"{len(silent)} of {len(fields)} fields not described: {some(silent)}"
            yield pointer, problem, "add a description to each"


_SPOKEN = """
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
      responses: {'200': {description: 婚姻登记, x-en: {description: The marriage}}}
components:
  responses: {Problem: {description: 问题详情, x-en: {description: Problem details}}}
  schemas:
    Problem: {description: 问题详情, x-en: {description: Problem details}}
    Marriage:
      properties:
        ZSBH: {description: 证书编号, x-en: {description: Certificate number}}
        DJRQ: {description: 登记日期, x-en: {description: Date of registration}}
"""


@rule(
    Severity.WARNING,
    bad="info: {title: 婚姻登记核验, description: 供部门核验。, "
    "x-en: {title: Marriage checks, description: For departments.}}"
    + _SPOKEN.replace("登记日期, x-en: {description: Date of registration}", "登记日期"),
    good="info: {title: 婚姻登记核验, description: 供部门核验。, "
    "x-en: {title: Marriage checks, description: For departments.}}" + _SPOKEN,
)
def missing_language(interface: Interface) -> Iterator[Hit]:
    """A document that speaks two languages speaks them throughout; half a translation leaves half its readers
    out."""
    if not _bilingual(interface):
        return
    for pointer, what, text in _texts(interface):
        yield from _gaps(pointer, what, text)
    for parameter in parameters(interface):
        yield from _gaps(parameter.pointer, f"the parameter {parameter.name!r}", parameter.description)
    for pointer, fields in objects(interface):
        for missing in ("zh_CN", "en"):
            half = [f.name for f in fields if _lacks(f.title, missing) or _lacks(f.description, missing)]
            if half:
                yield pointer, f"fields not described in {missing}: {some(half)}", "translate title and description"


def _texts(interface: Interface) -> Iterator[tuple[str, str, Text]]:
    """What is said of the whole, of operations, answers, tables, workflows and steps."""
    yield "/info" if "info" in interface.document.value else "", "the interface", interface.description
    for operation in operations(interface):
        name = title_of(operation)
        yield operation.pointer, name, operation.summary
        yield operation.pointer, f"the long text of {name}", operation.description
        if operation.body is not None:
            yield operation.body.pointer, f"the body of {name}", operation.body.description
    for operation, response in answers(interface):
        yield response.pointer, f"the answer {response.status} of {title_of(operation)}", response.description
    for table in interface.tables:
        yield table.pointer, f"the table {table.name!r}", table.title
        yield table.pointer, f"the table {table.name!r}", table.description
    for workflow in interface.process.workflows if interface.process else ():
        yield workflow.pointer, f"the workflow {workflow.id!r}", workflow.summary
        for step in workflow.steps:
            yield step.pointer, f"the step {step.id!r}", step.description


@rule(
    Severity.INFO,
    optional=True,
    bad="info: {title: Marriage checks}",
    good="info: {title: 婚姻登记核验, description: 供部门核验。, "
    "x-en: {title: Marriage checks, description: For departments.}}" + _SPOKEN,
)
def single_language(interface: Interface) -> Iterator[Hit]:
    """Departments read Chinese, developers from elsewhere English. A document in one of the two shuts the others out
    (x-en holds the English beside a Chinese text)."""
    missing = [language for language in ("zh_CN", "en") if interface.title and language not in interface.title]
    if missing:
        pointer = "/info/title" if "info" in interface.document.value else "/name"
        yield pointer, f"the document says nothing in {missing[0]}", "translate titles and descriptions"


def _bilingual(interface: Interface) -> bool:
    return len(interface.title) > 1 or any(len(table.title) > 1 for table in interface.tables)


def _lacks(text: Text, language: str) -> bool:
    return bool(text) and language not in text


def _gaps(pointer: str, what: str, text: Text) -> Iterator[Hit]:
    for language in ("zh_CN", "en"):
        if _lacks(text, language):
            yield pointer, f"{what} is not described in {language}", "translate it (x-en holds the English)"
