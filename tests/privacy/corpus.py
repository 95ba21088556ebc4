"""A corpus of columns whose kind is known: personal ones of every kind, and what looks like them and is not.

Everything is drawn from a seed. Values are built here, digit by digit from the published rules, without the
recognisers' code: check digits are found by solving for them, names and streets are other lists.
"""

from __future__ import annotations

import random
import string
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

R = random.Random
Make = Callable[[R], str]

NEUTRAL = (
    "col_7",
    "value",
    "field_3",
    "x1",
    "ref",
    "data",
    "attr",
    "id2",
    "key",
    "f12",
    "info",
    "code",
    "v",
    "number",
)


@dataclass(frozen=True)
class Column:
    name: str
    kind: str  # "" for a column that is not personal
    values: list[str | None]


def digits(r: R, count: int) -> str:
    return "".join(r.choice(string.digits) for _ in range(count))


def letters(r: R, count: int, among: str = string.ascii_uppercase) -> str:
    return "".join(r.choice(among) for _ in range(count))


def day(r: R, first: int = 1930, last: int = 2006) -> date:
    return date(first, 1, 1) + timedelta(days=r.randrange((last - first) * 365))


def until(make: Callable[[], str | None]) -> str:
    """Draw until the rule allows it."""
    while True:
        if (made := make()) is not None:
            return made


# --- check digits, found by trying: of the ten continuations the published rule accepts one


def luhn_total(number: str) -> int:
    total = 0
    for place in range(len(number)):
        digit = ord(number[-1 - place]) - 48
        if place & 1:
            digit = sum(map(int, str(digit * 2)))
        total += digit
    return total


def with_luhn(head: str) -> str:
    return next(head + each for each in string.digits if luhn_total(head + each) % 10 == 0)


def remainder(text: str, by: int) -> int:
    """Long division, digit by digit."""
    rest = 0
    for each in text:
        rest = (rest * 10 + int(each)) % by
    return rest


def dot(number: str, *weights: int) -> int:
    return sum(int(number[at]) * weight for at, weight in enumerate(weights))


def mod_11_10_rest(head: str) -> str:
    state = 10
    for each in head:
        state += int(each)
        state = (state % 10 or 10) * 2 % 11
    return str((11 - state) % 10)


# --- the net

_WORDS = """
river stone cloud maple amber falcon harbor meadow pixel quartz raven summit tango violet willow zenith
delta orbit
"""
WORDS = _WORDS.split()
_GIVEN = """
Oliver Amelia Jürgen Käthe François Zoë Søren Łukasz Nadia Ibrahim Priyanka Kwabena Ximena Renée
Bartholomew Siobhán Dagmar Anna Maria James Sarah Thomas Laura Peter Emma David Julia Michael Hannah
Robert Elena Ahmed Fatima Carlos Sofia Marco Giulia Pierre Camille Jan Katarzyna Ivan Olga Wei Yuki Raj
Priya John Mary William Linda Daniel Karen Kevin Susan Brian Lisa Eric Amy
"""
GIVEN = _GIVEN.split()
_FAMILY = """
Okonkwo Abernathy Grünwald O'Shaughnessy Lefèvre Kjærgaard Wójcik Ospina Venkataraman Szczepański
Thistlewood Fairbanks Quigley Smith Müller Garcia Rossi Dubois Novak Jensen Kowalski Yamamoto Nguyen Khan
Patel Silva Andersson Schmidt Johnson Brown Martin Lee Wilson Moore Taylor Clark Hall Young King Wright
Hill Green Adams Baker Nelson Carter Mitchell Roberts Turner Phillips
"""
FAMILY = _FAMILY.split()
_CITIES = """
Berlin Paris London Madrid Rome Vienna Lisbon Dublin Oslo Austin Denver Houston Phoenix Charlotte
Florence Victoria Jackson Lincoln Hamburg Munich Lyon Marseille Sevilla Valencia Milano Torino Porto
Kraków Gdańsk Prague Brno Zürich Basel Geneva Utrecht Leiden
"""
CITIES = _CITIES.split()
_PRODUCTS = """
Lamp Chair Table Desk Shelf Sofa Mug Kettle Toaster Blender Speaker Monitor Keyboard Mouse Cable Charger
Bottle Backpack
"""
PRODUCTS = _PRODUCTS.split()
_ADJECTIVES = """
Classic Modern Deluxe Basic Premium Compact Royal Eco Smart Ultra Mini Grand Silent Rapid Golden Arctic
"""
ADJECTIVES = _ADJECTIVES.split()


def ascii_of(text: str) -> str:
    import unicodedata

    plain = "".join(each for each in unicodedata.normalize("NFKD", text) if each.isascii() and each.isalpha())
    return plain.lower() or "x"


def email(r: R) -> str:
    first, last = ascii_of(r.choice(GIVEN)), ascii_of(r.choice(FAMILY))
    local = r.choice(
        [
            f"{first}.{last}",
            f"{first[0]}{last}{r.randrange(100)}",
            f"{first}_{last}",
            f"{last}+news",
            first + digits(r, 4),
            f"{first}-{last}",
        ]
    )
    domain = r.choice(
        [
            "gmail.com",
            "example.org",
            f"{r.choice(WORDS)}.co.uk",
            f"mail.{r.choice(WORDS)}.de",
            "hotmail.fr",
            f"{r.choice(WORDS)}{r.randrange(9)}.io",
            "firma.com.br",
            f"{r.choice(WORDS)}-{r.choice(WORDS)}.museum",
        ]
    )
    made = f"{local}@{domain}"
    return made.upper() if r.random() < 0.05 else made


