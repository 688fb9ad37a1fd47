"""Strings within lengths, patterns and formats."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from mockdata.instances import formats, lifelike, patterns
from mockdata.instances.checks import FORMATS as OWN_FORMATS
from mockdata.instances.checks import has_format, matches
from mockdata.instances.draws import Draws

LONGEST = 5_000_000
FEW = 8
_DECIMAL = "0123456789"


@dataclass(frozen=True, slots=True)
class Text:
    """What is demanded of a string. Lengths in code points; `longest` None: open."""

    shortest: int = 0
    longest: int | None = None
    patterns: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    encoding: str = ""
    media_type: str = ""
    samples: tuple[str, ...] = ()

    def holds(self, text: str, asserted: bool) -> bool:
        """Whether a text fulfils it; `asserted`: whether formats count."""
        if not self.shortest <= len(text) or (self.longest is not None and len(text) > self.longest):
            return False
        if self.patterns and not all(matches(pattern, text) for pattern in self.patterns):
            return False
        if not asserted or not self.formats:
            return True
        return all(OWN_FORMATS[name](text) if name in OWN_FORMATS else has_format(name, text) for name in self.formats)


def gather(schemas: list[dict[str, Any]]) -> Text:
    """What all schemas demand together."""
    shortest = max((int(schema["minLength"]) for schema in schemas if "minLength" in schema), default=0)
    longest = min((int(schema["maxLength"]) for schema in schemas if "maxLength" in schema), default=None)
    samples: list[Any] = []
    for schema in schemas:
        listed = schema.get("examples")
        samples += listed if isinstance(listed, list) else []
        samples += [schema[word] for word in ("example", "default") if word in schema]
    return Text(
        shortest,
        longest,
        tuple(dict.fromkeys(schema["pattern"] for schema in schemas if "pattern" in schema)),
        tuple(dict.fromkeys(schema["format"] for schema in schemas if isinstance(schema.get("format"), str))),
        next((str(schema["contentEncoding"]) for schema in schemas if "contentEncoding" in schema), ""),
        next((str(schema["contentMediaType"]) for schema in schemas if "contentMediaType" in schema), ""),
        tuple(sample for sample in samples if isinstance(sample, str)),
    )


def draw(text: Text, draws: Draws, name: str = "", asserted: bool = True, wild: int = 0) -> str | None:
    """A string that fulfils `text`, None when none was found.

    `name` is the field's name and makes the string believable. `wild` counts earlier strings that were not
    wanted: the higher, the further the string strays from everyday ones.
    """
    if text.longest is not None and text.longest < text.shortest:
        return None
    for candidate in _candidates(text, draws, name, wild):
        if text.holds(candidate, asserted):
            return candidate
    return None


def _candidates(text: Text, draws: Draws, name: str, wild: int) -> Iterator[str]:
    if text.samples and draws.chance(0.3):
        yield draws.pick(text.samples)
    for named in text.formats:
        for _ in range(4 if text.shortest or text.longest is not None or text.patterns else 1):
            made = formats.example(named, draws)
            if made is not None:
                yield made
                yield from _fitted(made, text)
    if text.encoding or text.media_type:
        yield _encoded(text, draws)
    if wild == 0 and name and not text.patterns:
        yield from lifelike.texts(name, draws)
    if text.patterns:
        yield from _patterned(text, draws)
    else:
        yield _filler(text, draws, wild)
    yield from text.samples


def _fitted(made: str, text: Text) -> Iterator[str]:
    """A made text stretched or cut to length where its format bears that."""
    if text.longest is not None and len(made) > text.longest:
        yield made[: text.longest]
        yield made[-text.longest :] if text.longest else ""
        yield from (formats.SHORTEST[name] for name in text.formats if name in formats.SHORTEST)
    if len(made) < text.shortest:
        missing = text.shortest - len(made)
        yield made + "a" * missing
        yield "a" * missing + made


def _encoded(text: Text, draws: Draws) -> str:
    inner = (
        f'{{"{draws.pick(formats.WORDS)}": {draws.below(100)}}}'
        if "json" in text.media_type
        else formats.words(draws, 3)
    )
    return base64.b64encode(inner.encode()).decode() if text.encoding == "base64" else inner


def _patterned(text: Text, draws: Draws) -> Iterator[str]:
    for pattern in text.patterns:
        try:
            made = template(pattern, draws, text.shortest, text.longest)
        except patterns.Unsupported:
            continue
        for _ in range(12 if len(text.patterns) > 1 or text.formats else 3):
            yield spelled(made, draws)
    if len(text.patterns) > 1:
        yield from _joined(text, draws)
    for named in text.formats:  # what neither the format's own examples nor the pattern alone have met
        for pattern in text.patterns:
            both = _both(named, pattern, text.shortest, text.longest)
            if both is not None:
                yield from (spelled(both, draws) for _ in range(4))


def template(pattern: str, draws: Draws, shortest: int = 0, longest: int | None = None) -> patterns.Template:
    """A template of a pattern. Where its shortest matches are very few ("^x-"), often one for longer strings,
    which an open end allows. Raises Unsupported.
    """
    made = patterns.compile(pattern, shortest, longest)
    if made.checked or (made.size or 0) >= FEW or draws.chance(0.2):
        return made
    try:
        return patterns.compile(pattern, made.longest + 1 + draws.below(6), longest)
    except patterns.Unsupported:
        return made


def template_of(text: Text) -> patterns.Template | None:
    """The template of a text of which nothing is demanded but one pattern with many matches of its lengths."""
    if text.patterns != text.patterns[:1] or not text.patterns or text.formats or text.encoding or text.media_type:
        return None
    try:
        made = patterns.compile(text.patterns[0], text.shortest, text.longest)
    except patterns.Unsupported:
        return None
    return None if text.samples or made.checked or (made.size or 0) < FEW else made


def spelled(made: patterns.Template, draws: Draws) -> str:
    """One string of a template, drawn character by character: for a single string quicker than by the
    column.
    """
    if made.checked:
        return made.example(draws.hash())
    found: list[str] = []
    word = draws.hash()
    for letters, radix, times, used_up in draws.pick(made.runs):
        if radix == 1:
            found.append(letters)
            continue
        if used_up:
            word = draws.hash()
        if letters == _DECIMAL:  # all digits in one go, the first drawn being the last of the number
            word, number = divmod(word, 10**times)
            found.append(f"{number:0{times}d}"[::-1])
            continue
        for _ in range(times):
            word, digit = divmod(word, radix)
            found.append(letters[digit])
    return "".join(found)


def _joined(text: Text, draws: Draws) -> Iterator[str]:
    """Unanchored patterns can be met one after the other, and all patterns by one with look-ahead."""
    try:
        parts = [patterns.compile(pattern) for pattern in text.patterns]
        yield "".join(spelled(part, draws) for part in parts)
        ahead = "".join(f"(?=[\\s\\S]*?(?:{pattern}))" for pattern in text.patterns[1:])
        whole = patterns.compile(f"^{ahead}[\\s\\S]*?(?:{text.patterns[0]})", text.shortest, text.longest)
        yield from (spelled(whole, draws) for _ in range(4))
    except patterns.Unsupported:
        return


@lru_cache(maxsize=1024)
def _both(named: str, pattern: str, shortest: int, longest: int | None) -> patterns.Template | None:
    """A template of strings that have a format and match a pattern, None when none is found."""
    shape = formats.PATTERNS.get(named)
    if shape is None:
        return None
    for first, second in ((pattern, shape), (shape, pattern)):
        try:
            return patterns.compile(f"^(?=[\\s\\S]*?(?:{first}))[\\s\\S]*?(?:{second})", shortest, longest)
        except patterns.Unsupported:
            continue
    return None


def _filler(text: Text, draws: Draws, wild: int) -> str:
    if text.shortest > LONGEST:
        return ""
    if wild > 6:
        letters = "".join(chr(33 + draws.below(94)) for _ in range(text.shortest + draws.below(1 + min(wild, 12))))
        return letters if wild % 3 else letters + draws.pick("éß中Ω🙂")
    if text.longest == 0:
        return ""
    made = formats.words(draws, 1 + draws.below(2 + wild % 3))
    while len(made) < text.shortest:
        made += " " + formats.words(draws, 1 + (text.shortest - len(made)) // 8)
    cut = text.longest
    if text.shortest and len(made) > text.shortest + 8:
        cut = min(text.shortest + 8, cut if cut is not None else LONGEST)
    return made if cut is None else made[:cut].ljust(max(text.shortest, 0), "a")
