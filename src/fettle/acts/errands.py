"""Errands: what is done beside the workspace, where the user's files and processors are, by way of its acts."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property
from typing import Any, TypeVar

from fettle.acts.declare import described
from fettle.acts.records import Errand
from fettle.core.marks import mark, mark_of

F = TypeVar("F", bound=Callable[..., Any])


def errand(name: str, *, reads: bool = False) -> Callable[[F], F]:
    """Declare the decorated function as the errand `name`, a room and a verb joined by a dot.

    An act runs where the workspace is; an errand runs where it is called, on the user's folders and frames, and changes
    the workspace only by its acts and blobs. So it works the same on a workspace behind `https://…`, and needs no
    role, audit entry or idempotency key of its own: the acts it calls have them. From the signature, types and
    docstring follow the Python method (`ws.data.add("images")`) and the command (`fettle data add images`); there is no
    HTTP route. The function takes the `Surface` first, and imports what is heavy inside.

    Args:
        name: Such as `data.add`; no act of the room has the same verb.
        reads: True for an errand that changes nothing.
    """
    if not re.fullmatch(r"[a-z_]+\.[a-z_]+", name):
        raise ValueError(f"an errand is named room.verb, not {name!r}")

    def declare(function: F) -> F:
        return mark(function, "errand", _Declared(name, function, reads))

    return declare


def is_errand(value: Any) -> bool:
    """Whether `value` is a function that declares an errand."""
    return mark_of(value, "errand", _Declared) is not None


def errand_of(function: Callable[..., Any]) -> Errand:
    """Return the `Errand` that `function` declares; TypeError if it declares none."""
    declared = mark_of(function, "errand", _Declared)
    if declared is None:
        raise TypeError(f"{function!r} is not an errand; decorate it with @errand('room.verb')")
    return declared.errand


class _Declared:
    """An errand whose annotations are resolved only when somebody asks."""

    def __init__(self, name: str, function: Callable[..., Any], reads: bool) -> None:
        self._name = name
        self._function = function
        self._reads = reads

    @cached_property
    def errand(self) -> Errand:
        parameters, returns, summary, description = described(self._function)
        return Errand(
            name=self._name,
            function=self._function,
            parameters=parameters,
            returns=returns,
            reads=self._reads,
            summary=summary,
            description=description,
        )