def ipv4(r: R) -> str:
    return ".".join(str(r.randrange(256)) for _ in range(4))


def ipv4_private(r: R) -> str:
    return r.choice(["192.168.", "10.0.", "172.16."]) + f"{r.randrange(256)}.{r.randrange(1, 255)}"


def ipv6(r: R) -> str:
    groups = [f"{r.randrange(65536):x}" for _ in range(8)]
    style = r.randrange(3)
    if style == 0:
        return ":".join(groups)
    if style == 1:
        return "2001:db8::" + ":".join(groups[:3])
    return "fe80::" + ":".join(groups[:4])


def mac(r: R) -> str:
    pairs = [f"{r.randrange(256):02x}" for _ in range(6)]
    return r.choice([":".join(pairs), "-".join(pairs).upper()])


def url_secret(r: R) -> str:
    scheme = r.choice(["postgresql", "https", "ftp", "mysql", "amqp"])
    password = letters(r, 9, string.ascii_letters + string.digits)
    return f"{scheme}://{r.choice(WORDS)}:{password}@{r.choice(WORDS)}.example.com/{r.choice(WORDS)}"


# --- payment


def card(r: R) -> str:
    prefix, length = r.choice(
        [
            ("4", 16),
            ("4", 16),
            ("51", 16),
            ("55", 16),
            ("2300", 16),
            ("34", 15),
            ("37", 15),
            ("6011", 16),
            ("3540", 16),
            ("36", 14),
        ]
    )
    return with_luhn(prefix + digits(r, length - len(prefix) - 1))


def card_grouped(r: R) -> str:
    number = with_luhn(r.choice(["4", "52", "6011"]) + digits(r, 20))[:0] or with_luhn(
        (r.choice(["4", "52", "6011"]) + digits(r, 16))[:15]
    )
    sign = r.choice([" ", "-"])
    return sign.join(number[at : at + 4] for at in range(0, 16, 4))


BANKS: dict[str, str] = {  # country → form of the rest: n digits, a letters and digits
    "DE": "n18", "FR": "n10a11n2", "GB": "a4n14", "ES": "n20", "IT": "c1n10a12", "NL": "c4n10", "BE": "n12",
    "CH": "n5a12",    "AT": "n16", "PL": "n24", "SE": "n20", "NO": "n11", "DK": "n14", "FI": "n14", "PT": "n21",
    "IE": "c4n14",
    "BR": "n23c1a1",    "TR": "n5n1a16", "SA": "n2a18", "MT": "c4n5a18",
}  # fmt: skip


def iban(r: R) -> str:
    country = r.choice(list(BANKS))
    form, rest = BANKS[country].replace("a4n14", "c4n14"), ""
    at = 0
    while at < len(form):
        sort, size, at = form[at], "", at + 1
        while at < len(form) and form[at].isdigit():
            size, at = size + form[at], at + 1
        among = {
            "n": string.digits,
            "c": string.ascii_uppercase,
            "a": string.digits + string.ascii_uppercase,
        }[sort]
        rest += letters(r, int(size), among)
    spelled = "".join(str(ord(each) - 55) if each.isalpha() else each for each in rest + country) + "00"
    made = f"{country}{98 - remainder(spelled, 97):02d}{rest}"
    return " ".join(made[at : at + 4] for at in range(0, len(made), 4)) if r.random() < 0.4 else made


# --- national numbers


def ssn(r: R) -> str:
    area = r.choice([each for each in range(1, 900) if each != 666])
    return f"{area:03d}-{r.randrange(1, 100):02d}-{r.randrange(1, 10000):04d}"


def nino(r: R) -> str:
    def make() -> str | None:
        pair = r.choice("ABCEGHJKLMNOPRSTWXYZ") + r.choice("ABCEGHJKLMNPRSTWXYZ")
        return None if pair in ("BG", "GB", "NK", "KN", "TN", "NT", "ZZ") else pair

    number, suffix = digits(r, 6), r.choice("ABCD")
    return r.choice(
        [f"{until(make)}{number}{suffix}", f"{until(make)} {number[:2]} {number[2:4]} {number[4:]} {suffix}"]
    )


def nhs(r: R) -> str:
    def make() -> str | None:
        head = digits(r, 9)
        check = (11 - dot(head, 10, 9, 8, 7, 6, 5, 4, 3, 2) % 11) % 11
        return None if check == 10 else head + str(check)

    made = until(make)
    return r.choice([made, f"{made[:3]} {made[3:6]} {made[6:]}"])


def steuer(r: R) -> str:
    def make() -> str | None:
        pool = r.sample(string.digits, 9)
        pool.append(r.choice(pool))
        r.shuffle(pool)
        head = "".join(pool)
        return None if head[0] == "0" else head + mod_11_10_rest(head)

    made = until(make)
    return made if r.random() < 0.7 else f"{made[:2]} {made[2:5]} {made[5:8]} {made[8:]}"


