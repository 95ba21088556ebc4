"""Make `riders.csv`: what a bicycle-sharing club might export of its members, with twenty different faults.

    python messy.py [riders.csv]

The same rows come out each time. Everything in it is made up; the telephone numbers are of the range that is kept
free for fiction, the addresses end in example.org.
"""

from __future__ import annotations

import random
import sys
from datetime import date, timedelta
from pathlib import Path

SEED = 7
RIDERS = 600
TODAY = date(2024, 6, 30)

FAULTS = {
    "encodings": "most lines are in Windows-1252, those of another program in UTF-8",
    "header": "a column name occurs twice, others have spaces, the last column has none",
    "separators": "semicolons, thousands points and decimal commas: 1.234,50",
    "ragged": "lines with too many fields, for a note holds a semicolon, and lines that were cut",
    "duplicates": "rows that occur twice",
    "retold": "members that occur twice with other values, the newer one last",
    "units": "distances in km, m and miles, with the unit behind the number",
    "dates": "dates in four forms",
    "spelling": "Zurich and Zuerich for Zürich",
    "unicode": "letters written as two code points, and spaces that only look like spaces",
    "case": "basic, Basic, BASIC",
    "whitespace": "spaces before, behind and inside of values",
    "types": "words in a column of numbers",
    "codes": "-999 for what is not known",
    "gaps": "values that are missing, written n/a, -, unknown or not at all",
    "outliers": "amounts without their decimal comma, a hundred times too large",
    "impossible": "ages below zero",
    "future": "dates after the day of the export",
    "rare": "plans that hardly anybody has",
    "useless": "a column that is always the same, and one that knows the answer",
}
"""The twenty faults; besides, two columns are personal: an e-mail address and a telephone number (and a name)."""

HEADER = [
    "rider id", "Name", "E-Mail", "phone", "age", "joined", "City", "plan", "plan", "weekly distance", "spend",
    "rides", "country", "exit survey", "note", "",
]  # fmt: skip
FIRST = [
    "Ada", "Bea", "Carl", "Dora", "Emil", "Fred", "Gita", "Hugo", "Ines", "Jörg", "Käthe",
    "Luis", "Mona", "René", "Zoë", "Noël",
]  # fmt: skip
LAST = ["Meier", "Müller", "Favre", "Bühler", "Rossi", "Weber", "Keller", "Dubois", "Schmid", "Frei"]
CITIES = ["Zürich"] * 5 + ["Genève"] * 3 + ["Bern"] * 3 + ["St. Gallen"] * 2 + ["Chur"]
LEAVING = [
    "asked how to cancel", "wants to cancel, is moving away", "moving away in autumn", "too expensive, will cancel",
    "says it is too expensive", "wants money back",
]  # fmt: skip
STAYING = [
    "renewed for a year", "loves the new bicycles", "loves it, renewed", "brought a friend",
    "renewed, brought a friend", "asked for a child seat",
]  # fmt: skip
NEUTRAL = ["a bell was broken", "asked for the opening hours", "", "changed the address"]


def rider(rng: random.Random, number: int) -> dict[str, str]:
    """A member as the club should have written it down: the values of a row by column."""
    leaves = rng.random() < 0.35
    first, last = rng.choice(FIRST), rng.choice(LAST)
    rides = max(0, round(rng.gauss(11 if leaves else 19, 7)))
    notes = NEUTRAL if rng.random() < 0.15 else LEAVING if leaves else STAYING
    joined = TODAY - timedelta(days=rng.randrange(30, 1500))
    return {
        "rider id": f"R-{number:04d}",
        "Name": f"{first} {last}",
        "E-Mail": f"{plain(first)}.{plain(last)}{number}@example.org".lower(),
        "phone": f"+41 79 555 {rng.randrange(100):02d} {rng.randrange(100):02d}",
        "age": str(min(88, max(16, round(rng.gauss(41, 13))))),
        "joined": joined.isoformat(),
        "City": rng.choice(CITIES),
        "plan": rng.choice(["basic", "basic", "basic", "plus", "plus", "family"]),
        "billing": rng.choice(["monthly", "yearly"]),
        "weekly distance": f"{rides * rng.uniform(2.0, 4.0):.1f} km",
        "spend": money(40 + 55 * rides * rng.uniform(0.7, 1.3)),
        "rides": str(rides),
        "country": "CH",
        "exit survey": "sent" if leaves else "",
        "note": rng.choice(notes),
        "": "",
    }


