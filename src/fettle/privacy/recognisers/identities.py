"""The recognisers of national numbers: how each is written, and how often chance passes its check."""

from __future__ import annotations

from fettle.privacy.recognisers import nations
from fettle.privacy.recognisers.forms import Check, Form, Recogniser


def _of(country: str, names: str, *forms: Form, what: str = "national_id", hint: float = 4.0) -> Recogniser:
    return Recogniser(f"{what}_{country}", "sensitive", forms, names=rf"_({names})_", hint=hint)


def _digits(count: int, check: Check, chance: float) -> Form:
    return Form(rf"^\d{{{count}}}$", check, chance=chance)


IDENTITIES = (
    _of(
        "us",
        "ssn|social_?security(_?(no|nr|num|number))?|itin|tin",
        Form(r"^\d{3}-\d{2}-\d{4}$", nations.is_us, chance=0.88, hit=0.995, bonus=5.0),
        Form(r"^\d{3} \d{2} \d{4}$", nations.is_us, chance=0.88, hit=0.995, bonus=4.0),
        Form(r"^\d{9}$", nations.is_us, chance=0.88, hit=0.995, bonus=-4.0),
        hint=8.0,
    ),
    _of(
        "gb",
        "nino|ni_?(no|nr|num|number)|national_insurance(_(no|number))?",
        Form(r"^(?i)[a-z]{2} ?\d{2} ?\d{2} ?\d{2} ?[a-z]$", nations.is_gb, chance=0.09, bonus=2.0),
    ),
    _of(
        "gb",
        "nhs(_?(no|nr|num|number))?",
        Form(r"^\d{3}[ -]\d{3}[ -]\d{4}$", nations.is_gb_health, chance=0.1),
        _digits(10, nations.is_gb_health, 0.1),
        what="health_id",
    ),
    _of(
        "de",
        "steuer_?(id|nr|nummer|identifikationsnummer)|idnr|tax_?id",
        Form(r"^\d{2} \d{3} \d{3} \d{3}$", nations.is_de, chance=0.01),
        _digits(11, nations.is_de, 0.01),
    ),
    _of(
        "fr",
        "nir|insee|num(ero)?_?(secu|securite_sociale)|securite_sociale",
        Form(
            r"^(?i)[1-478] ?\d{2} ?\d{2} ?(?:\d{2}|2[ab]) ?\d{3} ?\d{3} ?\d{2}$", nations.is_fr, chance=0.01
        ),
    ),
    _of(
        "es",
        "dni|nie|nif|documento",
        Form(r"^(?i)\d{8}[ -]?[a-z]$", nations.is_es, chance=0.05),
        Form(r"^(?i)[xyz][ -]?\d{7}[ -]?[a-z]$", nations.is_es, chance=0.05),
    ),
    _of(
        "it",
        "codice_?fiscale|cf",
        Form(
            r"^(?i)[a-z]{6}[0-9lmnp-v]{2}[abcdehlmprst][0-9lmnp-v]{2}[a-z][0-9lmnp-v]{3}[a-z]$",
            nations.is_it,
            chance=0.04,
            bonus=3.0,
        ),
    ),
    _of(
        "nl",
        "bsn|burgerservicenummer|sofi(_?nummer)?",
        _digits(9, nations.is_nl, 0.1),
        Form(r"^\d{4}[. ]\d{2}[. ]\d{3}$", nations.is_nl, chance=0.1, bonus=1.0),
    ),
    _of("pl", "pesel", _digits(11, nations.is_pl, 0.03)),
    _of(
        "se",
        "person_?nummer|personnr|pnr",
        Form(r"^(?:19|20)?\d{6}[-+]\d{4}$", nations.is_se, chance=0.02),
        Form(r"^(?:19|20)\d{10}$", nations.is_se, chance=0.02),
        _digits(10, nations.is_se, 0.02),
    ),
    _of(
        "be",
        "rijksregister(nummer)?|numero_national|niss|insz",
        Form(r"^\d{2}\.\d{2}\.\d{2}[- ]\d{3}[.-]\d{2}$", nations.is_be, chance=0.02, bonus=3.0),
        _digits(11, nations.is_be, 0.01),
    ),
    _of(
        "fi",
        "hetu|henkilotunnus",
        Form(r"^(?i)\d{6}[-+abcdefyxwvu]\d{3}[0-9a-y]$", nations.is_fi, chance=0.02, bonus=2.0),
    ),
    _of(
        "dk",
        "cpr(_?(no|nr|nummer))?|person_?nummer",
        Form(r"^\d{6}-\d{4}$", nations.is_dk, chance=0.04),
        Form(r"^\d{10}$", nations.is_dk, chance=0.04),
    ),
    _of(
        "pt",
        "nif|contribuinte|num(ero)?_?contribuinte",
        _digits(9, nations.is_pt, 0.1),
        Form(r"^\d{3} \d{3} \d{3}$", nations.is_pt, chance=0.1),
    ),
    _of(
        "ch",
        "ahv(_?(no|nr|nummer))?|avs|sozialversicherungsnummer",
        Form(r"^756\.\d{4}\.\d{4}\.\d{2}$", nations.is_ch, chance=0.1, bonus=4.0),
        Form(r"^756\d{10}$", nations.is_ch, chance=0.1, bonus=1.0),
    ),
    _of(
        "br",
        "cpf",
        Form(r"^\d{3}\.\d{3}\.\d{3}-\d{2}$", nations.is_br, chance=0.02, bonus=3.0),
        _digits(11, nations.is_br, 0.015),
    ),
    Recogniser(
        "company_id_br",
        "internal",
        (
            Form(r"^\d{2}\.\d{3}\.\d{3}/\d{4}-\d{2}$", nations.is_br_company, chance=0.02, bonus=3.0),
            _digits(14, nations.is_br_company, 0.015),
        ),
        names=r"_(cnpj)_",
        hint=4.0,
    ),
    _of(
        "in",
        "aadhaar|aadhar|uid(ai)?",
        Form(r"^\d{4}[ -]\d{4}[ -]\d{4}$", nations.is_in, chance=0.09, bonus=1.0),
        _digits(12, nations.is_in, 0.09),
    ),
    _of(
        "in_pan",
        "pan(_?(no|nr|num|number|card))?",
        Form(
            r"^(?i)[a-z]{5}\d{4}[a-z]$",
            lambda text: text[3].upper() in "ABCFGHJLPT",  # what kind of holder
            chance=0.4,
            bonus=2.0,
        ),
        what="tax_id",
    ),
    _of(
        "cn",
        "id_?card|resident_?(id|identity)(_?number)?|shenfenzheng|sfz",
        Form(r"^(?i)[1-8]\d{16}[\dx]$", nations.is_cn, chance=0.002),
    ),
    _of(
        "ca",
        "sin(_?(no|nr|num|number))?|social_insurance(_number)?",
        Form(r"^\d{3}[ -]\d{3}[ -]\d{3}$", nations.is_ca, chance=0.09, bonus=1.0),
        _digits(9, nations.is_ca, 0.09),
    ),
    _of(
        "au",
        "tfn|tax_?file_?number",
        _digits(9, nations.is_au, 0.1),
        Form(r"^\d{3} \d{3} \d{3}$", nations.is_au, chance=0.1),
        what="tax_id",
    ),
    _of(
        "no",
        "fodselsnummer|fodselsnr|fnr|person_?nummer",
        _digits(11, nations.is_no, 0.003),
        Form(r"^\d{6} \d{5}$", nations.is_no, chance=0.003, bonus=1.0),
    ),
    _of(
        "ie",
        "pps(n|_?(no|nr|num|number))?",
        Form(r"^(?i)\d{7}[a-w][a-iw]?$", nations.is_ie, chance=0.05),
    ),
    _of("za", "sa_?id|rsa_?id|id_?number", _digits(13, nations.is_za, 0.01)),
    _of("tr", "tc_?kimlik(_?no)?|tckn|tc_?no", _digits(11, nations.is_tr, 0.012)),
    _of("ro", "cnp", _digits(13, nations.is_ro, 0.005)),
    _of(
        "cz",
        "rodne_?cislo|rc",
        Form(r"^\d{6}/\d{4}$", nations.is_cz, chance=0.02, bonus=1.0),
        _digits(10, nations.is_cz, 0.012),
    ),
    _of(
        "kr",
        "rrn|jumin",
        Form(r"^\d{6}-[0-9]\d{6}$", nations.is_kr, chance=0.005, bonus=1.0),
        _digits(13, nations.is_kr, 0.004),
    ),
    _of(
        "mx",
        "curp",
        Form(r"^(?i)[a-z]{4}\d{6}[hmx][a-z]{5}[0-9a-z]\d$", nations.is_mx, chance=0.05, bonus=4.0),
    ),
    _of("bg", "egn", _digits(10, nations.is_bg, 0.012)),
    _of("ee", "isikukood|asmens_kodas", _digits(11, nations.is_ee, 0.003)),
    _of("hr", "oib", _digits(11, nations.is_hr, 0.1)),
)