def nir(r: R) -> str:
    department = r.choice([f"{r.randrange(1, 96):02d}", "2A", "2B", "99"])
    if department == "20":
        department = "21"
    head = f"{r.choice('12')}{r.randrange(100):02d}{r.randrange(1, 13):02d}{department}"
    head += f"{r.randrange(1, 900):03d}{r.randrange(1, 1000):03d}"
    number = head.replace("2A", "19").replace("2B", "18") if department in ("2A", "2B") else head
    made = f"{head}{97 - remainder(number, 97):02d}"
    return (
        made
        if r.random() < 0.6
        else f"{made[0]} {made[1:3]} {made[3:5]} {made[5:7]} {made[7:10]} {made[10:13]} {made[13:]}"
    )


def dni(r: R) -> str:
    table = "TRWAGMYFPDXBNJZSQVHLCKE"
    if r.random() < 0.75:
        number = digits(r, 8)
        return number + r.choice(["", "-"]) + table[remainder(number, 23)]
    first, number = r.randrange(3), digits(r, 7)
    return "XYZ"[first] + number + table[remainder(f"{first}{number}", 23)]


def codice(r: R) -> str:
    born = day(r)
    consonants = "BCDFGLMNPRSTVZ"
    head = letters(r, 6, consonants) + f"{born.year % 100:02d}" + "ABCDEHLMPRST"[born.month - 1]
    head += f"{born.day + r.choice([0, 40]):02d}" + letters(r, 1, "ABCDEFGHILMZ") + digits(r, 3)
    odd = dict(zip("0123456789", (1, 0, 5, 7, 9, 13, 15, 17, 19, 21), strict=True)) | dict(
        zip(
            string.ascii_uppercase,
            (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23),
            strict=True,
        )
    )
    total = sum(odd[each] for each in head[::2])
    total += sum(int(each) if each.isdigit() else ord(each) - 65 for each in head[1::2])
    return head + string.ascii_uppercase[total % 26]


def bsn(r: R) -> str:
    def make() -> str | None:
        head = digits(r, 8)
        check = dot(head, 9, 8, 7, 6, 5, 4, 3, 2) % 11
        return None if check == 10 or head == "0" * 8 else head + str(check)

    return until(make)


def pesel(r: R) -> str:
    born = day(r, 1930, 2018)
    head = f"{born.year % 100:02d}{born.month + (20 if born.year >= 2000 else 0):02d}{born.day:02d}{digits(r, 4)}"
    return head + str((10 - dot(head, 1, 3, 7, 9, 1, 3, 7, 9, 1, 3) % 10) % 10)


def personnummer(r: R) -> str:
    born = day(r)
    number = with_luhn(f"{born:%y%m%d}{digits(r, 3)}")
    return r.choice(
        [
            f"{number[:6]}-{number[6:]}",
            f"{born:%Y}"[:2] + f"{number[:6]}-{number[6:]}",
            f"{born:%Y}"[:2] + number,
        ]
    )


def rijks(r: R) -> str:
    born = day(r)
    head = f"{born:%y%m%d}{r.randrange(1, 998):03d}"
    check = 97 - remainder(("2" if born.year >= 2000 else "") + head, 97)
    made = f"{head}{check:02d}"
    return r.choice([made, f"{made[:2]}.{made[2:4]}.{made[4:6]}-{made[6:9]}.{made[9:]}"])


def hetu(r: R) -> str:
    born = day(r)
    serial = f"{r.randrange(2, 900):03d}"
    sign = "0123456789ABCDEFHJKLMNPRSTUVWXY"[remainder(f"{born:%d%m%y}{serial}", 31)]
    return f"{born:%d%m%y}{'A' if born.year >= 2000 else '-'}{serial}{sign}"


def cpr(r: R) -> str:
    return f"{day(r):%d%m%y}-{digits(r, 4)}"


def nif(r: R) -> str:
    head = r.choice("123") + digits(r, 7)
    rest = dot(head, 9, 8, 7, 6, 5, 4, 3, 2) % 11
    return head + str(0 if rest < 2 else 11 - rest)


def ahv(r: R) -> str:
    head = "756" + digits(r, 9)
    check = (10 - sum(int(each) * (1, 3)[at % 2] for at, each in enumerate(head)) % 10) % 10
    made = head + str(check)
    return r.choice([made, f"{made[:3]}.{made[3:7]}.{made[7:11]}.{made[11:]}"])


def cpf(r: R) -> str:
    made = digits(r, 9)
    for _ in range(2):
        total = sum(
            int(each) * weight for each, weight in zip(made, range(len(made) + 1, 1, -1), strict=True)
        )
        rest = total % 11
        made += str(0 if rest < 2 else 11 - rest)
    return r.choice([made, f"{made[:3]}.{made[3:6]}.{made[6:9]}-{made[9:]}"])


def cnpj(r: R) -> str:
    made = digits(r, 8) + "0001"
    for weights in ((5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2), (6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)):
        rest = dot(made, *weights) % 11
        made += str(0 if rest < 2 else 11 - rest)
    return r.choice([made, f"{made[:2]}.{made[2:5]}.{made[5:8]}/{made[8:12]}-{made[12:]}"])


