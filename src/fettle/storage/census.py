"""Which objects something still names: all texts of all tables, and what the objects named there name in turn.

Marking is conservative: whatever looks like a digest counts as one, so that a room need not say what it keeps.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

from sqlalchemy import Connection, String, column, inspect, select, table

from fettle.storage.objects import object_key

if TYPE_CHECKING:
    from fettle.storage.ports import BlobStore, Transaction
    from fettle.storage.transactions import SqlTransaction

_DIGEST = re.compile(rb"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
_HEAD_BYTES = 4096
"""Binary data have a zero among so many first bytes; lists of objects are JSON."""


def named_objects(
    tx: Transaction, blobs: BlobStore, wanted: set[str], *, passing: tuple[str, ...]
) -> set[str]:
    """Which of the digests something in the database names, directly or by way of other objects.

    Args:
        tx: In which no writer can name more meanwhile: a write transaction.
        blobs: Where objects lie.
        wanted: The digests in question.
        passing: Tables whose names begin so are passed over: they tell what happened and keep nothing alive.
    """
    known: set[str] = set()
    for text in _texts(tx, passing):
        known.update(each.decode() for each in _DIGEST.findall(text))
    left = list(known)
    while left and not wanted <= known:
        fresh = _named_in(blobs, left.pop()) - known
        known |= fresh
        left += fresh
    return wanted & known


def _named_in(blobs: BlobStore, digest: str) -> set[str]:
    """What an object names, however long it is; what begins like no text is data, and names nothing."""
    key = object_key(digest)
    if blobs.info(key) is None:
        return set()
    found: set[str] = set()
    rest = b""
    for place, piece in enumerate(blobs.stream(key)):
        if place == 0 and b"\x00" in piece[:_HEAD_BYTES]:
            return set()
        whole = rest + piece
        found.update(each.decode() for each in _DIGEST.findall(whole))
        rest = whole[-66:]
    return found


def _texts(tx: Transaction, passing: tuple[str, ...]) -> Iterator[bytes]:
    look = inspect(_connection(tx))
    for name in look.get_table_names():
        columns = [each["name"] for each in look.get_columns(name) if isinstance(each["type"], String)]
        if columns and not name.startswith(passing):
            for row in tx.execute(select(*(column(each) for each in columns)).select_from(table(name))):
                yield "\n".join(each for each in row if isinstance(each, str)).encode(errors="replace")


def _connection(tx: Transaction) -> Connection:
    return cast("SqlTransaction", tx).connection
