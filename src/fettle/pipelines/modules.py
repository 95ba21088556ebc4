"""Find the source of a module without running it."""

from __future__ import annotations

import importlib.util
import os
import sys
from importlib.machinery import ModuleSpec
from types import CodeType, ModuleType

from fettle.pipelines.libraries import is_library

_sources: dict[str, tuple[tuple[int, int] | None, CodeType | None]] = {}


def file_of(module: ModuleType | None) -> str:
    """Where a module comes from: its file, `<frozen>` for one that is built in, or empty for a prompt or notebook."""
    if module is None:
        return ""
    path = getattr(module, "__file__", None)
    if path:
        return path
    spec = getattr(module, "__spec__", None)
    if spec is None:
        return ""
    places = list(spec.submodule_search_locations or ())
    return places[0] if places else "<frozen>"


def absolute(module: str, level: int, package: str) -> str:
    """The full name of what `from ..module import` means inside `package`."""
    if not level:
        return module
    parts = package.split(".")
    base = ".".join(parts[: len(parts) - level + 1])
    return f"{base}.{module}" if module else base


def is_package(module: str) -> bool:
    spec = _spec(module)
    return spec is not None and spec.submodule_search_locations is not None


def source_of(module: str) -> CodeType | None:
    """The compiled source of one of the user's own modules; None for a library or where there is none.

    Of a module that is loaded already the source is taken once and kept: what is loaded does not change with its file.
    """
    if not module:
        return None
    known = _sources.get(module)
    spec = _spec(module)
    path = spec.origin if spec is not None else None
    if path is None or not path.endswith(".py") or is_library(path):
        return None
    state = _state(path)
    if known is not None and (module in sys.modules or known[0] == state):
        return known[1]
    try:
        with open(path, "rb") as file:
            code = compile(file.read(), path, "exec", dont_inherit=True)
    except (OSError, SyntaxError, ValueError):
        code = None  # the step itself will say so when it imports it
    _sources[module] = (state, code)
    return code


def _spec(module: str) -> ModuleSpec | None:
    loaded = sys.modules.get(module)
    if loaded is not None and getattr(loaded, "__spec__", None) is not None:
        return loaded.__spec__
    try:
        return importlib.util.find_spec(module)
    except (ImportError, AttributeError, ValueError):
        return None


def _state(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