_D = (
    "0123456789",
    "1234067895",
    "2340178956",
    "3401289567",
    "4012395678",
    "5987604321",
    "6598710432",
    "7659821043",
    "8765932104",
    "9876543210",
)
_P = (
    "0123456789",
    "1576283094",
    "5803796142",
    "8916043527",
    "9453126870",
    "4286573901",
    "2793806415",
    "7046913258",
)


def aadhaar(r: R) -> str:
    """Verhoeff's tables as they are printed, the check digit by trying."""
    head = r.choice("23456789") + digits(r, 10)

    def passes(number: str) -> bool:
        state = 0
        for at, each in enumerate(number[::-1]):
            state = int(_D[state][int(_P[at % 8][int(each)])])
        return state == 0

    made = next(head + each for each in string.digits if passes(head + each))
    return r.choice([made, f"{made[:4]} {made[4:8]} {made[8:]}"])


def pan_in(r: R) -> str:
    return letters(r, 3) + r.choice("PPPPCHAFT") + letters(r, 1) + digits(r, 4) + letters(r, 1)


def resident(r: R) -> str:
    head = r.choice(["110105", "310115", "440305", "510104", "330106"]) + f"{day(r):%Y%m%d}" + digits(r, 3)
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return head + "10X98765432"[dot(head, *weights) % 11]


def sin(r: R) -> str:
    made = with_luhn(r.choice("1234567") + digits(r, 7))
    return r.choice([made, f"{made[:3]}-{made[3:6]}-{made[6:]}"])


def tfn(r: R) -> str:
    return until(lambda: made if dot(made := digits(r, 9), 1, 4, 3, 7, 5, 8, 6, 9, 10) % 11 == 0 else None)


def fnr(r: R) -> str:
    def make() -> str | None:
        head = f"{day(r):%d%m%y}{digits(r, 3)}"
        first = (11 - dot(head, 3, 7, 6, 1, 8, 9, 4, 5, 2) % 11) % 11
        if first == 10:
            return None
        second = (11 - dot(f"{head}{first}", 5, 4, 3, 2, 7, 6, 5, 4, 3, 2) % 11) % 11
        return None if second == 10 else f"{head}{first}{second}"

    return until(make)


def pps(r: R) -> str:
    number = digits(r, 7)
    return number + "WABCDEFGHIJKLMNOPQRSTUV"[dot(number, 8, 7, 6, 5, 4, 3, 2) % 23]


def za(r: R) -> str:
    return with_luhn(f"{day(r):%y%m%d}{digits(r, 4)}{r.choice('01')}8")


def kimlik(r: R) -> str:
    head = r.choice("123456789") + digits(r, 8)
    tenth = (7 * sum(int(each) for each in head[::2]) - sum(int(each) for each in head[1::2])) % 10
    return f"{head}{tenth}{(sum(map(int, head)) + tenth) % 10}"


def cnp(r: R) -> str:
    born = day(r)
    head = r.choice("12" if born.year < 2000 else "56") + f"{born:%y%m%d}"
    head += f"{r.randrange(1, 47):02d}{r.randrange(1, 1000):03d}"
    rest = dot(head, 2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9) % 11
    return head + str(1 if rest == 10 else rest)


def rodne(r: R) -> str:
    def make() -> str | None:
        born = day(r, 1955)
        head = f"{born:%y}{born.month + r.choice([0, 50]):02d}{born:%d}{digits(r, 3)}"
        rest = remainder(head, 11)
        return None if rest == 10 else head + str(rest)

    made = until(make)
    return r.choice([made, f"{made[:6]}/{made[6:]}"])


def rrn(r: R) -> str:
    born = day(r)
    head = f"{born:%y%m%d}{r.choice('12') if born.year < 2000 else r.choice('34')}{digits(r, 5)}"
    made = head + str((11 - dot(head, 2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5) % 11) % 10)
    return f"{made[:6]}-{made[6:]}"


def curp(r: R) -> str:
    born = day(r)
    head = (
        letters(r, 1)
        + r.choice("AEIOU")
        + letters(r, 2)
        + f"{born:%y%m%d}"
        + r.choice("HM")
        + r.choice(["DF", "JC", "NL", "PL"])
        + letters(r, 3, "BCDFGHJKLMNPQRSTVWXYZ")
        + r.choice("0A1B")
    )
    order = "0123456789ABCDEFGHIJKLMN" + "\u00d1" + "OPQRSTUVWXYZ"
    total = sum(order.index(each) * (18 - at) for at, each in enumerate(head))
    return head + str((10 - total % 10) % 10)


def egn(r: R) -> str:
    born = day(r)
    head = f"{born:%y}{born.month + (40 if born.year >= 2000 else 0):02d}{born:%d}{digits(r, 3)}"
    return head + str(dot(head, 2, 4, 8, 5, 10, 9, 7, 3, 6) % 11 % 10)


def isikukood(r: R) -> str:
    born = day(r)
    head = f"{r.choice('34') if born.year < 2000 else r.choice('56')}{born:%y%m%d}{digits(r, 3)}"
    rest = dot(head, 1, 2, 3, 4, 5, 6, 7, 8, 9, 1) % 11
    if rest == 10:
        rest = dot(head, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3) % 11 % 10
    return head + str(rest)


