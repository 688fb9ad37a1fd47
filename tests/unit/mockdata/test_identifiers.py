"""Identifiers against the vectors of their standards and against an independent library."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest
from stdnum.cn import uscc

from mockdata import identifiers as ids


@pytest.mark.parametrize(
    ("number", "word"),
    [
        ("11010519000101001X", None),
        ("110105190001010028", None),
        ("110105190001010011", "check digit"),
        ("110105202302290014", "no date"),
        ("340100202402290020", "summary"),
        ("11010519000101000X", "check digit"),
        ("1101051900010100", "17 digits"),
        ("11010519000101001x", "17 digits"),
    ],
)
def test_citizen_number_vectors(number: str, word: str | None) -> None:
    reason = ids.why_not_citizen_number(number)
    assert reason is None if word is None else word in (reason or "")


def test_summary_codes_are_refused_only_when_strict() -> None:
    assert ids.why_not_citizen_number("340100202402290020", strict=False) is None


@pytest.mark.parametrize(
    ("code", "word"),
    [
        ("11370800MB28559184", None),
        ("11100000MB03271699", None),
        ("11100000000013338W", None),
        ("11430000006122244L", None),
        ("91110105YYYYYYYY7M", None),
        ("N2110105MF0000000Q", "inner"),
        ("91110105YYYYYYYY7N", "GB 32100"),
        ("9111010IYYYYYYYY7M", "18 characters"),
    ],
)
def test_credit_code_vectors(code: str, word: str | None) -> None:
    reason = ids.why_not_credit_code(code)
    assert reason is None if word is None else word in (reason or "")


def test_composed_citizen_numbers_pass_the_slow_check_and_split_again() -> None:
    n = 5_000
    areas = 110_101 + np.arange(n) % 7
    days = np.arange(n) * 9 % 53_000
    sequences = np.arange(n) % 999 + 1
    column = ids.text_column(ids.citizen_numbers(areas, days, sequences))
    assert all(ids.why_not_citizen_number(number) is None for number in column.to_pylist())
    born = ids.FIRST_DAY + timedelta(days=int(days[4_321]))
    assert column[4_321].as_py()[6:14] == born.strftime("%Y%m%d")
    back = ids.split_citizen_numbers(column)
    assert np.array_equal(back[0], areas)
    assert np.array_equal(back[1], days)
    assert np.array_equal(back[2], sequences)
    assert back[3].all()


def test_splitting_refuses_everything_malformed() -> None:
    wrong = ["", None, "汉" * 6, "110105190001010011", "110105202302290014", "11010519000101001x", "1" * 19]
    *_, right = ids.split_citizen_numbers(pa.array([*wrong, "11010519000101001X"]))
    assert right.tolist() == [False] * len(wrong) + [True]
    sliced = pa.array([*wrong, "11010519000101001X"]).slice(len(wrong))
    assert ids.split_citizen_numbers(sliced)[3].tolist() == [True]


def test_day_numbers_know_leap_years() -> None:
    spelled = np.array([20240229, 20230229, 19000229, 20000229, 20230431, 0, 99999999])
    assert (ids.day_numbers(spelled) >= 0).tolist() == [True, False, False, True, False, False, False]
    assert ids.day_numbers(np.array([18800101]))[0] == 0
    assert ids.day_numbers(np.array([20261101]))[0] == (date(2026, 11, 1) - ids.FIRST_DAY).days


def test_credit_codes_pass_both_checks_here_and_in_stdnum() -> None:
    numbers = np.arange(0, ids.BODY_CAPACITY, 443_751_7)
    matrix = ids.credit_codes("91", np.full(len(numbers), 110_105), ids.bodies(numbers))
    codes = ids.text_column(matrix).to_pylist()
    assert all(ids.why_not_credit_code(code) is None for code in codes)
    assert all(uscc.is_valid(code) for code in codes if code[2:8].isdigit())
    assert np.array_equal(ids.body_numbers(matrix[:, 8:16]), numbers)


def test_mobiles_invert_and_reserved_prefixes_ring_nowhere() -> None:
    numbers = np.arange(0, len(ids.UNALLOTTED) * 10**8, 98_765_431)
    column = ids.text_column(ids.mobiles(numbers, ids.UNALLOTTED))
    assert np.array_equal(ids.mobile_numbers(column, ids.UNALLOTTED), numbers)
    assert all("not an allotted" in (ids.why_not_mobile(number) or "") for number in column.to_pylist())
    real = ids.text_column(ids.mobiles(numbers, ids.ALLOTTED))
    assert all(ids.why_not_mobile(number) is None for number in real.to_pylist())
    assert (ids.mobile_numbers(["1234", None, "汉字", "99912345678"], ids.UNALLOTTED) == -1).all()
    assert not set(ids.UNALLOTTED) & set(ids.ALLOTTED)


def test_bank_cards_follow_luhn() -> None:
    assert ids.luhn_digit("620000000000000") == "5"
    cards = ids.text_column(ids.bank_cards(np.arange(0, 10**12, 77_777_777_777))).to_pylist()
    assert all(ids.why_not_bank_card(card) is None and card.startswith("62") for card in cards)
    assert "Luhn" in (ids.why_not_bank_card("6200000000000006") or "")


@pytest.mark.parametrize(
    ("payload", "check"),
    [
        ("11100000MB03271699022340100000000016001", "9"),
        ("11100000000013338W01111430000006122244L20230000403001", "U"),
    ],
)
def test_mod_37_36_vectors(payload: str, check: str) -> None:
    assert ids.mod_37_36(payload) == check


def test_certificate_identifiers() -> None:
    made = ids.certificate_identifier("11100000MB03271699022", "11100000MB03271699", "20230000403")
    assert ids.why_not_certificate_identifier(made) is None
    vector = "1.2.156.3005.2.11100000MB03271699022.340100.000000016.001."
    assert ids.why_not_certificate_identifier(vector + "9") is None
    assert "must be 9" in (ids.why_not_certificate_identifier(vector + "8") or "")


def test_plates() -> None:
    for number in (0, 12_345, 33**5):
        assert ids.why_not_plate(ids.plate("浙", "A", number)) is None
    assert ids.why_not_plate(ids.plate("浙", "A", 12_345, "D")) is None
    assert ids.why_not_plate("浙I12345") is not None
    assert ids.why_not_plate("鄂T-41221") is not None
    with pytest.raises(ValueError, match="does not fit"):
        ids.plate("浙", "A", 34**5)


def test_birth_certificates() -> None:
    made = ids.text_column(ids.birth_certificates(np.array([0, 23]), np.array([7, 999_999_999]))).to_pylist()
    assert made == ["A000000007", "Z999999999"]
    assert all(ids.why_not_birth_certificate(number) is None for number in made)
