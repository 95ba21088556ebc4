"""Marks on functions: what a decorator leaves for whoever looks through a module later.

A function may carry any attribute, which no type checker can know; here alone they are written and read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")


def mark(function: F, name: str, value: object) -> F:
    """Leave a mark on the function, which is returned."""
    setattr(function, name, value)
    return function


def mark_of(value: object, name: str, kind: type[T]) -> T | None:
    """The mark that something carries; None if it has none of that kind."""
    found = getattr(value, name, None)
    return found if isinstance(found, kind) else None
