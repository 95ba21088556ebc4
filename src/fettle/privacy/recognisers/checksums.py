"""Published checksum algorithms over digits; each is held to published examples in the tests."""

from __future__ import annotations

from collections.abc import Sequence


def digits_of(text: str) -> list[int]:
    return [int(each) for each in text]


def luhn(number: str) -> bool:
    """ISO/IEC 7812-1, annex B: every second digit from the right doubled."""
    total = 0
    for place, digit in enumerate(reversed(digits_of(number))):
        doubled = digit * 2 if place % 2 else digit
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


def mod_97(text: str) -> bool:
    """ISO 7064 MOD 97-10 over letters and digits, as IBAN uses it; the check digits are at the end."""
    return int("".join(str(int(each, 36)) for each in text)) % 97 == 1


def mod_11_10(number: str) -> bool:
    """ISO 7064 MOD 11,10, the check digit last."""
    product = 10
    for digit in digits_of(number[:-1]):
        total = (digit + product) % 10 or 10
        product = total * 2 % 11
    return (11 - product) % 10 == int(number[-1])


def mod_11_2(text: str) -> bool:
    """ISO 7064 MOD 11-2, the check digit last, X for ten."""
    product = 0
    for digit in digits_of(text[:-1]):
        product = (product + digit) * 2 % 11
    return (12 - product) % 11 == (10 if text[-1] == "X" else int(text[-1]))


def weighted(number: str, weights: Sequence[int]) -> int:
    """The sum of the digits times their weights."""
    return sum(digit * weight for digit, weight in zip(digits_of(number), weights, strict=False))


def ean(number: str) -> bool:
    """GS1: weights 1 and 3 from the right."""
    return (
        sum(digit * (3 if place % 2 else 1) for place, digit in enumerate(reversed(digits_of(number)))) % 10
        == 0
    )


_DIHEDRAL = tuple(
    tuple(
        (a + b) % 5 if a < 5 and b < 5
        else 5 + (a + b - 5) % 5 if a < 5
        else 5 + (a - 5 - b) % 5 if b < 5
        else (a - b) % 5
        for b in range(10)
    )
    for a in range(10)
)  # fmt: skip
_STEP = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)


def verhoeff(number: str) -> bool:
    """Verhoeff 1969: a permutation before each step in the dihedral group of order ten."""
    product = 0
    for place, digit in enumerate(reversed(digits_of(number))):
        for _ in range(place % 8):
            digit = _STEP[digit]
        product = _DIHEDRAL[product][digit]
    return product == 0


def is_day(year: int, month: int, day: int) -> bool:
    """Whether there is such a day."""
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return False
    longest = (
        31,
        29 if year % 4 == 0 and (year % 100 or year % 400 == 0) else 28,
        31,
        30,
        31,
        30,
        31,
        31,
        30,
        31,
        30,
        31,
    )
    return day <= longest[month - 1]
