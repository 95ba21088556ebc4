"""Telephone numbers: E.164 with a country's code, and the usual national ways of writing them."""

from __future__ import annotations

import re

from fettle.privacy.recognisers.forms import FAIR, STRONG, WEAK, Form, Recogniser

_TWO = """
20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65
66 81 82 84 86 90 91 92 93 94 95 98
"""
_CODES = {"1", "7", *_TWO.split()}
_THREE = re.compile(
    r"^(21[1-368]|22\d|23\d|24\d|25[0-8]|26\d|29[0179]|35\d|37\d|38[0-35-79]|42[013]|50\d|59\d|67\d|68\d|69[0-2]|80[08]|85[0236]|87[0-48]|88[0-38]|96\d|97\d|99[2-68])"
)


def is_international(text: str) -> bool:
    """A number with an assigned country code (ITU-T E.164) and 8 to 15 digits."""
    digits = re.sub(r"\(0\)|\D", "", text)
    if text.startswith("00"):
        digits = digits[2:]
    if not 8 <= len(digits) <= 15:
        return False
    if digits[0] == "1":
        return len(digits) == 11 and digits[1] in "23456789" and digits[4] in "23456789"
    return digits[0] == "7" or digits[:2] in _CODES or bool(_THREE.match(digits))


def is_north_american(text: str) -> bool:
    """Area and exchange begin with 2 to 9, and are no service codes."""
    digits = re.sub(r"\D", "", text)[-10:]
    return digits[0] in "23456789" and digits[3] in "23456789" and digits[1:3] != "11" and digits[4:6] != "11"


def _is_national(text: str) -> bool:
    return 8 <= len(re.sub(r"\D", "", text)) <= 12


_EXTENSION = r"(?i:(?: ?(?:x|ext\.?|#) ?\d{1,6})?)"

PHONES = (
    Recogniser(
        "phone",
        "personal",
        (
            Form(
                rf"^\+ ?[1-9]\d{{0,2}}[\d ()./-]{{5,20}}\d{_EXTENSION}$",
                is_international,
                chance=0.4,
                bonus=STRONG,
            ),
            Form(r"^00[1-9]\d{0,2}[ ./-][\d ()./-]{4,18}\d$", is_international, chance=0.4, bonus=FAIR),
            Form(r"^00[1-9]\d{8,12}$", is_international, chance=0.7, bonus=2.0),
            Form(
                rf"^(?:1[ .-]?)?\([2-9]\d\d\) ?\d{{3}}[ .-]?\d{{4}}{_EXTENSION}$",
                is_north_american,
                chance=0.6,
                bonus=STRONG,
            ),
            Form(
                rf"^(?:1[ .-])?\d{{3}}[ .-]\d{{3}}[ .-]\d{{4}}{_EXTENSION}$",
                is_north_american,
                chance=0.62,
                bonus=5.0,
            ),
            Form(r"^0[1-9](?:[ .-]\d{2}){4}$", bonus=FAIR),
            Form(
                r"^\(?0\d{1,5}\)?[ /-]{1,3}\d{2,8}(?:[ -]\d{2,8}){0,3}$",
                _is_national,
                weighs=False,
                bonus=FAIR - 1,
            ),
            Form(r"^0[1-9]\d{7,10}$", bonus=WEAK),
            Form(r"^[2-9]\d{8,10}$", bonus=0.0),
            Form(r"^\d{2,4}[ -]\d{2,4}[ -]\d{2,5}(?:[ -]\d{2,4})?$", _is_national, weighs=False, bonus=0.0),
            Form(r"^\(\d{2,3}\) ?\d{4,5}[ -]?\d{4}$", bonus=FAIR),
        ),
        names=r"_((tele)?phones?|tel|telefon(o|e|nr)?|telephone|mobile|mobil|cell|cellphone|handy(nummer)?|fax|msisdn|phone_?(no|nr|num|number)|movil|portable|rufnummer|contact_?number)_",
        unlike=r"_(model|brand|type|os|count)_",
    ),
)
