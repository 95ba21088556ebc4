"""The remote workspace: the blobs' conformance over HTTP, errors that keep their kind, a server that goes away."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fettle.core.errors import Conflict, NotFound, Unavailable
from fettle.remote import RemoteWorkspace
from fettle.testing.blob_store_suite import BlobStoreSuite, OpenStore
from fettle.workspace import Workspace, catalog


@pytest.fixture
def remote(served: tuple[Workspace, str], tmp_path, monkeypatch) -> Iterator[RemoteWorkspace]:
    monkeypatch.setenv("FETTLE_HOME", str(tmp_path / "home"))
    with Workspace.open(served[1]) as workspace:
        assert isinstance(workspace, RemoteWorkspace)
        yield workspace


class TestHttpBlobStore(BlobStoreSuite):
    @pytest.fixture
    def open_store(self, remote: RemoteWorkspace) -> OpenStore:
        return lambda: remote.blobs


def test_errors_keep_their_kind_across_the_wire(remote: RemoteWorkspace):
    with pytest.raises(NotFound, match="no model 'fraud'"):
        remote.registry.versions("fraud")
    remote.tracking.start("e", run_id="r1")
    with pytest.raises(Conflict):
        remote.call("tracking.start", experiment="other", run_id="r1")


def test_results_are_records_not_dictionaries(remote: RemoteWorkspace):
    run = remote.tracking.start("e", params={"lr": 0.1})
    assert run.params["lr"] == 0.1
    assert remote.tracking.show(run.id) == run


def test_a_server_that_is_away_is_told_with_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("FETTLE_HOME", str(tmp_path))
    with pytest.raises(Unavailable) as caught:
        RemoteWorkspace("http://127.0.0.1:9", catalog()).registry.models()
    assert "fettle ui" in caught.value.hint
