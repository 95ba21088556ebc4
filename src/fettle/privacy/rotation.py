"""Rotation: all keys are wrapped by a new master key, and the old one is destroyed.

After that the wrapped keys in old copies of the database open for nobody: this is how an erasure reaches backups.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from fettle.core.progress import phase
from fettle.privacy.keys import MasterKey, Ring, begin_next, finish_next
from fettle.privacy.records import Wrapped

if TYPE_CHECKING:
    from fettle.acts import Surface


class Rotated(msgspec.Struct, frozen=True):
    """What a rotation did.

    Attributes:
        master: Id of the master key that wraps all keys now.
        replaced: Ids of those it took over from.
        keys: How many keys were wrapped anew.
    """

    master: str
    replaced: list[str]
    keys: int


def rotate(ws: Surface) -> Rotated:
    """Wrap all keys by a new master key; tokens, ciphertexts and subjects stay as they are.

    Interrupted at any instant it is finished by running it again: until then the old and the new key are both kept.

    Raises:
        Denied: The actor is no administrator.
        Conflict: The key comes from the environment, and the old one is not given beside it.
    """
    ring = begin_next(ws)
    done = 0
    with phase("Wrapping keys anew", unit="keys") as step:
        while True:
            found: Wrapped = ws.call("privacy.wrapped", master=ring.current.id)
            if not found.domains and not found.subjects:
                break
            done += ws.call("privacy.rewrap", keys=_anew(ring, found))
            step(len(found.domains) + len(found.subjects))
    ws.call("privacy.settle", master=ring.current.id)
    finish_next(ws)
    return Rotated(ring.current.id, [each.id for each in ring.old if each.id != ring.current.id], done)


def _anew(ring: Ring, found: Wrapped) -> Wrapped:
    return Wrapped(
        [
            msgspec.structs.replace(each, **_sealed(ring, "domain", each.domain, each))
            for each in found.domains
        ],
        [
            msgspec.structs.replace(each, **_sealed(ring, "subject", each.subject, each))
            for each in found.subjects
        ],
    )


def _sealed(ring: Ring, kind: str, name: str, key: Any) -> dict[str, str]:  # a domain's or a subject's key
    old: MasterKey = ring.find(key.master)
    return {
        "sealed": ring.current.wrap(kind, name, old.unwrap(kind, name, key.sealed)),
        "master": ring.current.id,
    }
