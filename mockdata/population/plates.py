"""Number plates (GA 36) and vehicle identification numbers (GB 16735, ISO 3779), both ways.

A plate is province character, letter, serial. Letters go to the cities of a province in the order of their codes (in
the four municipalities to groups of eight districts), so that each has room enough. In reserved mode a serial has four
or five letters, which no authority issues, and the maker's code of a VIN is one never assigned.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import combinations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mockdata import identifiers
from mockdata.population.divisions import Mode, divisions
from mockdata.seeds import Ints
from mockdata.texts import joined

_DIGITS = "0123456789"
_LETTERS = identifiers.PLATE_LETTERS
_EITHER = _DIGITS + _LETTERS
_ENERGY = ("", "DABCE", "FGHJK")
"""First character of the serial of battery and of other new-energy cars."""


@dataclass(frozen=True)
class Series:
    """Serials of some forms, one alphabet a place; numbered through."""

    forms: tuple[tuple[str, ...], ...]

    @cached_property
    def _starts(self) -> Ints:
        sizes = [int(np.prod([len(alphabet) for alphabet in form])) for form in self.forms]
        return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)

    @property
    def capacity(self) -> int:
        """How many serials there are."""
        return int(self._starts[-1])

    def spell(self, numbers: Ints) -> identifiers.Bytes:
        """The serials of numbers in [0, capacity)."""
        out = np.zeros((len(numbers), len(self.forms[0])), dtype=np.uint8)
        form = np.searchsorted(self._starts, numbers, side="right") - 1
        rest = numbers - self._starts[form]
        for which, alphabets in enumerate(self.forms):
            here = form == which
            left = rest[here]
            for place in reversed(range(len(alphabets))):
                left, digit = np.divmod(left, len(alphabets[place]))
                out[here, place] = np.frombuffer(alphabets[place].encode(), np.uint8)[digit]
        return out

    def read(self, matrix: identifiers.Bytes) -> Ints:
        """The inverse of `spell`, -1 for what is no serial of these forms."""
        found = np.full(len(matrix), -1, dtype=np.int64)
        for which, alphabets in enumerate(self.forms):
            number = np.zeros(len(matrix), dtype=np.int64)
            right = np.ones(len(matrix), dtype=np.bool_)
            for place, alphabet in enumerate(alphabets):
                digit = _values(alphabet)[matrix[:, place]]
                right &= digit >= 0
                number = number * len(alphabet) + digit
            found = np.where(right, self._starts[which] + number, found)
        return found


@lru_cache(maxsize=32)
def _values(alphabet: str) -> Ints:
    table = np.full(256, -1, dtype=np.int64)
    table[np.frombuffer(alphabet.encode(), np.uint8)] = np.arange(len(alphabet))
    return table


@lru_cache(maxsize=8)
def series(mode: Mode, fuel: int) -> Series:
    """The serials of a mode for petrol (0), battery (1) and other new-energy cars (2)."""
    if fuel:
        tail = (_LETTERS, _LETTERS, _DIGITS, _DIGITS) if mode == "reserved" else (_DIGITS,) * 4
        return Series(((_ENERGY[fuel], _EITHER, *tail),))
    counts = (4, 5) if mode == "reserved" else (0, 1, 2)
    return Series(
        tuple(
            tuple(_LETTERS if place in letters else _DIGITS for place in range(5))
            for count in counts
            for letters in combinations(range(5), count)
        )
    )


@lru_cache(maxsize=2)
def regions(mode: Mode) -> tuple[Ints, Ints]:
    """(province, letter) of every division."""
    provinces, letters = [], []
    last, letter, held = ("", ""), -1, 0
    for entry in divisions(mode).entries:
        province, city = entry.real_code[:2], entry.real_code[:4]
        crowded = province in ("11", "12", "31", "50")
        if province != last[0]:
            letter, held = 0, 0
        elif (crowded and held == 8) or (not crowded and city != last[1]):
            letter, held = letter + 1, 0
        last, held = (province, city), held + 1
        provinces.append(province)
        letters.append(letter)
    order = {code: at for at, code in enumerate(sorted(set(provinces)))}
    return np.array([order[code] for code in provinces]), np.array(letters, dtype=np.int64)


def spelled(mode: Mode, division: Ints, fuel: Ints, numbers: Ints) -> pa.Array:
    """Plates of cars of divisions from serial numbers."""
    province, letter = (part[division] for part in regions(mode))
    texts = np.empty(len(division), dtype=object)
    for kind in range(3):
        here = np.nonzero(fuel == kind)[0]
        if len(here):
            matrix = series(mode, kind).spell(numbers[here])
            texts[here] = identifiers.text_column(matrix).to_numpy(zero_copy_only=False)
    return joined(
        (pa.array(list(identifiers.PLATE_PROVINCES)), province), (pa.array(list(_LETTERS)), letter),
        (pa.array(texts, pa.string()), None),
    )  # fmt: skip


def read(mode: Mode, plates: pa.Array) -> tuple[Ints, Ints, Ints, Ints]:
    """(province, letter, fuel, serial number) of plates; serial -1 for what is none."""
    filled = pc.fill_null(plates, "")
    province = pc.index_in(pc.utf8_slice_codeunits(filled, 0, 1), pa.array(list(identifiers.PLATE_PROVINCES)))
    letter = pc.index_in(pc.utf8_slice_codeunits(filled, 1, 2), pa.array(list(_LETTERS)))
    province, letter = (pc.fill_null(part, -1).to_numpy().astype(np.int64) for part in (province, letter))
    rest = pc.utf8_slice_codeunits(filled, 2, 20)
    number, fuel = np.full(len(plates), -1, dtype=np.int64), np.zeros(len(plates), dtype=np.int64)
    for kind, width in ((0, 5), (1, 6), (2, 6)):
        matrix, usable = identifiers.byte_matrix(rest, width)
        found = np.where(usable, series(mode, kind).read(matrix), -1)
        fuel, number = np.where(found >= 0, kind, fuel), np.where(found >= 0, found, number)
    return province, letter, fuel, np.where((province >= 0) & (letter >= 0), number, -1)


# ---- vehicle identification numbers ---------------------------------------------------------------------------

VIN_CHARACTERS = "0123456789ABCDEFGHJKLMNPRSTUVWXYZ"
_YEARS = "123456789ABCDEFGHJKLMNPRSTVWXY"
_VIN_WEIGHTS = np.array([8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2])
VIN_CAPACITY = 33**3 * 10**6

MODELS = (
    # maker's code (unverified), make, model, fuel, displacement in millilitres
    ("LSV", "大众牌", "朗逸", 0, 1498), ("LFV", "大众牌", "速腾", 0, 1395), ("LVG", "丰田牌", "凯美瑞", 0, 1987),
    ("LHG", "本田牌", "雅阁", 0, 1498), ("LGB", "日产牌", "轩逸", 0, 1598), ("LSG", "别克牌", "英朗", 0, 1349),
    ("LS5", "长安牌", "CS75", 0, 1494), ("LGW", "哈弗牌", "H6", 0, 1499), ("L6T", "吉利牌", "帝豪", 0, 1498),
    ("LVV", "奇瑞牌", "瑞虎8", 0, 1598), ("LZW", "五菱牌", "荣光", 0, 1485), ("LBV", "宝马牌", "320", 0, 1998),
    ("LE4", "奔驰牌", "C200", 0, 1496), ("LGX", "比亚迪牌", "秦", 1, 0), ("LRW", "特斯拉牌", "Model 3", 1, 0),
    ("LZW", "五菱牌", "宏光MINI", 1, 0), ("LMG", "埃安牌", "AION S", 1, 0), ("LNN", "奇瑞牌", "小蚂蚁", 1, 0),
    ("LGX", "比亚迪牌", "宋PLUS DM-i", 2, 1498), ("LW4", "理想牌", "L7", 2, 1496), ("L6T", "吉利牌", "银河L7", 2, 1499),
)  # fmt: skip
"""Makes and models by fuel; makers' codes are not verified."""


