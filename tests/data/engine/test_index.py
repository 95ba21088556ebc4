"""The index: it gives back what it was told, notices every tear, and trusts no file that might change unseen."""

from __future__ import annotations

import os
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from fettle.core.ids import digest
from fettle.data.engine import index, trees
from fettle.data.engine.index import Block, Index
from fettle.data.engine.walk import lstat_row, walk

NUMBERS = st.integers(-(1 << 63), (1 << 63) - 1)
ROWS = st.tuples(NUMBERS, NUMBERS, NUMBERS, NUMBERS, NUMBERS)
NAME = st.binary(min_size=1, max_size=12).filter(lambda each: not set(each) & set(b"\0/")).map(os.fsdecode)
FILES = st.dictionaries(NAME, st.tuples(ROWS, st.binary(min_size=32, max_size=32)), max_size=8)
FOLDERS = st.dictionaries(st.lists(NAME, max_size=3).map("/".join), FILES, max_size=6)


@given(FOLDERS, st.sampled_from(["", digest(b"tree")]))
def test_an_index_survives_its_bytes(folders: dict[str, dict], tree: str) -> None:
    made = Index(tree, {folder: Block.of(files) for folder, files in folders.items()})
    data = index.encode(made)
    found = index.decode(data)
    assert found is not None
    assert (found.tree, found.blocks) == (made.tree, made.blocks)
    assert {folder: block.files() for folder, block in found.blocks.items()} == folders
    assert found.files == sum(len(each) for each in folders.values())


@given(st.data())
def test_every_tear_is_noticed(data: st.DataObject) -> None:
    row = (1, 2, 3, 4, 0o100644)
    whole = index.encode(Index("", {"a": Block.of({"b": (row, bytes(32))})}))
    place = data.draw(st.integers(0, len(whole) - 1))
    flipped = bytearray(whole)
    flipped[place] ^= 1 << data.draw(st.integers(0, 7))
    assert index.decode(bytes(flipped)) is None
    assert index.decode(whole[:place]) is None


@given(st.sets(st.lists(NAME, min_size=1, max_size=3).map("/".join), max_size=30))
def test_files_come_in_the_order_of_a_tree(paths: set[str]) -> None:
    paths = {each for each in paths if not any(other.startswith(f"{each}/") for other in paths)}
    blocks: dict[str, dict] = {}
    for path in paths:
        folder, _, name = path.rpartition("/")
        blocks.setdefault(folder, {})[name] = (
            (3, 2, 3, 4, 0o100755),
            bytes.fromhex(digest(os.fsencode(path))),
        )
    found = list(Index("", {folder: Block.of(files) for folder, files in blocks.items()}).entries())
    expected = [trees.Entry(each, digest(os.fsencode(each)), 3, 0o755) for each in paths]
    assert found == sorted(expected, key=lambda each: trees.path_bytes(each.path))


def test_a_folder_that_is_as_it_was_is_recognised_and_any_change_is_seen(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_text("one")
    (listed,) = walk(str(tmp_path))
    block = Block(listed.names, listed.stats, bytes(32))
    assert block.same(next(walk(str(tmp_path))))
    times = os.stat(file)
    file.write_text("two")  # the same length, and the time set back: the inode's own time tells
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert not block.same(next(walk(str(tmp_path))))


def test_a_file_that_may_change_unseen_is_not_trusted(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    row = lstat_row(str(tmp_path / "a"))
    assert row is not None
    just_now, later = max(row[1], row[2]), max(row[1], row[2]) + 2 * index.RACY_NS
    assert index.settled(row, later) == row
    assert index.settled(row, just_now)[1] == index.UNKNOWN_NS
    clock_stepped_back = just_now - 3_600_000_000_000
    assert index.settled(row, clock_stepped_back)[1] == index.UNKNOWN_NS
    assert index.settled(row, just_now)[0] == row[0]


def test_no_index_is_no_error(tmp_path: Path) -> None:
    assert index.read(str(tmp_path / "index")) is None
    (tmp_path / "index").write_bytes(b"")
    assert index.read(str(tmp_path / "index")) is None
