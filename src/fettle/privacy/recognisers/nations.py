"""National identity, tax and health numbers with their published checks."""

from __future__ import annotations

import re

from fettle.privacy.recognisers.checksums import (
    digits_of,
    ean,
    is_day,
    luhn,
    mod_11_2,
    mod_11_10,
    verhoeff,
    weighted,
)


def plain(text: str) -> str:
    """Without separators, in capitals."""
    return re.sub(r"[ ./-]", "", text).upper()


def is_us(text: str) -> bool:
    """SSN: no area 000, 666 or 900 up, no group 00, no serial 0000 (Social Security Administration, 2011)."""
    number = plain(text)
    return (
        number[:3] not in ("000", "666") and number[0] != "9" and number[3:5] != "00" and number[5:] != "0000"
    )


def is_gb(text: str) -> bool:
    """NINO: the prefixes and suffixes that HMRC gives out (NIM39110)."""
    number = plain(text)
    return bool(re.match(r"^[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]\d{6}[A-D]$", number)) and number[:2] not in (
        "BG", "GB", "NK", "KN", "TN", "NT", "ZZ",
    )  # fmt: skip


def is_gb_health(text: str) -> bool:
    """NHS number: weights 10 to 2, modulus 11."""
    number = plain(text)
    return (11 - weighted(number[:9], range(10, 1, -1)) % 11) % 11 == int(number[9])


def is_de(text: str) -> bool:
    """Steuer-ID: of its first ten digits one or none is missing twice, none is there four times; ISO 7064 MOD 11,10."""
    number = plain(text)
    counts = sorted((number[:10].count(each) for each in "0123456789"), reverse=True)
    return number[0] != "0" and counts[0] in (2, 3) and counts[1] == 1 and mod_11_10(number)


def is_fr(text: str) -> bool:
    """NIR: sex, year, month, place, order, and 97 less the remainder by 97; Corsica's 2A and 2B count as 19 and 18."""
    number = plain(text)
    head = number[:13].replace("2A", "19", 1) if number[5:7] == "2A" else number[:13].replace("2B", "18", 1)
    if not head.isdigit() or number[0] not in "12378":
        return False
    month = int(number[3:5])
    return (1 <= month <= 12 or 20 <= month <= 42 or month >= 50) and 97 - int(head) % 97 == int(number[13:])


def is_es(text: str) -> bool:
    """DNI and NIE: the number's remainder by 23 picks the letter."""
    number = plain(text)
    head = {"X": "0", "Y": "1", "Z": "2"}.get(number[0], number[0]) + number[1:-1]
    return head.isdigit() and "TRWAGMYFPDXBNJZSQVHLCKE"[int(head) % 23] == number[-1]


_IT_ODD = dict(
    zip(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16,
         10, 22, 25, 24, 23),
        strict=True,
    )
)  # fmt: skip


def is_it(text: str) -> bool:
    """Codice fiscale: a table for odd places, the order for even ones, modulus 26 (DM 23 December 1976)."""
    number = plain(text)
    total = sum(
        _IT_ODD[each] if place % 2 == 0 else int(each, 36) - (10 if each.isalpha() else 0)
        for place, each in enumerate(number[:15])
    )
    return chr(ord("A") + total % 26) == number[15]


