"""Addresses of the net: e-mail, IP, MAC, URLs that carry a password."""

from __future__ import annotations

import ipaddress
import re

from fettle.privacy.recognisers.forms import FAIR, STRONG, WEAK, Form, Recogniser


def is_email(text: str) -> bool:
    """An address by RFC 5321's lengths; `package@1.2.3-beta` is none."""
    local, _, domain = text.rpartition("@")
    if (
        not local
        or len(local) > 64
        or len(domain) > 253
        or ".." in text
        or local[0] == "."
        or local[-1] == "."
    ):
        return False
    labels = domain.split(".")
    if any(not label or len(label) > 63 or label[0] == "-" or label[-1] == "-" for label in labels):
        return False
    return not (len(labels) > 2 and labels[0].isdigit() and labels[1].isdigit())


def is_ipv4(text: str) -> bool:
    return all(int(each) <= 255 and (each == "0" or each[0] != "0") for each in text.split("."))


def _unlike_version(text: str) -> bool:
    """Versions have small parts; an address has a large one somewhere."""
    return is_ipv4(text) and any(int(each) >= 64 for each in text.split("."))


def is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text.partition("%")[0])
    except ValueError:
        return False
    return True


_MAC = re.compile(r"^(?:[0-9A-F]{2}([:-]))(?:[0-9A-F]{2}\1){4}[0-9A-F]{2}$", re.IGNORECASE)

_IPV4 = r"^\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}$"
_LARGE = r"(?:6[4-9]|[7-9]\d|1\d\d|2\d\d)"

NETWORK = (
    Recogniser(
        "email",
        "personal",
        (
            Form(
                r"^(?:mailto:)?[^\s@<>,;:\"()\[\]\\/]+@(?:[\p{L}\p{N}](?:[\p{L}\p{N}-]*[\p{L}\p{N}])?\.)+(?:\p{L}\p{L}+|xn--[a-z0-9-]+)$",
                is_email,
                chance=0.5,
                bonus=STRONG,
            ),
        ),
        names=r"_(e_?mails?|emails?|mail|courriel|correo|posta)_",
    ),
    Recogniser(
        "ip_address",
        "personal",
        (
            Form(_IPV4.replace(r"\d{1,3}\.", rf"{_LARGE}\.", 1), is_ipv4, chance=0.3, bonus=FAIR),
            Form(
                rf"^(?:\d{{1,3}}\.){{1,3}}{_LARGE}(?:\.\d{{1,3}}){{0,2}}$",
                _unlike_version,
                chance=0.3,
                bonus=FAIR,
            ),
            Form(_IPV4, is_ipv4, weighs=False, bonus=-FAIR),
            Form(
                r"^(?i)[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}(?:\d{1,3}(?:\.\d{1,3}){3})?(?:%\w+)?$",
                is_ipv6,
                chance=0.05,
                bonus=FAIR,
            ),
        ),
        names=r"_(ips?|ip_?(v4|v6)?_?addr(ess)?|ipv[46]|remote_addr|client_ip|src_ip|dst_ip|x_forwarded_for)_",
        hint=9.0,
    ),
    Recogniser(
        "mac_address",
        "personal",
        (
            Form(
                r"^(?i)[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}$",
                lambda text: bool(_MAC.match(text)),
                chance=0.5,
                bonus=STRONG,
            ),
            Form(r"^(?i)[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4}$", bonus=FAIR + WEAK),
        ),
        names=r"_(mac|mac_?addr(ess)?|bssid|hwaddr)_",
    ),
    Recogniser(
        "url_with_password",
        "sensitive",
        (Form(r"^(?i)[a-z][a-z0-9+.-]*://[^/\s@:]*:[^/\s@]+@[^/\s@]+", bonus=STRONG + 2),),
        names=r"_(dsn|connection_?(string|url)|database_url)_",
        least=0.2,
    ),
)
