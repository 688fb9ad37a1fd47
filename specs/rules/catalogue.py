"""Rules over the catalogue entry: what articles 13 to 15 of the Regulation on Government Data Sharing ask of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from specs.check_digits import uscc_problem
from specs.entry import (
    FORMAT_CLASSES,
    LEVELS,
    SHARING_CLASSES,
    SHARING_MODES,
    UPDATE_FREQUENCIES,
    CatalogueEntry,
    LegalBasis,
    entry,
)
from specs.finding import Severity
from specs.model import Field, Interface, Kind
from specs.rules import Hit, rule
from specs.rules.places import some, written

_ENTRY = """{name: {zh_CN: 婚姻登记, en: Marriages}, provider: {department: civil-affairs, uscc: 11550000009900013B},
 items: [ZSBH, DJRQ], format_class: '7', update_frequency: '1', sharing_class: '2', sharing_mode: service-interface,
 use_conditions: {scope: {zh_CN: 办理部门}, use: {zh_CN: 核验}}, classification: general-3,
 secrecy_assessment: {reference: BM-1, date: '2026-09-01'}, impact_assessment: {reference: PIA-1, date: '2026-09-02'},
 approval: {by: department head, date: '2026-09-10'}}"""
_GOOD = f"info: {{x-catalogue: {_ENTRY}}}"


def _bad(old: str, new: str) -> str:
    assert old in _ENTRY, old
    return _GOOD.replace(old, new)


@rule(Severity.ERROR, optional=True, bad="info: {x-catalogue: null}", good=_GOOD)
def missing_catalogue_entry(interface: Interface) -> Iterator[Hit]:
    """Whatever a department shares stands in the data catalogue (art 13). Without its entry nobody can find it,
    apply for it, or know on what conditions. Processes share nothing themselves; what vendors offer is no resource of
    a department (x-offered-by: vendors)."""
    if interface.kind is Kind.PROCESS or interface.extensions.get("x-offered-by") == "vendors":
        return
    if entry(interface) is None:
        dataset = interface.format.startswith("ODCS")
        where = "a custom property `catalogue`" if dataset else "x-catalogue under info"
        yield "" if dataset else "/info", "the interface has no catalogue entry", f"add {where}; see docs/linting.md"


@rule(Severity.ERROR, bad=_bad(" classification: general-3,", ""), good=_GOOD)
def incomplete_catalogue_entry(interface: Interface) -> Iterator[Hit]:
    """Article 13 names what an entry must state: name, items, provider, format, update frequency, sharing class and
    mode, classification. An entry that leaves one out cannot be submitted."""
    found = entry(interface)
    if found is None:
        return
    stated: dict[str, object] = {
        "name": found.name,
        "items": found.items,
        "provider.uscc": found.uscc,
        "format_class": found.format_class,
        "update_frequency": found.update_frequency,
        "sharing_class": found.sharing_class,
        "sharing_mode": found.sharing_mode or found.sharing_class == "3",
        "classification": found.classification,
    }
    missing = [name for name, value in stated.items() if not value]
    if missing:
        yield found.pointer, f"the catalogue entry does not state {some(missing, 8)}", "add them (art 13)"


@rule(Severity.ERROR, bad=_bad("update_frequency: '1'", "update_frequency: '9'"), good=_GOOD)
def unknown_catalogue_code(interface: Interface) -> Iterator[Hit]:
    """Codes of the catalogue are read by machines: one outside its list means nothing to any other department."""
    found = entry(interface)
    if found is None:
        return
    lists: dict[str, tuple[str, Mapping[str, object]]] = {
        "format_class": (found.format_class, FORMAT_CLASSES),
        "update_frequency": (found.update_frequency, UPDATE_FREQUENCIES),
        "sharing_class": (found.sharing_class, SHARING_CLASSES),
        "sharing_mode": (found.sharing_mode, SHARING_MODES),
        "classification": (found.classification, dict.fromkeys(LEVELS)),
    }
    for name, (code, known) in lists.items():
        if code and code not in known:
            yield f"{found.pointer}/{name}", f"{name} {code!r} is not in its list", f"one of {', '.join(known)}"


@rule(Severity.ERROR, bad=_bad("11550000009900013B", "11550000009900013C"), good=_GOOD)
def invalid_provider_code(interface: Interface) -> Iterator[Hit]:
    """The provider is named by its unified social credit code. One whose check characters are wrong names nobody, or
    somebody else."""
    found = entry(interface)
    if found is not None and found.uscc and (problem := uscc_problem(found.uscc)):
        yield f"{found.pointer}/provider/uscc", f"{found.uscc} is no credit code: {problem}", "copy it again"


@rule(Severity.ERROR, bad=_bad("sharing_class: '2'", "sharing_class: '1'"), good=_GOOD)
def condition_on_unconditional_sharing(interface: Interface) -> Iterator[Hit]:
    """What is shared without condition may carry none: adding conditions of one's own to obstruct sharing is a
    violation (art 15, code P39-2)."""
    found = entry(interface)
    if found is not None and found.sharing_class == "1" and (found.scope or found.use):
        said = "shared without condition, yet use conditions are stated"
        yield f"{found.pointer}/use_conditions", said, "leave use_conditions out, or share on condition (class 2)"


@rule(Severity.ERROR, bad=_bad("scope: {zh_CN: 办理部门}, ", ""), good=_GOOD)
def conditional_sharing_without_scope_or_use(interface: Interface) -> Iterator[Hit]:
    """What is shared on condition must state who may have it and what for (art 14). Without both, a refusal cannot be
    told from arbitrariness."""
    found = entry(interface)
    if found is not None and found.sharing_class == "2":
        missing = [name for name, said in (("scope", found.scope), ("use", found.use)) if not said]
        if missing:
            said = f"shared on condition without stating {' and '.join(missing)}"
            yield f"{found.pointer}/use_conditions", said, "state use_conditions.scope and use_conditions.use"


_CONDITION = "sharing_mode: service-interface,\n use_conditions: {scope: {zh_CN: 办理部门}, use: {zh_CN: 核验}}"
_REFUSED = _bad(
    f"sharing_class: '2', {_CONDITION}",
    "sharing_class: '3', refusal_reason: {zh_CN: 依法不予共享},\n legal_basis: [{law: 中华人民共和国统计法}]",
)


@rule(Severity.ERROR, bad=_REFUSED.replace(" refusal_reason: {zh_CN: 依法不予共享},", ""), good=_REFUSED)
def refusal_without_reason(interface: Interface) -> Iterator[Hit]:
    """What is not shared needs a reason and its legal basis (art 14): sharing is the rule."""
    found = entry(interface)
    if found is not None and found.sharing_class == "3":
        missing = [
            n for n, said in (("refusal_reason", found.refusal_reason), ("legal_basis", found.legal_basis)) if not said
        ]
        if missing:
            yield found.pointer, f"not shared without {' and '.join(missing)}", "state why, and which law says so"


@rule(Severity.ERROR, bad=_REFUSED.replace("中华人民共和国统计法", "某市数据管理办法"), good=_REFUSED)
def basis_of_lower_rank(interface: Interface) -> Iterator[Hit]:
    """Only a law, an administrative regulation or a decision of the State Council can forbid sharing (art 14); a local
    rule or a notice of a department cannot."""
    found = entry(interface)
    if found is None or found.sharing_class != "3" or not found.legal_basis:
        return
    if not any(_high(basis) for basis in found.legal_basis):
        said = f"{some([basis.law for basis in found.legal_basis])} cannot forbid sharing"
        yield f"{found.pointer}/legal_basis", said, "name the law or regulation that does"


def _high(basis: LegalBasis) -> bool:
    """Whether a basis is of sufficient rank: as said, else as its name tells."""
    if basis.rank:
        return basis.rank in ("law", "administrative-regulation", "state-council-decision")
    name = basis.law.strip("《》 ")
    local = any(mark in name[:12] for mark in ("省", "市", "自治区", "自治州", "县", "厅", "局", "委员会"))
    law = name.endswith(("法", "法典")) and not name.endswith("办法")
    return law or (not local and (name.endswith("条例") or ("国务院" in name and "决定" in name)))


@rule(Severity.WARNING, bad=_bad(" impact_assessment: {reference: PIA-1, date: '2026-09-02'},", ""), good=_GOOD)
def missing_assessment(interface: Interface) -> Iterator[Hit]:
    """Before an entry is submitted, its secrecy risk and its impact on personal information are assessed and the head
    of the department approves it (art 13). References and dates are kept with the entry."""
    found = entry(interface)
    if found is None:
        return
    made = {
        "secrecy_assessment": found.secrecy_assessment,
        "impact_assessment": found.impact_assessment,
        "approval": found.approval,
    }
    missing = [name for name, one in made.items() if not one.reference or not one.date]
    if missing:
        yield found.pointer, f"without reference or date: {some(missing)}", "add reference (or by) and date"


@rule(Severity.WARNING, bad=_bad("items: [ZSBH, DJRQ]", "items: [ZSBH, DJRQ, NAN_XM]"), good=_GOOD)
def catalogue_item_without_field(interface: Interface) -> Iterator[Hit]:
    """Departments apply for the items of an entry. One that the interface does not have can be agreed and never
    delivered."""
    found = entry(interface)
    if found is None or interface.kind is Kind.PROCESS:
        return
    known = {name for field in _fields(interface) for name in _names(field)}
    missing = [name for name in found.items if name not in known]
    if missing:
        yield f"{found.pointer}/items", f"items that are no fields: {some(missing)}", "correct the names"


_ELEMENT = "\ncomponents: {schemas: {Marriage: {properties: {DJRQ: {x-element: HYDJRQ, x-sensitivity: general-3}}}}}"


@rule(Severity.WARNING, bad=_bad("items: [ZSBH, DJRQ]", "items: [ZSBH]") + _ELEMENT, good=_GOOD + _ELEMENT)
def field_missing_from_catalogue(interface: Interface) -> Iterator[Hit]:
    """A field that the entry does not list is shared without standing in the catalogue: nobody can apply for it, and
    nobody approved it."""
    found = entry(interface)
    if found is None or not found.items or interface.kind is Kind.PROCESS:
        return
    facts = (field for field in _answered(interface) if interface.tables or field.element)  # no marks of the protocol
    bare = [field.name for field in facts if not _names(field) & set(found.items)]
    if bare:
        yield f"{found.pointer}/items", f"fields that are not listed: {some(list(dict.fromkeys(bare)))}", "list them"


@rule(Severity.WARNING, bad=_bad("service-interface", "batch-exchange"), good=_GOOD)
def sharing_mode_misfit(interface: Interface) -> Iterator[Hit]:
    """The mode says how data reach the other side (art 22). A service is no bulk exchange, and a dataset no service."""
    found = entry(interface)
    if found is None:
        return
    wrong = {Kind.API: ("batch-exchange", "file-download"), Kind.DATASET: ("service-interface",)}
    if found.sharing_mode in wrong.get(interface.kind, ()):
        said = f"sharing mode {found.sharing_mode} for an interface of kind {interface.kind}"
        yield f"{found.pointer}/sharing_mode", said, "correct the mode"


@rule(
    Severity.WARNING,
    bad=_bad("classification: general-3", "classification: general-1")
    + "\ncomponents: {schemas: {Marriage: {properties: {DJRQ: {x-sensitivity: general-3}}}}}",
    good=_GOOD + "\ncomponents: {schemas: {Marriage: {properties: {DJRQ: {x-sensitivity: general-3}}}}}",
)
def classification_below_fields(interface: Interface) -> Iterator[Hit]:
    """A dataset is as sensitive as its most sensitive field (GB/T 43697). An entry graded lower is protected less than
    it has to be."""
    found = entry(interface)
    if found is None or found.classification not in LEVELS:
        return
    levels = {f.sensitivity: f.name for f in _answered(interface) if f.sensitivity in LEVELS}
    gravest = min(levels, key=LEVELS.index, default=found.classification)
    if LEVELS.index(gravest) < LEVELS.index(found.classification):
        said = f"graded {found.classification}, but {levels[gravest]} is {gravest}"
        yield f"{found.pointer}/classification", said, f"grade the entry {gravest} or above"


@rule(Severity.WARNING, bad=_bad("sharing_class:", "sharing_conditions: none, sharing_class:"), good=_GOOD)
def unknown_catalogue_field(interface: Interface) -> Iterator[Hit]:
    """A misspelt field of the entry is silently nothing: what was meant to be stated is not."""
    found = entry(interface)
    if found is None:
        return
    said = written(interface, found.pointer)
    strange = [name for name in said if name not in _KNOWN and not str(name).startswith("x-")]
    if strange:
        yield found.pointer, f"unknown fields: {some(strange)}", f"known are {', '.join(sorted(_KNOWN))}"


_KNOWN = frozenset(CatalogueEntry.__dataclass_fields__) - {"department", "uscc", "scope", "use", "pointer"} | {
    "provider",
    "use_conditions",
}


def _names(field: Field) -> set[str]:
    """What an entry may call a field: its name, or the data element it carries."""
    return {field.name, field.element} if field.element else {field.name}


def _fields(interface: Interface) -> Iterator[Field]:
    """Every field of tables, bodies and answers, at any depth."""
    from specs.rules.places import objects

    for _, fields in objects(interface):
        yield from fields


def _answered(interface: Interface) -> Iterator[Field]:
    """The fields that leave: of tables, and at the top of successful answers, but for what the caller sent."""
    for table in interface.tables:
        yield from table.fields
    for operation in interface.operations:
        content = operation.success.content() if operation.success else None
        sent = operation.body.contents[0].schema if operation.body and operation.body.contents else None
        known = {field.name for field in interface.fields(sent)}
        if content is not None:
            yield from (field for field in interface.fields(content.schema) if field.name not in known)
