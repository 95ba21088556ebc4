"""Where acts are called from Python: the same words in process and over the network."""

from __future__ import annotations

import functools
import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fettle.acts.catalog import Catalog
from fettle.acts.records import Act, Errand
from fettle.core.clock import Clock
from fettle.core.errors import Invalid
from fettle.core.marks import mark

if TYPE_CHECKING:
    from fettle.storage.ports import BlobStore, Leases


class Surface(ABC):
    """A workspace as its users see it: `ws.registry.promote("fraud", 3)`.

    `Workspace` performs acts in process; `RemoteWorkspace` sends them to a server. Work that is too heavy for an act
    (training, profiling) takes a `Surface` and uses its acts and blobs only, so it runs against either.

    Attributes:
        url: What `Workspace.open` was given, or found.
        catalog: All acts.
        blobs: Where bytes are kept.
        clock: The workspace's time.
        folder: A folder on this machine for journals and caches.
        leases: Leases with fencing tokens; None where the workspace is remote.
        opener: How another workspace is opened.
    """

    url: str
    catalog: Catalog
    blobs: BlobStore
    clock: Clock
    folder: Path
    leases: Leases | None = None
    opener: Callable[[str], Surface] | None = None

    def elsewhere(self, url: str) -> Surface:
        """Open another workspace, as `Workspace.open` does; for work that goes between two."""
        if self.opener is None:
            raise Invalid(
                f"{url!r} cannot be opened from here.", hint="Open the workspace by Workspace.open."
            )
        return self.opener(url)

    @abstractmethod
    def call(self, name: str, /, *, idempotency_key: str | None = None, **arguments: Any) -> Any:
        """Perform the act `name` and return its result.

        Raises:
            FettleError: Whatever the act raises, the same on every surface.
        """

    @abstractmethod
    def close(self) -> None:
        """Let go of connections and files; the surface is not used afterwards."""

    def __getattr__(self, room: str) -> Room:
        if room.startswith("_") or "catalog" not in self.__dict__ or room not in self.catalog.rooms:
            raise AttributeError(f"{type(self).__name__!r} has no room or attribute {room!r}")
        return Room(self, room)

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Room:
    """The acts of one room as methods of one surface."""

    def __init__(self, surface: Surface, room: str) -> None:
        self._surface = surface
        self._room = room

    def __getattr__(self, verb: str) -> Callable[..., Any]:
        if verb.startswith("__"):
            raise AttributeError(verb)
        # a verb that is a word of Python is written as Python's own names are: `ws.labels.import_(…)`
        catalog, name = self._surface.catalog, f"{self._room}.{verb.removesuffix('_')}"
        if errand := catalog.find_errand(name):
            return _errand_method(self._surface, errand)
        return _method(self._surface, catalog.find(name))

    def __dir__(self) -> list[str]:
        catalog = self._surface.catalog
        return [each.verb for each in (*catalog.errands(self._room), *catalog.acts(self._room))]


def _method(surface: Surface, act: Act) -> Callable[..., Any]:
    order = [each.name for each in act.parameters if each.positional]

    def method(*positional: Any, idempotency_key: str | None = None, **named: Any) -> Any:
        if len(positional) > len(order):
            raise Invalid(
                f"{act.name} takes {len(order)} positional arguments.",
                found=f"{len(positional)} given",
                hint=f"{act.name}{_signature(act)}",
            )
        given = dict(zip(order, positional, strict=False))
        if twice := given.keys() & named.keys():
            raise Invalid(
                f"{act.name} was given {sorted(twice)[0]!r} twice.", hint=f"{act.name}{_signature(act)}"
            )
        return surface.call(act.name, idempotency_key=idempotency_key, **given, **named)

    method.__name__ = act.verb
    method.__qualname__ = act.name
    method.__doc__ = inspect.getdoc(act.function)
    return mark(method, "__signature__", _signature(act))  # inspect reads it


def _errand_method(surface: Surface, errand: Errand) -> Callable[..., Any]:
    method = functools.partial(errand.function, surface)
    functools.update_wrapper(method, errand.function)
    return method


def _signature(act: Act) -> inspect.Signature:
    whole = inspect.signature(act.function)
    return whole.replace(parameters=list(whole.parameters.values())[1:])
