"""Columns made by Python functions of a project: found by name, known by their code, called only where that is allowed.

A bundle carries a function's name and the digest of its source, never code. Whoever loads it has the module installed
or in the folder, and names it in the setting `features.functions`: no bundle can have anything else called.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import inspect
import os
import sys
import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fettle.core.errors import Conflict, Denied, Invalid, NotFound
from fettle.data.records.versions import Type

if TYPE_CHECKING:
    import polars as pl

Function = Callable[["pl.DataFrame"], "pl.Series | pl.Expr"]


def code_of(function: Callable[..., Any]) -> str:
    """Digest of a function's source, comments, layout and decorators left out."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            node.decorator_list = []
    return hashlib.blake2b(ast.dump(tree).encode(), digest_size=32).hexdigest()


def function_of(name: str, code: str) -> Function:
    """The function called `module:name`, with the code it had when it was defined.

    Raises:
        NotFound: It cannot be imported here.
        Conflict: Its code is another by now: values would not be those the model learned from.
    """
    module, _, inside = name.partition(":")
    try:
        function = getattr(_imported(module), inside)
    except (ImportError, AttributeError) as error:
        raise NotFound(
            f"The function {name} is not here.",
            found=str(error),
            hint="Run where its module can be imported, such as the project's folder.",
        ) from error
    if code_of(function) != code:
        raise Conflict(
            f"The function {name} has changed since it was defined.",
            found="another source than the feature was defined with",
            hint="Define the next version (fettle features load FILE.py), or bring back the old code.",
        )
    return function


def permitted(name: str) -> None:
    """Refuse a function whose module the project does not name.

    Raises:
        Denied: `features.functions` does not list its module.
    """
    from fettle.core.config import Settings

    module = name.partition(":")[0]
    allowed = Settings.read(Path.cwd())["features.functions"]
    if module not in allowed:
        raise Denied(
            f"The function {name} may not be called here.",
            found=f"features.functions is {allowed}",
            hint=f"If you trust it, name {module} in features.functions (fettle.toml), or FETTLE_FEATURES_FUNCTIONS.",
        )


def column_of(
    frame: pl.DataFrame, column: str, function: Function, inputs: Mapping[str, Type], kind: Type
) -> pl.Series:
    """The column that a function makes of a frame.

    Raises:
        NotFound: An input is not a column of the frame.
        Invalid: It gives another number of rows, or another type than it declares.
    """
    import polars as pl

    from fettle.data.types import STORED

    for name in inputs:
        if name not in frame.columns:
            raise NotFound.among(f"column for {column}", name, frame.columns)
    made = function(frame.select(list(inputs)))
    if isinstance(made, pl.Expr):
        made = frame.select(made).to_series()
    rows = len(made) if isinstance(made, pl.Series) else None
    if rows != frame.height:
        raise Invalid(
            f"The function of {column!r} must give one column with as many rows as it was given.",
            found=f"{type(made).__name__}, {rows} rows for {frame.height}",
        )
    try:
        found = made.alias(column).cast(STORED[kind])
    except pl.exceptions.PolarsError as error:
        raise Invalid(f"The function of {column!r} does not give {kind}.", found=str(made.dtype)) from error
    return found.fill_nan(None) if found.dtype.is_float() else found


def of_row(
    column: str, function: Function, inputs: Mapping[str, Type], kind: Type
) -> Callable[[Mapping[str, Any]], Any]:
    """The function of a row that gives what the function makes of a frame of that row alone."""

    def one(row: Mapping[str, Any]) -> Any:
        import polars as pl

        from fettle.data.types import STORED

        schema = {name: STORED[each] for name, each in inputs.items()}
        frame = pl.DataFrame({name: [row[name]] for name in schema}, schema=schema)
        return column_of(frame, column, function, inputs, kind).item()

    return one


def _imported(module: str) -> Any:
    """The module; the current folder counts as a place to find it, whatever command was started."""
    try:
        return importlib.import_module(module)
    except ImportError:
        sys.path.insert(0, os.getcwd())
        try:
            importlib.invalidate_caches()
            return importlib.import_module(module)
        finally:
            sys.path.remove(os.getcwd())
