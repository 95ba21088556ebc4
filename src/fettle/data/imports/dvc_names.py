"""How datasets are called that come from DVC, and where files lie in them."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Iterable

from fettle.core import ids
from fettle.core.errors import Invalid
from fettle.data.imports.dvc_files import Out


def names_of(states: Iterable[Iterable[Out]], dataset: str | None) -> dict[str, str]:
    """The dataset of each output: by the last part of its path, by all of it where that is not unique."""
    outs = {each.path: each for state in states for each in state}
    if dataset is not None:
        return dict.fromkeys(outs, ids.check_name("dataset", dataset))
    short = {path: _short(path, each) for path, each in outs.items()}
    count = Counter(short.values())
    made = {path: name if count[name] == 1 else path.replace("/", "-") for path, name in short.items()}
    for path, name in made.items():
        try:
            ids.check_name("dataset", name)
        except Invalid as error:
            raise Invalid(
                f"The output {path!r} cannot name a dataset.",
                found=error.found or error.message,
                hint="Import all outputs as one dataset: --dataset NAME; or one of them, by its path.",
            ) from None
    return made


def _short(path: str, out: Out) -> str:
    name = posixpath.basename(path)
    return name if out.folder else posixpath.splitext(name)[0]


def place_of(out: Out, path: str, *, whole: bool) -> str:
    """Where a file lies in its dataset: by its whole path, or below its output."""
    if whole:
        return f"{out.path}/{path}" if path else out.path
    return path or posixpath.basename(out.path)
