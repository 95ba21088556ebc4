"""Declare an act: read a function's signature and docstring into an `Act`."""

from __future__ import annotations

import inspect
import re
import types
import typing
from collections.abc import Callable
from functools import cached_property
from typing import Any, TypeVar

from fettle.acts.records import Act, Parameter, Role
from fettle.core.marks import mark, mark_of

F = TypeVar("F", bound=Callable[..., Any])


def act(
    name: str,
    *,
    needs: Role | None = None,
    reads: bool = False,
    audited: bool = True,
    keeps_answer: bool = True,
    plumbing: bool = False,
) -> Callable[[F], F]:
    """Declare the decorated function as the act `name`, a room and a verb joined by a dot.

    The function takes a `Context` first; its other parameters, their annotations and the Google-style docstring
    become the act's arguments and help. It stays an ordinary function: other acts call it with their own context,
    so that the whole happens in one transaction and leaves one audit entry.

    Args:
        name: Such as `registry.promote`; the room's own name comes first.
        needs: The least role; None means VIEWER for a read and EDITOR for a change.
        reads: True for an act that changes nothing: it sees a snapshot and leaves no audit entry.
        audited: False for a change that is itself a record of what happened (metric points, heartbeats, step
            journals) and would only be written down twice.
        keeps_answer: False for an act that answers with a secret: a repeated idempotency key is then refused, as the
            first answer was written down nowhere.
        plumbing: True for an act that only completes an errand; the command line lists such acts apart.
    """
    if not re.fullmatch(r"[a-z_]+\.[a-z_]+", name):
        raise ValueError(f"an act is named room.verb, not {name!r}")
    role = needs if needs is not None else (Role.VIEWER if reads else Role.EDITOR)

    def declare(function: F) -> F:
        declared = _Declared(name, function, role, reads, audited, keeps_answer, plumbing)
        return mark(function, "act", declared)

    return declare


def is_act(value: Any) -> bool:
    """Whether `value` is a function that declares an act."""
    return mark_of(value, "act", _Declared) is not None


def act_of(function: Callable[..., Any]) -> Act:
    """Return the `Act` that `function` declares; TypeError if it declares none."""
    declared = mark_of(function, "act", _Declared)
    if declared is None:
        raise TypeError(f"{function!r} is not an act; decorate it with @act('room.verb')")
    return declared.act


class _Declared:
    """An act whose annotations are resolved only when somebody asks."""

    def __init__(
        self,
        name: str,
        function: Callable[..., Any],
        needs: Role,
        reads: bool,
        audited: bool,
        keeps_answer: bool,
        plumbing: bool,
    ) -> None:
        self.name = name
        self._function = function
        self._needs = needs
        self._reads = reads
        self._audited = audited
        self._keeps_answer = keeps_answer
        self._plumbing = plumbing

    @cached_property
    def act(self) -> Act:
        parameters, returns, summary, description = described(self._function)
        return Act(
            name=self.name,
            function=self._function,
            parameters=parameters,
            returns=returns,
            needs=self._needs,
            reads=self._reads,
            audited=self._audited,
            keeps_answer=self._keeps_answer,
            plumbing=self._plumbing,
            summary=summary,
            description=description,
        )


def described(function: Callable[..., Any]) -> tuple[tuple[Parameter, ...], Any, str, str]:
    """What a function says of itself: its parameters but the first, what it returns, its first line and its prose."""
    hints = _hints(function)
    summary, description, helps = read_docstring(inspect.getdoc(function) or "")
    parameters = tuple(
        Parameter(
            name=each.name,
            type=hints.get(each.name, Any),
            default=Parameter.REQUIRED if each.default is inspect.Parameter.empty else each.default,
            help=helps.get(each.name, ""),
            positional=each.kind is not inspect.Parameter.KEYWORD_ONLY,
        )
        for each in list(inspect.signature(function).parameters.values())[1:]
    )
    return parameters, hints.get("return", Any), summary, description


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    """The annotations, resolved; what is returned may be named for type checkers only, and is then any."""
    try:
        return typing.get_type_hints(function, include_extras=True)
    except NameError:
        probe = types.FunctionType(function.__code__, function.__globals__)
        probe.__annotations__ = {
            name: each for name, each in function.__annotations__.items() if name != "return"
        }
        return typing.get_type_hints(probe, include_extras=True)


_ARGUMENT = re.compile(r"^ {4}(\w+)(?: \([^)]*\))?: (.*)$")
_SECTION = re.compile(r"^(Args|Returns|Raises|Example|Examples|Source|Note|Yields):\s*$")


def read_docstring(text: str) -> tuple[str, str, dict[str, str]]:
    """Split a Google-style docstring into its first line, its prose, and the help of each argument."""
    lines = text.splitlines()
    summary = lines[0].strip() if lines else ""
    prose: list[str] = []
    helps: dict[str, str] = {}
    section = current = ""
    for line in lines[1:]:
        heading = _SECTION.match(line)
        argument = _ARGUMENT.match(line) if section == "Args" else None
        if heading:
            section, current = heading.group(1), ""
        elif argument:
            current = argument.group(1)
            helps[current] = argument.group(2).strip()
        elif section == "Args" and current and line.startswith(" " * 8):
            helps[current] += " " + line.strip()
        elif not section:
            prose.append(line)
    return summary, "\n".join(prose).strip(), helps
