"""Bytes to text: UTF-8, or UTF-16 that says so; anything else is refused with the name of what it probably is.

Guessing would be easy and wrong: names of people and places would change without a word.
"""

from __future__ import annotations

import re

from specs.finding import unreadable


def decode(text: bytes, name: str) -> str:
    """The text of a document. Raises SpecError (rule `unreadable`) naming line, byte and a likely encoding."""
    codec = "utf-8-sig"
    if text.startswith((b"\xff\xfe", b"\xfe\xff")) and not text.startswith(b"\xff\xfe\0\0"):
        codec = "utf-16"
    elif wide := _wide(text):
        raise unreadable(name, f"the document is {wide}", line=1, hint=f"save it as UTF-8: iconv -f {wide} -t UTF-8")
    try:
        return text.decode(codec)
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        column = error.start - (text.rfind(b"\n", 0, error.start) + 1) + 1
        hint = "save the file as UTF-8"
        if codec == "utf-8-sig" and (likely := _likely(text)):
            hint += f" (if it is {likely}: iconv -f {likely} -t UTF-8)"
        problem = f"byte 0x{text[error.start]:02x} is not {codec.removesuffix('-sig').upper()}"
        raise unreadable(name, problem, line=line, column=column, hint=hint) from None


def _wide(text: bytes) -> str:
    """The encoding of two or four bytes a character that a text without the byte order mark of UTF-16 is in, or ""."""
    head = text[:64]
    if head.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff")) or (head[:3] == b"\0\0\0" and head[3:4].strip(b"\0")):
        return "UTF-32"
    even, odd = head[0::2], head[1::2]
    if len(head) < 8 or not text.count(b"\0", 0, 64):
        return ""
    for zeros, letters, spoken in ((odd, even, "UTF-16LE"), (even, odd, "UTF-16BE")):
        if zeros.count(0) > len(zeros) * 3 // 4 and not letters.count(0):
            return spoken
    return ""


def _likely(text: bytes) -> str:
    """The encoding that a text which is not UTF-8 is probably in, or ""."""
    try:
        wide = text.decode("gb18030")
    except UnicodeDecodeError:
        wide = ""
    # Western texts may decode as GB18030 too, but have few bytes above 127, scattered among ASCII.
    if wide and any("\u4e00" <= letter <= "\u9fff" for letter in wide) and re.search(rb"[\x81-\xfe]{4}", text):
        return "GB18030"
    try:
        text.decode("cp1252")
    except UnicodeDecodeError:
        return "GB18030" if wide else ""
    return "WINDOWS-1252"
