"""Payment: cards (ISO/IEC 7812) and bank accounts (ISO 13616)."""

from __future__ import annotations

from fettle.privacy.recognisers.checksums import luhn, mod_97
from fettle.privacy.recognisers.forms import FAIR, Form, Recogniser

_ISSUERS = (
    # first and last prefix, lengths
    ("4", "4", (13, 16, 19)),  # Visa
    ("51", "55", (16,)),  # Mastercard
    ("2221", "2720", (16,)),
    ("34", "34", (15,)),  # American Express
    ("37", "37", (15,)),
    ("6011", "6011", (16, 19)),  # Discover
    ("644", "649", (16, 19)),
    ("65", "65", (16, 19)),
    ("3528", "3589", (16, 17, 18, 19)),  # JCB
    ("300", "305", (14,)),  # Diners Club
    ("36", "36", (14,)),
    ("38", "39", (14,)),
    ("62", "62", (16, 17, 18, 19)),  # UnionPay
    ("81", "81", (16,)),
    ("5018", "5018", (13, 14, 15, 16, 17, 18, 19)),  # Maestro
    ("5020", "5020", (13, 14, 15, 16, 17, 18, 19)),
    ("5038", "5038", (13, 14, 15, 16, 17, 18, 19)),
    ("5893", "5893", (13, 14, 15, 16, 17, 18, 19)),
    ("6304", "6304", (13, 14, 15, 16, 17, 18, 19)),
    ("6759", "6763", (13, 14, 15, 16, 17, 18, 19)),
    ("2200", "2204", (16, 17, 18, 19)),  # Mir
    ("9792", "9792", (16,)),  # Troy
)

IBAN_LENGTHS = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BI": 27, "BR": 29,
    "BY": 28, "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DJ": 27, "DK": 18, "DO": 28, "EE": 20, "EG": 29,
    "ES": 24, "FI": 18, "FK": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28,
    "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28,
    "LC": 32, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MN": 20,
    "MR": 27, "MT": 31, "MU": 30, "NI": 28, "NL": 18, "NO": 15, "OM": 23, "PK": 24, "PL": 28, "PS": 29, "PT": 25,
    "QA": 29, "RO": 24, "RS": 22, "RU": 33, "SA": 24, "SC": 31, "SD": 18, "SE": 24, "SI": 19, "SK": 24, "SM": 27,
    "SO": 23, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20,
}  # fmt: skip
"""ISO 13616 registry: country → length."""


def is_card(text: str) -> bool:
    """A card number: an issuer's prefix and length, and Luhn's check digit."""
    number = text.replace(" ", "").replace("-", "")
    issued = any(
        first <= number[: len(first)] <= last and len(number) in lengths for first, last, lengths in _ISSUERS
    )
    return issued and luhn(number)


def is_iban(text: str) -> bool:
    """A bank account number of a country that has them, of its length, with its check digits."""
    number = text.replace(" ", "").replace("-", "").upper()
    return len(number) == IBAN_LENGTHS.get(number[:2], 0) and mod_97(number[4:] + number[:4])


MONEY = (
    Recogniser(
        "payment_card",
        "sensitive",
        (
            Form(r"^\d{13,19}$", is_card, chance=0.04),
            Form(r"^\d{4}[ -]\d{4}[ -]\d{4}[ -]\d{4}(?:[ -]\d{1,3})?$", is_card, chance=0.04, bonus=2.0),
            Form(r"^\d{4}[ -]\d{6}[ -]\d{4,5}$", is_card, chance=0.02, bonus=2.0),
        ),
        names=r"_(card|cc|pan|credit_?card|card_?(no|nr|num|number)|ccnum(ber)?|kreditkarte|carte|tarjeta)_",
        hint=3.0,
    ),
    Recogniser(
        "iban",
        "sensitive",
        (
            Form(
                r"^(?i)[a-z]{2}\d{2}[ -]?(?:[a-z0-9]{4}[ -]?){2,7}[a-z0-9]{0,4}$",
                is_iban,
                chance=0.01,
                bonus=FAIR,
            ),
        ),
        names=r"_(iban|bank_?account|kontonummer)_",
        hint=3.0,
    ),
)
