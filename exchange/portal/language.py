"""Which language a page speaks, and the words of states and kinds. zh_CN and en; messages are English in the source."""

from __future__ import annotations

import io
from collections.abc import Mapping
from functools import cache
from importlib import resources

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations
from fastapi import Request

LANGUAGES = ("zh_CN", "en")


def chosen(request: Request) -> str:
    """The language of this request: ``?lang=``, then the cookie, then Accept-Language; Chinese when nothing speaks."""
    for wish in (request.query_params.get("lang"), request.cookies.get("lang")):
        if wish in LANGUAGES:
            return str(wish)
    accepted = request.headers.get("accept-language", "")
    first = accepted.split(",")[0].strip().lower()
    return "en" if first.startswith("en") else "zh_CN"


@cache
def translations(language: str) -> Translations:
    """Messages of a language, compiled in memory from the .po file, so no compiled file can be out of date."""
    source = resources.files("exchange.portal").joinpath("locale", language, "LC_MESSAGES", "messages.po")
    compiled = io.BytesIO()
    write_mo(compiled, read_po(io.BytesIO(source.read_bytes()), locale=language))
    compiled.seek(0)
    return Translations(compiled)


def text(value: Mapping[str, str] | str | None, language: str) -> str:
    """The words of a two-language value; the other language when this one is missing."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return value.get(language) or next((words for words in value.values() if words), "")


WORDS: Mapping[str, tuple[str, str]] = {
    "api": ("服务接口", "service"),
    "dataset": ("数据集", "dataset"),
    "process": ("跨部门流程", "process"),
    "draft": ("草稿", "draft"),
    "checked": ("已检查", "checked"),
    "published": ("已发布", "published"),
    "announced": ("已预告", "announced"),
    "superseded": ("已被取代", "superseded"),
    "kept": ("继续提供", "kept"),
    "breaking": ("不兼容", "breaking"),
    "compatible": ("兼容", "compatible"),
    "request": ("请求方", "requests"),
    "response": ("读取方", "answers"),
    "both": ("双方", "both"),
    "read": ("只读调用", "asked"),
    "refusal": ("应予拒绝的调用", "asked what must be refused"),
    "none": ("未探测", "not asked"),
    "major": ("主版本", "major"),
    "minor": ("次版本", "minor"),
    "patch": ("修订号", "patch"),
    "1": ("无条件共享", "unconditional sharing"),
    "2": ("有条件共享", "conditional sharing"),
    "3": ("不予共享", "not shared"),
    "deprecated": ("即将停用", "deprecated"),
    "retired": ("已停用", "retired"),
    "done": ("已办结", "done"),
    "pending": ("待办", "pending"),
    "skipped": ("未办", "not wanted"),
    "filed": ("待答复", "waiting for an answer"),
    "incomplete": ("材料不全", "incomplete"),
    "consented": ("已同意", "consented"),
    "refused": ("已拒绝", "refused"),
    "active": ("有效", "active"),
    "suspended": ("已中止", "suspended"),
    "terminated": ("已终止", "terminated"),
    "expired": ("已到期", "expired"),
    "delivered": ("已交付", "delivered"),
    "permitted": ("进行中", "under way"),
    "failed": ("提供方失败", "provider failed"),
    "withheld": ("不合规范，未放行", "withheld: broke its spec"),
    "unknown": ("结果不明", "outcome unknown"),
    "withdrawn": ("已撤回", "withdrawn"),
    "queued": ("排队中", "queued"),
    "running": ("进行中", "running"),
    "passed": ("合格", "passed"),
    "errored": ("测试中断（非应用原因）", "interrupted, not the app's fault"),
    "open": ("办理中", "open"),
    "completed": ("已办结", "completed"),
    "in_progress": ("办理中", "in progress"),
    "not_eligible": ("不符合条件", "not eligible"),
    "needs_correction": ("需要校核", "needs correction"),
    "partially_completed": ("部分办结", "partly completed"),
    "made": ("已生成", "made"),
    "unmade": ("未能生成", "not made"),
    "cancelled": ("已取消", "cancelled"),
    "reserved": ("保留号段，不属于任何人", "reserved: numbers nobody can have"),
    "realistic": ("仿真号码", "realistic in form"),
    "core": ("核心数据", "core"),
    "important": ("重要数据", "important"),
    "general-4": ("一般 4 级", "general 4"),
    "general-3": ("一般 3 级", "general 3"),
    "general-2": ("一般 2 级", "general 2"),
    "general-1": ("一般 1 级", "general 1"),
    "gives": ("对外提供", "given by"),
    "asks": ("要求提交", "asked for by"),
    "key": ("用于查询", "a key of"),
    "title": ("名称", "title"),
    "field": ("字段", "field"),
    "description": ("说明", "description"),
    "shared": ("其他部门已共享", "shared by others"),
    "collected": ("重复采集", "collected again"),
    "duplicate": ("疑似重复", "nearly the same"),
    "retire": ("建议停用", "to retire"),
    "mend": ("需要修复", "to mend"),
    "refresh": ("需要更新", "to refresh"),
    "watch": ("留意", "to watch"),
    "error": ("错误", "error"),
    "warning": ("警告", "warning"),
    "info": ("提示", "note"),
    "operator": ("平台运营方", "operator"),
    "department": ("部门", "department"),
    "vendor": ("软件开发商", "vendor"),
    "data_office": ("数据主管部门", "data office"),
    "finance": ("财务", "finance"),
    "public": ("社会公众", "the public"),
    "admin": ("管理员", "admin"),
    "certifier": ("认证员", "certifier"),
    "engineer": ("工程师", "engineer"),
    "reviewer": ("审核员", "reviewer"),
    "developer": ("开发人员", "developer"),
    "officer": ("数据官", "data officer"),
    "citizen": ("办事人", "citizen"),
    "refused-attempt": ("被拒绝的调用", "refused call"),
    "unused-agreement": ("未使用的授权", "unused agreement"),
    "unused-fields": ("可收窄的授权", "agreement to narrow"),
    "overdue-clock": ("逾期事项", "overdue clock"),
    "many-calls": ("调用突增", "many calls"),
    "many-records": ("记录突增", "many records"),
    "many-refusals": ("拒绝突增", "many refusals"),
    "unusual-hour": ("异常时段", "unusual hour"),
    "new-field": ("新字段", "new field"),
}


def words(language: str) -> Mapping[str, str]:
    """State and kind codes → words of the language."""
    return {code: pair[0 if language == "zh_CN" else 1] for code, pair in WORDS.items()}
