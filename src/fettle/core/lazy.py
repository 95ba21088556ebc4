"""Names that are imported when first used, so that `import fettle` stays cheap."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any


def lazy_exports(
    package: str, names: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Make the `__getattr__` and `__dir__` of a package whose public names live in its modules.

    Args:
        package: The package's own `__name__`.
        names: Public name → module, relative with a leading dot (`{"Run": ".runs"}`).

    Example:
        `__getattr__, __dir__ = lazy_exports(__name__, {"Run": ".runs"})`
    """

    def load(name: str) -> Any:
        module = names.get(name)
        if module is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(module, package), name)
        setattr(sys.modules[package], name, value)
        return value

    def listing() -> list[str]:
        return sorted({*vars(sys.modules[package]), *names})

    return load, listing


def callable_package(package: str, to: str) -> None:
    """Let a package be called: `fettle.data("churn")` is the word `frame` of `fettle.here`.

    Args:
        package: The package's own `__name__`.
        to: `module:function` that the call goes to. It is named, not imported: the package does not depend on it.
    """

    class Callable(ModuleType):
        def __call__(self, *given: Any, **named: Any) -> Any:
            module, _, name = to.partition(":")
            return getattr(importlib.import_module(module), name)(*given, **named)

    sys.modules[package].__class__ = Callable
