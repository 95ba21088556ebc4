"""What every `BlobStore` must do."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fettle.core.errors import Conflict, Invalid, NotFound
from fettle.storage.objects import fetch_object, get_object, has_object, object_key, put_object
from fettle.storage.ports import BlobStore

OpenStore = Callable[[], BlobStore]


class BlobStoreSuite:
    """Subclass, and provide the fixture `open_store`: a function that opens the same, at first empty, store."""

    @pytest.fixture
    def store(self, open_store: OpenStore) -> Iterator[BlobStore]:
        opened = open_store()
        yield opened
        opened.close()
        opened.close()

    def test_bytes_come_back_as_they_were_put(self, store: BlobStore) -> None:
        for data in (b"", b"x", bytes(range(256)) * 5_000):
            tag = store.put("a/b.bin", data)
            assert store.get("a/b.bin") == data
            found = store.info("a/b.bin")
            assert found is not None
            assert (found.key, found.size_bytes, found.tag) == ("a/b.bin", len(data), tag)

    def test_another_opening_sees_what_was_put(self, store: BlobStore, open_store: OpenStore) -> None:
        store.put("shared", b"seen")
        other = open_store()
        assert other.get("shared") == b"seen"
        other.close()

    def test_files_and_chunks_are_taken_too(self, store: BlobStore, tmp_path: Path) -> None:
        large = bytes(range(251)) * 60_000  # more than one part of a multipart upload
        (tmp_path / "source.bin").write_bytes(large)
        store.put("file", tmp_path / "source.bin")
        store.put("chunks", (large[start : start + 700_001] for start in range(0, len(large), 700_001)))
        store.put("no chunks", iter([]))
        store.put("created chunks", iter([b"one ", b"two"]), create=True)
        assert store.get("file") == large
        assert store.get("chunks") == large
        assert store.get("no chunks") == b""
        assert store.get("created chunks") == b"one two"

    def test_a_missing_source_file_is_named_and_nothing_is_published(
        self, store: BlobStore, tmp_path: Path
    ) -> None:
        with pytest.raises(NotFound, match="absent"):
            store.put("a", tmp_path / "absent.bin")
        assert store.info("a") is None

    def test_a_put_replaces(self, store: BlobStore) -> None:
        first = store.put("a", b"first, and longer")
        second = store.put("a", b"second")
        assert first != second
        assert store.get("a") == b"second"

    def test_a_failing_source_publishes_nothing(self, store: BlobStore) -> None:
        def broken() -> Iterator[bytes]:
            yield b"x" * 100_000
            raise RuntimeError("the source broke")

        store.put("a", b"before")
        with pytest.raises(RuntimeError, match="the source broke"):
            store.put("a", broken(), create=False)
        with pytest.raises(RuntimeError, match="the source broke"):
            store.put("b", broken(), create=True)
        assert [each.key for each in store.list()] == ["a"]
        assert store.get("a") == b"before"

    def test_a_range_is_cut_at_the_end(self, store: BlobStore) -> None:
        store.put("a", b"0123456789")
        assert store.get("a", start=3) == b"3456789"
        assert store.get("a", start=3, end=5) == b"34"
        assert store.get("a", end=4) == b"0123"
        assert store.get("a", start=8, end=99) == b"89"
        assert store.get("a", start=10) == b""
        assert store.get("a", start=50, end=60) == b""
        assert store.get("a", start=5, end=5) == b""
        store.put("empty", b"")
        assert store.get("empty", start=0, end=5) == b""

    def test_what_is_missing_is_not_found(self, store: BlobStore, tmp_path: Path) -> None:
        assert store.info("missing/blob") is None
        for reading in (
            lambda: store.get("missing/blob"),
            lambda: store.get("missing/blob", start=1, end=1),
            lambda: store.stream("missing/blob"),
            lambda: store.fetch("missing/blob", tmp_path / "copy"),
        ):
            with pytest.raises(NotFound, match="missing/blob"):
                reading()
        assert not list(tmp_path.glob("**/copy*"))

    def test_a_stream_is_the_blob_in_chunks(self, store: BlobStore) -> None:
        data = bytes(range(256)) * 80_000
        store.put("a", data)
        chunks = list(store.stream("a", chunk_bytes=300_000))
        assert b"".join(chunks) == data
        assert max(map(len, chunks)) <= 300_000
        store.put("empty", b"")
        assert b"".join(store.stream("empty")) == b""

    def test_fetch_makes_a_whole_file_and_its_folder(self, store: BlobStore, tmp_path: Path) -> None:
        data = bytes(range(256)) * 50_000
        store.put("a", data)
        target = tmp_path / "new" / "folder" / "copy.bin"
        store.fetch("a", target)
        store.fetch("a", target)
        assert target.read_bytes() == data
        assert [each.name for each in target.parent.iterdir()] == ["copy.bin"]

    def test_create_refuses_what_exists(self, store: BlobStore) -> None:
        store.put("a", b"first", create=True)
        with pytest.raises(Conflict):
            store.put("a", b"second", create=True)
        assert store.get("a") == b"first"

    def test_one_of_racing_creators_wins(self, open_store: OpenStore) -> None:
        stores = [open_store() for _ in range(8)]
        ready = threading.Barrier(len(stores))

        def create(number: int) -> int | None:
            ready.wait()
            try:
                stores[number].put("a", f"{number}".encode(), create=True)
            except Conflict:
                return None
            return number

        with ThreadPoolExecutor(len(stores)) as pool:
            winners = [number for number in pool.map(create, range(len(stores))) if number is not None]
        assert len(winners) == 1
        assert stores[0].get("a") == str(winners[0]).encode()

    def test_swap_needs_the_tag_it_read(self, store: BlobStore) -> None:
        first = store.swap("a", b"first", tag=None)
        with pytest.raises(Conflict):
            store.swap("a", b"other", tag=None)
        second = store.swap("a", b"second", tag=first)
        with pytest.raises(Conflict):
            store.swap("a", b"third", tag=first)
        assert store.get("a") == b"second"
        found = store.info("a")
        assert found is not None
        assert found.tag == second

    def test_swap_of_what_was_deleted_is_a_conflict(self, store: BlobStore) -> None:
        tag = store.put("a", b"first")
        store.delete("a")
        with pytest.raises((Conflict, NotFound)):
            store.swap("a", b"second", tag=tag)
        assert store.info("a") is None

    def test_a_put_in_between_defeats_a_swap(self, store: BlobStore) -> None:
        tag = store.put("a", b"first")
        store.put("a", b"fresh")
        with pytest.raises(Conflict):
            store.swap("a", b"third", tag=tag)

    def test_no_increment_is_lost_among_racing_swaps(self, open_store: OpenStore) -> None:
        workers, rounds = 4, 10
        stores = [open_store() for _ in range(workers)]
        stores[0].put("counter", b"000")

        def count(store: BlobStore) -> None:
            done = 0
            while done < rounds:
                found = store.info("counter")
                assert found is not None
                value = int(store.get("counter"))
                try:
                    store.swap("counter", f"{value + 1:03d}".encode(), tag=found.tag)
                except Conflict:
                    continue
                done += 1

        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(count, stores))
        assert stores[0].get("counter") == f"{workers * rounds:03d}".encode()

    def test_readers_never_see_half_a_blob(self, open_store: OpenStore) -> None:
        writer, reader = open_store(), open_store()
        versions = [bytes([letter]) * 200_000 for letter in b"abc"]
        writer.put("a", versions[0])
        done = threading.Event()

        def write() -> None:
            for turn in range(15):
                writer.put("a", versions[turn % 3])
            done.set()

        with ThreadPoolExecutor(1) as pool:
            writing = pool.submit(write)
            while not done.is_set() and not writing.done():
                assert reader.get("a") in versions
            writing.result()

    def test_list_is_sorted_and_filtered_by_characters(self, store: BlobStore) -> None:
        keys = ["a", "b-c", "b/c", "b/c-d", "b/d/e", "b/d2", "bb", "objects/ab/1", "objects/ac/2", "ä/ö"]
        for key in reversed(keys):
            store.put(key, key.encode())
        assert [each.key for each in store.list()] == sorted(keys)
        assert [each.key for each in store.list("b")] == ["b-c", "b/c", "b/c-d", "b/d/e", "b/d2", "bb"]
        assert [each.key for each in store.list("b/d")] == ["b/d/e", "b/d2"]
        assert [each.key for each in store.list("b/d/")] == ["b/d/e"]
        assert [each.size_bytes for each in store.list("objects/")] == [12, 12]
        assert list(store.list("nothing/here")) == []
        listed = {each.key: each for each in store.list()}
        for key in keys:
            assert listed[key].tag == getattr(store.info(key), "tag", None)

    def test_delete_removes_once_and_is_quiet_afterwards(self, store: BlobStore) -> None:
        store.put("a/b", b"x")
        store.put("a/c", b"y")
        store.delete("a/b")
        store.delete("a/b")
        store.delete("never/was")
        assert [each.key for each in store.list()] == ["a/c"]

    def test_the_time_is_about_now(self, store: BlobStore) -> None:
        store.put("a", b"x")
        found = store.info("a")
        assert found is not None
        assert abs(datetime.now(UTC) - found.modified_at) < timedelta(minutes=10)

    @pytest.mark.parametrize(
        "key", ["a b/c d", "ünï/cödé", "per%20cent%", "a+b=c&d?e#f", "q'u\"o", "~x!$*()[]{}", "日本"]
    )
    def test_unusual_keys_are_kept_as_they_are(self, store: BlobStore, key: str) -> None:
        store.put(key, key.encode())
        assert store.get(key) == key.encode()
        assert [each.key for each in store.list()] == [key]
        store.delete(key)
        assert store.info(key) is None

    @pytest.mark.parametrize(
        "key",
        [
            "",
            "/a",
            "a/",
            "a//b",
            "../a",
            "a/../b",
            "./a",
            "a\\b",
            "a\0b",
            "a\nb",
            ".hidden/a",
            "x" * 201,
            "x/" * 501,
        ],
    )
    def test_malformed_keys_are_refused_by_every_act(
        self, store: BlobStore, key: str, tmp_path: Path
    ) -> None:
        for acting in (
            lambda: store.put(key, b"x"),
            lambda: store.swap(key, b"x", tag=None),
            lambda: store.get(key),
            lambda: store.stream(key),
            lambda: store.fetch(key, tmp_path / "copy"),
            lambda: store.info(key),
            lambda: store.delete(key),
        ):
            with pytest.raises(Invalid):
                acting()
        assert list(store.list()) == []

    def test_objects_are_named_by_content_and_checked_when_read(
        self, store: BlobStore, tmp_path: Path
    ) -> None:
        (tmp_path / "source").write_bytes(b"content")
        digest = put_object(store, b"content")
        assert put_object(store, tmp_path / "source") == digest
        assert get_object(store, digest) == b"content"
        fetch_object(store, digest, tmp_path / "copies" / "copy")
        assert (tmp_path / "copies" / "copy").read_bytes() == b"content"
        assert has_object(store, digest)
        assert not has_object(store, "0" * 64)
        assert [each.key for each in store.list("objects/")] == [object_key(digest)]
