"""Places: streets, postcodes, coordinates."""

from __future__ import annotations

import re

from fettle.privacy.recognisers.forms import FAIR, STRONG, WEAK, Form, Recogniser

_STREET = (
    r"\b(?:street|st|avenue|ave|road|rd|lane|ln|drive|dr|boulevard|blvd|court|ct|place|pl|way|terrace|close|crescent"
    r"|square|sq|highway|hwy|parkway|pkwy|circle|cir|trail|row|mews)\b"
)
_ABROAD = (
    r"(?:strasse|straße|str\.|gasse|weg|platz|allee|damm|ufer|\brue\b|\bavenue\b|\bchemin\b|\bimpasse\b|\bplace\b|\bquai\b|\bvia\b|\bviale\b|\bpiazza\b"
    r"|\bcorso\b|\bcalle\b|\bavenida\b|\bav\.|\bplaza\b|\bpaseo\b|\brua\b|\btravessa\b|straat|laan|gracht|plein|gatan|vägen|vej\b|gade\b|\bul\.|\bulica\b)"
)


def is_pair(text: str) -> bool:
    """Latitude and longitude in degrees."""
    first, second = (float(each) for each in re.findall(r"-?\d+(?:\.\d+)?", text)[:2])
    return abs(first) <= 90 and abs(second) <= 180


def is_latitude(text: str) -> bool:
    return abs(float(text)) <= 90


def is_longitude(text: str) -> bool:
    return abs(float(text)) <= 180


_DECIMAL = r"^-?\d{1,3}(?:\.\d+)?$"

PLACES = (
    Recogniser(
        "address",
        "personal",
        (
            Form(rf"^(?i)\d{{1,6}}[a-z]?,? (?:.*[\p{{L}}.]+ )?{_STREET}.*$", bonus=5.0),
            Form(rf"^(?i)(?:.*[\p{{L}} -]){{0,1}}{_ABROAD}.*\d+.*$", bonus=5.0),
            Form(rf"^(?i)\d{{1,5}}(?: bis| ter)?,? .*{_ABROAD}.*$", bonus=5.0),
            Form(r"^(?i)(?:p\.? ?o\.? ?box|postfach|apartado|casella postale) ?\d+.*$", bonus=5.0),
            Form(r"^[\p{L}\d][\p{L}\p{M}\d .,'’/#&()-]+$", bonus=-1.0),
        ),
        names=r"_(address(es|_?line)?(_?\d)?|addr(_?\d)?|street(_?(name|address|line))?|str(asse|eet_?1)?|strasse|adresse|anschrift|direccion|calle|indirizzo|rue|via|endereco|adres|ulica|(home|billing|shipping|mailing|postal|delivery|residential)_?addr(ess)?)_",
        unlike=r"_(e_?mail|mail|ip|ipv4|ipv6|mac|web|url|wallet|memory|btc|bitcoin|eth|id|type|hash|contract|count)_",
        hint=7.0,
    ),
    Recogniser(
        "postcode",
        "personal",
        (
            Form(r"^(?i)(?:gir ?0aa|[a-z]{1,2}\d[a-z\d]? \d[abd-hjlnp-uw-z]{2})$", bonus=FAIR),
            Form(r"^(?i)[abceghj-nprstvxy]\d[abceghj-nprstv-z] ?\d[abceghj-nprstv-z]\d$", bonus=FAIR),
            Form(r"^\d{5}-\d{4}$", bonus=2.0),
            Form(r"^\d{4} ?[A-Z]{2}$", bonus=2.0),
            Form(r"^(?i)(?:[a-z]{1,2}-)?\d{3,6}$", bonus=-WEAK),
            Form(r"^(?:\d{2}-\d{3}|\d{3} ?\d{2}|\d{3}-\d{4}|\d{5}-\d{3})$"),
            Form(r"^(?i)(?:[a-z]{1,2}\d[a-z\d]? ?\d[a-z]{2}|[a-z]\d{2} ?[a-z\d]{4})$"),
        ),
        names=r"_(zip(_?code)?s?|post_?(al)?_?codes?|plz|postleitzahl|code_?postal|codigo_?postal|cap|cep|pin_?code|pcode|zip_?\d|postnummer|postnr|eircode)_",
        unlike=r"_(file|archive)_",
        hint=7.0,
    ),
    Recogniser(
        "geo",
        "personal",
        (
            Form(
                r"^[(\[]?-?\d{1,2}\.\d{3,}[,; ] ?-?\d{1,3}\.\d{3,}[)\]]?$",
                is_pair,
                chance=0.4,
                bonus=STRONG - 2,
            ),
            Form(r"^(?i)POINT ?\(-?\d{1,3}(?:\.\d+)? -?\d{1,3}(?:\.\d+)?\)$", bonus=STRONG),
            Form(r"^(?i)\d{1,2}°.{1,20}[ns][, ]+\d{1,3}°.{1,20}[ewo]$", bonus=STRONG),
            Form(_DECIMAL, is_longitude, weighs=False, bonus=-WEAK),
        ),
        names=r"_(lat|lats|latitude|lng|lon|longitude|breitengrad|langengrad|latitud|longitud|geo(_?(point|loc(ation)?|coord(s|inates)?))?|coord(s|inates?)?|gps(_?(lat|lon|lng|coordinates))?|lat_?(lng|lon|long))_",
        hint=6.0,
    ),
)
