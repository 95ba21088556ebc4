"""Both blob stores hold to the port."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fettle.storage import BlobStore, open_blobs
from fettle.testing import BlobStoreSuite


class TestFiles(BlobStoreSuite):
    @pytest.fixture
    def open_store(self, tmp_path: Path) -> Callable[[], BlobStore]:
        return lambda: open_blobs(tmp_path / "the store")


class TestS3(BlobStoreSuite):
    @pytest.fixture
    def open_store(self, fresh_s3_url: str) -> Callable[[], BlobStore]:
        return lambda: open_blobs(fresh_s3_url)


class TestS3BelowAPrefix(BlobStoreSuite):
    @pytest.fixture
    def open_store(self, fresh_s3_url: str) -> Callable[[], BlobStore]:
        bucket, _, query = fresh_s3_url.partition("?")
        return lambda: open_blobs(f"{bucket}/team/space?{query}")
