"""Packs that gc is about to delete: lists that every writer reads before it relies on what is there."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec

from fettle.core import canonical
from fettle.core.errors import NotFound
from fettle.core.ids import event_id
from fettle.data.engine.leases import damaged_record
from fettle.storage.ports import BlobStore


class Doomed(msgspec.Struct, frozen=True):
    """A list of doomed packs: when it was written (UTC), and which they are."""

    at: datetime
    packs: list[str]


def write(blobs: BlobStore, prefix: str, packs: Iterable[str], now: datetime) -> str:
    """Doom packs; the name of the list."""
    name = event_id()
    blobs.put(_key(prefix, name), canonical.encode(Doomed(now, sorted(packs))), create=True)
    return name


def rewrite(blobs: BlobStore, prefix: str, name: str, found: Doomed) -> None:
    """Shorten a list; an empty one is removed."""
    if found.packs:
        blobs.put(_key(prefix, name), canonical.encode(found))
    else:
        blobs.delete(_key(prefix, name))


def lists(blobs: BlobStore, prefix: str) -> dict[str, Doomed]:
    """All lists by name, oldest first."""
    folder, found = f"{prefix}gc/", {}
    for info in blobs.list(folder):
        try:
            found[info.key[len(folder) : -len(".json")]] = canonical.decode(blobs.get(info.key), Doomed)
        except NotFound:
            continue
        except msgspec.MsgspecError as error:
            raise damaged_record(info.key, str(error)) from None
    return found


def packs(found: dict[str, Doomed]) -> frozenset[str]:
    """The packs of all lists."""
    return frozenset(pack for each in found.values() for pack in each.packs)


def _key(prefix: str, name: str) -> str:
    return f"{prefix}gc/{name}.json"
