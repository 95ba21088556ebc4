"""Branches and tags of a bare store: of racing movers exactly one wins."""

import threading
from pathlib import Path

import pytest

from fettle.core.errors import Conflict, Invalid
from fettle.data.engine.refs import BlobRef, BlobRefs
from fettle.storage import open_blobs

ONE, TWO = "01" * 32, "02" * 32


@pytest.fixture(params=["folder", "s3"])
def refs(request: pytest.FixtureRequest, tmp_path: Path) -> BlobRefs:
    where = request.getfixturevalue("fresh_s3_url") if request.param == "s3" else tmp_path
    return BlobRefs(open_blobs(where))


def test_refs_are_kept(refs: BlobRefs):
    assert refs.get("churn", "heads", "main") is None
    refs.set("churn", "heads", "main", ONE, expected=None)
    refs.set("churn", "heads", "main", TWO, expected=ONE, metadata={"by": "anna"})
    refs.set("churn", "tags", "v1/β", ONE, expected=None)
    refs.set("other", "heads", "main", ONE, expected=None)

    assert refs.get("churn", "heads", "main") == BlobRef("churn", "heads", "main", TWO, {"by": "anna"})
    assert [(each.dataset, each.kind, each.name) for each in refs.list()] == [
        ("churn", "heads", "main"),
        ("churn", "tags", "v1/β"),
        ("other", "heads", "main"),
    ]
    assert [each.name for each in refs.list("other")] == ["main"]
    refs.delete("other", "heads", "main")
    refs.delete("other", "heads", "main")
    assert list(refs.list("other")) == []


def test_who_believes_wrongly_is_refused(refs: BlobRefs):
    with pytest.raises(Conflict, match="not where it was expected"):
        refs.set("churn", "heads", "main", TWO, expected=ONE)
    refs.set("churn", "heads", "main", ONE, expected=None)
    for expected in (None, TWO):
        with pytest.raises(Conflict):
            refs.set("churn", "heads", "main", TWO, expected=expected)
    with pytest.raises(Invalid):
        refs.set("churn", "heads", "main", "no digest", expected=ONE)


def test_of_racing_movers_one_wins(refs: BlobRefs):
    won: list[int] = []

    def move(number: int) -> None:
        try:
            refs.set("churn", "heads", "main", f"{number:02x}" * 32, expected=None)
            won.append(number)
        except Conflict:
            pass

    threads = [threading.Thread(target=move, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    found = refs.get("churn", "heads", "main")
    assert found is not None
    assert found.commit == f"{won[0]:02x}" * 32
