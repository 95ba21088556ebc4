"""Bundles: named by content, checked when read."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from fettle.core.canonical import decode, encode
from fettle.core.errors import Invalid, NotFound, Unavailable
from fettle.packaging.assembly import build
from fettle.packaging.bundle import MANIFEST_FILE, Bundle, fetch, listing, open_folder, save, store
from fettle.packaging.predictor import Predictor
from fettle.packaging.records import Damaged, Schema
from fettle.storage.objects import object_key, put_object
from fettle.storage.open import open_blobs
from fettle.storage.ports import BlobStore
from tests.packaging.models import HELD_OUT, model

BUNDLE = build(
    model("bought", "logistic"),
    HELD_OUT,
    metrics={"accuracy": 0.9},
    lineage={"run": "r1", "data": "d1"},
    reference={"columns": {}},
    extra={"card.md": b"# A model"},
)


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    return open_blobs(str(tmp_path / "blobs"))


def test_everything_is_in_it() -> None:
    assert set(BUNDLE.files) == {
        "model.onnx",
        "schema.json",
        "examples.json",
        "metrics.json",
        "parity.json",
        "lineage.json",
        "environment.json",
        "reference.json",
        "card.md",
    }
    assert decode(BUNDLE.read("lineage.json")) == {"run": "r1", "data": "d1"}
    assert decode(BUNDLE.read("parity.json"))["worst"] < 1e-5
    schema = decode(BUNDLE.read("schema.json"), Schema)
    assert schema.target == "bought" and "country" in schema.ignored
    with pytest.raises(NotFound, match="modle"):
        BUNDLE.read("modle.onnx")


@pytest.mark.parametrize("algorithm", ["logistic", "random_forest"])
def test_the_same_model_and_facts_have_the_same_digest(algorithm: str) -> None:
    one, two = (build(model("bought", algorithm), HELD_OUT, metrics={"a": 1}) for _ in range(2))
    assert one.digest == two.digest
    assert build(model("bought", algorithm), HELD_OUT, metrics={"a": 2}).digest != one.digest


def test_what_is_stored_is_fetched_whole_and_again_from_the_cache(blobs: BlobStore, tmp_path: Path) -> None:
    name = store(blobs, BUNDLE)
    assert name == store(blobs, BUNDLE) == BUNDLE.digest
    fetched = fetch(blobs, name, tmp_path / "cache")
    assert (fetched.digest, fetched.files) == (BUNDLE.digest, BUNDLE.files)
    for each in blobs.list(""):
        blobs.delete(each.key)
    assert fetch(blobs, name, tmp_path / "cache").digest == name
    Predictor(fetched).verify()


def test_a_damaged_cache_is_mended(blobs: BlobStore, tmp_path: Path) -> None:
    name = store(blobs, BUNDLE)
    fetch(blobs, name, tmp_path)
    (tmp_path / name / "model.onnx").write_bytes(b"rubbish")
    (tmp_path / name / MANIFEST_FILE).write_bytes(b"{}")
    assert fetch(blobs, name, tmp_path).digest == name


def test_a_damaged_store_is_noticed(blobs: BlobStore, tmp_path: Path) -> None:
    name = store(blobs, BUNDLE)
    graph = next(each for each in BUNDLE.manifest.files if each.name == "model.onnx")
    blobs.put(object_key(graph.digest), b"rubbish")
    with pytest.raises(Unavailable, match="damaged"):
        fetch(blobs, name, tmp_path / "cache")


def test_unknown_bundles_and_objects_that_are_none(blobs: BlobStore, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        fetch(blobs, "0" * 64, tmp_path)
    with pytest.raises(Invalid, match="digest"):
        fetch(blobs, "../../etc", tmp_path)
    with pytest.raises(Damaged, match="not the manifest"):
        fetch(blobs, put_object(blobs, b"no manifest"), tmp_path)


@pytest.mark.parametrize("name", ["../evil", "a/b", ".hidden", "", MANIFEST_FILE])
def test_a_manifest_cannot_name_a_file_outside(blobs: BlobStore, tmp_path: Path, name: str) -> None:
    entry = msgspec.structs.replace(BUNDLE.manifest.files[0], name=name)
    evil = msgspec.structs.replace(BUNDLE.manifest, files=(entry,))
    with pytest.raises(Damaged, match="may not have"):
        fetch(blobs, put_object(blobs, encode(evil)), tmp_path)


def test_files_carried_elsewhere_are_checked(tmp_path: Path) -> None:
    folder = save(BUNDLE, tmp_path / "carried")
    assert open_folder(folder).digest == BUNDLE.digest
    (folder / "card.md").write_bytes(b"# Another model")
    with pytest.raises(Damaged, match=r"card\.md"):
        open_folder(folder)
    (folder / "card.md").unlink()
    with pytest.raises(Damaged, match=r"card\.md"):
        open_folder(folder)
    with pytest.raises(NotFound):
        open_folder(tmp_path)


def test_a_later_form_is_refused_with_advice() -> None:
    later = msgspec.structs.replace(BUNDLE.manifest, format="fettle.bundle/2", files=listing(BUNDLE.files))
    with pytest.raises(Damaged, match="does not know") as caught:
        Bundle(later, BUNDLE.files)
    assert "upgrade" in caught.value.hint


def test_no_held_out_rows_no_bundle() -> None:
    with pytest.raises(Invalid, match="held-out"):
        build(model("bought", "logistic"), HELD_OUT.head(0))