def oib(r: R) -> str:
    head = digits(r, 10)
    return head + mod_11_10_rest(head)


# --- persons and places


def phone(r: R) -> str:
    return r.choice([e164, e164_spaced, phone_us, phone_fr, phone_de, phone_gb])(r)


def e164(r: R) -> str:
    return r.choice(
        [
            "+49" + r.choice(["151", "30", "89"]) + digits(r, 8),
            "+1" + r.choice("23456789") + digits(r, 2) + r.choice("23456789") + digits(r, 6),
            "+44" + "7" + digits(r, 9),
            "+33" + r.choice("1267") + digits(r, 8),
            "+91" + r.choice("6789") + digits(r, 9),
            "+351" + "9" + digits(r, 8),
        ]
    )


def e164_spaced(r: R) -> str:
    return r.choice(
        [
            f"+49 {r.choice(['30', '171', '89'])} {digits(r, 7)}",
            f"+44 20 {digits(r, 4)} {digits(r, 4)}",
            f"+33 6 {digits(r, 2)} {digits(r, 2)} {digits(r, 2)} {digits(r, 2)}",
            f"0041 44 {digits(r, 3)} {digits(r, 2)} {digits(r, 2)}",
            f"+46 (0)8 {digits(r, 3)} {digits(r, 3)}",
        ]
    )


def phone_us(r: R) -> str:
    area = r.choice([201, 212, 305, 312, 415, 503, 617, 646, 702, 808, 917])
    rest = f"{r.choice('23456789')}{r.choice('02345')}{r.choice('0123456789')}", digits(r, 4)
    return r.choice(
        [
            f"({area}) {rest[0]}-{rest[1]}",
            f"{area}-{rest[0]}-{rest[1]}",
            f"{area}.{rest[0]}.{rest[1]}",
            f"1-{area}-{rest[0]}-{rest[1]} x{digits(r, 3)}",
        ]
    )


def phone_fr(r: R) -> str:
    return f"0{r.choice('1234567')} {digits(r, 2)} {digits(r, 2)} {digits(r, 2)} {digits(r, 2)}"


def phone_de(r: R) -> str:
    return r.choice(
        [
            f"0{r.choice(['30', '89', '171', '40', '221', '6221'])}/{digits(r, 7)}",
            f"0{r.choice(['30', '151', '711'])} {digits(r, 7)}",
            f"(0{r.choice(['30', '89'])}) {digits(r, 6)}",
        ]
    )


def phone_gb(r: R) -> str:
    return r.choice(
        [
            f"020 {digits(r, 4)} {digits(r, 4)}",
            f"07{digits(r, 3)} {digits(r, 6)}",
            f"0161 {digits(r, 3)} {digits(r, 4)}",
        ]
    )


def full_name(r: R) -> str:
    first, last = r.choice(GIVEN), r.choice(FAMILY)
    return r.choice(
        [f"{first} {last}"] * 4
        + [
            f"{last}, {first}",
            f"{first} {r.choice(string.ascii_uppercase)}. {last}",
            f"{first} {r.choice(GIVEN)} {last}",
        ]
    )


def street(r: R) -> str:
    word = r.choice(WORDS).title()
    number = r.randrange(1, 400)
    return r.choice(
        [
            f"{number} {word} {r.choice(['Street', 'Ave', 'Road', 'Lane', 'Blvd', 'Dr'])}",
            f"{word}straße {number}",
            f"{number} rue de la {word}",
            f"Via {word} {number}",
            f"Calle {word}, {number}",
            f"{word}straat {number}",
            f"{word}weg {number}a",
        ]
    )


def postcode(r: R) -> str:
    return r.choice(
        [
            lambda: digits(r, 5),
            lambda: (
                r.choice(["SW", "M", "EC", "LS"])
                + f"{r.randrange(1, 20)} {r.randrange(10)}"
                + letters(r, 2, "ABDEFGHJLN")
            ),
            lambda: digits(r, 4),
            lambda: f"{digits(r, 4)} {letters(r, 2)}",
            lambda: f"K{r.randrange(10)}A {r.randrange(10)}B{r.randrange(10)}",
        ]
    )()


def vin(r: R) -> str:
    signs = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789"
    if r.random() < 0.5:
        return (
            r.choice(["WVW", "VF1", "ZFA", "SAJ", "JTD", "KMH"])
            + letters(r, 3, "ZABCDEF")
            + letters(r, 5, signs)
            + digits(r, 6)
        )
    value = {
        **{each: int(each) for each in string.digits},
        **dict(zip("ABCDEFGH", range(1, 9), strict=True)),
        **dict(zip("JKLMN", range(1, 6), strict=True)),
        "P": 7,
        "R": 9,
        **dict(zip("STUVWXYZ", range(2, 10), strict=True)),
    }
    head, tail = (
        r.choice(["1HG", "1FT", "2T1", "3VW", "5YJ"]) + letters(r, 5, signs),
        letters(r, 2, signs) + digits(r, 6),
    )
    total = sum(
        value[each] * weight
        for each, weight in zip(head + tail, (8, 7, 6, 5, 4, 3, 2, 10, 9, 8, 7, 6, 5, 4, 3, 2), strict=True)
    )
    return head + "0123456789X"[total % 11] + tail


