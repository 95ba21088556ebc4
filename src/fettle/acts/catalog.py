"""The list of all acts and errands, found in the rooms' `acts` and `errands` when first asked for."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from types import ModuleType

from fettle.acts.declare import act_of, is_act
from fettle.acts.errands import errand_of, is_errand
from fettle.acts.records import Act, Errand
from fettle.core.errors import NotFound


class Catalog:
    """All acts and errands of the given rooms; a room's module is imported when one of its own is needed.

    A module may be a package; then its `PARTS` names the modules that declare, in order.

    Args:
        rooms: Room → dotted name of the module that declares its acts, in the order of the lifecycle.
        errands: Room → dotted name of the module that declares its errands, for the rooms that have any.
    """

    def __init__(self, rooms: Mapping[str, str], errands: Mapping[str, str] | None = None) -> None:
        self._modules = dict(rooms)
        self._errand_modules = dict(errands or {})
        self._loaded: dict[str, dict[str, Act]] = {}
        self._errands: dict[str, dict[str, Errand]] = {}

    @property
    def rooms(self) -> list[str]:
        return list(self._modules)

    def acts(self, room: str) -> list[Act]:
        """The acts of one room, in the order they are declared.

        Raises:
            NotFound: There is no such room.
        """
        return list(self._room(room).values())

    def errands(self, room: str) -> list[Errand]:
        """The errands of one room, in the order they are declared; empty if it has none."""
        return list(self._errands_of(room).values())

    def find(self, name: str) -> Act:
        """The act called `name`, `room.verb`.

        Raises:
            NotFound: There is no such room or act; the nearest names are offered.
        """
        room, _, verb = name.partition(".")
        acts = self._room(room)
        if name not in acts:
            verbs = [each.verb for each in acts.values()]
            raise NotFound.among(f"act of {room}", verb, verbs)
        return acts[name]

    def find_errand(self, name: str) -> Errand | None:
        """The errand called `name`, or None."""
        return self._errands_of(name.partition(".")[0]).get(name)

    def __iter__(self) -> Iterator[Act]:
        for room in self._modules:
            yield from self.acts(room)

    def _room(self, room: str) -> dict[str, Act]:
        if room not in self._modules:
            raise NotFound.among("room", room, self._modules)
        if room not in self._loaded:
            found = (
                act_of(each)
                for module in _parts(self._modules[room])
                for each in vars(module).values()
                if is_act(each)
            )
            self._loaded[room] = {each.name: each for each in found if each.room == room}
        return self._loaded[room]

    def _errands_of(self, room: str) -> dict[str, Errand]:
        if room not in self._errand_modules:
            return {}
        if room not in self._errands:
            found = (
                errand_of(each)
                for module in _parts(self._errand_modules[room])
                for each in vars(module).values()
                if is_errand(each)
            )
            self._errands[room] = {each.name: each for each in found if each.room == room}
        return self._errands[room]


def _parts(name: str) -> list[ModuleType]:
    module = importlib.import_module(name)
    return [module, *(importlib.import_module(f"{name}.{part}") for part in getattr(module, "PARTS", ()))]
