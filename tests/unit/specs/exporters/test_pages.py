"""Reference pages and schemas: complete, in both languages, and no word of a document becomes markup."""

import base64
import hashlib
import json
import re
import shlex
import time
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

import specs
from specs import library
from specs.exporters.html import html
from specs.exporters.jsonschema import jsonschema
from specs.exporters.markdown import markdown
from specs.exporters.markup import element, web_address
from specs.exporters.prose import paragraphs
from specs.exporters.trial import curl
from specs.model import Interface

DATA = Path(__file__).parents[3] / "data"
INTERFACES = library.interfaces()
MARRIAGES = INTERFACES["civil-affairs.marriages"]
EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'><!--`|[x](javascript:alert(1))"


class Page(HTMLParser):
    """Tags with their attributes, texts, and whether every element that opens also closes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in {"input", "meta", "link", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def evil() -> Interface:
    field = {
        "type": "string",
        "title": EVIL,
        "description": EVIL,
        "x-element": EVIL,
        "x-sensitivity": EVIL,
        "enum": [EVIL, "b"],
    }
    schema = {"type": "object", "title": EVIL, "properties": {EVIL: field}}
    words = {"summary": EVIL, "description": EVIL}
    body = {"content": {"application/json": {"schema": schema, "examples": {EVIL: {"value": {EVIL: EVIL}}}}}}
    parameter = {"name": EVIL, "in": "query", "required": True, "description": EVIL, "schema": field, "example": EVIL}
    document = {
        "openapi": "3.1.0",
        "info": {
            "title": EVIL,
            "description": EVIL,
            "version": EVIL,
            "x-department": EVIL,
            "x-catalogue": {
                "name": EVIL,
                "abstract": EVIL,
                "code": EVIL,
                "items": [EVIL],
                "legal_basis": [{"law": EVIL}],
            },
        },
        "servers": [{"url": "javascript:alert(1)"}, {"url": EVIL}],
        "components": {"securitySchemes": {EVIL: {"type": "apiKey", "in": "header", "name": EVIL}}},
        "security": [{EVIL: []}],
        "paths": {
            f"/{EVIL}/{{id}}": {
                "post": {
                    "operationId": EVIL,
                    **words,
                    "parameters": [parameter],
                    "requestBody": body,
                    "responses": {"200": {"description": EVIL, **body}, "400": {"description": EVIL, **body}},
                }
            }
        },
    }
    return specs.read(json.dumps(document).encode(), "evil.json")


@pytest.mark.parametrize("language", ["zh_CN", "en"])
def test_no_word_becomes_markup(language: str) -> None:
    text = html(evil(), language, sandbox='http://127.0.0.1:1/"><script>alert(1)</script>')
    page = Page(text)
    assert len(page.named("script")) == 2
    assert "img" not in {tag for tag, _ in page.tags}
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    assert all((link["href"] or "").startswith(("#", "https:", "http:")) for link in page.named("a"))
    assert json.loads(text.split('id="page-data">')[1].split("</script>")[0])
    assert "".join(page.text).count("<script>alert(1)") > 20


def test_the_policy_allows_the_two_inline_blocks_and_nothing_else() -> None:
    text = html(MARRIAGES)
    policy = next(
        meta["content"] for meta in Page(text).named("meta") if meta.get("http-equiv") == "Content-Security-Policy"
    )
    style = text.split("<style>")[1].split("</style>")[0]
    script = text.rsplit("<script>", 1)[1].split("</script>")[0]
    for block in (style, script):
        digest = base64.b64encode(hashlib.sha256(block.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in str(policy)
    assert str(policy).startswith("default-src 'none'")
    assert "unsafe" not in str(policy)


@pytest.mark.parametrize("interface", INTERFACES.values(), ids=INTERFACES.keys())
def test_a_page_holds_everything_and_loads_nothing(interface: Interface) -> None:
    text = html(interface)
    assert text == html(interface)
    page = Page(text)
    assert [
        name
        for tag in ("link", "script", "img", "iframe")
        for one in page.named(tag)
        for name in ("src",)
        if one.get(name)
    ] == []
    assert [link["href"] for link in page.named("link")] == ["data:,"]
    said = "".join(page.text)
    names = [field.name for table in interface.tables for field in table.fields]
    for operation in interface.operations:
        names += [operation.path, *(parameter.name for parameter in operation.parameters)]
        contents = [
            *(operation.body.contents if operation.body else ()),
            *(c for r in operation.responses for c in r.contents),
        ]
        names += [field.name for content in contents for field in interface.fields(content.schema)]
        names += [response.status for response in operation.responses]
    for name in (interface.id, interface.version, *interface.title.values(), *names):
        assert name in said
    ids = [attributes["id"] for _, attributes in page.tags if attributes.get("id")]
    assert len(ids) == len(set(ids))
    anchors = {f"#{id}" for id in ids}
    assert {link["href"] for link in page.named("a") if str(link["href"]).startswith("#")} <= anchors
    assert len(page.named("form")) == len(interface.operations)


def test_texts_stand_in_both_languages_and_only_what_has_both_is_hidden() -> None:
    text = html(MARRIAGES, "en")
    assert text.startswith('<!doctype html>\n<html lang="en">')
    assert (
        '<span lang="zh-CN" class="said">婚姻登记核验接口</span><span lang="en" class="said">Marriage checks</span>'
        in text
    )
    plain = specs.read(b"openapi: 3.1.0\ninfo: {title: Only English, version: '1'}\npaths: {}\n", "a.yaml")
    assert '<span lang="en">Only English</span>' in html(plain, "zh_CN")


def test_markdown_says_the_same_and_means_itself() -> None:
    text = markdown(MARRIAGES, "en")
    assert "### `POST /marriage-checks` Check a marriage" in text
    assert "| `NAN_GMSFHM` | string, 18 | NAN\\_GMSFHM Citizen number | general-3 | required |" in text
    assert "《" not in markdown(INTERFACES["health.birth-records"], "en").split("## Tables")[1]
    plain = re.sub(r"^(`{3,}).*?^\1$", "", markdown(evil()), flags=re.DOTALL | re.MULTILINE)
    plain = re.sub(r"(?<!\\)(`+)(?!`).+?(?<!`)\1(?!`)", "", plain)
    assert not re.search(r"(?<!\\)<", plain)
    assert not re.search(r"(?<!\\)\]\(", plain)
    rows = [line for line in markdown(evil()).splitlines() if line.startswith("| ")]
    assert rows
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in rows} <= {3, 4, 5, 6, 7}


@pytest.mark.parametrize("path", sorted((DATA / "openapi").glob("*.json")), ids=lambda path: path.stem)
def test_real_documents_make_pages_and_schemas(path: Path) -> None:
    interface = specs.read(path)
    assert len(Page(html(interface)).named("form")) == len(interface.operations)
    assert markdown(interface).startswith("# ")
    for schema in jsonschema(interface).values():
        assert jsonschema_rs.meta.is_valid(schema)
        jsonschema_rs.validator_for(schema)


def test_a_recursive_schema_ends() -> None:
    tree = b"""{"$id": "urn:tree", "title": "Tree", "type": "object", "properties": {"name": {"type": "string"},
               "children": {"type": "array", "items": {"$ref": "#"}}}}"""
    interface = specs.read(tree, "tree.schema.json")
    assert "children[].children[].children[].children[].name" in html(interface)
    assert len(html(interface)) < 60_000


def test_schemas_stand_alone_and_accept_the_documents_own_examples() -> None:
    checked = 0
    for interface in INTERFACES.values():
        made = jsonschema(interface)
        for operation in interface.operations:
            for response in operation.responses:
                content = response.content()
                for value in content.examples.values() if content else ():
                    jsonschema_rs.validator_for(made[f"{operation.id}.{response.status}"]).validate(value)
                    checked += 1
    assert checked > 50
    made = jsonschema(MARRIAGES)["verifyMarriage.request"]
    assert made["$schema"].endswith("2020-12/schema")
    assert made["$id"] == "urn:tongban:schema:civil-affairs.marriages:1.0.0:verifyMarriage.request"
    with pytest.raises(jsonschema_rs.ValidationError):
        jsonschema_rs.validator_for(made).validate({})


@pytest.mark.parametrize("interface", INTERFACES.values(), ids=INTERFACES.keys())
def test_schemas_are_valid_by_the_dialect_they_name(interface: Interface) -> None:
    for name, schema in jsonschema(interface).items():
        assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
        jsonschema_rs.meta.validate(schema)
        assert name


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("one\ntwo\n\nthree", "<p>one<br>two</p><p>three</p>"),
        ("a\n\\\nb", "<p>a</p><p>b</p>"),
        (
            "see:\n- **x**\n- `y`\nend",
            "<p>see:</p><ul><li><strong>x</strong></li><li><code>y</code></li></ul><p>end</p>",
        ),
        ("<b>1)</b> a<br/>b", "<p><strong>1)</strong> a<br>b</p>"),
        ("<ul><li>x</li><li>y</li></ul>", "<ul><li>x</li><li>y</li></ul>"),
        ('<a href="https://a.example">A</a>', '<p><a href="https://a.example" rel="noreferrer">A</a></p>'),
        ('<a href="javascript:x">A</a>', "<p>[A](javascript:x)</p>"),
        ('[A](https://a.example/"onmouseover=x)', None),
        ("## Title\n2 < 3 & **", "<p>Title<br>2 &lt; 3 &amp; **</p>"),
        ("<script>x</script>", "<p>&lt;script&gt;x&lt;/script&gt;</p>"),
    ],
)
def test_a_description_is_shown_as_it_was_meant(text: str, shown: str | None) -> None:
    made = "".join(paragraphs(text))
    assert shown is None or made == shown
    assert not any(name.startswith("on") for _, attributes in Page(made).tags for name in attributes)


@pytest.mark.parametrize("text", ["[" * 50_000, "<a href=" * 5_000, "**" * 9_000, "`" * 19_999, "- \n" * 6_000])
def test_a_hostile_description_costs_no_more_than_its_length(text: str) -> None:
    start = time.process_time()
    assert paragraphs(text)
    assert time.process_time() - start < 2


def test_the_command_is_one_shell_understands() -> None:
    words = shlex.split(curl(MARRIAGES, MARRIAGES.operation("verifyMarriage"), "http://127.0.0.1:4010/"))
    assert words[:4] == ["curl", "-X", "POST", "http://127.0.0.1:4010/marriage-checks"]
    assert "Authorization: Bearer sandbox" in words
    body: dict[str, Any] = json.loads(words[words.index("--data") + 1])
    assert set(body) == {"NAN_XM", "NAN_GMSFHM", "NV_XM", "NV_GMSFHM"}
    assert shlex.split(curl(evil(), evil().operations[0], None))[0] == "curl"


def test_links_lead_to_the_web_only() -> None:
    assert web_address("https://a.example/x") == "https://a.example/x"
    assert [
        web_address(text) for text in ("javascript:alert(1)", " JavaScript:x", "data:text/html,x", "//x", "http://[")
    ] == [None] * 5
    assert element("p", "<b>", title='"') == '<p title="&quot;">&lt;b&gt;</p>'