def money(amount: float) -> str:
    """An amount as it is written in much of Europe: 1.234,50."""
    return f"{amount:,.2f}".translate(str.maketrans(",.", ".,"))


def plain(text: str) -> str:
    """A name without its accents."""
    return text.translate(str.maketrans("äëéèöü", "aeeeou"))


def spoil(rng: random.Random, row: dict[str, str]) -> dict[str, str]:
    """The row with values that are right and written in another way."""
    row = dict(row)
    if rng.random() < 0.1:
        row["weekly distance"] = in_another_unit(rng, row["weekly distance"])
    if rng.random() < 0.4:
        row["joined"] = (
            f"{date.fromisoformat(row['joined']):{rng.choice(['%d.%m.%Y', '%d %b %Y', '%Y/%m/%d'])}}"
        )
    if row["City"] == "Zürich" and rng.random() < 0.2:
        row["City"] = rng.choice(["Zurich", "Zuerich"])
    if row["City"] == "St. Gallen" and rng.random() < 0.3:
        row["City"] = "St.\u00a0Gallen"
    if rng.random() < 0.2:
        row["plan"] = rng.choice([row["plan"].upper(), row["plan"].title()])
    if rng.random() < 0.1:
        row["City"] = rng.choice([f" {row['City']}", f"{row['City']}  "])
    return row


def falsify(rng: random.Random, row: dict[str, str]) -> dict[str, str]:
    """The row with values that are missing, wrong or impossible."""
    row = dict(row)
    if rng.random() < 0.02:
        row["rides"] = rng.choice(["none", "many", "twelve"])
    if rng.random() < 0.06:
        row["age"] = "-999"
    if rng.random() < 0.05:
        row["weekly distance"] = rng.choice(["n/a", "-", "unknown", ""])
    if rng.random() < 0.04:
        row["spend"] = ""
    elif rng.random() < 0.02:
        row["spend"] = money(100 * float(row["spend"].replace(".", "").replace(",", ".")))
    if rng.random() < 0.01:
        row["age"] = f"-{row['age'].lstrip('-')}"
    if rng.random() < 0.015:
        row["joined"] = f"{rng.randrange(2025, 2100)}-{rng.randrange(1, 13):02d}-15"
    if rng.random() < 0.008:
        row["plan"] = rng.choice(["staff", "press", "trial-2019"])
    return row


def in_another_unit(rng: random.Random, kilometres: str) -> str:
    """A distance in metres or miles."""
    length = float(kilometres.removesuffix(" km"))
    return rng.choice([f"{length * 1000:.0f} m", f"{length / 1.609344:.1f} mi"])


def lines(rng: random.Random) -> list[str]:
    """The lines of the file, without the header."""
    rows = [falsify(rng, spoil(rng, rider(rng, number))) for number in range(1, RIDERS + 1)]
    rows += rng.sample(rows, 12)
    for old in rng.sample(rows[:RIDERS], 8):
        rows.append({**old, "City": "Bern", "rides": "3", "note": "changed the address"})
    made = [";".join(row.values()) for row in rows]
    for place in rng.sample(range(RIDERS), 3):
        made[place] = f"{';'.join(made[place].split(';')[:14])};see the letter; and the answer;"
    for place in rng.sample(range(RIDERS), 2):
        made[place] = ";".join(made[place].split(";")[:6])
    return made


def encoded(rng: random.Random, line: str, place: int) -> bytes:
    """A line in Windows-1252; the late ones are another program's: in UTF-8, some with letters of two code points."""
    if place < RIDERS - 90:
        return line.encode("cp1252")
    return (line.replace("ü", "u\u0308") if rng.random() < 0.5 else line).encode()


def make(path: Path) -> int:
    """Write the file; how many lines it has."""
    rng = random.Random(SEED)
    body = [encoded(rng, line, place) for place, line in enumerate(lines(rng))]
    path.write_bytes(b"\r\n".join([";".join(HEADER).encode(), *body, b""]))
    return len(body) + 1


if __name__ == "__main__":
    target = Path(sys.argv[1] if len(sys.argv) > 1 else "riders.csv")
    print(f"{target}: {make(target):,} lines")
