"""CEL text to a tree, for the part of CEL that is translated to columns."""

from __future__ import annotations

import re
from typing import Any, NoReturn

from mockdata.tables.expressions.nodes import BOOL, DOUBLE, INT, NULL, STRING, Beyond, ExpressionError, Node

_TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n]*)
    |(?P<double>(?:\d+\.\d+|\.\d+)(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+)
    |(?P<int>0[xX][0-9a-fA-F]+|\d+)(?P<unsigned>[uU])?
    |(?P<beyond>[rR]?(?:\'\'\'|\"\"\")|[bB][rR]?["'])
    |(?P<string>[rR]?(?:"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))
    |(?P<quoted>`[^`\n]+`)
    |(?P<name>[^\W\d]\w*)
    |(?P<op>&&|\|\||==|!=|<=|>=|[-+*/%!<>?:,.()\[\]{}])""",
    re.VERBOSE,
)
_LEVELS = (("||",), ("&&",), ("==", "!=", "<", "<=", ">", ">=", "in"), ("+", "-"), ("*", "/", "%"))
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "'": "'", '"': '"', "`": "`", "?": "?", "a": "\a", "b": "\b",
            "f": "\f", "v": "\v"}  # fmt: skip
_DEEPEST = 60


def parse(text: str) -> Node:
    """The untyped tree. Raises Beyond for what is not translated, ExpressionError for what is no expression."""
    parser = _Parser(text)
    tree = parser.ternary()
    if parser.kind:
        parser.fault()
    return tree


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[tuple[str, str, int]] = []
        at = 0
        while at < len(text):
            found = _TOKEN.match(text, at)
            if found is None:
                raise ExpressionError(f"{text[at]!r} has no meaning here", at)
            if found["unsigned"] or found["beyond"]:
                raise Beyond
            kind = found.lastgroup or ""
            if kind != "space":
                self.tokens.append((kind, found[0], at))
            at = found.end()
        self.tokens.append(("", "", len(text)))
        self.number = 0
        self.depth = 0

    @property
    def kind(self) -> str:
        return self.tokens[self.number][0]

    @property
    def word(self) -> str:
        return self.tokens[self.number][1] if self.kind in ("op", "name") else ""

    @property
    def position(self) -> int:
        return self.tokens[self.number][2]

    def fault(self) -> NoReturn:
        word = self.tokens[self.number][1]
        raise ExpressionError(f"{word!r} is not expected" if word else "the expression ends too early", self.position)

    def take(self, word: str) -> bool:
        if self.word != word or not word:
            return False
        self.number += 1
        return True

    def need(self, word: str) -> None:
        if not self.take(word):
            self.fault()

    def ternary(self) -> Node:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise ExpressionError("too many brackets inside each other", self.position)
        at = self.position
        made = self.binary(0)
        if self.take("?"):
            yes = self.binary(0)
            self.need(":")
            made = Node("?:", (made, yes, self.ternary()), position=at)
        self.depth -= 1
        return made

    def binary(self, level: int) -> Node:
        if level == len(_LEVELS):
            return self.unary()
        made = self.binary(level + 1)
        while self.word in _LEVELS[level]:
            op, at = self.word, self.position
            self.number += 1
            made = Node(op, (made, self.binary(level + 1)), position=at)
        return made

    def unary(self) -> Node:
        at, signs = self.position, []
        while self.word in ("!", "-"):
            signs.append((self.word, self.position))
            self.number += 1
            if len(signs) > _DEEPEST:
                raise ExpressionError("too many signs", at)
        if signs and signs[-1][0] == "-" and self.kind in ("int", "double"):
            signs.pop()
            made = self.postfix(self.number_of(self.tokens[self.number], negative=True))
        else:
            made = self.postfix(self.primary())
        for sign, where in reversed(signs):
            made = Node("neg" if sign == "-" else "!", (made,), position=where)
        return made

    def number_of(self, token: tuple[str, str, int], negative: bool = False) -> Node:
        kind, text, at = token
        self.number += 1
        if kind == "double":
            return Node("constant", kind=DOUBLE, position=at, value=float(("-" if negative else "") + text))
        value = int(text, 16 if text[:2].lower() == "0x" else 10) * (-1 if negative else 1)
        if not -(2**63) <= value < 2**63:
            raise ExpressionError(f"{text} is too large a whole number", at)
        return Node("constant", kind=INT, position=at, value=value)

    def primary(self) -> Node:
        token = kind, text, at = self.tokens[self.number]
        if kind in ("int", "double"):
            return self.number_of(token)
        self.number += 1
        if kind == "string":
            return Node("constant", kind=STRING, position=at, value=_unescaped(text, at))
        if kind == "quoted":
            return Node("name", position=at, value=text[1:-1])
        if kind == "name":
            return self.named(text, at)
        if text == "(":
            made = self.ternary()
            self.need(")")
            return made
        if text == "[":
            return Node("list", self.arguments("]"), position=at)
        if text != "{":
            self.number -= 1
            self.fault()
        raise Beyond

    def named(self, word: str, at: int) -> Node:
        constants: dict[str, tuple[str, Any]] = {"true": (BOOL, True), "false": (BOOL, False), "null": (NULL, None)}
        if word in constants:
            kind, value = constants[word]
            return Node("constant", kind=kind, position=at, value=value)
        if self.take("("):
            return Node("call", self.arguments(")"), position=at, value=word)
        return Node("name", position=at, value=word)

    def arguments(self, closing: str) -> tuple[Node, ...]:
        found: list[Node] = []
        while not self.take(closing):
            found.append(self.ternary())
            if not self.take(","):
                self.need(closing)
                break
        return tuple(found)

    def postfix(self, made: Node) -> Node:
        while True:
            at = self.position
            if self.word == "[" or self.word == "{":
                raise Beyond
            if not self.take("."):
                return made
            kind, text, _ = self.tokens[self.number]
            if kind not in ("name", "quoted"):
                self.fault()
            self.number += 1
            if self.take("("):
                made = Node("method", (made, *self.arguments(")")), position=at + 1, value=text)
            else:
                made = Node("member", (made,), position=at + 1, value=text.strip("`"))


def _unescaped(text: str, at: int) -> str:
    raw = text[0] in "rR"
    inner = text[2:-1] if raw else text[1:-1]
    if raw or "\\" not in inner:
        return inner

    def one(found: re.Match[str]) -> str:
        code = found[1]
        if code[0] in "xXuU" and len(code) > 1:
            return chr(int(code[1:], 16))
        if len(code) == 3:
            return chr(int(code, 8))
        if code not in _ESCAPES:
            raise ExpressionError(f"the escape \\{code} has no meaning", at)
        return _ESCAPES[code]

    try:
        return re.sub(
            r"\\([xX][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-3][0-7]{2}|.)", one, inner, flags=re.DOTALL
        )
    except (ValueError, OverflowError) as error:
        if isinstance(error, ExpressionError):
            raise
        raise ExpressionError("an escape is no character", at) from None
