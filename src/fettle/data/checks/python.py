"""Checks written in Python: functions on a lazy frame, declared by `@check` in a file of their own.

    import polars as pl
    from fettle.data.checks.python import check

    @check(severity="warning", mostly=0.99, owner="ada")
    def refunds_are_small(frame: pl.LazyFrame) -> pl.Expr:
        "No refund exceeds the amount."
        return pl.col("refund") <= pl.col("amount")

A function gives an expression that is true for a good row, and is then answered in the same pass as all others; or a
lazy frame of the rows that fail.
"""

from __future__ import annotations

import importlib.util
import inspect
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from fettle.core.errors import Invalid, NotFound
from fettle.data.records.checks import Check
from fettle.data.records.schemas import Severity

Answer = pl.Expr | pl.LazyFrame | pl.DataFrame
Function = Callable[[pl.LazyFrame], Answer]


class PythonCheck:
    """A function with what is to be known of it as a check; calling it calls the function."""

    def __init__(self, function: Function, check: Check) -> None:
        self.function = function
        self.check = check
        self.__doc__ = function.__doc__
        self.__name__ = check.id

    def __call__(self, frame: pl.LazyFrame) -> Answer:
        return self.function(frame)


def check(
    *,
    severity: Severity = "error",
    mostly: float = 1.0,
    owner: str = "",
    columns: Sequence[str] = (),
    id: str = "",
) -> Callable[[Function], PythonCheck]:
    """Declare a function as a check; its name is the check's, the first line of its docstring the description.

    Args:
        severity: What it means when it fails.
        mostly: The least share of rows that must pass.
        owner: Who is asked.
        columns: The columns shown with a failing row; empty: those the expression names.
        id: Another name than the function's.
    """

    def declare(function: Function) -> PythonCheck:
        name = getattr(function, "__name__", "check")
        said = (inspect.getdoc(function) or "").partition("\n")[0]
        made = Check(
            id=id or name,
            function=name,
            severity=severity,
            mostly=mostly,
            owner=owner,
            columns=list(columns),
            description=said,
        )
        return PythonCheck(function, made)

    return declare


def load_checks(path: Path) -> list[PythonCheck]:
    """The checks that a Python file declares. The file is run: it is the user's own code.

    Raises:
        NotFound: There is no such file.
        Invalid: It cannot be run, or declares no check.
    """
    if not path.is_file():
        raise NotFound(
            f"There is no file {str(path)!r}.", hint="Give the path of a Python file with @check functions."
        )
    spec = importlib.util.spec_from_file_location(f"fettle_checks_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise Invalid(f"{path} is no Python file.", hint="Its name ends in .py.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except (SyntaxError, ImportError, NameError, AttributeError, TypeError, ValueError) as error:
        raise Invalid(
            f"{path} cannot be run.", found=f"{type(error).__name__}: {error}", hint="Correct it."
        ) from error
    found: list[Any] = [each for each in vars(module).values() if isinstance(each, PythonCheck)]
    if not found:
        raise Invalid(f"{path} declares no check.", hint="Decorate a function with @check().")
    return found
