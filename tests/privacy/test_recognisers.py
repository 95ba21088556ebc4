"""Recognisers: published examples of each check, and precision and recall on the generated corpus."""

from __future__ import annotations

import polars as pl
import pytest

from fettle.privacy.recognisers import checksums, money, nations, network, things
from fettle.privacy.scan import look, scan
from tests.privacy.recognised import judge, lines


@pytest.fixture(scope="module")
def judged():
    return judge(seed=2026, each=6)


def test_every_kind_is_told_precisely_and_completely(judged):
    table, wrong = judged
    shown = "\n".join([*lines(table), *(f"{each.name}: {each.kind} for {kind}" for each, kind in wrong)])
    print(shown)
    for kind, (count, precision, recall) in table.items():
        assert count >= 6, shown
        assert precision >= 0.95, f"{kind}\n{shown}"
        assert recall >= 0.98, f"{kind}\n{shown}"


def test_nothing_personal_is_seen_where_nothing_is(judged):
    _, wrong = judged
    assert [each.name for each, _ in wrong if not each.kind] == []


@pytest.mark.parametrize(
    ("check", "good"),
    [
        # examples printed by the issuers, in the standards, or in the literature
        (checksums.luhn, "79927398713"),
        (checksums.verhoeff, "2363"),
        (checksums.ean, "4006381333931"),
        (money.is_card, "4111 1111 1111 1111"),
        (money.is_card, "378282246310005"),
        (money.is_iban, "GB82 WEST 1234 5698 7654 32"),
        (money.is_iban, "DE89370400440532013000"),
        (money.is_iban, "FR1420041010050500013M02606"),
        (nations.is_gb_health, "943 476 5919"),
        (nations.is_de, "86 095 742 719"),
        (nations.is_fr, "2 55 08 14 168 025 38"),
        (nations.is_es, "12345678Z"),
        (nations.is_es, "X1234567L"),
        (nations.is_it, "RSSMRA85T10A562S"),
        (nations.is_nl, "111222333"),
        (nations.is_pl, "44051401359"),
        (nations.is_se, "811218-9876"),
        (nations.is_be, "85.07.30-033.28"),
        (nations.is_fi, "131052-308T"),
        (nations.is_ch, "756.9217.0769.85"),
        (nations.is_br, "529.982.247-25"),
        (nations.is_br_company, "11.222.333/0001-81"),
        (nations.is_ca, "130692544"),
        (nations.is_au, "123 456 782"),
        (nations.is_cn, "11010519491231002X"),
        (nations.is_ie, "1234567T"),
        (nations.is_tr, "10000000146"),
        (nations.is_bg, "7523169263"),
        (nations.is_hr, "94577403194"),
        (nations.is_za, "8001015009087"),
        (network.is_ipv6, "2001:db8::1"),
        (things.is_vin, "1M8GDM9AXKP042788"),
    ],
)
def test_a_published_example_passes_and_a_wrong_digit_fails(check, good: str):
    assert check(good)
    at = max(place for place, sign in enumerate(good) if sign.isdigit())
    wrong = [good[:at] + digit + good[at + 1 :] for digit in "0123456789" if digit != good[at]]
    assert sum(map(check, wrong)) <= (9 if check is network.is_ipv6 else 1)


def test_numbers_are_read_as_numbers_too():
    cards = [4111111111111111, 5500000000000004, 4012888888881881, 5105105105105100]
    found = look([pl.Series("x", cards), pl.Series("home_lat", [52.52, 48.85, None])])
    assert [each.kind for each in found] == ["payment_card", "geo"]


def test_a_date_is_a_birth_only_where_the_column_says_so():
    from datetime import date

    days = [date(1980, 1, 2), date(1990, 5, 6), None]
    found = look([pl.Series("geburtsdatum", days), pl.Series("ordered_on", days)])
    assert [each.kind for each in found] == ["birth_date", ""]


def test_a_scan_names_no_value():
    found = scan(
        pl.DataFrame({"mail": ["ada@example.org", "bob@example.org"], "n": [1, 2]}), name="people.csv"
    )
    assert "ada@" not in str(found.as_dict())
    assert [each.column for each in found.careful] == ["mail"]
    assert "email" in "\n".join(found.lines())


@pytest.mark.parametrize("values", [[], [None, None], [""]])
def test_an_empty_column_is_nothing(values: list):
    assert look([pl.Series("email", values, dtype=pl.String)])[0].kind == ""
