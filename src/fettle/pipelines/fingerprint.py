"""Everything of the user's code that a step's result depends on.

From the step's function the walk follows every name it looks up: functions, classes with their bases and methods,
values of module constants, closures, decorators, defaults, and modules as far as they are used. It stops at installed
libraries, of which it takes the version. Each thing found becomes one ingredient, so that a change can be named.

What a walk over code cannot see: names made up at run time (`getattr(module, text)`, `importlib.import_module(text)`),
and what happens in other processes.
"""

from __future__ import annotations

import builtins
import contextlib
import enum
import functools
import io
import os
import pickle
import re
import sys
import types
from collections.abc import Callable, Iterable, Mapping
from pathlib import PurePath
from typing import Any

import msgspec

from fettle.core import ids
from fettle.pipelines import modules
from fettle.pipelines.bytecode import Facts, Import, Reach, facts_of
from fettle.pipelines.libraries import is_library, is_standard, top_of, version_of
from fettle.pipelines.records import Ingredient
from fettle.pipelines.steps import Step

_ENVIRONMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_PLAIN = (type(None), bool, int, float, complex, str, bytes)
_NOT_OURS = frozenset({"__dict__", "__weakref__", "__doc__", "__module__", "__qualname__", "__annotations__"})
_KEPT = frozenset(
    {"__struct_fields__", "__struct_defaults__", "__struct_encode_fields__", "__slots__", "__match_args__"}
)