def secret(r: R) -> str:
    both = string.ascii_letters + string.digits
    return r.choice(
        [
            f"AKIA{letters(r, 16, string.ascii_uppercase + '234567')}",
            f"ghp_{letters(r, 36, both)}",
            f"sk_live_{letters(r, 24, both)}",
            f"xoxb-{digits(r, 11)}-{letters(r, 24, both)}",
            f"AIza{letters(r, 35, both)}",
            f"eyJ{letters(r, 20, both)}.eyJ{letters(r, 40, both)}.{letters(r, 43, both)}",
            f"glpat-{letters(r, 20, both)}",
            f"$2b$12${letters(r, 53, both)}",
        ]
    )


def password(r: R) -> str:
    return letters(r, r.randrange(8, 16), string.ascii_letters + string.digits + "!#$%&*?")


def birth(r: R) -> str:
    return day(r).isoformat()


def latitude(r: R) -> str:
    return f"{r.uniform(-85, 85):.6f}"


def longitude(r: R) -> str:
    return f"{r.uniform(-180, 180):.6f}"


def pair(r: R) -> str:
    return r.choice(["{}, {}", "{},{}"]).format(latitude(r), longitude(r))


POSITIVE: list[tuple[str, Make, tuple[str, ...], bool]] = [
    # kind, maker, helpful names, whether it must also be found under a name that says nothing
    ("email", email, ("email", "E-Mail", "contactEmail", "mail"), True),
    ("ip_address", ipv4, ("ip", "client_ip", "remoteAddr"), True),
    ("ip_address", ipv4_private, ("ip_address", "src_ip"), True),
    ("ip_address", ipv6, ("ipv6", "ip"), True),
    ("mac_address", mac, ("mac", "device_mac"), True),
    ("url_with_password", url_secret, ("dsn", "url"), True),
    ("payment_card", card, ("card_number", "cc", "pan"), True),
    ("payment_card", card_grouped, ("credit_card", "cardNo"), True),
    ("iban", iban, ("iban", "bank_account"), True),
    ("national_id_us", ssn, ("ssn", "social_security_number"), True),
    ("national_id_us", lambda r: ssn(r).replace("-", ""), ("ssn", "SocialSecurityNumber"), False),
    ("national_id_gb", nino, ("nino", "ni_number"), True),
    ("health_id_gb", nhs, ("nhs_number", "nhs"), True),
    ("national_id_de", steuer, ("steuer_id", "idnr"), True),
    ("national_id_fr", nir, ("nir", "numero_secu"), True),
    ("national_id_es", dni, ("dni", "nie"), True),
    ("national_id_it", codice, ("codice_fiscale", "cf"), True),
    ("national_id_nl", bsn, ("bsn",), True),
    ("national_id_pl", pesel, ("pesel",), True),
    ("national_id_se", personnummer, ("personnummer",), True),
    ("national_id_be", rijks, ("rijksregisternummer", "niss"), True),
    ("national_id_fi", hetu, ("hetu",), True),
    ("national_id_dk", cpr, ("cpr", "cpr_nr"), True),
    ("national_id_pt", nif, ("nif", "contribuinte"), True),
    ("national_id_ch", ahv, ("ahv", "ahv_nr"), True),
    ("national_id_br", cpf, ("cpf",), True),
    ("company_id_br", cnpj, ("cnpj",), True),
    ("national_id_in", aadhaar, ("aadhaar", "uid"), True),
    ("tax_id_in_pan", pan_in, ("pan_number", "pan"), True),
    ("national_id_cn", resident, ("id_card", "resident_id"), True),
    ("national_id_ca", sin, ("sin", "social_insurance_number"), True),
    ("tax_id_au", tfn, ("tfn",), True),
    ("national_id_no", fnr, ("fodselsnummer", "fnr"), True),
    ("national_id_ie", pps, ("ppsn", "pps_no"), True),
    ("national_id_za", za, ("sa_id", "id_number"), True),
    ("national_id_tr", kimlik, ("tckn", "tc_kimlik_no"), True),
    ("national_id_ro", cnp, ("cnp",), True),
    ("national_id_cz", rodne, ("rodne_cislo",), True),
    ("national_id_kr", rrn, ("rrn",), True),
    ("national_id_mx", curp, ("curp",), True),
    ("national_id_bg", egn, ("egn",), True),
    ("national_id_ee", isikukood, ("isikukood",), True),
    ("national_id_hr", oib, ("oib",), True),
    ("phone", phone, ("phone", "Telefon", "mobile_number"), True),
    ("phone", e164, ("phone", "msisdn"), True),
    ("phone", phone_us, ("tel", "cell"), True),
    ("phone", phone_fr, ("telephone", "portable"), True),
    ("phone", phone_de, ("Telefonnummer", "handy"), True),
    ("phone", lambda r: "0" + r.choice("123456789") + digits(r, 9), ("phone", "tel"), False),
    ("person_name", full_name, ("full_name", "customerName", "patient_name", "nom"), True),
    ("person_name", lambda r: r.choice(GIVEN), ("first_name", "Vorname", "prenom", "givenName"), False),
    ("person_name", lambda r: r.choice(FAMILY), ("last_name", "Nachname", "surname", "apellido"), False),
    ("birth_date", birth, ("dob", "birthDate", "date_of_birth", "Geburtsdatum", "fecha_nacimiento"), False),
    ("birth_date", lambda r: f"{day(r):%d.%m.%Y}", ("Geburtstag", "dob"), False),
    ("birth_date", lambda r: f"{day(r):%m/%d/%Y}", ("birth_date", "DOB"), False),
    ("birth_date", lambda r: str(day(r).year), ("birth_year", "yob"), False),
    ("address", street, ("address", "street_address", "Adresse", "billingAddress", "addr1"), True),
    ("postcode", postcode, ("zip", "postcode", "PLZ", "postal_code", "zipCode"), False),
    ("postcode", lambda r: digits(r, 5), ("zip_code", "plz", "code_postal"), False),
    ("geo", latitude, ("lat", "latitude", "home_lat"), False),
    ("geo", longitude, ("lon", "lng", "longitude"), False),
    ("geo", pair, ("location", "coordinates", "geo"), True),
    ("vin", vin, ("vin", "chassis_number"), True),
    ("secret", secret, ("api_key", "token"), True),
    ("secret", password, ("password", "pwd", "client_secret"), False),
]  # fmt: skip


