"""What a name alone says: readings of identifiers, Chinese names, English phrases, each with a first confidence."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache

from specs import elements
from specs.lexicon import Words, key, lexicon, words_of
from specs.namewords import namewords

LONGEST = 200
"""Characters of a name that is looked through for names inside it; nobody's is longer."""
UNCERTAIN = 0.45
"""What a reading is worth that only context can make good."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to understand a name: an element (its id), whose it is, how sure the name alone makes of it, and why.
    `said`: the words are the element's own ones and not a part of a longer name."""

    element: str
    qualifier: str | None
    confidence: float
    reason: str
    said: bool = True


# --- identifiers: pinyin initials, pinyin in full

_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_\-.]*\Z")


@lru_cache(maxsize=16384)
def identifier(name: str, *, pinyin: bool) -> tuple[Reading, ...]:
    """Readings of a field's name as pinyin. `pinyin`: the names around it are pinyin as well, else short ones prove
    nothing: `pcs` and `hh` are English there."""
    if not _IDENTIFIER.match(name):
        return ()
    upper = re.sub(r"[0-9]+\Z", "", re.sub(r"[-.]", "_", name.upper())).strip("_")
    found = _divided(upper)
    if not found and (rest := re.sub(r"\A(?:[A-Z]|FLD|COL|STR)_", "", upper)) != upper:
        found = _divided(rest)
    if not pinyin:
        return tuple(Reading(r.element, r.qualifier, _alone(r, upper), r.reason) for r in found)
    return tuple(found)


def _alone(reading: Reading, upper: str) -> float:
    if reading.reason == "pinyin":
        return reading.confidence
    letters = len(upper.replace("_", ""))
    vowels = sum(letter in "AEIOU" for letter in upper)
    if letters >= 5 and vowels <= letters // 4:
        return reading.confidence
    return min(reading.confidence, 0.7 if letters >= 4 and not vowels else UNCERTAIN)


def _divided(upper: str) -> list[Reading]:
    known = lexicon()
    if (composed := elements.find(upper)) is not None:
        qualifier, element = composed
        others = [id for id in known.initials.get(upper, ()) if id != element.id]
        worth = 0.95 if len(upper) >= 4 else 0.9 if len(upper) == 3 else 0.85
        return [
            Reading(
                element.id,
                qualifier,
                worth - (0 if not others else 0.1 if len(upper) > 2 or upper in namewords().usual else 0.3),
                "identifier",
            ),
            *(Reading(id, None, 0.6 if len(upper) > 2 else 0.5, "pinyin initials") for id in others),
        ]
    spelled = upper.replace("_", "").lower()
    if (id := known.pinyin.get(spelled)) is not None and len(spelled) > 4:
        return [Reading(id, None, 0.95, "pinyin")]
    if ids := known.initials.get(upper.replace("_", "")):
        worth = (0.85 if len(upper) >= 4 else 0.8 if len(upper) == 3 else 0.55) if len(ids) == 1 else 0.5
        return [Reading(id, None, worth, "pinyin initials") for id in ids]
    return _with_role(upper, spelled)


def _with_role(upper: str, spelled: str) -> list[Reading]:
    if len(upper) > LONGEST:
        return []
    known = lexicon()
    joined = upper.replace("_", "")
    for cut in range(len(spelled) - 2, 3, -1):
        role, id = known.role_pinyin.get(spelled[:cut]), known.pinyin.get(spelled[cut:])
        if role is not None and id is not None:
            return [Reading(id, role, 0.9, "pinyin with its role")]
    for cut in range(len(joined) - 2, 1, -1):
        role = known.role_initials.get(joined[:cut])
        ids = known.initials.get(joined[cut:], ()) if role is not None else ()
        if ids:
            worth = 0.8 if len(ids) == 1 else 0.6
            return [Reading(id, role, worth, "pinyin initials with their role") for id in ids]
        if role is not None and joined[cut:] == "MC" and cut > 2:
            return [Reading("XM", role, 0.7, "pinyin initials with their role")]
    return _ending(joined)


def _ending(joined: str) -> list[Reading]:
    """A long identifier at the end of a longer one: ZCDZ + YZBM."""
    for cut in range(1, len(joined) - 3):
        composed = elements.find(joined[cut:])
        if composed is not None and composed[1].id in namewords().carried:
            return [Reading(composed[1].id, composed[0], 0.7, f"ends in {joined[cut:]}", said=False)]
    return []


# --- Chinese


