"""Read definitions and plans from files."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from fettle.core.errors import Invalid, NotFound
from fettle.features.functions import drafts_in
from fettle.features.records import Draft

if TYPE_CHECKING:
    from fettle.acts import Surface
    from fettle.data.records.versions import Type

T = TypeVar("T", bound=msgspec.Struct)


def drafts(ws: Surface, file: Path) -> list[Draft]:
    """The definitions in a `.toml` or `.py` file; inputs that are features get their types.

    Raises:
        NotFound: There is no such file.
        Invalid: It cannot be read, or declares nothing.
    """
    if file.suffix == ".py":
        return drafts_in(file)
    tables = _tables(file).get("feature")
    if not isinstance(tables, list) or not tables:
        raise Invalid(
            f"{file} declares no feature.",
            hint='Write [[feature]] with name = "bmi", expression = "kg / (cm / 100) ** 2", '
            'inputs = {kg = "number", cm = "number"}.',
        )
    known: dict[str, Type] = {each.name: each.type for each in ws.call("features.find", retired=True)}
    found = []
    for table in tables:
        draft = _completed(_as(table, Draft, file), known)
        found.append(draft)
        if draft.type is not None or draft.expression:
            from fettle.features.definitions import resolved

            known[draft.name] = resolved(draft)[0]
    return found


def read(file: Path, kind: type[T]) -> T:
    """A record from a TOML file.

    Raises:
        NotFound: There is no such file.
        Invalid: It is no TOML, or says something else.
    """
    return _as(_tables(file), kind, file)


def _completed(draft: Draft, known: dict[str, Type]) -> Draft:
    """Names in the expression that are features need not be listed among the inputs."""
    import re

    words = set(re.findall(r"[^\W\d]\w*", draft.expression))
    more = {name: kind for name, kind in known.items() if name in words and name not in draft.inputs}
    return msgspec.structs.replace(draft, inputs={**draft.inputs, **more})


def _tables(file: Path) -> dict[str, Any]:
    if not file.is_file():
        raise NotFound(f"There is no file {file}.", hint="Name a .toml (or, with features, a .py) file.")
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Invalid(f"{file} is not valid TOML.", found=str(error)) from error


def _as(table: Any, kind: type[T], file: Path) -> T:
    try:
        return msgspec.convert(table, kind)
    except msgspec.ValidationError as error:
        fields = ", ".join(each.name for each in msgspec.structs.fields(kind))
        raise Invalid(f"{file} does not fit.", found=str(error), hint=f"Known: {fields}.") from error