def epoch(r: R) -> str:
    return str(r.randrange(1_500_000_000, 1_800_000_000))


def moment(r: R) -> str:
    return (datetime(2020, 1, 1) + timedelta(seconds=r.randrange(10**8))).isoformat(sep=r.choice("T "))


NEGATIVE: list[tuple[Make, tuple[str, ...]]] = [
    (lambda r: digits(r, 16), ("order_id", "reference", "transaction", "x")),
    (lambda r: "4" + digits(r, 15), ("order_no", "value", "ref")),
    (lambda r: r.choice("123456789") + digits(r, 8), ("account", "invoice_no", "customer_no", "id")),
    (lambda r: digits(r, 9), ("value", "lot", "code")),
    (lambda r: digits(r, 10), ("serial", "case_no", "value")),
    (lambda r: digits(r, 11), ("tracking_number", "ref", "value")),
    (lambda r: digits(r, 12), ("upc", "value", "article")),
    (lambda r: digits(r, 13), ("barcode", "number", "ref")),
    (lambda r: digits(r, 14), ("ref", "gtin", "id")),
    (lambda r: digits(r, 15), ("device", "x2", "ref")),
    (lambda r: digits(r, 18), ("id", "tx", "ref")),
    (epoch, ("timestamp", "created", "ts", "value")),
    (lambda r: epoch(r) + digits(r, 3), ("timestamp_ms", "t", "value")),
    (moment, ("created_at", "updated", "event_time")),
    (lambda r: day(r, 2015, 2025).isoformat(), ("order_date", "shipped_on", "date")),
    (lambda r: f"{day(r, 2015, 2025):%y%m%d}-{digits(r, 3)}", ("batch", "lot_no")),
    (lambda r: f"{r.randrange(10)}.{r.randrange(20)}.{r.randrange(30)}.{r.randrange(40)}", ("version", "firmware")),
    (lambda r: f"{r.randrange(10)}.{r.randrange(20)}.{r.randrange(30)}", ("version", "release")),
    (lambda r: f"{r.choice(WORDS)}@{r.randrange(20)}.{r.randrange(20)}.{r.randrange(20)}", ("package", "dependency")),
    (lambda r: f"{r.choice(WORDS)}@{r.randrange(9)}.{r.randrange(9)}.{r.randrange(9)}-beta.next", ("package", "x")),
    (lambda r: f"@{r.choice(WORDS)}{r.randrange(100)}", ("mention", "value")),
    (lambda r: f"{r.uniform(0, 1000):.2f}", ("price", "amount", "total", "value")),
    (lambda r: f"{r.uniform(-80, 80):.6f}", ("score", "value", "x", "delta")),
    (lambda r: f"{r.randrange(10**6):,}", ("visits", "value")),
    (lambda r: letters(r, 32, "0123456789abcdef"), ("md5", "hash", "value")),
    (lambda r: letters(r, 40, "0123456789abcdef"), ("commit", "sha1", "x")),
    (lambda r: letters(r, 64, "0123456789abcdef"), ("digest", "value")),
    (lambda r: str(uuid.UUID(int=r.getrandbits(128), version=4)), ("id", "uuid", "session")),
    (lambda r: letters(r, 17, string.ascii_uppercase + string.digits), ("code", "value")),
    (lambda r: letters(r, 10, string.ascii_uppercase), ("ticker", "code")),
    (lambda r: letters(r, 5) + digits(r, 4) + letters(r, 1), ("part_no", "code", "sku")),
    (lambda r: f"{letters(r, 2)}{digits(r, 6)}{letters(r, 1)}", ("part", "article", "code")),
    (lambda r: digits(r, 8) + letters(r, 1), ("article", "code", "sku")),
    (lambda r: f"{letters(r, 3)}-{digits(r, 5)}", ("sku", "ticket", "ref")),
    (lambda r: f"{digits(r, 3)}-{digits(r, 2)}-{digits(r, 4)}", ("order_ref", "value", "part_number")),
    (lambda r: f"{digits(r, 6)}-{digits(r, 4)}", ("order", "value")),
    (lambda r: f"{digits(r, 3)}.{digits(r, 3)}.{digits(r, 3)}-{digits(r, 2)}", ("value", "ref")),
    (lambda r: f"978{digits(r, 10)}", ("isbn", "value")),
    (lambda r: " ".join([digits(r, 4)] * 1 + [digits(r, 4) for _ in range(3)]), ("voucher", "value")),
    (lambda r: f"{r.choice(['DE', 'FR', 'GB'])}{digits(r, 20)}", ("code", "ref")),
    (lambda r: f"{r.randrange(24):02d}:{r.randrange(60):02d}:{r.randrange(60):02d}", ("time", "start")),
    (lambda r: ":".join(f"{r.randrange(most):02d}" for most in (24, 60, 60, 30)), ("timecode", "x")),
    (lambda r: f"{r.randrange(300)}:{r.randrange(300)}", ("ratio", "score")),
    (lambda r: r.choice(CITIES), ("city", "town", "place", "value")),
    (lambda r: f"{r.choice(ADJECTIVES)} {r.choice(PRODUCTS)}", ("product_name", "name", "title", "item")),
    (lambda r: f"{r.choice(WORDS).title()} {r.choice(['Inc', 'GmbH', 'Ltd', 'Corp', 'SA'])}",
     ("company_name", "supplier")),
    (lambda r: f"{r.choice(WORDS)}_{r.choice(WORDS)}.{r.choice(['csv', 'png', 'pdf'])}", ("file_name", "path")),
    (lambda r: r.choice(["red", "green", "blue", "black", "white"]), ("color", "category", "value")),
    (lambda r: " ".join(r.choice(WORDS) for _ in range(8)), ("description", "comment", "notes")),
    (lambda r: f"https://{r.choice(WORDS)}.com/{r.choice(WORDS)}?id={r.randrange(1000)}", ("url", "link")),
    (lambda r: f"https://{r.choice(WORDS)}.com/@{r.choice(WORDS)}", ("profile_url", "link")),
    (lambda r: str(r.randrange(100)), ("age", "count", "qty", "value")),
    (lambda r: str(r.randrange(100_000)), ("population", "value", "clicks")),
    (lambda r: str(r.randrange(10_000, 100_000)), ("salary", "value", "units")),
    (lambda r: str(r.randrange(1950, 2025)), ("year", "model_year", "season")),
    (lambda r: r.choice(["true", "false"]), ("active", "email_verified", "has_phone")),
    (lambda r: str(r.randrange(30)), ("email_count", "phone_calls", "address_count", "password_age")),
    (lambda r: day(r, 2015, 2025).isoformat(), ("password_changed_at", "email_sent_at", "token_expires")),
    (lambda r: r.choice(["iPhone 12", "Galaxy S21", "Pixel 6"]), ("phone_model", "device")),
    (lambda r: f"+{r.randrange(100)}.{digits(r, 2)}%", ("change", "growth")),
    (lambda r: f"{r.randrange(1, 13)}-{r.randrange(1, 29)}-{r.randrange(1, 99)}", ("value", "section")),
    (lambda r: f"{digits(r, 3)}-{digits(r, 3)}-{digits(r, 4)}", ("part_number", "lot", "sku")),
    (lambda r: f"{digits(r, 2)} {digits(r, 2)} {digits(r, 2)} {digits(r, 2)} {digits(r, 2)}", ("lottery", "draw")),
    (lambda r: f"AB{digits(r, 9)}CD", ("shipment", "ref")),
    (lambda r: f"{r.choice('ABC')}{r.randrange(100)}/{digits(r, 4)}", ("file_ref", "value")),
    (lambda r: f"{r.choice(WORDS)}-{r.choice(WORDS)}", ("host", "server_name", "slug")),
    (lambda r: r.choice(["Spring Sale", "Black Friday", "Summer Promo", "Newsletter"]),
     ("campaign_name", "event_name")),
]  # fmt: skip


