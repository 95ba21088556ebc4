"""Features that are Python functions: declared by a decorator, found by name, and known by their code.

    @feature("speed", inputs={"km": "number", "hours": "number"}, type="number", tags=["trips"])
    def speed(frame: pl.DataFrame) -> pl.Series | pl.Expr:
        return frame["km"] / frame["hours"]

The function is given a frame with its inputs and gives one column; each value must depend on its own row alone, for an
endpoint gives it rows one by one.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from fettle.core.errors import Invalid, NotFound
from fettle.core.marks import mark, mark_of
from fettle.data.clean.functions import Function, code_of
from fettle.data.records.versions import Type
from fettle.features.records import Draft


def feature(
    name: str,
    *,
    inputs: Mapping[str, Type],
    type: Type,
    description: str = "",
    owner: str = "",
    tags: Sequence[str] = (),
) -> Callable[[Function], Function]:
    """Declare the decorated function as a feature; `fettle features load FILE.py` defines it.

    Args:
        name: The feature, and the column it makes.
        inputs: Columns and features it is given, with their types.
        type: What it gives.
        description: What it means; empty: the first line of the docstring.
        owner: Who answers for it.
        tags: Words to find it by.
    """

    def declare(function: Function) -> Function:
        words = description or (inspect.getdoc(function) or "").partition("\n")[0]
        where = f"{function.__module__}:{function.__qualname__}"
        draft = Draft(name, dict(inputs), "", where, code_of(function), type, words, owner, list(tags))
        return mark(function, "feature", draft)

    return declare


def drafts_in(path: Path) -> list[Draft]:
    """The features that a Python file declares.

    Raises:
        NotFound: There is no such file.
        Invalid: It cannot be imported, or declares none.
    """
    if not path.is_file():
        raise NotFound(f"There is no file {path}.", hint="Name a .py or .toml file with features.")
    sys.path.insert(0, str(path.parent.resolve()))
    try:
        module = importlib.import_module(path.stem)
    except Exception as error:  # importing is running a stranger's code
        raise Invalid(f"{path} cannot be imported.", found=f"{type(error).__name__}: {error}") from error
    finally:
        sys.path.remove(str(path.parent.resolve()))
    found = [
        draft for each in vars(module).values() if (draft := mark_of(each, "feature", Draft)) is not None
    ]
    if not found:
        raise Invalid(f"{path} declares no feature.", hint="Decorate functions with @feature(…).")
    return found
