"""Where everything is kept: tables, blobs, journals and leases behind four narrow ports.

The second floor of the house: every room above keeps what it knows through these ports and never learns which backend
is behind them. An embedded workspace is SQLite and files; a team's is PostgreSQL and S3; the code above is the same.

    from fettle.storage import open_blobs, open_database, put_object

    database = open_database("sqlite:///.fettle/fettle.db")
    with database.write() as tx:                      # one durable transaction
        tx.execute(insert(things).values(name="a"))
    digest = put_object(open_blobs(".fettle/blobs"), b"content")
"""

from typing import TYPE_CHECKING

from fettle.core.lazy import lazy_exports
from fettle.storage.ports import (
    BlobInfo,
    BlobStore,
    Database,
    Grant,
    Journal,
    Leases,
    Migration,
    Transaction,
)

if TYPE_CHECKING:
    from fettle.storage.objects import fetch_object, get_object, has_object, object_key, put_object
    from fettle.storage.open import open_blobs, open_database, open_journal, open_leases, read_journal

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "fetch_object": ".objects",
        "get_object": ".objects",
        "has_object": ".objects",
        "object_key": ".objects",
        "open_blobs": ".open",
        "open_database": ".open",
        "open_journal": ".open",
        "open_leases": ".open",
        "put_object": ".objects",
        "read_journal": ".open",
    },
)

__all__ = [
    "BlobInfo",
    "BlobStore",
    "Database",
    "Grant",
    "Journal",
    "Leases",
    "Migration",
    "Transaction",
    "fetch_object",
    "get_object",
    "has_object",
    "object_key",
    "open_blobs",
    "open_database",
    "open_journal",
    "open_leases",
    "put_object",
    "read_journal",
]
