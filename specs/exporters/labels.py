"""The fixed words of reference pages, Chinese and English."""

from __future__ import annotations

from collections.abc import Mapping

from specs.model import Kind
from specs.words import Text

_WORDS = """
id | 接口标识 | Interface id
version | 版本 | Version
kind | 类型 | Kind
department | 提供部门 | Department
format | 文档格式 | Document format
digest | 文档摘要（SHA-256） | SHA-256 of the document
server | 接口地址 | Address
catalogue | 目录信息 | Catalogue entry
operations | 接口操作 | Operations
tables | 数据表 | Tables
process | 流程 | Process
field | 字段 | Field
type | 类型与约束 | Type and constraints
element | 数据元 | Element
sensitivity | 敏感级别 | Sensitivity
presence | 必填 | Presence
meaning | 含义 | Meaning
key | 主键 | key
required | 必填 | required
optional | 可空 | optional
parameters | 参数 | Parameters
parameter | 参数 | Parameter
place | 位置 | In
body | 请求体 | Request body
answers | 返回 | Answers
status | 状态 | Status
content | 内容 | Content
answer | 返回字段 | Fields of the answer
described | 字段见 | Fields as in
errors | 错误返回的字段 | Fields of an error
example | 示例 | Example
deprecated | 已弃用 | deprecated
security | 认证 | Authentication
nobody | 无需认证 | none needed
keys | 主键 | Primary key
foreign | 外键 | Foreign keys
rules | 质量规则 | Quality rules
codes | 代码表 | Code lists
code | 代码 | Code
step | 步骤 | Step
calls | 调用 | Calls
after | 前置步骤 | After
more | 其余 | More
name | 目录名称 | Name
resource_code | 信息资源代码 | Resource code
provider | 提供单位 | Provider
abstract | 摘要 | Abstract
items | 数据项 | Items
resource_kind | 资源属性 | Kind of resource
format_class | 数据格式 | Format
update_frequency | 更新频率 | Updated
sharing_class | 共享属性 | Sharing class
sharing_mode | 共享方式 | Mode of sharing
scope | 共享范围 | Who may use it
use | 使用用途 | For what
refusal | 不予共享的理由 | Why it is not shared
open | 是否向社会开放 | Open to the public
open_conditions | 开放条件 | Conditions of opening
classification | 数据分级 | Classification
legal_basis | 依据 | Legal basis
issue_date | 发布日期 | Issued
related | 关联资源 | Related resources
approval | 审批 | Approval
yes | 是 | yes
no | 否 | no
try | 在沙箱中试用 | Try it in the sandbox
sandbox | 沙箱地址 | Sandbox address
send | 发送 | Send
expect | 期望的返回 | Answer to ask for
any | 由沙箱决定 | the sandbox decides
language | 语言 | Language
contents | 目录 | Contents
no_script | 试用需要 JavaScript；也可使用下面的命令。 | Trying needs JavaScript; or use the command below.
"""
LABELS: Mapping[str, Text] = {
    key: {"zh_CN": chinese, "en": english}
    for key, chinese, english in (map(str.strip, line.split("|")) for line in _WORDS.strip().splitlines())
}
KINDS: Mapping[Kind, Text] = {
    Kind.API: {"zh_CN": "服务接口", "en": "service"},
    Kind.DATASET: {"zh_CN": "数据集", "en": "dataset"},
    Kind.PROCESS: {"zh_CN": "流程", "en": "process"},
}
LEVELS: Mapping[str, Text] = {
    "core": {"zh_CN": "核心", "en": "core"},
    "important": {"zh_CN": "重要", "en": "important"},
    **{f"general-{n}": {"zh_CN": f"一般{n}级", "en": f"general-{n}"} for n in (4, 3, 2, 1)},
}
PLACES: Mapping[str, Text] = {
    "path": {"zh_CN": "路径", "en": "path"},
    "query": {"zh_CN": "查询", "en": "query"},
    "header": {"zh_CN": "请求头", "en": "header"},
    "cookie": {"zh_CN": "Cookie", "en": "cookie"},
}