@lru_cache(maxsize=16384)
def chinese(text: str) -> tuple[Reading, ...]:
    """Readings of a Chinese name or the head of a Chinese description."""
    plain = _plain(text)
    if re.search(r"(?:ID|Id|id)\Z", plain):  # an identifier of something, not the thing
        id = _named(plain[:-2]) if len(plain) > 3 else None
        return (Reading(id, None, 0.9, "title"),) if id == "JLBS" else ()
    found = _spoken(plain) if plain else ()
    if not found and "/" in plain:
        first = _spoken(plain.split("/")[0])
        found = tuple(Reading(r.element, r.qualifier, r.confidence - 0.1, r.reason, said=False) for r in first)
    return found


def _spoken(plain: str) -> tuple[Reading, ...]:
    if (id := _named(plain)) is not None:
        return (Reading(id, None, 0.93, "title"),)
    known = lexicon()
    if plain in known.roles:
        return (Reading("XM", known.roles[plain], 0.75, "title names a person"),)
    for cut in range(len(plain) - 1, 0, -1):
        role = known.roles.get(plain[:cut])
        if role is not None and (id := _named(plain[cut:].removeprefix("的"))) is not None:
            return (Reading(id, role, 0.92, "title with its role"),)
        if role is not None and plain[cut:] == "名称":
            return (Reading("XM", role, 0.7, "title names a person or an organisation"),)
    if (id := _near(plain)) is not None:
        return (Reading(id, None, 0.87, "nearly the title"),)
    for pattern, id in namewords().composed:
        if pattern.fullmatch(plain):
            return (Reading(id, None, 0.87, "words of the title"),)
    return _tail(plain)


def _plain(text: str) -> str:
    text = re.sub(r"[（(【\[][^）)】\]]*[）)】\]]", "", text)
    head = re.split(r"[，。；、,;：:_\n（(【\[]", text.strip(), maxsplit=1)[0]
    return re.sub(r"[\s“”\"'*]+|(?<=[\u4e00-\u9fff])[0-9].*", "", head)


def _named(text: str) -> str | None:
    known = lexicon().chinese
    if (id := known.get(text)) is not None:
        return id
    for noise in namewords().chinese_noise:
        rest = text.removeprefix(noise).removeprefix("的")
        if text.startswith(noise) and len(rest) > 1 and (id := known.get(rest)) is not None:
            return id
    return None


_SWAPS = (
    ("时间", "日期"), ("日期", "时间"), ("号码", "号"), ("编号", "号"), ("号", "号码"), ("号", "编号"),
    ("编码", "代码"),
    ("代码", ""), ("编码", ""), ("名称", ""), ("名", "名称"), ("码", ""), ("信息", ""), ("情况", ""),
    ("类别", "类型"), ("种类", "类型"), ("类型", "种类"), ("帐号", "账号"), ("帐户", "账户"), ("年月日", "日期"),
)  # fmt: skip


def _near(text: str) -> str | None:
    known = lexicon().chinese
    bare = re.sub(r"(?:代码|编码)\Z", "", text)
    for form in dict.fromkeys((text, bare)):
        for said, meant in (*_SWAPS, ("", "")):
            if not form.endswith(said) or len(form) - len(said) < 2:
                continue
            id = known.get(form[: len(form) - len(said)] + meant)
            if id is not None and _may_end(id, said if form == text else "代码"):
                return id
    return None


def _may_end(id: str, said: str) -> bool:
    """Whether a name of the element may end so: 民族代码 is 民族, but 社区代码 is no 社区 and 地址名称 no 地址."""
    element = elements.dictionary()[id]
    if said in ("代码", "编码", "码"):
        return element.codes is not None or "码" in element.title["zh_CN"]
    return said != "名称" or element.codes is not None or element.title["zh_CN"].endswith("名称")


def _tail(text: str) -> tuple[Reading, ...]:
    """The longest name at the end of a longer one: 项目申请人 + 联系电话."""
    known = lexicon()
    for cut in range(1, len(text) - 1):
        rest = text[cut:]
        id = known.chinese.get(rest) or namewords().tails.get(rest)
        if id is None or rest in namewords().weak_tails:
            continue
        before = text[:cut].removesuffix("的")
        if id == "XXDZ" and re.search(r"网|链接|接口|下载|图片|文件|附件|IP|ip|邮件", before):
            return ()
        role = next((known.roles[before[at:]] for at in range(len(before)) if before[at:] in known.roles), None)
        if id in namewords().carried and (role or len(before) > 1):
            return (Reading(id, role, 0.85 if role else 0.75, f"ends in {rest}", said=False),)
        return (Reading(id, role, UNCERTAIN, f"ends in {rest}", said=False),)
    return ()


# --- English


