"""Every flipped bit is found and named, and put right where another copy has it."""

from pathlib import Path

import pytest

from fettle.data.engine import fsck, sync
from fettle.data.engine.repository import Repository
from tests.data.engine.stores import noise, packs_of, read_tree, reopened, repository, stored_tree

FILES = {f"small/{number}": noise(2000, number) for number in range(30)} | {"large": noise(900_000)}
COMMIT = "c0" * 32


@pytest.fixture
def found(tmp_path: Path) -> Repository:
    return repository(tmp_path)


@pytest.fixture
def root(found: Repository) -> str:
    root = stored_tree(found, FILES)
    with found.writer() as writer:
        writer.put_commit(COMMIT, b"the commit")
    return root


@pytest.fixture
def copy(found: Repository, root: str, tmp_path: Path) -> Repository:
    copy = repository(tmp_path, name="copy")
    sync.push(found, copy, [(COMMIT, root)])
    return copy


def blob(tmp_path: Path, key: str) -> Path:
    return tmp_path / "store" / key


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 0x10
    path.write_bytes(data)


def pack_path(found: Repository, tmp_path: Path) -> Path:
    [pack] = packs_of(found)
    return blob(tmp_path, f"data/packs/{pack}.pack")


def says(commit: str, data: bytes) -> str:
    return "" if data == b"the commit" else "another commit"


def test_a_sound_repository_has_no_faults(found: Repository, root: str):
    assert fsck.check(found, [root]) == []
    assert fsck.check(found, [root], full=True, commits=[COMMIT], check_commit=says) == []


def test_a_flipped_bit_names_pack_object_and_files(found: Repository, root: str, tmp_path: Path):
    digest = found.catalog.find(bytes.fromhex(reopened(found).missing(["0" * 64]).pop()))
    assert digest is None
    entry = {each.path: each for each in _entries(found, root)}["small/7"]
    frame = found.catalog.find(bytes.fromhex(entry.digest))
    assert frame is not None
    flip(pack_path(found, tmp_path), frame.offset + 5)

    assert fsck.check(found, [root]) == []  # quick does not read what is in packs
    [fault] = fsck.check(found, [root], full=True)
    assert fault.kind == "frame"
    assert fault.object == entry.digest
    assert frame.pack in fault.key
    assert fault.paths == ["small/7"]
    assert not fault.repaired


def _entries(found: Repository, root: str) -> list:
    from fettle.data.engine import trees

    return list(trees.entries(root, found.node))


