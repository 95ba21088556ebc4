"""The same pipeline and the same run through a server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from fettle import tracking
from fettle.pipelines import Flow, step
from fettle.remote import RemoteWorkspace
from fettle.workspace import Workspace, catalog
from tests.server.conftest import served  # noqa: F401 - a fixture

pytestmark = pytest.mark.usefixtures("served")


@pytest.fixture
def remote(
    served: tuple[Workspace, str],  # noqa: F811 - the fixture of that name
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[RemoteWorkspace]:
    monkeypatch.setenv("FETTLE_HOME", str(tmp_path / "home"))
    with RemoteWorkspace(served[1], catalog()) as opened:
        yield opened


@step
def table(rows: int) -> pl.DataFrame:
    return pl.DataFrame({"n": range(rows), "text": ["é" * 50] * rows})


@step
def shape(frame: pl.DataFrame) -> tuple[int, ...]:
    return frame.shape


def test_a_pipeline_through_a_server(remote: RemoteWorkspace) -> None:
    for status in ("finished", "reused"):
        with Flow(remote, "far") as flow:
            assert flow.run(shape, flow.run(table, 1000)) == (1000, 2)
            assert flow.why(shape).status == status
    shown = remote.pipelines.show(flow.id)
    assert [each.after for each in shown.steps] == [[], [0]]


def test_a_run_through_a_server(remote: RemoteWorkspace) -> None:
    with tracking.run(remote, "far", params={"lr": 0.1}) as run:
        run.log(loss=1.0)
        run.log(loss=float("nan"))
        run.artifact("a.bin", b"\0\1")
    shown = remote.tracking.show(run.id)
    assert (shown.status, shown.not_finite, shown.artifacts[0].size_bytes) == ("finished", {"loss": "NaN"}, 2)
    assert [each.value for each in remote.tracking.series(run.id, "loss")] == [1.0, "NaN"]
