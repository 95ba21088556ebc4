"""What the workspace refused of a run that is on this machine's journal: kept, and told again when somebody asks.

A run may be in the bin, or its project's quota used up, at the moment its journal is told; that says nothing about
tomorrow. What was refused lies apart, with its content and the reason, and does not hold up what comes after it.

    <workspace>/tracking.refused/<journal>-<number>.op     the operation and the reason
                                                   .file   its content
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from fettle.core.errors import Conflict, Denied, Invalid, NotFound
from fettle.storage.disks import PRIVATE, write_atomically
from fettle.storage.objects import has_object, put_object

if TYPE_CHECKING:
    from fettle.acts import Surface

REFUSALS = (Conflict, Invalid, Denied)
"""What is an answer, and not a workspace that is away."""


class Refused(msgspec.Struct, frozen=True):
    """One operation that was refused.

    Attributes:
        key: Its idempotency key.
        act: The act that refused it.
        arguments: Its arguments.
        why: What it said.
        file: Digest of the content that belongs to it; empty: none.
    """

    key: str
    act: str
    arguments: dict[str, Any]
    why: str
    file: str = ""

    def __str__(self) -> str:
        what = self.arguments.get("path") or self.act
        return f"run {self.arguments.get('run', '?')}, {what}: {self.why}"


def refused_folder(ws: Surface) -> Path:
    """Where they lie."""
    return ws.folder / "tracking.refused"


def keep(ws: Surface, refused: Refused, content: Path | None) -> None:
    """Keep what was refused, with its content, which goes with it.

    Raises:
        Unavailable: This machine's disk is full.
    """
    place = refused_folder(ws) / f"{refused.key}.op"
    place.parent.mkdir(PRIVATE, parents=True, exist_ok=True)
    write_atomically(place, [msgspec.msgpack.encode(refused)])
    if content is not None and content.exists():
        content.replace(place.with_suffix(".file"))


def tell_again(ws: Surface) -> list[Refused]:
    """Tell the workspace again what it has refused; return what it still refuses.

    Raises:
        Unavailable: The workspace is away; all stays here.
    """
    return [
        left for place in sorted(refused_folder(ws).glob("*.op")) if (left := _again(ws, place)) is not None
    ]


def _again(ws: Surface, place: Path) -> Refused | None:
    content = place.with_suffix(".file")
    try:
        known = msgspec.msgpack.decode(place.read_bytes(), type=Refused)
    except (FileNotFoundError, msgspec.DecodeError):
        return None  # another process was faster
    if known.file and not has_object(ws.blobs, known.file):
        if not content.exists():
            return known  # lost, and the workspace has not got it back either
        put_object(ws.blobs, content)
    try:
        ws.call(known.act, idempotency_key=known.key, **known.arguments)
    except (*REFUSALS, NotFound) as error:
        return msgspec.structs.replace(known, why=str(error.args[0]))
    content.unlink(missing_ok=True)
    place.unlink(missing_ok=True)
    return None
