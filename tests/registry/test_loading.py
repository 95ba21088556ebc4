from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from fettle import packaging
from fettle.core import canonical
from fettle.core.errors import Conflict, Invalid, NotFound
from fettle.packaging.bundle import open_folder
from fettle.registry import loading
from fettle.registry.errands.versions import compare, download
from fettle.registry.store import versions
from fettle.storage.objects import put_object
from fettle.workspace import Workspace
from tests.bundles import kept
from tests.serving.models import packed, register_version

ROW = {"price": 1.0, "demand (MW)": -1.0, "région": "nord", "holiday": False}


@pytest.fixture
def market(workspace: Workspace) -> Workspace:
    """Two versions of a real model; the first is champion."""
    for seed in (1, 2):
        register_version(workspace, seed)
    workspace.registry.promote("market", 1)
    return workspace


def test_every_kind_of_reference_leads_to_its_version(market: Workspace) -> None:
    first, second = market.registry.show("market", 1), market.registry.show("market", 2)
    for ref in ("market", "market@champion", "market@1", "market/1", "models:/market/1", first.bundle[:8]):
        assert loading.find(market, ref).version == 1, ref
    for ref in (
        "market@2",
        "market@latest",
        f"market@{second.bundle[:12]}",
        second.bundle,
        second.bundle.upper(),
    ):
        assert loading.find(market, ref).version == 2, ref
    for ref in ("market@7", "market@nobody", "markets", "market@" + "0" * 10, "0" * 64, "", "@", "market@"):
        if ref != "market@":
            with pytest.raises(NotFound):
                loading.find(market, ref)


def test_a_beginning_that_fits_two_bundles_is_refused(workspace: Workspace) -> None:
    for number, tail in enumerate("ab", start=1):
        workspace.registry.register("fraud", kept(workspace.blobs, number))
        with workspace.database.write() as tx:
            versions.change_version(tx, "fraud", number, bundle="deadbeef" + tail * 56)
    with pytest.raises(Conflict, match="several digests"):
        loading.find(workspace, "fraud@deadbeef")
    assert loading.find(workspace, "fraud@deadbeefa").version == 1


def test_a_loaded_model_answers_and_says_what_is_wrong_with_rows(market: Workspace) -> None:
    model = loading.load(market, "market@champion")
    (answer,) = model.predict([ROW])
    assert answer["prediction"] in ("UP", "DOWN")
    frame: Any = pl.DataFrame([ROW])
    for each in (frame, frame.to_pandas(), frame.to_arrow()):
        assert model.predict(each) == [answer]
    for rows, said in (
        (ROW, "Rows are a list"),
        ("rows", "Rows are a list"),
        (None, "Rows are a list"),
        ([[1.0, 2.0]], "Row 0 is no mapping"),
        ([ROW, None], "Row 1 is no mapping"),
        ([ROW, "text"], "Row 1 is no mapping"),
        ([ROW, {**ROW, "price": "dear"}], "Row 1 has a value of the wrong type in column 'price'"),
        ([{"price": 1.0}], "Row 0 has no column"),
    ):
        with pytest.raises(Invalid, match=said):
            model.predict(rows)  # type: ignore[arg-type]  # what must be refused


def test_a_model_of_another_workspace(market: Workspace, tmp_path: Path) -> None:
    other = Workspace.create(tmp_path / "other")
    model = loading.load(other, "market", workspace=str(market.folder.parent))
    assert model.digest == market.registry.alias("market").bundle
    other.close()


def test_foreign_files_are_downloaded_and_not_loaded(workspace: Workspace, tmp_path: Path) -> None:
    files = {"MLmodel": b"flavors: {}", "data/model.pkl": b"\x80\x04"}
    listed = {path: put_object(workspace.blobs, data) for path, data in files.items()}
    manifest = put_object(workspace.blobs, canonical.encode(listed))
    workspace.registry.adopt("clf", "mlflow-artifacts:/0/abc/artifacts/model", manifest=manifest)
    with pytest.raises(Conflict, match="cannot be loaded") as refused:
        loading.load(workspace, "clf@1")
    assert "files of another tool" in refused.value.found
    place = Path(download(workspace, "clf@1", str(tmp_path / "here")))
    assert {path: (place / path).read_bytes() for path in files} == files
    with pytest.raises(Conflict, match="there already"):
        download(workspace, "clf@1", str(place))
    workspace.registry.adopt("clf", "s3://elsewhere/model")
    with pytest.raises(Conflict, match="not kept in this workspace"):
        download(workspace, "clf@2", str(tmp_path / "there"))
    assert not (tmp_path / "there").exists()