def vins(mode: Mode, model: Ints, year: Ints, numbers: Ints) -> identifiers.Bytes:
    """VINs of cars of models (positions in MODELS), years of make and numbers below VIN_CAPACITY."""
    characters = np.frombuffer(VIN_CHARACTERS.encode(), np.uint8)
    out = np.empty((len(model), 17), dtype=np.uint8)
    lead = _makers(mode)[model]
    out[:, :6] = lead
    rest, serial = np.divmod(numbers, 10**6)
    rest, out[:, 10] = rest // 33, characters[rest % 33]
    out[:, 7] = characters[rest % 33]
    out[:, 6] = characters[rest // 33]
    out[:, 8] = ord("0")
    out[:, 9] = np.frombuffer(_YEARS.encode(), np.uint8)[(year - 2001) % 30]
    out[:, 11:] = identifiers.digits(serial, 6)
    total = _vin_values()[out] @ _VIN_WEIGHTS % 11
    out[:, 8] = np.frombuffer(b"0123456789X", np.uint8)[total]
    return out


def vin_numbers(matrix: identifiers.Bytes) -> Ints:
    """The numbers behind VINs, -1 for what holds none (the other places are not looked at)."""
    value = _values(VIN_CHARACTERS)
    serial = identifiers.number_of(matrix[:, 11:])
    parts = [value[matrix[:, place]] for place in (6, 7, 10)]
    right = (serial >= 0) & (parts[0] >= 0) & (parts[1] >= 0) & (parts[2] >= 0)
    return np.where(right, ((parts[0] * 33 + parts[1]) * 33 + parts[2]) * 10**6 + serial, -1)


@lru_cache(maxsize=2)
def _makers(mode: Mode) -> identifiers.Bytes:
    """The first six characters of each model: maker, then line, body and engine."""
    rows = []
    for at, (maker, *_rest) in enumerate(MODELS):
        code = f"A9{VIN_CHARACTERS[10 + at % 23]}" if mode == "reserved" else maker
        rows.append(code + f"{VIN_CHARACTERS[10 + (at * 7) % 23]}{at % 10}{VIN_CHARACTERS[10 + (at * 5) % 23]}")
    return np.frombuffer("".join(rows).encode(), np.uint8).reshape(len(MODELS), 6)


@lru_cache(maxsize=1)
def _vin_values() -> Ints:
    table = np.zeros(256, dtype=np.int64)
    for character, value in zip("ABCDEFGHJKLMNPRSTUVWXYZ", "12345678123457923456789", strict=True):
        table[ord(character)] = int(value)
    for digit in _DIGITS:
        table[ord(digit)] = int(digit)
    return table


def why_not_vin(text: str) -> str | None:
    """Why a vehicle identification number is malformed, or None."""
    if len(text) != 17 or any(character not in VIN_CHARACTERS for character in text):
        return "must be 17 characters without I, O and Q"
    row = np.frombuffer(text.encode(), np.uint8)
    check = "0123456789X"[int(_vin_values()[row] @ _VIN_WEIGHTS) % 11]
    return None if check == text[8] else f"the check digit must be {check}"