def test_every_stored_file_flipped_is_noticed(found: Repository, root: str, tmp_path: Path):
    """Every blob, at many places: noticed by a full check, whatever it hits."""
    for info in list(found.blobs.list()):
        path = blob(tmp_path, info.key)
        original = path.read_bytes()
        for at in range(0, len(original), max(len(original) // 40, 1)):
            if info.key.endswith("format.json") and at > 0:
                continue
            flip(path, at)
            faults = fsck.check(
                reopened(found, cache=tmp_path / "fresh"),
                [root],
                full=True,
                commits=[COMMIT],
                check_commit=says,
            )
            assert faults, f"{info.key} at {at}"
            assert any(info.key == fault.key for fault in faults), f"{info.key} at {at}"
            path.write_bytes(original)
    assert fsck.check(reopened(found), [root], full=True, commits=[COMMIT], check_commit=says) == []


def test_every_place_is_repaired_from_a_copy(found: Repository, root: str, copy: Repository, tmp_path: Path):
    path = pack_path(found, tmp_path)
    places = [3, 16, 20_000, 200_000, path.stat().st_size - 3000, path.stat().st_size - 10]
    for number, at in enumerate(places):
        mine = repository(tmp_path, name=f"mine-{number}")
        sync.pull(copy, mine, [(COMMIT, root)])
        [pack] = packs_of(mine)
        flip(tmp_path / f"mine-{number}" / "data" / "packs" / f"{pack}.pack", at)

        faults = fsck.check(mine, [root], full=True, repair_from=copy)

        assert faults
        assert all(fault.repaired for fault in faults), (at, faults)
        fresh = reopened(mine, cache=tmp_path / f"fresh-{number}")
        assert fsck.check(fresh, [root], full=True) == []
        assert read_tree(fresh, root) == FILES
        assert list(mine.blobs.list("data/quarantine/"))


def test_a_lost_pack_is_repaired(found: Repository, root: str, copy: Repository, tmp_path: Path):
    pack_path(found, tmp_path).unlink()
    faults = fsck.check(reopened(found), [root])
    assert (faults[0].kind, faults[0].repaired) == ("pack", False)

    faults = fsck.check(reopened(found), [root], repair_from=copy)
    assert all(fault.repaired for fault in faults), faults
    assert len(faults[0].paths) == 20
    fresh = reopened(found, cache=tmp_path / "fresh")
    assert fsck.check(fresh, [root], full=True) == []
    assert read_tree(fresh, root) == FILES


def test_pack_and_index_lost(found: Repository, root: str, copy: Repository, tmp_path: Path):
    [pack] = packs_of(found)
    pack_path(found, tmp_path).unlink()
    blob(tmp_path, f"data/index/{pack}.idx").unlink()
    faults = fsck.check(reopened(found), [root])
    assert [fault.kind for fault in faults] == ["missing"]
    faults = fsck.check(reopened(found), [root], repair_from=copy)
    assert all(fault.repaired for fault in faults)
    assert len(faults) > 31  # what the root's absence hid was found when it was back
    assert read_tree(reopened(found), root) == FILES


def test_a_shortened_pack(found: Repository, root: str, copy: Repository, tmp_path: Path):
    path = pack_path(found, tmp_path)
    path.write_bytes(path.read_bytes()[:100_000])
    assert fsck.check(reopened(found), [root])[0].kind == "pack"
    faults = fsck.check(reopened(found), [root], full=True, repair_from=copy)
    assert all(fault.repaired for fault in faults)
    assert read_tree(reopened(found, cache=tmp_path / "fresh"), root) == FILES


def test_an_index_is_restored_from_its_pack(found: Repository, root: str, tmp_path: Path):
    [pack] = packs_of(found)
    path = blob(tmp_path, f"data/index/{pack}.idx")
    original = path.read_bytes()
    flip(path, 2000)
    [fault] = fsck.check(reopened(found, cache=tmp_path / "fresh"), [root])
    assert (fault.kind, fault.repaired) == ("index", True)
    assert path.read_bytes() == original

    path.unlink()
    [fault] = fsck.check(reopened(found, cache=tmp_path / "fresh"), [root])
    assert (fault.kind, fault.repaired) == ("index", True)
    assert path.read_bytes() == original


def test_a_second_copy_here_is_enough(found: Repository, root: str, tmp_path: Path):
    data = noise(5000, 99)
    one, two = reopened(found), reopened(found, cache=tmp_path / "two")
    with one.writer() as first, two.writer() as second:
        digest = first.put_bytes(data).digest
        second.put_bytes(data)
    frame = reopened(found).catalog.find(bytes.fromhex(digest))
    assert frame is not None
    flip(blob(tmp_path, f"data/packs/{frame.pack}.pack"), frame.offset + 9)
    empty = repository(tmp_path, name="empty")
    [fault] = fsck.check(reopened(found), [root], full=True, repair_from=empty)
    assert fault.repaired
    assert reopened(found).read(digest) == data


def test_what_no_copy_has_stays_named(found: Repository, root: str, tmp_path: Path):
    flip(pack_path(found, tmp_path), 5000)
    empty = repository(tmp_path, name="empty")
    faults = fsck.check(reopened(found), [root], full=True, repair_from=empty)
    assert [fault.repaired for fault in faults] == [False]
    assert packs_of(found)  # not put aside: what is sound in it is still read
    assert not list(found.blobs.list("data/quarantine/"))


def test_commits_and_records(found: Repository, root: str, copy: Repository, tmp_path: Path):
    flip(blob(tmp_path, f"data/commits/c0/{COMMIT}"), 3)
    [fault] = fsck.check(found, [root], commits=[COMMIT], check_commit=says)
    assert (fault.kind, fault.repaired) == ("commit", False)
    [fault] = fsck.check(found, [root], commits=[COMMIT], check_commit=says, repair_from=copy)
    assert fault.repaired
    assert found.commit_bytes(COMMIT) == b"the commit"

    found.hold("x", [root])
    flip(blob(tmp_path, "data/holds/x.json"), 0)
    [fault] = fsck.check(found, [root])
    assert (fault.kind, fault.key) == ("record", "data/holds/x.json")
