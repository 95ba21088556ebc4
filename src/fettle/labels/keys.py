"""The keys that choose classes on the labelling screen: a digit or a letter each, none that does something else."""

from __future__ import annotations

from collections.abc import Sequence

from fettle.core.errors import Invalid
from fettle.labels.records import Class

TAKEN = frozenset("sufgt")
"""Letters of the screen: skip, undo, flag; go to a page; theme."""


def classes_of(given: Sequence[str]) -> list[Class]:
    """Read classes such as `spam`, or `h=ham` with a key of its own; the others get the digits, then free letters.

    Raises:
        Invalid: A name or key occurs twice, or a key means something else on the screen.

    Example:
        >>> [(each.name, each.key) for each in classes_of(["h=ham", "spam", "unsure"])]
        [('ham', 'h'), ('spam', '1'), ('unsure', '2')]
    """
    wished = [_read(each) for each in given]
    names = [name for name, _ in wished]
    for name in names:
        if not name or len(name) > 200 or not name.isprintable():
            raise Invalid("A class has a name of 1 to 200 printable characters.", found=repr(name[:60]))
        if names.count(name) > 1:
            raise Invalid(f"The class {name!r} is there twice.", hint="Name each class once.")
    used = [key for _, key in wished if key]
    for key in used:
        _check_key(key, used)
    free = [key for key in "123456789" + "qwertyuiopasdfghjklzxcvbnm" if key not in TAKEN and key not in used]
    return [Class(name, key or (free.pop(0) if free else "")) for name, key in wished]


def _read(text: str) -> tuple[str, str]:
    key, equals, name = text.partition("=")
    return (name.strip(), key.strip().lower()) if equals and len(key.strip()) == 1 else (text.strip(), "")


def _check_key(key: str, used: Sequence[str]) -> None:
    if not (key.isascii() and key.isalnum()):
        raise Invalid("A key is one digit or letter.", found=repr(key), hint="Write it so: h=ham")
    if key in TAKEN:
        raise Invalid(
            f"The key {key!r} means something else on the labelling screen.",
            found="s skips, u undoes, f flags, g goes to a page, t changes the theme",
            hint="Choose another letter or a digit.",
        )
    if used.count(key) > 1:
        raise Invalid(f"The key {key!r} stands for two classes.", hint="Give each class a key of its own.")
