"""What is particular to blobs in a folder: leftovers, full disks, things in the way."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from fettle.core.errors import Invalid, Unavailable
from fettle.storage import open_blobs


def everything(root: Path) -> list[str]:
    return sorted(
        str(path.relative_to(root))
        for path in root.rglob("*")
        if path.is_file() and ".locks" not in path.parts
    )


def test_a_key_is_a_path_that_other_programs_can_read(tmp_path: Path) -> None:
    store = open_blobs(tmp_path)
    store.put("reports/2026/january.txt", b"plain")
    assert (tmp_path / "reports/2026/january.txt").read_bytes() == b"plain"
    assert everything(tmp_path) == ["reports/2026/january.txt"]


def test_a_store_opens_by_path_and_by_url(tmp_path: Path) -> None:
    open_blobs(tmp_path / "a folder").put("key", b"x")
    assert open_blobs(str(tmp_path / "a folder")).get("key") == b"x"
    assert open_blobs((tmp_path / "a folder").as_uri()).get("key") == b"x"


def test_what_killed_writers_left_is_swept_but_not_what_is_being_written(tmp_path: Path) -> None:
    store = open_blobs(tmp_path)
    orphan, fresh = tmp_path / ".pending" / "1-dead", tmp_path / ".pending" / "2-fresh"
    orphan.write_bytes(b"half")
    os.utime(orphan, (0, 0))
    fresh.write_bytes(b"half")

    def slow_source() -> Iterator[bytes]:
        yield b"first "
        (mine,) = set((tmp_path / ".pending").iterdir()) - {orphan, fresh}
        os.utime(mine, (0, 0))
        open_blobs(tmp_path).close()
        yield b"second"

    store.put("slow", slow_source())
    assert store.get("slow") == b"first second"
    assert everything(tmp_path) == [".pending/2-fresh", "slow"]
    assert [each.key for each in store.list()] == ["slow"]


def test_a_full_disk_publishes_nothing_and_space_makes_it_go_on(tmp_path: Path) -> None:
    store = open_blobs(tmp_path)
    store.put("kept", b"before")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(
        resource.RLIMIT_FSIZE, (100_000, before[1])
    )  # stands in for a disk with little space left
    try:
        for source in (b"x" * 300_000, iter([b"x" * 60_000] * 5)):
            with pytest.raises(Unavailable, match="full") as caught:
                store.put("kept", source)
            assert "Free some space" in caught.value.hint
        with pytest.raises(Unavailable, match="full"):
            store.swap("new", b"x" * 300_000, tag=None)
        assert everything(tmp_path) == ["kept"]
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert store.get("kept") == b"before"
    store.put("kept", b"x" * 300_000)
    assert store.get("kept") == b"x" * 300_000


def test_a_key_that_is_a_folder_or_below_a_blob_is_refused(tmp_path: Path) -> None:
    store = open_blobs(tmp_path)
    store.put("a/b", b"x")
    for key in ("a", "a/b/c"):
        with pytest.raises(Invalid, match="one already"):
            store.put(key, b"y")
        assert store.info(key) is None
        store.delete("a/b/c")
    assert store.get("a/b") == b"x"
    assert everything(tmp_path) == ["a/b"]


def test_every_version_has_another_tag_even_within_one_tick_of_the_clock(tmp_path: Path) -> None:
    store = open_blobs(tmp_path)
    tags = [store.put("a", b"same size") for _ in range(200)]
    assert len(set(tags)) == len(tags)


def test_a_place_that_cannot_be_a_store_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(Unavailable, match="cannot be read or written"):
        open_blobs(tmp_path / "file")


def test_an_unknown_kind_of_url_says_which_are_known() -> None:
    with pytest.raises(Invalid, match="does not name a blob store") as caught:
        open_blobs("ftp://host/folder")
    assert "s3://" in caught.value.hint
