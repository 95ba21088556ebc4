"""Things that lead to a person or a door: vehicles, passwords, keys of programs."""

from __future__ import annotations

import re

from fettle.privacy.recognisers.forms import STRONG, WEAK, Form, Recogniser

_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_LETTERS = dict(
    zip(
        "ABCDEFGHJKLMNPRSTUVWXYZ",
        (1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 9, 2, 3, 4, 5, 6, 7, 8, 9),
        strict=True,
    )
)


def is_vin(text: str) -> bool:
    """ISO 3779: letters and digits, the last four digits; North America's check digit, or a maker from elsewhere."""
    number = text.upper()
    if sum(each.isalpha() for each in number) < 2 or not number[13:].isdigit():
        return False
    return number[0] not in "12345" or vin_digit(number) == number[8]


def vin_digit(number: str) -> str:
    """The check digit of 49 CFR 565."""
    values = (int(each) if each.isdigit() else _LETTERS[each] for each in number)
    rest = sum(value * weight for value, weight in zip(values, _WEIGHTS, strict=True)) % 11
    return "X" if rest == 10 else str(rest)


_SHAPES = (
    r"(?:AKIA|ASIA|AGPA|AIDA|AROA)[0-9A-Z]{16}",  # Amazon Web Services
    r"gh[pousr]_[A-Za-z0-9]{36,}",
    r"github_pat_[A-Za-z0-9_]{40,}",
    r"glpat-[A-Za-z0-9_-]{20,}",
    r"xox[abeoprs]-[A-Za-z0-9-]{10,}",
    r"https://hooks\.slack\.com/services/[A-Za-z0-9/]+",
    r"[spr]k_(?:live|test)_[A-Za-z0-9]{16,}",
    r"whsec_[A-Za-z0-9+/=]{16,}",
    r"AIza[0-9A-Za-z_-]{35}",
    r"ya29\.[0-9A-Za-z_-]{20,}",
    r"sk-(?:[a-z]+-)*[A-Za-z0-9_-]{20,}",
    r"hf_[A-Za-z0-9]{30,}",
    r"npm_[A-Za-z0-9]{36}",
    r"pypi-[A-Za-z0-9_-]{16,}",
    r"SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}",
    r"(?:AC|SK)[0-9a-f]{32}",
    r"dop_v1_[0-9a-f]{64}",
    r"fettle_[A-Za-z0-9_-]{40,}",
    r"\d{8,10}:AA[A-Za-z0-9_-]{33}",
    r"eyJ[A-Za-z0-9_-]{5,}\.eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]*",  # JSON web tokens
    r"\$2[abxy]\$\d\d\$[./A-Za-z0-9]{53}",
    r"\$argon2(?:id|i|d)\$.+",
    r"\$[156]\$[./A-Za-z0-9]{1,16}\$[./A-Za-z0-9]{22,}",
    r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----[\s\S]*",
    r"(?i:bearer) [A-Za-z0-9._~+/-]{16,}=*",
)

_COUNTS = re.compile(r"\d{1,6}|true|false|yes|no|null|\d{4}-\d\d-\d\d.*", re.IGNORECASE)


def _may_be_secret(text: str) -> bool:
    return not _COUNTS.fullmatch(text)


THINGS = (
    Recogniser(
        "vin",
        "personal",
        (Form(r"^(?i)[a-hj-npr-z0-9]{17}$", is_vin, chance=0.02),),
        names=r"_(vin|vin_?(no|nr|num|number|code)|vehicle_id(entification_number)?|chassis(_?(no|number))?|fahrgestellnummer|fin)_",
        hint=3.0,
    ),
    Recogniser(
        "secret",
        "sensitive",
        (
            Form(rf"^(?:{'|'.join(_SHAPES)})$", bonus=STRONG),
            Form(r"^\S{6,}$", _may_be_secret, weighs=False, bonus=-WEAK),
        ),
        names=r"_(passw(or)?d|passwd|pwd|pass_?phrase|secret|secret_?key|client_?secret|api_?key|apikey|api_?token|access_?(token|key)|auth_?token|bearer|private_?key|refresh_?token|session_?token|credentials?|kennwort|passwort|mot_de_passe|contrasena)_",
        unlike=r"_(count|at|date|changed|age|length|id|type|name|expires?|expiry|policy|reset|hint|strength)_",
        hint=8.0,
        least=0.5,
    ),
)
