"""Names that look alike: an alias beside a protected one must not be taken for it.

Compared is what a reader sees, roughly: letters without case, width and accents (NFKD, casefold), and those of the
Cyrillic and Greek alphabets as the Latin letter they look like (a part of Unicode TR 39's confusables).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

_LOOKS = {
    "a": "\u0430\u03b1\u0251",
    "b": "\u0432\u03b2\u044c",
    "c": "\u0441\u03f2\u1d04",
    "d": "\u0501",
    "e": "\u0435\u03b5\u0454",
    "g": "\u0261\u0581",
    "h": "\u04bb\u043d\u0570",
    "i": "\u0456\u03b9\u0131\u0269\u04cf",
    "j": "\u0458\u03f3",
    "k": "\u043a\u03ba",
    "l": "\u01c0\u217c",
    "m": "\u043c\u03bc",
    "n": "\u043f\u03b7\u0578\u057c",
    "o": "\u043e\u03bf\u03c3\u0585\u0ed0",
    "p": "\u0440\u03c1",
    "q": "\u051b",
    "r": "\u0433\u1d26",
    "s": "\u0455\ua731",
    "t": "\u0442\u03c4",
    "u": "\u03c5\u057d\u028b",
    "v": "\u03bd\u0475",
    "w": "\u051d\u0461\u03c9",
    "x": "\u0445\u03c7",
    "y": "\u0443\u03b3\u04af\u028f",
    "z": "\u1d22",
}
_AS_LATIN = str.maketrans({each: latin for latin, twins in _LOOKS.items() for each in twins})


def twin_of(name: str, names: Iterable[str]) -> str | None:
    """The one of `names` that another name could be taken for; None if there is none, or it is that name itself.

    Example:
        >>> twin_of("Champion", ["champion"]), twin_of("champion", ["champion"]), twin_of("mine", ["champion"])
        ('champion', None, None)
    """
    known = list(names)
    if name in known:
        return None
    return next((each for each in known if looks(each) == looks(name)), None)


def looks(name: str) -> str:
    """What a reader sees of a name; equal for names that look alike."""
    plain = unicodedata.normalize("NFKD", name).casefold()
    plain = unicodedata.normalize("NFKD", plain.translate(_AS_LATIN))
    seen = (each for each in plain if not unicodedata.combining(each) and each not in " -_.+")
    return "".join(seen).translate(_AS_LATIN)
