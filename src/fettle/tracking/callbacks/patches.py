"""Put functions in the place of a library's own, also of one that is imported later, and take them away again."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from fettle.tracking.callbacks.target import harmless

_OURS = "__wrapped_by_fettle__"
_undo: list[Callable[[], None]] = []


def replace(owner: Any, name: str, wrapper: Callable[..., Any]) -> None:
    """Put a function in the place of another, until `undo`; what is replaced already stays.

    Args:
        owner: The class or module that has it itself, not by inheritance.
        name: Of the function.
        wrapper: Is called with the original, then with what that was to be called with.
    """
    original = vars(owner)[name]
    if not callable(original) or hasattr(original, _OURS):
        return

    @functools.wraps(original)
    def calling(*args: Any, **given: Any) -> Any:
        return _called(original, wrapper, args, given)

    setattr(calling, _OURS, True)
    setattr(owner, name, calling)
    on_undo(lambda: setattr(owner, name, original))


def _called(
    original: Callable[..., Any], wrapper: Callable[..., Any], args: tuple[Any, ...], given: dict[str, Any]
) -> Any:
    """Call the wrapper; in a process that the function was pickled to and that was not told to log, the original."""
    return wrapper(original, *args, **given) if _undo else original(*args, **given)


def on_undo(act: Callable[[], None]) -> None:
    """Have something done by `undo`."""
    _undo.append(act)


def undo() -> None:
    """Put everything back, the last first."""
    _waiting.forget()
    while _undo:
        _undo.pop()()


def owner_of(kind: type, name: str) -> type:
    """The class of which `kind` has its method `name`."""
    return next(each for each in kind.__mro__ if name in vars(each))


def when_imported(module: str, act: Callable[[], None]) -> None:
    """Do something when a module is imported: now if it is already, else right after its import, until `undo`."""
    if module in sys.modules:
        act()
    else:
        _waiting.add(module, act)


class _Waiting(MetaPathFinder):
    """Finds no module itself; of those that are waited for, it has the found loader call back."""

    def __init__(self) -> None:
        self._acts: dict[str, list[Callable[[], None]]] = {}

    def add(self, module: str, act: Callable[[], None]) -> None:
        self._acts.setdefault(module, []).append(act)
        if self not in sys.meta_path:
            sys.meta_path.insert(0, self)

    def forget(self) -> None:
        self._acts.clear()
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """What the next finder that knows the module says, with a loader that calls back."""
        if fullname not in self._acts:
            return None
        for finder in list(sys.meta_path):
            search = getattr(finder, "find_spec", None) if finder is not self else None
            spec = search(fullname, path, target) if search is not None else None
            if spec is not None:
                if spec.loader is not None:
                    spec.loader = _Calling(spec.loader, functools.partial(self._imported, fullname))
                return spec
        return None

    def _imported(self, module: str) -> None:
        for act in self._acts.pop(module, []):
            with harmless(f"What {module} does"):
                act()


class _Calling(Loader):
    """A loader that is another one, and calls back when the module is there."""

    def __init__(self, loader: Any, then: Callable[[], None]) -> None:
        self._loader = loader
        self._then = then

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        spec.loader = self._loader
        create = getattr(self._loader, "create_module", None)
        found: ModuleType | None = create(spec) if create is not None else None
        spec.loader = self
        return found

    def exec_module(self, module: ModuleType) -> None:
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        module.__loader__ = self._loader
        self._loader.exec_module(module)
        self._then()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)


_waiting = _Waiting()