@lru_cache(maxsize=16384)
def english(text: str, around: frozenset[str]) -> tuple[Reading, ...]:
    """Readings of an English name or phrase; `around` are the words it stands among."""
    words = words_of(text)
    if not words or len(words) > 12:
        return ()
    for said, less in ((words, 0.0), (_quiet(words), 0.05), (_undigited(words), 0.05)):
        if said and (found := _phrase(said, around)) is not None:
            id, worth = found
            return () if _counts(text, id) else (Reading(id, None, worth - less, "English name"),)
    found_in_part = _english_role(words, around) or _english_tail(words, around)
    if not found_in_part and len(words) == 1 and (parts := joined(words[0])):
        apart = english(" ".join(parts), around)
        return tuple(replace(r, confidence=r.confidence - 0.05, reason=f"{r.reason}, words joined") for r in apart)
    return found_in_part


@lru_cache(maxsize=16384)
def joined(word: str) -> Words:
    """The known words a name was written of without any mark between them: passportnumber → passport, number."""
    known = lexicon().vocabulary
    if len(word) > 40 or word in known:
        return ()
    ways: list[Words | None] = [(), *([None] * len(word))]
    for end in range(2, len(word) + 1):
        for start in range(max(0, end - 14), end - 1):
            before = ways[start]
            if before is not None and word[start:end] in known:
                better = ways[end]
                if better is None or len(before) + 1 < len(better):
                    ways[end] = (*before, word[start:end])
    found = ways[-1]
    return found if found is not None and 2 <= len(found) <= 4 else ()


def _speaks_of_another(before: Words, id: str) -> bool:
    """Whether the words before an element's name make it a date, a flag or a count of it."""
    dated = str(elements.dictionary()[id].schema.get("format", "")).startswith(("date", "time"))
    return bool({"count", "flag", "limit"} & set(before) or (not dated and {"date", "time"} & set(before)))


_COUNTED = re.compile(r"(?:[Nn]umber|[Nn]um|[Cc]ount)(?:Of(?=[A-Z])|[ _-][Oo]f[ _-])")


def _counts(text: str, id: str) -> bool:
    """Whether the phrase tells how many there are and the element is no number: numberOfFiles is no file number."""
    return _COUNTED.match(text) is not None and elements.dictionary()[id].schema.get("type", "string") == "string"


def _phrase(words: Words, around: frozenset[str]) -> tuple[str, float] | None:
    id = lexicon().english.get(key(words))
    if id is None or (id == "ZJLXDM" and words[-1] == "id"):  # the id of a type is no type of an id
        return None
    phrase = " ".join(words)
    needed = namewords().ambiguous.get(phrase)
    if needed is not None and not (needed - set(words)) & around:
        return id, UNCERTAIN
    return id, 0.9 if len(words) > 1 else 0.8 if needed is not None or phrase in namewords().common else 0.85


def _quiet(words: Words) -> Words:
    """The words without those that change nothing; a full name stays one, or a user's would be a user name."""
    pairs = zip(words, (*words[1:], ""), strict=True)
    return tuple(w for w, after in pairs if w not in namewords().noise or (w == "full" and after == "name"))


def _undigited(words: Words) -> Words:
    return tuple(word for word in words if not word.isdigit())


def _english_role(words: Words, around: frozenset[str]) -> tuple[Reading, ...]:
    known = lexicon()
    for size in range(min(3, len(words) - 1), 0, -1):
        for role_words, rest in ((words[:size], words[size:]), (words[-size:], words[:-size])):
            role = known.english_roles.get(role_words)
            if role is None:
                continue
            if rest == ("name",) and set(role_words) & _PARTIES and not around & namewords().person_facts:
                return ()  # of a message or a sale: an organisation or a system as well
            if rest == ("name",):
                return (Reading("XM", role, 0.85, "name of a person in a role"),)
            if (found := _phrase(_quiet(rest) or rest, around)) is not None and found[1] > UNCERTAIN:
                return (Reading(found[0], role, found[1] - 0.02, "English name with its role"),)
    if (role := known.english_roles.get(words)) is not None and len(words) > 1:
        return (Reading("XM", role, 0.65, "names a person in a role"),)
    return ()


_PARTIES = {"receiver", "sender", "vendor", "supplier", "provider"}


def _english_tail(words: Words, around: frozenset[str]) -> tuple[Reading, ...]:
    known = lexicon()
    for cut in range(1, len(words)):
        found = _phrase(words[cut:], around)
        if found is None:
            continue
        id, worth = found
        role = next(
            (known.english_roles[words[at:cut]] for at in range(cut) if words[at:cut] in known.english_roles), None
        )
        if words[cut - 1] in namewords().other_before.get(id, ()) or _speaks_of_another(words[:cut], id):
            return ()
        thin = role is None and (id == "ZJLXDM" or (id == "GMSFHM" and not {"card", "citizen"} & set(words[cut:])))
        if id in namewords().carried and worth > UNCERTAIN and not thin:
            return (Reading(id, role, 0.75, f"ends in {' '.join(words[cut:])}", said=False),)
        return (Reading(id, role, min(worth, UNCERTAIN), f"ends in {' '.join(words[cut:])}", said=False),)
    return ()
