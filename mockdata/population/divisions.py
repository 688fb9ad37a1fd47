"""County-level divisions: codes, names, provinces, population weights; and their codes in reserved mode.

Data: divisions.csv and townships.parquet (licence and changes in LICENSE-china-division.txt).

Reserved mode replaces the two province digits by two digits that GB/T 2260 never assigned and keeps the other four:
`330106` 西湖区 becomes `290106`. The mapping is a bijection (`RESERVED`), so a code can always be read back, and it
keeps the order of provinces. First digit 9 is avoided on purpose: cards of permanent residents of foreign nationality
have begun with 9 since 2023, so such a number could be a real one.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib import resources
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from mockdata.seeds import Floats, Ints, hashed, stream, unit

Mode = Literal["reserved", "realistic"]

PROVINCES: dict[str, int] = {
    "11": 21_893_095, "12": 13_866_009, "13": 74_610_235, "14": 34_915_616, "15": 24_049_155, "21": 42_591_407,
    "22": 24_073_453, "23": 31_850_088, "31": 24_870_895, "32": 84_748_016, "33": 64_567_588, "34": 61_027_171,
    "35": 41_540_086, "36": 45_188_635, "37": 101_527_453, "41": 99_365_519, "42": 57_752_557, "43": 66_444_864,
    "44": 126_012_510, "45": 50_126_804, "46": 10_081_232, "50": 32_054_159, "51": 83_674_866, "52": 38_562_148,
    "53": 47_209_277, "54": 3_648_100, "61": 39_528_999, "62": 25_019_831, "63": 5_923_957, "64": 7_202_654,
    "65": 25_852_345,
}  # fmt: skip
"""Persons by province, 2020 census without the military (docs/population.md says what is verified)."""


def _words(text: str) -> list[str]:
    return text.split()


RESERVED: dict[str, str] = dict(
    zip(
        PROVINCES,
        _words("16 17 18 19 20 24 25 26 27 28 29 30 38 39 40 47 48 49 55 56 57 58 59 60 67 68 69 70 72 73 74"),
        strict=True,
    )
)
"""Province digits → digits never assigned as a province; a bijection."""

REAL: dict[str, str] = {reserved: real for real, reserved in RESERVED.items()}

# Nobody publishes district shares for the whole country in one place; these say only that a city district usually
# has more people than a county and a banner fewer. The keyed spread around them uses products only, no exp or pow,
# whose last bit may differ between processors.
_BY_KIND = {"区": 1.25, "市": 1.45, "县": 0.85, "旗": 0.45}


def reserve(code: str) -> str:
    """A real six-digit code in its reserved form. Raises KeyError for an unknown province."""
    return RESERVED[code[:2]] + code[2:]


def restore(code: str) -> str:
    """The real code behind a reserved one. Raises KeyError when the code is not a reserved one."""
    return REAL[code[:2]] + code[2:]


@dataclass(frozen=True)
class Division:
    """One county-level division. `code` follows the mode, `real_code` never does."""

    code: str
    real_code: str
    name: str
    city: str
    province: str

    @property
    def full_name(self) -> str:
        """Province, city where there is one, and county, as an address begins: 浙江省杭州市西湖区."""
        return self.province + self.city + self.name


@dataclass(frozen=True)
class Divisions:
    """The divisions that can begin a citizen number, in the order of their real codes."""

    mode: Mode
    entries: tuple[Division, ...]

    def __len__(self) -> int:
        return len(self.entries)

    @cached_property
    def numbers(self) -> Ints:
        """The six-digit codes in this mode, as integers."""
        return np.array([int(entry.code) for entry in self.entries], dtype=np.int64)

    @cached_property
    def codes(self) -> pa.Array:
        """The codes in this mode, as strings."""
        return pa.array([entry.code for entry in self.entries], pa.string())

    @cached_property
    def names(self) -> pa.Array:
        """County-level names alone."""
        return pa.array([entry.name for entry in self.entries], pa.string())

    @cached_property
    def full_names(self) -> pa.Array:
        """Province + city + county."""
        return pa.array([entry.full_name for entry in self.entries], pa.string())

    @cached_property
    def city_names(self) -> pa.Array:
        """City and county (the province where there is no city), as institutions call themselves."""
        return pa.array([(entry.city or entry.province) + entry.name for entry in self.entries], pa.string())

    @cached_property
    def province_names(self) -> pa.Array:
        """The province's name of each division."""
        return pa.array([entry.province for entry in self.entries], pa.string())

    @cached_property
    def provinces(self) -> Ints:
        """Position of the province (0 … 30, order of real codes) of each division."""
        place = {code: at for at, code in enumerate(PROVINCES)}
        return np.array([place[entry.real_code[:2]] for entry in self.entries], dtype=np.int64)

    @cached_property
    def province_starts(self) -> Ints:
        """Where each province begins among the divisions: 32 entries, the last is len(self)."""
        return np.searchsorted(self.provinces, np.arange(len(PROVINCES) + 1)).astype(np.int64)

    @cached_property
    def _place(self) -> Ints:
        table = np.full(1_000_000, -1, dtype=np.int64)
        table[self.numbers] = np.arange(len(self))
        return table

    def find(self, codes: Ints) -> Ints:
        """Positions of six-digit codes (integers 0 … 999999), -1 for a code that is not here."""
        return self._place[codes]

    def weights(self, seed: int | str) -> Floats:
        """Share of the population of each division; adds up to 1 and, by province, to the census shares."""
        chance = unit(hashed(stream(seed, "division weight"), self.numbers % 10_000 + self.provinces * 10_000))
        kind = np.array([_BY_KIND.get(entry.name[-1], 0.7) for entry in self.entries])
        raw = kind * (0.35 + 2.1 * chance * chance)
        total = np.bincount(self.provinces, raw, minlength=len(PROVINCES))
        people = np.array(list(PROVINCES.values()), dtype=np.float64)
        return np.asarray(raw / total[self.provinces] * (people / people.sum())[self.provinces])

    @cached_property
    def townships(self) -> tuple[pa.Array, Ints]:
        """(names, starts): the townships of division d are names[starts[d]:starts[d+1]]; some have none."""
        import pyarrow.parquet as parquet

        with resources.files("mockdata.population").joinpath("townships.parquet").open("rb") as file:
            table = parquet.read_table(file).combine_chunks()
        area = np.array(table["division"].cast(pa.string()).to_pylist(), dtype=np.int64)
        real = np.array([int(entry.real_code) for entry in self.entries], dtype=np.int64)
        names = table["name"].combine_chunks()
        starts = np.append(np.searchsorted(area, real), 0).astype(np.int64)
        ends = np.searchsorted(area, real, side="right").astype(np.int64)
        keep = np.concatenate([np.arange(a, b) for a, b in zip(starts[:-1], ends, strict=True)])
        counts = ends - starts[:-1]
        return names.take(pa.array(keep)), np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


@lru_cache(maxsize=2)
def divisions(mode: Mode = "reserved") -> Divisions:
    """The divisions whose codes can begin a citizen number (2,845), in one of the two identifier modes.

    Raises ValueError for another mode.
    """
    if mode not in ("reserved", "realistic"):
        raise ValueError(f"identifiers must be 'reserved' or 'realistic', not {mode!r}")
    return Divisions(mode, tuple(_entry(row, mode) for row in _rows() if row["numbered"] == "1"))


def every_division() -> tuple[Division, ...]:
    """All county-level entries of the source (2,978), statistical areas included, with their real codes."""
    return tuple(_entry(row, "realistic") for row in _rows())


def _rows() -> list[dict[str, Any]]:
    with resources.files("mockdata.population").joinpath("divisions.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _entry(row: dict[str, Any], mode: Mode) -> Division:
    real = row["code"]
    code = reserve(real) if mode == "reserved" else real
    return Division(code, real, row["name"], row["city"], row["province"])