@pytest.mark.parametrize("path", ["../out", "/etc/x", "a/../../x", "C:\\x", "a\\..\\x", "."])
def test_a_list_of_files_leads_nowhere_else(workspace: Workspace, tmp_path: Path, path: str) -> None:
    listed = {"a": put_object(workspace.blobs, b"x")}
    good = put_object(workspace.blobs, canonical.encode(listed))
    workspace.registry.adopt("clf", "runs:/1/model", manifest=good)
    bad = put_object(workspace.blobs, canonical.encode({path: listed["a"]}))
    with pytest.raises(Invalid):
        workspace.registry.adopt("clf", "runs:/1/model", manifest=bad)
    with workspace.database.write() as tx:  # as it may have been written before such lists were looked at
        versions.change_version(tx, "clf", 1, manifest=bad)
    with pytest.raises(Invalid):
        download(workspace, "clf@1", str(tmp_path / "deep" / "here"))
    assert [each.name for each in (tmp_path / "deep").iterdir()] == []


def test_a_downloaded_bundle_is_whole(market: Workspace, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    place = download(market, "market@2", str(tmp_path / "empty"))
    assert open_folder(Path(place)).digest == market.registry.show("market", 2).bundle
    assert [each.name for each in tmp_path.iterdir() if each.name.endswith(".part")] == []


def test_two_versions_are_compared_in_what_is_known_and_in_what_they_answer(market: Workspace) -> None:
    seen = compare(market, "market", "champion", "2")
    assert (seen.a, seen.b, seen.same) == (1, 2, False)
    assert {each.about for each in seen.differences} >= {"bundle"}
    assert seen.size_bytes[0] and seen.size_bytes[1]
    said = seen.answers
    assert said is not None and said.rows > 0 and 0 <= said.differing <= 1 and said.largest >= said.mean > 0
    assert said.a_ms and said.b_ms
    worst = said.examples[0]
    x, y = worst["a"]["probabilities"], worst["b"]["probabilities"]
    assert worst["difference"] == pytest.approx(max(abs(x[key] - y[key]) for key in x)) == said.largest

    same = compare(market, "market", "1", "1").answers
    assert same is not None and (same.differing, same.largest, same.examples) == (0.0, 0.0, [])
    rows = compare(market, "market", "1", "2", rows=[ROW]).answers
    assert rows is not None and rows.rows == 1
    wrong = compare(market, "market", "1", "2", rows=[{"x": 1}]).answers
    assert wrong is not None and "cannot answer these rows" in wrong.note


def test_metrics_data_and_schema_are_compared(workspace: Workspace) -> None:

    class_bundle = packaging.store(workspace.blobs, packed(1))
    number_bundle = packaging.store(workspace.blobs, packed(1, regression=True))
    with workspace_run(workspace, 0.1) as one, workspace_run(workspace, 0.2) as other:
        pass
    workspace.registry.register("m", class_bundle, metrics={"accuracy": 0.9}, run_id=one.id, dataset="d")
    workspace.registry.register("m", number_bundle, metrics={"r2": 0.5}, run_id=other.id)
    seen = workspace.registry.differences("m", 1, 2)
    told = {(each.about, each.name): (each.a, each.b) for each in seen.differences}
    assert told["metrics", "accuracy"] == (0.9, None)
    assert told["metrics", "r2"] == (None, 0.5)
    assert told["params", "rate"] == (0.1, 0.2)
    assert told["data", "dataset"] == ("d", None)
    assert told["schema", "task"] == ("binary", "regression")
    assert told["params", "algorithm"] == ("logistic", "ridge")
    assert ("schema", "column:price") not in told
    foreign = workspace.registry.adopt("m", "s3://x")
    answers = compare(workspace, "m", "1", str(foreign.version)).answers
    assert answers is not None and "only bundles" in answers.note


def workspace_run(ws: Workspace, rate: float):
    from fettle import tracking

    return tracking.run(ws, "trials", params={"rate": rate})
