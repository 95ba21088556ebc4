"""What a piece of code does, as a digest; and the names it reaches for.

The digest is taken from the code that Python has compiled and will run, not from the file: comments, layout, docstrings
and line numbers are no part of it, functions without a file (notebooks, lambdas) have one too, and a file that was
edited after it was imported cannot be mistaken for what runs.
"""

from __future__ import annotations

import dis
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from types import CodeType
from typing import Any

from fettle.core import ids

_SILENT = frozenset({"RESUME", "NOP", "CACHE", "EXTENDED_ARG", "PRECALL", "COPY_FREE_VARS", "MAKE_CELL"})
_FLAGS = 0x04 | 0x08 | 0x20 | 0x80 | 0x100 | 0x200  # *args, **kwargs, generators and coroutines


@dataclass(frozen=True)
class Reach:
    """A name that code looks up outside itself.

    Attributes:
        names: A global and the attributes read from it at once: `("np", "random", "rand")`.
    """

    names: tuple[str, ...]


@dataclass(frozen=True)
class Import:
    """An import statement inside the code: `from ..level import names`."""

    module: str
    level: int
    names: tuple[str, ...]


@dataclass(frozen=True)
class Facts:
    """What was read from one code object and those nested in it.

    Attributes:
        digest: Of what it does.
        reaches: Globals it looks up, each once.
        imports: Imports inside it.
        strings: Text constants, which may name files or environment variables.
    """

    digest: str
    reaches: tuple[Reach, ...]
    imports: tuple[Import, ...]
    strings: frozenset[str]


@functools.lru_cache(maxsize=8192)
def facts_of(code: CodeType) -> Facts:
    """Read a code object."""
    parts: list[Any] = [
        (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags & _FLAGS),
        code.co_varnames,
        code.co_freevars,
        code.co_exceptiontable.hex(),
    ]
    reaches: dict[Reach, None] = {}
    imports: dict[Import, None] = {}
    strings: set[str] = set()
    instructions = [each for each in dis.get_instructions(code) if each.opname not in _SILENT]
    place: dict[Any, int] = {each.offset: index for index, each in enumerate(instructions)}
    for index, each in enumerate(instructions):
        argument = each.argval
        if isinstance(argument, CodeType):
            inner = facts_of(argument)
            argument = inner.digest
            reaches.update(dict.fromkeys(inner.reaches))
            imports.update(dict.fromkeys(inner.imports))
            strings |= inner.strings
        elif each.opname == "KW_NAMES":
            argument = code.co_consts[each.arg or 0]
        elif each.opcode in dis.hasconst:
            if _is_docstring(instructions, index):
                argument = None
            strings |= set(_texts(argument))
            argument = _constant(argument)
        elif each.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            reaches[Reach((argument, *_attributes(instructions, index + 1)))] = None
        elif each.opname == "IMPORT_NAME":
            imports[_import_at(instructions, index)] = None
        elif each.opcode in dis.hasjabs or each.opcode in dis.hasjrel:
            argument = place.get(argument, argument)
        parts.append((each.opname, str(argument)))
    return Facts(ids.digest_of(parts), tuple(reaches), tuple(imports), frozenset(strings))


def _attributes(instructions: list[dis.Instruction], index: int) -> Iterator[str]:
    """The attribute names read right after a name was loaded."""
    while index < len(instructions) and instructions[index].opname in ("LOAD_ATTR", "LOAD_METHOD"):
        yield instructions[index].argval
        index += 1


def _import_at(instructions: list[dis.Instruction], index: int) -> Import:
    level, names = instructions[index - 2].argval, instructions[index - 1].argval
    return Import(instructions[index].argval, level or 0, tuple(names or ()))


def _is_docstring(instructions: list[dis.Instruction], index: int) -> bool:
    """In a class or module body the docstring is an ordinary assignment to `__doc__`."""
    follows = instructions[index + 1] if index + 1 < len(instructions) else None
    return follows is not None and follows.opname == "STORE_NAME" and follows.argval == "__doc__"


def _constant(value: Any) -> str:
    """A constant as text, the same in every process: sets have no order of their own."""
    if isinstance(value, frozenset):
        return f"frozenset({sorted(map(_constant, value))})"
    if isinstance(value, tuple):
        return f"({', '.join(map(_constant, value))})"
    return f"{type(value).__name__}:{value!r}"


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple | frozenset):
        for each in value:
            yield from _texts(each)