class Fingerprint:
    """The ingredients that code contributes to a step's key; grows with every `add`.

    Attributes:
        ingredients: Name such as `code:model.clean`, `constant:model.RATE`, `library:numpy` → digest.
        strings: Text constants that were reached: some may be names of files.
    """

    def __init__(self) -> None:
        self.ingredients: dict[str, Ingredient] = {}
        self.strings: set[str] = set()
        self._seen: dict[int, Any] = {}
        self._environment = False

    def add(self, value: Any, label: str) -> None:
        """Walk `value`; `label` names it where it has no name of its own."""
        if isinstance(value, _PLAIN):
            self._constant(label, value)
            return
        if id(value) in self._seen:
            return
        self._seen[id(value)] = value
        self._visit(value, label)

    def complete(self) -> dict[str, Ingredient]:
        """All ingredients, with the environment variables that the code may read."""
        if self._environment:
            for name in sorted(self.strings):
                if _ENVIRONMENT.fullmatch(name):
                    value = os.environ.get(name)
                    self.ingredients[f"environment:{name}"] = Ingredient(
                        "" if value is None else ids.digest(value.encode("utf-8", "surrogateescape"))
                    )
        return self.ingredients

    def _visit(self, value: Any, label: str) -> None:
        inner = (
            getattr(value, "__wrapped__", None) if callable(value) and not isinstance(value, type) else None
        )
        if isinstance(value, Step):
            self.add(value.function, label)
        elif isinstance(value, types.FunctionType):
            self._function(value)
        elif isinstance(value, type):
            self._class(value)
        elif isinstance(value, types.ModuleType):
            self._module(value)
        elif isinstance(value, types.MethodType):
            self.add(value.__func__, label)
            self.add(value.__self__, f"{label}.self")
        elif isinstance(value, staticmethod | classmethod):
            self.add(value.__func__, label)
        elif isinstance(value, property):
            self._all((("get", value.fget), ("set", value.fset), ("delete", value.fdel)), label)
        elif isinstance(value, functools.cached_property):
            self.add(value.func, label)
        elif isinstance(value, functools.partial):
            self._all((("function", value.func), ("args", value.args), ("keywords", value.keywords)), label)
        elif isinstance(
            value, types.BuiltinFunctionType | types.MethodDescriptorType | types.WrapperDescriptorType
        ):
            self._library(getattr(value, "__module__", None) or "builtins")
        elif inner is not None:
            self.add(inner, label)
        else:
            self._value(value, label)

    def _all(self, parts: Iterable[tuple[str, Any]], label: str) -> None:
        for name, part in parts:
            self.add(part, f"{label}.{name}")

    def _function(self, function: types.FunctionType) -> None:
        if is_library(function.__code__.co_filename) and not function.__closure__:
            self._library(function.__module__ or "builtins")
            return
        name = f"{function.__module__}.{function.__qualname__}"
        if is_library(function.__code__.co_filename):
            self._library(function.__module__ or "builtins")
        else:
            facts = facts_of(function.__code__)
            self._put(f"code:{name}", facts.digest)
            self._follow(facts, function.__globals__, name)
        for index, default in enumerate(function.__defaults__ or ()):
            self.add(default, f"default:{name}.{index}")
        for key, default in (function.__kwdefaults__ or {}).items():
            self.add(default, f"default:{name}.{key}")
        for key, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            with contextlib.suppress(ValueError):  # an empty cell: a name not bound yet
                self.add(cell.cell_contents, f"closure:{name}.{key}")

    def _follow(self, facts: Facts, names: Mapping[str, Any], where: str) -> None:
        self.strings |= facts.strings
        for reach in facts.reaches:
            self._reach(reach, names, where)
        for each in facts.imports:
            self._import(each, str(names.get("__package__") or ""))

    def _reach(self, reach: Reach, names: Mapping[str, Any], where: str) -> None:
        name, *attributes = reach.names
        if name not in names:
            if not hasattr(builtins, name):
                self._put(f"missing:{where}.{name}", "")
            return
        value, path = names[name], f"{names.get('__name__', '')}.{name}"
        while isinstance(value, types.ModuleType) and attributes and not is_library(modules.file_of(value)):
            attribute = attributes.pop(0)
            found = vars(value).get(attribute, sys.modules.get(f"{value.__name__}.{attribute}"))
            if found is None:
                break
            value, path = found, f"{value.__name__}.{attribute}"
        if (
            value is os.environ
            or value is os.getenv
            or (value is os and attributes[:1] in (["environ"], ["getenv"]))
        ):
            self._environment = True
            return
        self.add(value, f"constant:{path}")

    def _import(self, each: Import, package: str) -> None:
        self._source(modules.absolute(each.module, each.level, package), each.names)

    def _source(self, module: str, names: tuple[str, ...]) -> None:
        """Take a module by its source: an import inside a function may not have happened yet."""
        if is_standard(top_of(module)):
            return
        found = modules.source_of(module)
        if found is None:
            self._library(module)
            return
        if f"code:{module}" in self.ingredients:
            return
        facts = facts_of(found)
        self._put(f"code:{module}", facts.digest)
        self.strings |= facts.strings
        package = module if modules.is_package(module) else module.rpartition(".")[0]
        for each in facts.imports:
            self._import(each, package)
        for name in names:
            if modules.source_of(f"{module}.{name}") is not None:
                self._source(f"{module}.{name}", ())

    def _module(self, module: types.ModuleType) -> None:
        """A module that is handed on as a whole: anything in it may be used."""
        if is_library(modules.file_of(module)):
            self._library(module.__name__)
            return
        for name, value in sorted(vars(module).items()):
            own = getattr(value, "__module__", module.__name__) == module.__name__
            if not name.startswith("__") and own and not isinstance(value, types.ModuleType):
                self.add(value, f"constant:{module.__name__}.{name}")

    def _class(self, kind: type) -> None:
        source = sys.modules.get(kind.__module__)
        if kind.__module__ == "builtins" or (source is not None and is_library(modules.file_of(source))):
            self._library(kind.__module__)
            return
        name = f"{kind.__module__}.{kind.__qualname__}"
        fields = [f"{key}: {hint!r}" for key, hint in vars(kind).get("__annotations__", {}).items()]
        self._put(f"code:{name}", ids.digest_of([kind.__name__, fields]))
        for base in kind.__mro__[1:]:
            self.add(base, name)
        members = (
            {key: each.value for key, each in kind.__members__.items()} if issubclass(kind, enum.Enum) else {}
        )
        self._all(members.items(), f"constant:{name}")
        for key, value in sorted(vars(kind).items()):
            if key in _NOT_OURS or key in members or isinstance(value, _DESCRIPTORS):
                continue
            if key.startswith("__") and key not in _KEPT and not isinstance(value, types.FunctionType):
                continue
            if issubclass(kind, enum.Enum) and key.startswith("_"):
                continue
            self.add(value, f"constant:{name}.{key}")

    def _value(self, value: Any, label: str) -> None:
        """A value that is not code: its content, and the code of its type."""
        if isinstance(value, Mapping) and type(value) in (dict, types.MappingProxyType):
            self._put(label, ids.digest_of([repr(key) for key in value]))
            self._all(((repr(key), each) for key, each in value.items()), label)
        elif type(value) in (list, tuple):
            self._put(label, str(len(value)))
            self._all(((str(index), each) for index, each in enumerate(value)), label)
        elif type(value) in (set, frozenset) and all(isinstance(each, _PLAIN) for each in value):
            self._put(label, ids.digest_of(sorted(f"{type(each).__name__}:{each!r}" for each in value)))
        elif isinstance(value, PurePath):
            self.strings.add(str(value))
            self._put(label, str(value), str(value))
        else:
            self.add(type(value), label)
            own = not is_library(modules.file_of(sys.modules.get(type(value).__module__)))
            fields = _fields(value) if own else None
            if fields is not None:
                self._all(fields.items(), label)
            else:
                self._put(label, pickled_digest(value, self._noticed))

    def _noticed(self, code: Any) -> None:
        self.add(code, "code")

    def _constant(self, label: str, value: Any) -> None:
        text = f"{type(value).__name__}:{value!r}"
        if isinstance(value, str):
            self.strings.add(value)
        self._put(label, ids.digest(text.encode("utf-8", "surrogatepass")), repr(value)[:60])

    def _library(self, module: str) -> None:
        package = top_of(module)
        if not is_standard(package) and f"library:{package}" not in self.ingredients:
            version = version_of(package)
            self._put(f"library:{package}", version, version)

    def _put(self, label: str, digest: str, shown: str = "") -> None:
        """Two things of one name (a function made twice by a factory) count both."""
        known = self.ingredients.get(label)
        if known is not None and known.digest != digest:
            digest = ids.digest_of(sorted([known.digest, digest]))
        self.ingredients[label] = Ingredient(digest, shown)


