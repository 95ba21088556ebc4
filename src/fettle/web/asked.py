"""What an address asks for: one URL is one state, so everything a page shows follows from this."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from fettle.core.errors import Invalid


def local(address: str) -> str:
    """The address if it leads to a page of this server, else the first page."""
    plain = address.startswith("/") and address[1:2] not in ("/", "\\") and address.isprintable()
    return address if plain else "/"


@dataclass(frozen=True)
class Asked:
    """The path and query of one request, read with types.

    Attributes:
        path: Without the `.json` of the twin.
        names: The parts of the path that are names, such as `run`.
        query: The query's fields; the last one wins where a field is given twice.
        pairs: All fields in their order, those too that are given twice.
    """

    path: str
    names: Mapping[str, str]
    query: Mapping[str, str]
    pairs: Sequence[tuple[str, str]] = ()

    def text(self, field: str, default: str = "") -> str:
        """The field's text without space around it."""
        return self.query.get(field, default).strip()

    def every(self, field: str) -> list[str]:
        """All texts of a field that may be given more than once, each once."""
        return list(
            dict.fromkeys(text.strip() for key, text in self._fields() if key == field and text.strip())
        )

    def choice(self, field: str, choices: tuple[str, ...]) -> str:
        """One of `choices`; the first where the field is absent.

        Raises:
            Invalid: The field holds something else.
        """
        value = self.text(field) or choices[0]
        if value not in choices:
            raise Invalid(
                f"{field}={value} is not known here.",
                found=repr(value),
                hint=f"Choose one of: {', '.join(each or 'nothing' for each in choices)}.",
            )
        return value

    def whole(self, field: str, default: int, *, low: int = 0, high: int = 1_000_000_000) -> int:
        """A whole number in [`low`, `high`].

        Raises:
            Invalid: The field holds no such number.
        """
        text = self.text(field)
        if not text:
            return default
        try:
            value = int(text)
        except ValueError:
            value = low - 1
        if not low <= value <= high:
            raise Invalid(
                f"{field} must be a whole number from {low} to {high}.",
                found=repr(text),
                hint="Correct the address.",
            )
        return value

    def name(self, part: str) -> str:
        """A name from the path."""
        return self.names[part]

    def number(self, part: str) -> int:
        """A whole number from the path, such as a version.

        Raises:
            Invalid: It is no number.
        """
        text = self.names[part]
        if not (text.isascii() and text.isdigit()) or len(text) > 9:
            raise Invalid(f"A {part} is a whole number.", found=repr(text), hint="Correct the address.")
        return int(text)

    def link(self, **changes: object) -> str:
        """This address with some fields changed; None or an empty text takes a field out, a list gives it often."""
        said = {key: _texts(value) for key, value in changes.items()}
        fields = [pair for pair in self._fields() if pair[1]]
        names = dict.fromkeys([key for key, _ in fields] + list(said))
        kept = urlencode(
            [
                (name, text)
                for name in names
                for text in (said[name] if name in said else [each for key, each in fields if key == name])
                if text
            ]
        )
        return f"{self.path}?{kept}" if kept else self.path

    def _fields(self) -> Sequence[tuple[str, str]]:
        return self.pairs or tuple(self.query.items())

    def parent(self) -> str:
        """The address one step up, such as the list that a thing belongs to."""
        return self.path.rstrip("/").rpartition("/")[0] or "/"

    def twin(self) -> str:
        """The address of the same state as JSON."""
        path = "/overview" if self.path == "/" else self.path
        kept = urlencode([(key, value) for key, value in self._fields() if value])
        return f"{path}.json?{kept}" if kept else f"{path}.json"


def _texts(value: object) -> list[str]:
    if value is None:
        return []
    return [str(each) for each in value] if isinstance(value, list | tuple) else [str(value)]
