"""The suites that any backend of storage must pass; a backend is done when its suite does.

Subclass a suite in a test module and provide its one fixture; pytest collects the rest:

    from fettle.testing import BlobStoreSuite

    class TestMyBlobStore(BlobStoreSuite):
        @pytest.fixture
        def open_store(self, tmp_path):
            return lambda: MyBlobStore(tmp_path)

The fixture is a function that opens: calling it again is another process looking at the same data.
"""

from typing import TYPE_CHECKING

from fettle.core.lazy import lazy_exports

if TYPE_CHECKING:
    from fettle.testing.blob_store_suite import BlobStoreSuite
    from fettle.testing.database_suite import DatabaseSuite
    from fettle.testing.journal_suite import JournalSuite
    from fettle.testing.leases_suite import LeasesSuite

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "BlobStoreSuite": ".blob_store_suite",
        "DatabaseSuite": ".database_suite",
        "JournalSuite": ".journal_suite",
        "LeasesSuite": ".leases_suite",
    },
)

__all__ = ["BlobStoreSuite", "DatabaseSuite", "JournalSuite", "LeasesSuite"]
