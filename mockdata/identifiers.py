"""Identifiers of persons, firms and things: composing them column-wise and checking single ones.

Composers take integer arrays and return `uint8` matrices (one row an identifier, one byte a character), which
`text_column` turns into an Arrow string array without a Python loop. Checkers take one string and return why it is
wrong, or None; they are written digit by digit, independent of the composers, so that tests compare two roads.

Standards: GB 11643-1999 (citizen number), GB 32100-2015 and GB 11714 (unified social credit code), ISO 7064 MOD 11-2
and MOD 37,36, GA 36 (plates), ISO/IEC 7812-1 (Luhn), GB/T 36904 (certificate identifier).
"""

from __future__ import annotations

import re
from datetime import date
from functools import cache, lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mockdata.kernels import compiled
from mockdata.seeds import Ints
from specs.check_digits import uscc_problem

Bytes = NDArray[np.uint8]

CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""The 31 characters of GB 32100: no I, O, S, V, Z."""
PLATE_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Letters on a plate: no I, no O."""
ALPHANUMERIC = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"

_CITIZEN_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CITIZEN_CHECKS = "10X98765432"
_CREDIT_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
_BODY_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)

FIRST_DAY = date(1880, 1, 1)
"""Day 0 of the day numbers used here; the calendar tables reach to 2199."""
_DAYS = (date(2200, 1, 1) - FIRST_DAY).days

ALLOTTED = tuple(
    str(prefix)
    for prefix in range(130, 200)
    if re.fullmatch(r"1(3\d|4[014-9]|5[0-35-9]|6[2567]|7[0-8]|8\d|9[0-35-9])", str(prefix))
)
"""Mobile prefixes in use (facts: unverified)."""
UNALLOTTED = tuple(str(prefix) for prefix in range(140, 200) if str(prefix) not in ALLOTTED)
"""Eleven prefixes between 140 and 199 not allotted to anybody: 1.1 thousand million numbers that cannot ring."""


def text_column(matrix: Bytes) -> pa.Array:
    """An Arrow string array from a matrix of ASCII bytes, one string a row, all of one length."""
    rows, width = matrix.shape
    data = np.ascontiguousarray(matrix)
    return pa.Array.from_buffers(pa.string(), rows, [None, even_offsets(rows, width), pa.py_buffer(data)])


@lru_cache(maxsize=64)
def even_offsets(rows: int, width: int) -> pa.Buffer:
    """The offsets of texts that are all of one length; batches of one size share them."""
    return pa.py_buffer(np.arange(rows + 1, dtype=np.int32) * np.int32(width))


def byte_matrix(values: Any, width: int) -> tuple[Bytes, NDArray[np.bool_]]:
    """(matrix, usable) of strings: rows that are null, not ASCII or not `width` bytes long are unusable (zeros).

    `values`: an Arrow string array or anything `pa.array` makes one of. Raises pa.ArrowInvalid for other values.
    """
    column = values if isinstance(values, pa.Array | pa.ChunkedArray) else pa.array(values, pa.string())
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    if not pa.types.is_string(column.type):
        column = column.cast(pa.string())
    rows = len(column)
    matrix = np.zeros((rows, width), dtype=np.uint8)
    if not rows:
        return matrix, np.zeros(0, dtype=np.bool_)
    buffers = column.buffers()
    offsets = np.frombuffer(buffers[1], dtype=np.int32)[column.offset : column.offset + rows + 1]
    usable = np.asarray(np.diff(offsets) == width)
    if column.null_count:
        usable &= column.is_valid().to_numpy(zero_copy_only=False)
    if usable.any():
        data = np.frombuffer(buffers[2], dtype=np.uint8)
        if usable.all() and offsets[-1] - offsets[0] == rows * width:
            matrix = data[offsets[0] : offsets[-1]].reshape(rows, width)
        else:
            starts = offsets[:-1][usable].astype(np.int64)
            matrix[usable] = data[starts[:, None] + np.arange(width)]
        usable &= matrix.max(axis=1) < 128
    return matrix, usable