_DESCRIPTORS = (types.MemberDescriptorType, types.GetSetDescriptorType, types.ClassMethodDescriptorType)


def _fields(value: Any) -> dict[str, Any] | None:
    """The fields of an instance of a class of the user's own; None if it keeps them elsewhere."""
    if isinstance(value, msgspec.Struct):
        return {name: getattr(value, name) for name in value.__struct_fields__}
    if isinstance(value, enum.Enum):
        return {"value": value.value}
    slots = [name for kind in type(value).__mro__ for name in _slots(kind) if hasattr(value, name)]
    if hasattr(value, "__dict__"):
        return {name: getattr(value, name) for name in slots} | dict(vars(value))
    return {name: getattr(value, name) for name in slots} if slots else None


def _slots(kind: type) -> list[str]:
    named = vars(kind).get("__slots__", ())
    return (
        [named]
        if isinstance(named, str)
        else [each for each in named if each not in ("__dict__", "__weakref__")]
    )


def pickled_digest(value: Any, notice: Callable[[Any], None]) -> str:
    """Digest of a value as pickle writes it; `notice` is told of each function and class it refers to.

    What cannot be pickled (a lock, a connection) is known by its type only.
    """
    stream = io.BytesIO()
    try:
        _Noticing(stream, notice).dump(value)
    except (pickle.PicklingError, TypeError, AttributeError, NotImplementedError, RecursionError, ValueError):
        return f"{type(value).__module__}.{type(value).__qualname__}"
    return ids.digest(stream.getbuffer())


class _Noticing(pickle.Pickler):
    """Pickle refers to functions and classes by name only; this one points them out."""

    def __init__(self, stream: io.BytesIO, notice: Callable[[Any], None]) -> None:
        super().__init__(stream, protocol=5)
        self._notice = notice

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, types.FunctionType | type):
            self._notice(value)
        return NotImplemented