def is_nl(text: str) -> bool:
    """BSN: weights 9 to 2 and −1, modulus 11."""
    number = plain(text)
    return number != "0" * 9 and weighted(number, (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0


def is_pl(text: str) -> bool:
    """PESEL: a date whose month says the century, and a digit that makes the weighted sum end in 0."""
    number = plain(text)
    month, day = int(number[2:4]), int(number[4:6])
    century = {0: 1900, 1: 2000, 2: 2100, 3: 2200, 4: 1800}[month // 20]
    return is_day(century + int(number[:2]), month % 20, day) and (
        weighted(number, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)) % 10 == 0
    )


def is_se(text: str) -> bool:
    """Personnummer: a date (60 added for coordination numbers) and Luhn over ten digits."""
    number = re.sub(r"\D", "", text)[-10:]
    day = int(number[4:6])
    return is_day(2000, int(number[2:4]), day - 60 if day > 60 else day) and luhn(number)


def is_be(text: str) -> bool:
    """Rijksregisternummer: a date, and 97 less the remainder by 97; a 2 before it for who was born from 2000 on."""
    number = plain(text)
    month = int(number[2:4]) % 20
    if not (0 <= month <= 12 and int(number[4:6]) <= 31):
        return False
    return int(number[9:]) in (97 - int(number[:9]) % 97, 97 - int("2" + number[:9]) % 97)


def is_fi(text: str) -> bool:
    """HETU: a date and the remainder by 31."""
    number = text.strip().upper()
    day = is_day(2000, int(number[2:4]), int(number[:2]))
    return day and "0123456789ABCDEFHJKLMNPRSTUVWXY"[int(number[:6] + number[7:10]) % 31] == number[10]


def is_dk(text: str) -> bool:
    """CPR: a date; since 2007 numbers are given out that fail the old modulus, so it is not asked for."""
    number = plain(text)
    return is_day(2000, int(number[2:4]), int(number[:2]))


def is_pt(text: str) -> bool:
    """NIF: weights 9 to 2, modulus 11, 10 becomes 0; what a person's begins with."""
    number = plain(text)
    check = 11 - weighted(number[:8], range(9, 1, -1)) % 11
    return (number[0] in "12356789" or number[:2] == "45") and (0 if check >= 10 else check) == int(number[8])


def is_ch(text: str) -> bool:
    """AHV number: 756 and a GS1 check digit."""
    return ean(plain(text))


def is_br(text: str) -> bool:
    """CPF: two digits, each modulus 11."""
    number = plain(text)
    return number != number[0] * 11 and all(
        weighted(number[:size], range(size + 1, 1, -1)) * 10 % 11 % 10 == int(number[size])
        for size in (9, 10)
    )


def is_br_company(text: str) -> bool:
    """CNPJ: two digits, each modulus 11."""
    number = plain(text)
    weights = (6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)
    return number != number[0] * 14 and all(
        (0 if (rest := weighted(number[:size], weights[13 - size :]) % 11) < 2 else 11 - rest)
        == int(number[size])
        for size in (12, 13)
    )


def is_in(text: str) -> bool:
    """Aadhaar: Verhoeff over twelve digits, the first from 2 on."""
    number = plain(text)
    return number[0] not in "01" and verhoeff(number)


def is_cn(text: str) -> bool:
    """Resident identity number: a date and ISO 7064 MOD 11-2 (GB 11643-1999)."""
    number = plain(text)
    year = int(number[6:10])
    return 1850 <= year <= 2100 and is_day(year, int(number[10:12]), int(number[12:14])) and mod_11_2(number)


def is_ca(text: str) -> bool:
    """SIN: Luhn; none begins with 0 or 8."""
    number = plain(text)
    return number[0] not in "08" and luhn(number)


def is_au(text: str) -> bool:
    """TFN: weighted, modulus 11."""
    number = plain(text)
    return weighted(number, (1, 4, 3, 7, 5, 8, 6, 9, 10)) % 11 == 0


def is_no(text: str) -> bool:
    """Fødselsnummer: a date and two digits, each modulus 11."""
    number = plain(text)
    day, month = int(number[:2]), int(number[2:4])
    if not is_day(2000, month % 40, day % 40):
        return False
    first = weighted(number[:10], (3, 7, 6, 1, 8, 9, 4, 5, 2, 1)) % 11
    return first == 0 and weighted(number, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0


def is_ie(text: str) -> bool:
    """PPS number: weights 8 to 2, a second letter counts nine times, the remainder by 23 picks the letter."""
    number = plain(text)
    second = ord(number[8]) - ord("A") + 1 if len(number) == 9 and number[8] != "W" else 0
    return "WABCDEFGHIJKLMNOPQRSTUV"[(weighted(number[:7], range(8, 1, -1)) + 9 * second) % 23] == number[7]


def is_za(text: str) -> bool:
    """South African ID: a date, a digit for citizenship, Luhn."""
    number = plain(text)
    return is_day(2000, int(number[2:4]), int(number[4:6])) and number[10] in "012" and luhn(number)


def is_tr(text: str) -> bool:
    """T.C. kimlik no: the tenth digit from odd and even sums, the eleventh from the sum of ten."""
    digits = digits_of(plain(text))
    tenth = (7 * sum(digits[0:9:2]) - sum(digits[1:8:2])) % 10
    return digits[0] != 0 and tenth == digits[9] and sum(digits[:10]) % 10 == digits[10]


def is_ro(text: str) -> bool:
    """CNP: sex and century, a date, modulus 11."""
    number = plain(text)
    rest = weighted(number[:12], (2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9)) % 11
    day = is_day(2000, int(number[3:5]), int(number[5:7]))
    return number[0] != "0" and day and (1 if rest == 10 else rest) == int(number[12])


def is_cz(text: str) -> bool:
    """Rodné číslo of ten digits: a date (50, 20 or 70 added to the month), divisible by 11."""
    number = plain(text)
    month = int(number[2:4])
    month = next((month - add for add in (70, 50, 20, 0) if month > add and month - add <= 12), 0)
    whole = int(number) % 11 == 0 or (int(number[:9]) % 11 == 10 and number[9] == "0")
    return is_day(2000, month, int(number[4:6])) and whole


def is_kr(text: str) -> bool:
    """Resident registration number: a date and modulus 11 (those given out since October 2020 have no check digit)."""
    number = plain(text)
    check = (11 - weighted(number[:12], (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)) % 11) % 10
    return is_day(2000, int(number[2:4]), int(number[4:6])) and check == int(number[12])


def is_mx(text: str) -> bool:
    """CURP: letters of the name, a date, sex, state; modulus 10."""
    number = plain(text)
    signs = "0123456789ABCDEFGHIJKLMNÑOPQRSTUVWXYZ"
    total = sum(signs.index(each) * (18 - place) for place, each in enumerate(number[:17]))
    return is_day(2000, int(number[6:8]), int(number[8:10])) and (10 - total % 10) % 10 == int(number[17])


def is_bg(text: str) -> bool:
    """EGN: a date whose month says the century, weights, modulus 11."""
    number = plain(text)
    rest = weighted(number[:9], (2, 4, 8, 5, 10, 9, 7, 3, 6)) % 11 % 10
    month = int(number[2:4])
    return (
        month % 20 <= 12
        and month <= 52
        and is_day(2000, month % 20, int(number[4:6]))
        and rest == int(number[9])
    )


def is_ee(text: str) -> bool:
    """Isikukood (and Lithuania's asmens kodas): a date, two rounds of weights, modulus 11."""
    number = plain(text)
    rest = weighted(number[:10], (1, 2, 3, 4, 5, 6, 7, 8, 9, 1)) % 11
    if rest == 10:
        rest = weighted(number[:10], (3, 4, 5, 6, 7, 8, 9, 1, 2, 3)) % 11 % 10
    day = is_day(2000, int(number[3:5]), int(number[5:7]))
    return number[0] in "12345678" and day and rest == int(number[10])


def is_hr(text: str) -> bool:
    """OIB: ISO 7064 MOD 11,10."""
    return mod_11_10(plain(text))
