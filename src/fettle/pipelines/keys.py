"""The key of a step: the digest of everything its result depends on, each ingredient by name."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from fettle.core import ids
from fettle.pipelines import artifacts
from fettle.pipelines.fingerprint import Fingerprint
from fettle.pipelines.outputs import Outputs
from fettle.pipelines.reads import digest_at, unchanged
from fettle.pipelines.records import Change, Found, Ingredient, Read
from fettle.pipelines.steps import Step

_FORMAT = 1
_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


@dataclass(frozen=True)
class Key:
    """What a step's result depends on, but for the files it reads.

    Attributes:
        digest: Names all of it.
        ingredients: Each by name.
        mentions: Texts that may name files it reads.
    """

    digest: str
    ingredients: dict[str, Ingredient]
    mentions: frozenset[str]


def key_of(step: Step[..., Any], arguments: dict[str, Any], outputs: Outputs) -> Key:
    """Compute the key of a step and its arguments.

    Args:
        step: The step.
        arguments: By parameter, without the workspace.
        outputs: What earlier steps gave.
    """
    prints = Fingerprint()
    prints.add(step.function, "code:step")
    digests = {}
    for name, value in arguments.items():
        digests[f"parameter:{name}"] = _argument(value, f"parameter:{name}", prints, outputs)
    ingredients = {**prints.complete(), **digests, "python": Ingredient(_PYTHON, _PYTHON)}
    digest = ids.digest_of([_FORMAT, sorted((name, each.digest) for name, each in ingredients.items())])
    return Key(digest, ingredients, frozenset(prints.strings))


def _argument(value: Any, label: str, prints: Fingerprint, outputs: Outputs) -> Ingredient:
    """An argument's content; and, for functions and objects of the user's own classes, their code."""
    if _is_code(value):
        prints.add(value, label)
        return Ingredient(label)
    _types(value, prints, outputs)
    return Ingredient(outputs.digest(value), _shown(value))


def _is_code(value: Any) -> bool:
    return callable(value) and (
        hasattr(value, "__code__") or isinstance(value, type | Step) or hasattr(value, "func")
    )


def _types(value: Any, prints: Fingerprint, outputs: Outputs) -> None:
    """Take the code of the types of a value and its parts, and texts that may name files.

    A value that came out of a step is judged by how it is kept, so that it need not be read for this.
    """
    node = outputs.node_of(value)
    if node is not None:
        for kind in artifacts.types(node):
            prints.add(kind, "type")
    elif isinstance(value, str):
        prints.strings.add(value)
    elif isinstance(value, list | tuple | set | frozenset):
        for each in value:
            _types(each, prints, outputs)
    elif isinstance(value, dict):
        for each in value.values():
            _types(each, prints, outputs)
    elif not isinstance(value, int | float | bytes | Path | None):
        prints.add(type(value), "type")


def _shown(value: Any) -> str:
    if isinstance(value, bool | int | float | str | None):
        return repr(value)[:60]
    if isinstance(value, Path):
        return str(value)
    return ""


def compare(found: Found, key: Key) -> tuple[datetime | None, list[Change]]:
    """Hold a key against the most similar of the earlier results: when that was made, and what differs.

    Under the same key the files that were read differ.
    """
    if found.results:
        same = found.results[0]
        return same.at, [_file_change(each) for each in same.reads if not unchanged([each])]
    if not found.earlier:
        return None, []
    differing = [(each, changes(each.ingredients, key.ingredients)) for each in found.earlier]
    nearest, differences = min(differing, key=lambda each: len(each[1]))
    return nearest.at, differences


def _file_change(read: Read) -> Change:
    now = digest_at(read.path, read.kind)
    return Change(f"{read.kind}:{read.path}", read.digest[:12] or "nothing", now[:12] or "nothing")


def changes(before: dict[str, Ingredient], after: dict[str, Ingredient]) -> list[Change]:
    """What differs between the ingredients of two keys, by name."""
    found = []
    for name in sorted({*before, *after}):
        old, new = before.get(name), after.get(name)
        if old is None or new is None or old.digest != new.digest:
            found.append(Change(name, _words(old), _words(new)))
    return found


def _words(ingredient: Ingredient | None) -> str:
    if ingredient is None:
        return ""
    return ingredient.shown or ingredient.digest[:12] or "nothing"