def digits(numbers: Ints, width: int) -> Bytes:
    """Decimal digits with leading zeros, as ASCII bytes. Numbers must lie in [0, 10**width)."""
    if loops := compiled(len(numbers)):
        spelled: Bytes = loops.digits(numbers, width)
        return spelled
    matrix = np.empty((len(numbers), width), dtype=np.uint8)
    rest = np.asarray(numbers)
    place = width
    while place > 0:
        # four digits a step: one division and one gather instead of four divisions
        step = min(4, place)
        rest, part = np.divmod(rest, 10**step)
        matrix[:, place - step : place] = _groups(step)[part]
        place -= step
    return matrix


def number_of(matrix: Bytes) -> Ints:
    """The numbers spelled by rows of ASCII digits; -1 for a row with another character."""
    values = matrix.astype(np.int64) - 48
    result = np.zeros(len(matrix), dtype=np.int64)
    for place in range(matrix.shape[1]):
        result = result * 10 + values[:, place]
    result[((values < 0) | (values > 9)).any(axis=1)] = -1
    return result


@cache
def _groups(width: int) -> Bytes:
    numbers = np.arange(10**width)
    return np.stack([numbers // 10**place % 10 + 48 for place in reversed(range(width))], 1).astype(np.uint8)


@cache
def _calendar() -> tuple[Bytes, Ints]:
    """(yyyyMMdd of every day as bytes, the check digit's weighted sum of it)."""
    days = np.arange(_DAYS).astype("timedelta64[D]") + np.datetime64(FIRST_DAY)
    text = np.datetime_as_string(days, unit="D").astype("S10").view(np.uint8).reshape(-1, 10)
    compact = np.ascontiguousarray(text[:, [0, 1, 2, 3, 5, 6, 8, 9]])
    return compact, (compact.astype(np.int64) - 48) @ np.array(_CITIZEN_WEIGHTS[6:14])


@cache
def _days_of_year() -> tuple[Ints, Ints]:
    """(day number of each 1 January since 1880; day of the year by leap × 10000 + MMdd, -1 where there is none)."""
    spelled = number_of(_calendar()[0])
    starts = np.nonzero(spelled % 10_000 == 101)[0]
    table = np.full(20_000, -1, dtype=np.int64)
    for leap, year in enumerate((1881, 1880)):
        first, after = starts[year - 1880], starts[year - 1879]
        table[leap * 10_000 + spelled[first:after] % 10_000] = np.arange(after - first)
    return starts.astype(np.int64), table


def day_numbers(spelled: Ints) -> Ints:
    """Day numbers (since 1880-01-01) of dates written as the integer yyyyMMdd; -1 where there is no such date."""
    starts, days = _days_of_year()
    year, rest = np.divmod(np.asarray(spelled), 10_000)
    inside = (year >= FIRST_DAY.year) & (year < FIRST_DAY.year + len(starts))
    year = np.where(inside, year, FIRST_DAY.year)
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    day = days[leap * 10_000 + rest]
    return np.where(inside & (day >= 0), starts[year - FIRST_DAY.year] + day, -1)


def day_bytes(days: Ints) -> Bytes:
    """yyyyMMdd of day numbers, as ASCII bytes."""
    return _calendar()[0][days]


# ---- citizen number -------------------------------------------------------------------------------------------


def citizen_numbers(areas: Ints, days: Ints, sequences: Ints) -> Bytes:
    """18-character citizen numbers from area codes (integers), day numbers (see FIRST_DAY) and sequences 0 … 999."""
    calendar, day_sums = _calendar()
    checks = np.frombuffer(_CITIZEN_CHECKS.encode(), np.uint8)
    if loops := compiled(len(areas)):
        numbers: Bytes = loops.citizen_numbers(
            areas, days, sequences, calendar.view(np.int64).ravel(), day_sums, np.array(_CITIZEN_WEIGHTS), checks
        )
        return numbers
    matrix = np.empty((len(areas), 18), dtype=np.uint8)
    sequence = _groups(3)
    sums = (sequence.astype(np.int64) - 48) @ np.array(_CITIZEN_WEIGHTS[14:])
    matrix[:, :6] = digits(areas, 6)
    matrix[:, 6:14] = calendar[days]
    matrix[:, 14:17] = sequence[sequences]
    of_areas = (matrix[:, :6].astype(np.int64) - 48) @ np.array(_CITIZEN_WEIGHTS[:6])
    total = of_areas + day_sums[days] + sums[sequences]
    matrix[:, 17] = checks[total % 11]
    return matrix


def split_citizen_numbers(values: Any) -> tuple[Ints, Ints, Ints, NDArray[np.bool_]]:
    """(area codes, day numbers, sequences, right) of citizen numbers. `right` is False for a wrong length, character,
    date or check digit; the other columns are then 0."""
    matrix, right = byte_matrix(values, 18)
    areas, spelled = number_of(matrix[:, :6]), number_of(matrix[:, 6:14])
    sequences = number_of(matrix[:, 14:17])
    days = day_numbers(spelled)
    right = right & (areas >= 0) & (days >= 0) & (sequences >= 0)
    areas, days, sequences = (np.where(right, column, 0) for column in (areas, days, sequences))
    right &= citizen_numbers(areas, days, sequences)[:, 17] == matrix[:, 17]
    return areas, days, sequences, right


def why_not_citizen_number(number: str, strict: bool = True) -> str | None:
    """Why a citizen number is malformed, or None. `strict` also refuses summary area codes (xx00) and sequence 000."""
    if not re.fullmatch(r"[0-9]{17}[0-9X]", number):
        return "must be 17 digits and a digit or X"
    total = sum(int(digit) * weight for digit, weight in zip(number, _CITIZEN_WEIGHTS, strict=False))
    if _CITIZEN_CHECKS[total % 11] != number[17]:
        return f"check digit must be {_CITIZEN_CHECKS[total % 11]} (GB 11643, ISO 7064 MOD 11-2)"
    try:
        date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return f"{number[6:14]} is no date"
    if strict and number[4:6] == "00":
        return f"{number[:6]} is a summary code, never part of a number"
    if strict and number[14:17] == "000":
        return "sequence 000 is never assigned"
    return None


# ---- unified social credit code -------------------------------------------------------------------------------


def _credit_values(characters: str) -> Ints:
    table = np.full(128, -1, dtype=np.int64)
    for value, character in enumerate(characters):
        table[ord(character)] = value
    return table


_CREDIT_VALUE = _credit_values(CREDIT_ALPHABET)
_PLAIN_VALUE = _credit_values(ALPHANUMERIC)
_CREDIT_BYTES = np.frombuffer(CREDIT_ALPHABET.encode(), np.uint8)
_ALPHANUMERIC_BYTES = np.frombuffer(ALPHANUMERIC.encode(), np.uint8)
_INNER_CHECKS = np.frombuffer(b"0123456789X0", np.uint8)
"""The inner check character of each value: 10 is written X, 11 is written 0."""

BODY_CAPACITY = 31**6
"""How many bodies `MA######` there are: 887,503,681."""


def bodies(numbers: Ints, lead: str = "MA") -> Bytes:
    """8-character bodies: a two-character lead and six characters of base 31. Numbers in [0, BODY_CAPACITY)."""
    matrix = np.empty((len(numbers), 8), dtype=np.uint8)
    matrix[:, :2] = np.frombuffer(lead.encode(), np.uint8)
    rest = np.asarray(numbers)
    for place in range(7, 1, -1):
        rest, part = np.divmod(rest, 31)
        matrix[:, place] = _CREDIT_BYTES[part]
    return matrix


def body_numbers(matrix: Bytes) -> Ints:
    """The inverse of `bodies` on its last six characters; -1 for a character outside the alphabet."""
    values = _CREDIT_VALUE[np.minimum(matrix[:, 2:8], 127)]
    result = np.zeros(len(matrix), dtype=np.int64)
    for place in range(6):
        result = result * 31 + values[:, place]
    result[(values < 0).any(axis=1)] = -1
    return result


def credit_codes(kind: str, areas: Ints, body: Bytes) -> Bytes:
    """18-character unified social credit codes: two characters of kind (91 enterprise, 12 public institution, 11
    authority), area codes (integers), 8-character bodies; both check characters are computed."""
    prefix = np.frombuffer(kind.encode(), np.uint8)
    if loops := compiled(len(areas)):
        codes: Bytes = loops.credit_codes(
            prefix, areas, body, _PLAIN_VALUE, np.array(_BODY_WEIGHTS), _INNER_CHECKS,
            _CREDIT_VALUE, np.array(_CREDIT_WEIGHTS), _CREDIT_BYTES,
        )  # fmt: skip
        return codes
    matrix = np.empty((len(areas), 18), dtype=np.uint8)
    matrix[:, :2] = prefix
    matrix[:, 2:8] = digits(areas, 6)
    matrix[:, 8:16] = body
    inner = 11 - (_PLAIN_VALUE[body] @ np.array(_BODY_WEIGHTS)) % 11
    matrix[:, 16] = _INNER_CHECKS[inner]
    outer = (31 - (_CREDIT_VALUE[matrix[:, :17]] @ np.array(_CREDIT_WEIGHTS)) % 31) % 31
    matrix[:, 17] = _CREDIT_BYTES[outer]
    return matrix


def why_not_credit_code(code: str) -> str | None:
    """Why a unified social credit code is malformed, or None. Checks the outer and the inner check character."""
    if not re.fullmatch(rf"[1235 9NAY][{CREDIT_ALPHABET}]\d{{6}}[{CREDIT_ALPHABET}]{{10}}".replace(" ", ""), code):
        return "must be 18 characters of 0-9 and A-Z without I, O, S, V, Z, with a 6-digit division at 3-8"
    return uscc_problem(code) or None


# ---- the short ones -------------------------------------------------------------------------------------------


def mobiles(numbers: Ints, prefixes: tuple[str, ...]) -> Bytes:
    """11-digit mobile numbers from integers in [0, len(prefixes) * 10**8)."""
    prefix, rest = np.divmod(np.asarray(numbers), 100_000_000)
    table = np.frombuffer("".join(prefixes).encode(), np.uint8).reshape(-1, 3)
    return np.concatenate([table[prefix], digits(rest, 8)], axis=1)


def mobile_numbers(values: Any, prefixes: tuple[str, ...]) -> Ints:
    """The inverse of `mobiles`; -1 for anything else."""
    matrix, usable = byte_matrix(values, 11)
    table = np.full(1000, -1, dtype=np.int64)
    table[[int(prefix) for prefix in prefixes]] = np.arange(len(prefixes))
    head, rest = number_of(matrix[:, :3]), number_of(matrix[:, 3:])
    place = table[np.maximum(head, 0)]
    return np.where(usable & (head >= 0) & (rest >= 0) & (place >= 0), place * 100_000_000 + rest, -1)


def why_not_mobile(number: str) -> str | None:
    """Why a mobile number has no allotted form, or None. Reserved-mode numbers fail here: that is their purpose."""
    if not re.fullmatch(r"\d{11}", number):
        return "must be 11 digits"
    return None if number[:3] in ALLOTTED else f"{number[:3]} is not an allotted range"


def luhn_digit(payload: str) -> str:
    """The Luhn check digit (ISO/IEC 7812-1) to append to a string of digits."""
    total = 0
    for place, character in enumerate(reversed(payload)):
        value = int(character) * (2 - place % 2)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


def bank_cards(numbers: Ints, issuer: str = "622999") -> Bytes:
    """19-digit bank card numbers: a six-digit issuer prefix, twelve digits, the Luhn digit. Numbers below 10**12."""
    matrix = np.empty((len(numbers), 19), dtype=np.uint8)
    matrix[:, :6] = np.frombuffer(issuer.encode(), np.uint8)
    matrix[:, 6:18] = digits(numbers, 12)
    values = matrix[:, 17::-1].astype(np.int64) - 48
    values[:, ::2] *= 2
    matrix[:, 18] = -np.where(values > 9, values - 9, values).sum(axis=1) % 10 + 48
    return matrix


def why_not_bank_card(number: str) -> str | None:
    """Why a bank card number is malformed, or None."""
    if not re.fullmatch(r"\d{16,19}", number):
        return "must be 16 to 19 digits"
    return None if luhn_digit(number[:-1]) == number[-1] else f"last digit must be {luhn_digit(number[:-1])} (Luhn)"


def birth_certificates(letters: Ints, numbers: Ints) -> Bytes:
    """Birth certificate numbers: one letter (position in PLATE_LETTERS) and nine digits (below 10**9)."""
    alphabet = np.frombuffer(PLATE_LETTERS.encode(), np.uint8)
    return np.concatenate([alphabet[letters][:, None], digits(numbers, 9)], axis=1)


def why_not_birth_certificate(number: str) -> str | None:
    """Why a birth certificate number is malformed, or None."""
    return None if re.fullmatch(r"[A-Z]\d{9}", number) else "must be one letter and nine digits"


def plate(province: str, city: str, number: int, energy: str = "") -> str:
    """A number plate (GA 36): province character, city letter, serial from a number.

    `energy`: "" an ordinary plate (5 characters, number below 34**5), "D" a battery or "F" another small new-energy
    vehicle (6 characters, number below 34 * 10**4). Raises ValueError for a number out of range.
    """
    characters = "0123456789" + PLATE_LETTERS
    if energy:
        first, rest = divmod(number, 10_000)
        if not 0 <= first < len(characters):
            raise ValueError(f"serial {number} does not fit a new-energy plate")
        return f"{province}{city}{energy}{characters[first]}{rest:04d}"
    serial = ""
    for _ in range(5):
        number, part = divmod(number, len(characters))
        serial = characters[part] + serial
    if number:
        raise ValueError("serial does not fit an ordinary plate")
    return f"{province}{city}{serial}"


PLATE_PROVINCES = "京津冀晋蒙辽吉黑沪苏浙皖闽赣鲁豫鄂湘粤桂琼渝川贵云藏陕甘青宁新"
"""Province characters in the order of province codes."""


def why_not_plate(text: str) -> str | None:
    """Why a number plate is malformed (GA 36, ordinary and small new-energy plates), or None."""
    letters = PLATE_LETTERS
    ordinary = rf"[{PLATE_PROVINCES}][{letters}][0-9{letters}]{{5}}"
    energy = rf"[{PLATE_PROVINCES}][{letters}]([A-HJK][0-9{letters}]\d{{4}}|\d{{5}}[A-HJK])"
    if re.fullmatch(f"{ordinary}|{energy}", text):
        return None
    return "must be a province character, a letter and 5 (new energy: 6) characters without I and O"


def mod_37_36(payload: str) -> str:
    """The ISO 7064 MOD 37,36 check character of a string over 0-9A-Z. Raises ValueError for other characters."""
    remainder = 36
    for character in payload:
        total = (remainder + ALPHANUMERIC.index(character)) % 36
        remainder = (total or 36) * 2 % 37
    return ALPHANUMERIC[(37 - remainder) % 36]


def certificate_identifier(kind: str, issuer: str, serial: str, version: str = "001") -> str:
    """An electronic certificate identifier (GB/T 36904): kind = USCC of the type's owner + 3 digits, issuer = USCC."""
    return f"1.2.156.3005.2.{kind}.{issuer}.{serial}.{version}.{mod_37_36(kind + issuer + serial + version)}"


def why_not_certificate_identifier(text: str) -> str | None:
    """Why an electronic certificate identifier is malformed, or None."""
    form = r"1\.2\.156\.3005\.2\.([0-9A-Z]{21})\.([0-9A-Z]{18}|\d{6})\.([0-9A-Z]{1,32})\.(\d{3})\.([0-9A-Z])"
    match = re.fullmatch(form, text)
    if not match:
        return "must be 1.2.156.3005.2.TYPE.ISSUER.SERIAL.VERSION.CHECK"
    expected = mod_37_36("".join(match.groups()[:4]))
    return None if match[5] == expected else f"check character must be {expected} (ISO 7064 MOD 37,36)"
