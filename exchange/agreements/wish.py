"""What a requester asks for, and everything still missing in it, told once (政务数据共享条例 arts 20, 21)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from exchange.agreements.scope import names, resolve
from exchange.errors import Unprocessable
from specs.model import Interface, Kind
from specs.words import Text

LONGEST_DAYS = 3650
"""A grant has to end by itself; ten years is the longest a requester may ask for."""
LONGEST_TEXT = 2000
MOST_FIELDS = 500


class Mode(StrEnum):
    """共享方式 (art 22): 服务接口, 批量交换, 文件下载."""

    SERVICE = "service"
    BULK = "bulk"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class Gap:
    """One thing missing or wrong in an application, with the words a person reads."""

    pointer: str
    message: Text


@dataclass(frozen=True, slots=True)
class Wish:
    """What a requester asks for: the fields of an application, in the order every form and answer shows them.

    ``fields``: names or pointers in answers (api) or columns (dataset). A name said twice counts once.
    """

    interface: str
    operations: tuple[str, ...] = ()
    table: str | None = None
    fields: tuple[str, ...] = ()
    legal_basis: str = ""
    scenario: str = ""
    purpose: str = ""
    mode: str = ""
    duration_days: int | None = None
    approved_by: str = ""

    def __post_init__(self) -> None:
        for name in ("operations", "fields"):
            object.__setattr__(self, name, tuple(dict.fromkeys(getattr(self, name))))


def check_size(wish: Wish) -> None:
    """Raises `Unprocessable` for an application that no person wrote: texts over 2,000 characters, over 500
    names.
    """
    texts = (wish.legal_basis, wish.scenario, wish.purpose, wish.approved_by, wish.mode, wish.interface)
    names_asked = (*wish.operations, *wish.fields)
    if any(len(text) > LONGEST_TEXT for text in texts) or any(len(name) > 500 for name in names_asked):
        raise Unprocessable(f"a text of the application is longer than {LONGEST_TEXT} characters")
    if len(names_asked) > MOST_FIELDS:
        raise Unprocessable(f"an application names at most {MOST_FIELDS} operations and fields")


def gaps(wish: Wish, interface: Interface) -> tuple[Gap, ...]:
    """Everything missing or wrong in an application, all at once (一次性告知, art 21); none when complete."""
    found: list[Gap] = []

    def gap(pointer: str, chinese: str, english: str) -> None:
        found.append(Gap(pointer, {"zh_CN": chinese, "en": english}))

    for name, chinese, english in (
        ("legal_basis", "缺少使用依据", "the legal basis is missing"),
        ("scenario", "缺少使用场景", "the scenario of use is missing"),
        ("purpose", "缺少用途", "the purpose is missing"),
        (
            "approved_by",
            "缺少本部门共享工作机构负责人的同意",
            "the approval of your sharing office's head is missing",
        ),
    ):
        if not getattr(wish, name).strip():
            gap(f"/{name}", chinese, english)
    if wish.duration_days is None or not 1 <= wish.duration_days <= LONGEST_DAYS:
        gap(
            "/duration_days",
            f"使用时限须为1至{LONGEST_DAYS}天",
            f"the period must be 1 to {LONGEST_DAYS} days",
        )
    modes = {Mode.SERVICE} if interface.kind is Kind.API else {Mode.BULK, Mode.FILE}
    if wish.mode not in modes:
        offered = ", ".join(sorted(modes))
        gap("/mode", f"共享方式须为：{offered}", f"the mode must be one of: {offered}")
    for pointer, chinese, english in _scope_gaps(wish, interface):
        gap(pointer, chinese, english)
    return tuple(found)


def _scope_gaps(wish: Wish, interface: Interface) -> list[tuple[str, str, str]]:
    found: list[tuple[str, str, str]] = []
    if not wish.fields:
        found.append(("/fields", "使用范围须列明数据项", "the scope must list the fields"))
    if interface.kind is Kind.API:
        known = {operation.id for operation in interface.operations}
        unknown = [id for id in wish.operations if id not in known]
        if not wish.operations:
            found.append(("/operations", "缺少操作", f"name at least one operation of: {', '.join(sorted(known))}"))
        found += [(f"/operations/{id}", f"接口没有操作{id}", f"the interface has no operation {id}") for id in unknown]
        usable = [id for id in wish.operations if id in known]
        lost = resolve(interface, usable, wish.fields)[1] if usable else []
        offer = ", ".join(sorted({name for id in usable for name in names(interface, interface.operation(id))}))
    else:
        tables = {table.name: table for table in interface.tables}
        if wish.table not in tables:
            offered = ", ".join(sorted(tables))
            return [*found, ("/table", f"数据表须为：{offered}", f"the table must be one of: {offered}")]
        columns = {column.name for column in tables[wish.table].fields}
        lost, offer = [name for name in wish.fields if name not in columns], ", ".join(sorted(columns))
    for name in lost:
        found.append(
            (
                f"/fields/{name}",
                f"数据项{name}不存在或不唯一",
                f"{name} is no single field; choose from: {offer}",
            )
        )
    return found


def scope_of(wish: Wish, interface: Interface) -> Mapping[str, tuple[str, ...]]:
    """The pointer templates a complete application asks for, per operation or table."""
    if interface.kind is Kind.API:
        return resolve(interface, wish.operations, wish.fields)[0]
    return {str(wish.table): tuple(f"/*/{name}" for name in sorted(set(wish.fields)))}
