"""The catalogue entry of an interface: what article 13 of the Regulation on Government Data Sharing wants known of it.

Written as `x-catalogue` under `info` (OpenAPI, Arazzo, JSON Schema: at the root) or as the custom property `catalogue`
of a data contract. Code values follow 政务信息资源目录编制指南(试行). Reading never fails: what is absent or of
another type is empty, and the lint rules say what is missing and where.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from specs.model import Interface
from specs.words import NOTHING, Text

SHARING_CLASSES: Mapping[str, Text] = {
    "1": {"zh_CN": "无条件共享", "en": "unconditional"},
    "2": {"zh_CN": "有条件共享", "en": "conditional"},
    "3": {"zh_CN": "不予共享", "en": "not shared"},
}
SHARING_MODES: Mapping[str, Text] = {
    "service-interface": {"zh_CN": "服务接口", "en": "service interface"},
    "batch-exchange": {"zh_CN": "批量交换", "en": "bulk exchange"},
    "file-download": {"zh_CN": "文件下载", "en": "file download"},
}
UPDATE_FREQUENCIES: Mapping[str, Text] = {
    "1": {"zh_CN": "实时", "en": "real time"},
    "2": {"zh_CN": "每日", "en": "daily"},
    "3": {"zh_CN": "每周", "en": "weekly"},
    "4": {"zh_CN": "每月", "en": "monthly"},
    "5": {"zh_CN": "每季度", "en": "quarterly"},
    "6": {"zh_CN": "每年", "en": "yearly"},
}
FORMAT_CLASSES: Mapping[str, Text] = {
    "1": {"zh_CN": "电子文件", "en": "electronic file"},
    "2": {"zh_CN": "电子表格", "en": "spreadsheet"},
    "3": {"zh_CN": "数据库", "en": "database"},
    "4": {"zh_CN": "图形图像", "en": "images"},
    "5": {"zh_CN": "流媒体", "en": "streaming media"},
    "6": {"zh_CN": "自描述格式", "en": "self-describing format"},
    "7": {"zh_CN": "服务接口", "en": "service interface"},
}
LEVELS = ("core", "important", "general-4", "general-3", "general-2", "general-1")
"""Data classification, gravest first (GB/T 43697)."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """An assessment or approval that was made: its reference (or who), and its date as written."""

    reference: str = ""
    date: str = ""


@dataclass(frozen=True, slots=True)
class LegalBasis:
    """A law, an article of it, and whether the article was read (True) or is still to be checked. `rank`: law,
    administrative-regulation, state-council-decision, other; "" when it is not said."""

    law: str
    article: str = ""
    verified: bool = False
    rank: str = ""


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """One entry. `items` are names of fields or of the data elements they carry; `classification` is one of
    `LEVELS`; `resource_kind` a path such as "基础/人口"; `pointer` is where the entry stands in the document."""

    name: Text = NOTHING
    code: str = ""
    department: str = ""
    uscc: str = ""
    abstract: Text = NOTHING
    items: tuple[str, ...] = ()
    resource_kind: str = ""
    format_class: str = ""
    update_frequency: str = ""
    sharing_class: str = ""
    sharing_mode: str = ""
    scope: Text = NOTHING
    use: Text = NOTHING
    refusal_reason: Text = NOTHING
    open_to_public: bool | None = None
    open_conditions: Text = NOTHING
    classification: str = ""
    legal_basis: tuple[LegalBasis, ...] = ()
    issue_date: str = ""
    related: tuple[str, ...] = ()
    secrecy_assessment: Assessment = Assessment()
    impact_assessment: Assessment = Assessment()
    approval: Assessment = Assessment()
    pointer: str = ""


def entry(interface: Interface) -> CatalogueEntry | None:
    """The catalogue entry an interface carries, None when its document has none."""
    raw, pointer = _written(interface)
    if raw is None:
        return None
    provider, conditions = _mapping(raw.get("provider")), _mapping(raw.get("use_conditions"))
    return CatalogueEntry(
        name=_text(raw.get("name")),
        code=_string(raw.get("code")),
        department=_string(provider.get("department")),
        uscc=_string(provider.get("uscc")),
        abstract=_text(raw.get("abstract")),
        items=_strings(raw.get("items")),
        resource_kind=_string(raw.get("resource_kind")),
        format_class=_string(raw.get("format_class")),
        update_frequency=_string(raw.get("update_frequency")),
        sharing_class=_string(raw.get("sharing_class")),
        sharing_mode=_string(raw.get("sharing_mode")),
        scope=_text(conditions.get("scope")),
        use=_text(conditions.get("use")),
        refusal_reason=_text(raw.get("refusal_reason")),
        open_to_public=value if isinstance(value := raw.get("open_to_public"), bool) else None,
        open_conditions=_text(raw.get("open_conditions")),
        classification=_string(raw.get("classification")),
        legal_basis=tuple(
            LegalBasis(
                _string(one.get("law")),
                _string(one.get("article")),
                one.get("verified") is True,
                _string(one.get("rank")),
            )
            for one in _list(raw.get("legal_basis"))
            if isinstance(one, dict)
        ),
        issue_date=_string(raw.get("issue_date")),
        related=_strings(raw.get("related")),
        secrecy_assessment=_assessment(raw.get("secrecy_assessment")),
        impact_assessment=_assessment(raw.get("impact_assessment")),
        approval=_assessment(raw.get("approval")),
        pointer=pointer,
    )


def _written(interface: Interface) -> tuple[Mapping[str, Any] | None, str]:
    """The entry as written, and its pointer."""
    document = _mapping(interface.document.value)
    for place, pointer in ((_mapping(document.get("info")), "/info"), (document, "")):
        if isinstance(raw := place.get("x-catalogue"), dict):
            return raw, f"{pointer}/x-catalogue"
    for number, one in enumerate(_list(document.get("customProperties"))):
        if isinstance(one, dict) and one.get("property") == "catalogue" and isinstance(one.get("value"), dict):
            return one["value"], f"/customProperties/{number}/value"
    return None, ""


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _string(value: Any) -> str:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _strings(value: Any) -> tuple[str, ...]:
    return tuple(_string(one) for one in _list(value) if _string(one))


def _text(value: Any) -> Text:
    if isinstance(value, dict):
        return {language: said for language, said in value.items() if isinstance(said, str) and said.strip()}
    return {"zh_CN": value} if isinstance(value, str) and value.strip() else NOTHING


def _assessment(value: Any) -> Assessment:
    one = _mapping(value)
    return Assessment(_string(one.get("reference")) or _string(one.get("by")), _string(one.get("date")))
