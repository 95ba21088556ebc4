"""The list of all acts, found in the rooms' `acts.py` when first asked for."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping

from fettle.acts.declare import act_of, is_act
from fettle.acts.records import Act
from fettle.core.errors import NotFound


class Catalog:
    """All acts of the given rooms; a room's module is imported when one of its acts is needed.

    Args:
        rooms: Room → dotted name of the module that declares its acts, in the order of the lifecycle.
    """

    def __init__(self, rooms: Mapping[str, str]) -> None:
        self._modules = dict(rooms)
        self._loaded: dict[str, dict[str, Act]] = {}

    @property
    def rooms(self) -> list[str]:
        return list(self._modules)

    def acts(self, room: str) -> list[Act]:
        """The acts of one room, in the order they are declared.

        Raises:
            NotFound: There is no such room.
        """
        return list(self._room(room).values())

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

    def __iter__(self) -> Iterator[Act]:
        for room in self._modules:
            yield from self.acts(room)

    def _room(self, room: str) -> dict[str, Act]:
        if room not in self._modules:
            raise NotFound.among("room", room, self._modules)
        if room not in self._loaded:
            module = importlib.import_module(self._modules[room])
            acts = [act_of(each) for each in vars(module).values() if is_act(each)]
            self._loaded[room] = {each.name: each for each in acts if each.room == room}
        return self._loaded[room]