def columns(seed: int, each: int = 8) -> Iterator[Column]:
    """Every maker `each` times, under names that help and names that do not, with missing and dirty values."""
    r = R(seed)
    for kind, make, names, alone in POSITIVE:
        for turn in range(each):
            neutral = alone and turn % 2 == 1
            yield _column(r, r.choice(NEUTRAL) if neutral else names[turn % len(names)], kind, make)
    for make, names in NEGATIVE:
        for turn in range(each):
            yield _column(r, names[turn % len(names)], "", make)


def _column(r: R, name: str, kind: str, make: Make) -> Column:
    missing, dirt = r.choice([0.0, 0.1, 0.4]), r.choice([0.0, 0.02, 0.1]) if kind else 0.0
    values: list[str | None] = []
    for _ in range(r.choice([40, 60, 150, 400])):
        if r.random() < missing:
            values.append(None)
        elif r.random() < dirt:
            values.append(_spoilt(r, make(r)))
        else:
            values.append(make(r))
    return Column(name, kind, values)


def _spoilt(r: R, value: str) -> str:
    """A typing error, a word in its place, or a number cut short."""
    at = r.randrange(len(value))
    return r.choice(
        [value[:at] + r.choice("0123456789xyz") + value[at + 1 :], "n/a", "unknown", value[: max(1, at)]]
    )
