"""Persons: their names and days of birth."""

from __future__ import annotations

import re
from datetime import date, datetime

from fettle.privacy.recognisers.forms import Form, Recogniser
from fettle.privacy.recognisers.names import FIRST, LAST

_WORD = r"\p{Lu}[\p{L}'’.-]*"
_FROM_YEAR = 1900
_OTHER_THINGS = """
product file folder host domain company firm firma brand city town country state region event column table field model
class category project team server device store shop school bank street campaign dataset job step tag feature package
module service plan bucket key item song album movie book game species drug metric param parameter display type data
database schema group role font color colour app layer node cluster queue topic branch repo repository supplier vendor
merchant department org organisation organization
"""
_ODD = "|".join(_OTHER_THINGS.split())


def folded(text: str) -> str:
    import unicodedata

    plain = unicodedata.normalize(
        "NFKD", text.replace("ß", "ss").replace("ø", "o").replace("Ø", "O").replace("ł", "l")
    )
    return "".join(each for each in plain if not unicodedata.combining(each)).lower()


def has_first_name(text: str) -> bool:
    """Whether a name of several words holds a frequent first name: at the front, or behind a comma."""
    last, comma, first = text.partition(",")
    words = (first if comma else last).replace(".", " ").split()
    titles = {"mr", "mrs", "ms", "dr", "herr", "frau", "prof", "mme", "m", "sr", "sra"}
    words = [each for each in words if folded(each) not in titles]
    return bool(words) and folded(words[0].split("-")[0]) in FIRST and len(words) + bool(comma) > 1


def is_frequent(text: str) -> bool:
    """Whether one word is a frequent first or last name."""
    return folded(text) in FIRST or folded(text) in LAST


def is_birth(text: str) -> bool:
    """A date on which somebody who lives may be born, or its year."""
    if re.fullmatch(r"\d{4}", text):
        return _FROM_YEAR <= int(text) <= datetime.now().year
    found = re.match(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})", text)
    if found is None:
        found = re.match(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})", text)
        parts = tuple(map(int, found.groups()[::-1])) if found else ()
    else:
        parts = tuple(map(int, found.groups()))
    if not parts:
        return bool(re.match(r"\d{8}$", text)) and is_birth(f"{text[:4]}-{text[4:6]}-{text[6:]}")
    year, first, second = parts
    readings = ((first, second), (second, first))
    return any(_born(year, month, day) for month, day in readings)


def _born(year: int, month: int, day: int) -> bool:
    try:
        return date(_FROM_YEAR, 1, 1) <= date(year, month, day) <= date.today()
    except ValueError:
        return False


PEOPLE = (
    Recogniser(
        "person_name",
        "personal",
        (
            Form(
                rf"^{_WORD}(?:,? (?:{_WORD}|\p{{Lu}}\.?|d[aeiu]|de[lr]?|v[ao]n|la|le|bin|al|y)){{1,4}}$",
                has_first_name,
                chance=0.05,
                hit=0.5,
            ),
            Form(rf"^{_WORD}$", is_frequent, chance=0.06, hit=0.5, bonus=-1.0),
            Form(r"^[\p{L}][\p{L}\p{M}'’., -]*$", bonus=-2.0),
        ),
        names=r"_((first|last|given|family|middle|full|sur|birth|maiden|legal|fore|nick)_?names?|(customer|client|patient|employee|person|contact|user|owner|holder|passenger|student|member|guest|author|teacher|doctor|recipient|sender|payee|payer|insured|cardholder|account_holder|emergency_contact|manager|buyer|seller|tenant|driver|applicant|borrower)_names?|cardholder|surname|(vor|nach|familien)_?name|nom(_de_famille)?|prenom|apellidos?|nombre|cognome|nome|imie|nazwisko|voornaam|achternaam|fornamn|efternamn|fname|lname)_",
        unlike=rf"_({_ODD})_",
        hint=9.0,
    ),
    Recogniser(
        "birth_date",
        "personal",
        (
            Form(r"^\d{4}[-/.]\d{1,2}[-/.]\d{1,2}(?:[T ].*)?$", is_birth, weighs=False),
            Form(r"^\d{1,2}[-/.]\d{1,2}[-/.]\d{4}$", is_birth, weighs=False),
            Form(r"^(?:19|20)\d{2}$", is_birth, weighs=False),
            Form(r"^(?:19|20)\d{6}$", is_birth, weighs=False),
        ),
        names=r"_(dob|birth_?(date|day|year|dt)?|(date|day|year|yr)_?of_?birth|born(_(on|at))?|birthdate|birthday|yob|geburts?(datum|tag|jahr)|geb_?datum|date_de_naissance|naissance|fecha_(de_)?nacimiento|nacimiento|data_(di_)?nascita|nascita|data_(de_)?nascimento|geboortedatum|fodelsedatum|data_urodzenia|d_o_b)_",
        unlike=r"_(place|city|country|weight|name|certificate|rate|count|order)_",
        hint=8.0,
    ),
)
